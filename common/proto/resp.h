/*
 * resp.h - the protocol of Redis, versions 2 and 3: what a connection that
 * speaks it says becomes transactions and replies. kv-protocol(7) has the table
 * of commands and where they differ from Redis.
 *
 * A connection has more state here than in JSON lines: the version it asked
 * for, what MULTI has queued, what it watches. Commands that need no store are
 * answered at once; all others become a request of kind OP_COMMAND.
 *
 * Threads: a resp_shared and its connections belong to one loop. Those that
 * were joined, and the host that commands ask, are used by one loop at a time.
 */
#ifndef PROTO_RESP_H
#define PROTO_RESP_H

#include "base/buf.h"
#include "base/txn.h"

struct resp_shared;
struct resp_conn;

/* What the server tells of a connection. */
struct resp_client {
	uint64_t id;
	const char *address, *local; /* "127.0.0.1:4711", "/path/kv.sock:0" */
	int fd;
	bool is_unix;
	uint64_t age_ms, idle_ms;
	size_t input, input_free;     /* bytes that wait to be understood */
	size_t output;		      /* bytes that wait to be sent */
	size_t replies;		      /* that wait for the disk */
	const struct resp_conn *conn; /* NULL: it speaks something else */
};

/* And of itself. */
struct resp_server_facts {
	uint64_t up_ms;
	uint64_t clients, clients_max;
	uint64_t accepted, refused, requests;
	unsigned threads;
	unsigned port;
	const char *host, *socket, *dir; /* NULL: not known */
};

typedef void resp_client_fn(void *arg, const struct resp_client *client);

/* How commands ask the server that they run in. */
struct resp_host_ops {
	void (*clients)(void *host, resp_client_fn *fn, void *arg);
	/* Closes the connection soon; not that of the caller. */
	void (*kill)(void *host, uint64_t id);
	void (*facts)(void *host, struct resp_server_facts *facts);
};

struct resp_shared *resp_shared_new(void); /* NULL: out of memory */
void resp_shared_free(struct resp_shared *shared);
void resp_shared_set_host(struct resp_shared *shared,
			  const struct resp_host_ops *ops, void *host);

/* Uses the cursors of `first`, which must outlive it, and counts with it. */
void resp_shared_join(struct resp_shared *shared, struct resp_shared *first);

/* NULL: out of memory. */
struct resp_conn *resp_open(struct resp_shared *shared, uint64_t id);
void resp_close(struct resp_conn *conn);

enum resp_next {
	RESP_MORE,    /* no whole command yet */
	RESP_NOTHING, /* `used` bytes that ask for nothing */
	RESP_CALL,    /* to be run: `call`; `tag` */
	RESP_REPLY,   /* answered: `reply` */
	RESP_LAST,    /* the same, and close the connection then */
	RESP_CLOSE,   /* nobody to talk to: close it now */
};

/*
 * Takes what is at the front of `input`: commands of at most `max` bytes. What
 * is handed out lives until the next call for any connection of the loop, and
 * as long as `input`.
 */
struct resp_feed {
	struct slice input;
	size_t max;
	bool runs;   /* the call is run before anything else: see below */
	size_t used; /* 0 at first */
	struct txn_call *call;
	unsigned count;	  /* commands in the call, 1 if not `runs` */
	struct slice tag; /* what resp_write_error() needs to know */
	struct slice reply;
	/* If not NULL, as it is at first, the keys of this command and of those
	 * behind it, and whether any of them reads. */
	const struct slice *hints;
	size_t nhints;
	bool hint_values;
};
enum resp_next resp_feed(struct resp_conn *conn, struct resp_feed *feed);

/* To be called when the input may move or change before it is fed again. */
void resp_pause(struct resp_conn *conn);

/*
 * With `runs`, several quick reads that stand one behind the other may become
 * one call, with one reply that holds all of theirs. A call of many ends early
 * when its reply gets long, or when a read fails that must say so by itself.
 * What was not run is then still to be fed: returns its length and takes it off
 * *count. To be called between such a call and the next feed.
 */
size_t resp_take_back(struct resp_conn *conn, unsigned *count);

/* After each reply to a call: lets go of what it needed. True: the connection
 * is to be closed when that has been sent. */
bool resp_settle(struct resp_conn *conn);

/* The reply to a request that failed; `tag` is its own. */
void resp_write_error(struct buf *out, int code, const char *message,
		      struct slice tag);

/* Might a connection that begins like this speak RESP? */
bool resp_sniff(struct slice head);

#endif

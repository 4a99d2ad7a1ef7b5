/*
 * resp.h - the protocol of Redis, versions 2 and 3: what a connection that
 * speaks it says becomes transactions and replies. kv-protocol(7) has the table
 * of commands and where they differ from Redis.
 *
 * A connection has more state here than in JSON lines: the version it asked
 * for, what MULTI has queued, what it watches. Commands that need no store are
 * answered at once; all others become a request of kind OP_COMMAND.
 *
 * Threads: a resp_shared and its connections belong to one loop.
 */
#ifndef PROTO_RESP_H
#define PROTO_RESP_H

#include "base/buf.h"
#include "base/members.h"
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

/* Of the cluster that it is a node of. */
struct resp_cluster_facts {
	bool clustered; /* if not, nothing else means anything */
	bool leads;
	bool linked; /* to the leader */
	/* Where the leader is, if it is known and another: "" if not. */
	char leader[MEMBER_ADDRESS_MAX + 1];
	uint64_t offset;   /* last entry that has taken effect here */
	unsigned majority; /* of the members that vote */
	unsigned nothers;  /* of the leader: the other members */
	struct {
		char address[MEMBER_ADDRESS_MAX + 1];
		uint64_t offset; /* known to be on its disk */
		bool online;
	} others[MEMBERS_MAX];
};

/* And of itself. */
struct resp_server_facts {
	struct resp_cluster_facts cluster;
	uint64_t up_ms;
	uint64_t clients, clients_max;
	uint64_t accepted, refused, requests;
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

/* The server is a node of a cluster: what acts on a connection cannot be part
 * of a transaction, which another node may have to run. */
void resp_shared_set_clustered(struct resp_shared *shared, bool on);

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
	RESP_WAIT,    /* again, when the last call has its reply */
};

/*
 * Takes what is at the front of `input`: commands of at most `max` bytes. What
 * is handed out lives until the next call for any connection of the loop, and
 * as long as `input`.
 */
struct resp_feed {
	struct slice input;
	size_t max;
	size_t used;
	struct txn_call *call;
	struct slice tag; /* what the functions about its reply need to know */
	bool stale_ok;	  /* READONLY, and it changes nothing */
	struct slice reply;
	/* If not NULL, the keys of this command and of those behind it, and
	 * whether any of them reads. */
	const struct slice *hints;
	size_t nhints;
	bool hint_values;
};
enum resp_next resp_feed(struct resp_conn *conn, struct resp_feed *feed);

/* To be called when the input may move or change before it is fed again. */
void resp_pause(struct resp_conn *conn);

/* After each reply to a call: lets go of what it needed. True: the connection
 * is to be closed when that has been sent. */
bool resp_settle(struct resp_conn *conn);

/*
 * What other nodes have to do with it (resp_forward.c). A call that is encoded
 * (txn_call.encode) has left the connection: it is run by a node that leads, on
 * a connection of its own that stands for the other, and the reply comes back.
 * What the call would have done to the connection is done on this side: a
 * transaction is forgotten when it is encoded, what WATCH found is in the
 * reply.
 */

/* The reply to a call that is an error, or that came back. Returns what to send
 * of the latter. */
struct slice resp_arrived(struct resp_conn *conn, int code,
			  struct slice encoded, struct slice tag);

/* A connection that stands for those of another node that speak that version,
 * 2 or 3; and what they ask, one encoded call that is all of the input:
 * RESP_CALL, RESP_REPLY, or RESP_CLOSE if it is not understood. */
struct resp_conn *resp_open_forwarded(struct resp_shared *shared, uint64_t id,
				      unsigned version);
enum resp_next resp_feed_forwarded(struct resp_conn *conn,
				   struct resp_feed *feed);

/* Nobody wants the reply. */
bool resp_tag_is_silent(struct slice tag);

/* The reply to a request that failed; `tag` is its own. */
void resp_write_error(struct buf *out, int code, const char *message,
		      struct slice tag);

/* Might a connection that begins like this speak RESP? */
bool resp_sniff(struct slice head);

#endif

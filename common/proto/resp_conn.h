/*
 * resp_conn.h - the inside of a connection that speaks RESP: for the files
 * that need more than a call. See resp.h for the outside.
 */
#ifndef PROTO_RESP_CONN_H
#define PROTO_RESP_CONN_H

#include "base/err.h"
#include "proto/command.h"
#include "proto/resp.h"
#include "proto/resp_parse.h"

/* What we are like, as far as clients care. */
#define REDIS_VERSION "7.0.15"

/*
 * Commands that were read ahead of the one under way, for one connection at a
 * time, so that the store can be told which keys are coming. They lie one
 * behind the other in the input, from `at` on.
 */
#define AHEAD_COMMANDS 32u
#define AHEAD_WORDS 256u
#define AHEAD_KEYS 64u /* that the store is told of at once */

struct ahead {
	const struct resp_conn *conn;
	const char *at;
	unsigned next, n;
	struct {
		const struct command *command; /* NULL: not known */
		struct slice *words;
		size_t nwords;
		size_t used;
	} list[AHEAD_COMMANDS];
	struct slice words[AHEAD_WORDS];
	struct slice keys[AHEAD_KEYS];
};

/* What the connections of a loop share. */
struct resp_shared {
	struct command_lookup *lookup;
	struct scan_cursors *cursors;
	struct ahead ahead;
	bool clustered;
	const struct resp_host_ops *host_ops; /* NULL: nobody can be asked */
	void *host;
	struct buf reply; /* of commands that need no store */
	char error[ERR_TEXT_MAX];
	struct {
		uint64_t calls, errors;
		uint64_t hits, misses; /* keys that reads found, or did not */
	} counts;
};

/* A command that waits for EXEC, with its words behind it. */
struct queued {
	const struct command *command;
	size_t argc;
	struct slice argv[];
};

struct watched {
	struct slice key; /* its bytes are our own */
	uint64_t version; /* 0: it was not there */
};

/* A command as the coordinator gets it. */
struct resp_request {
	struct txn_call base;
	struct call call;
	bool silent; /* its reply is not wanted */
};

struct resp_conn {
	struct resp_shared *shared;
	struct resp_parser parser;
	uint64_t id;
	bool resp3;
	bool greeted; /* has sent a command */
	bool closing; /* close it when the reply is sent */
	bool no_evict;
	bool readonly; /* reads may be out of date */
	bool replies_off;
	bool skip_reply; /* to the next command */
	const struct command *last;
	char *name, *lib_name, *lib_version; /* NULL: none */
	/* MULTI */
	bool multi, spoilt; /* a command could not be queued */
	bool queue_writes;  /* one of them may change something */
	struct queued **queue;
	size_t nqueued, queue_cap, queue_bytes;
	/* WATCH */
	struct watched *watched;
	size_t nwatched, watched_cap;
	/* WATCH is asked of another node: of the last of them. */
	bool asked;
	size_t nasked;
	struct resp_request request; /* under way */
};

/* resp.c: does the command; does what words say, or has it done. */
void resp_run(struct call *c);
enum resp_next resp_dispatch(struct resp_conn *conn, struct resp_feed *feed,
			     const struct command *command,
			     const struct slice *words, size_t nwords);

/* resp_forward.c: see txn.h; the flags of a call that is neither a read nor a
 * write by itself. */
int resp_encode(const struct txn_call *base, struct buf *out);
void resp_classify(struct resp_request *request);
struct slice resp_tag(const struct resp_request *request);

/* cmd_multi.c */
void multi_queue(struct call *c); /* writes QUEUED, or an error */
void multi_discard(struct resp_conn *conn);
void multi_refuse_exec(struct call *c); /* EXEC takes no arguments */
void watch_forget(struct resp_conn *conn);
bool watch_has(const struct resp_conn *conn, struct slice key);
/* False: out of memory. */
bool watch_add(struct resp_conn *conn, struct slice key, uint64_t version);
/* Forgets the last n. */
void watch_drop(struct resp_conn *conn, size_t n);

/* cmd_client.c: false: the error has been written. */
bool client_name_is_valid(struct call *c, struct slice name);

/* cmd_info.c: the host in "host:port" or "[::1]:port". */
struct slice resp_address_host(const char *address);

/* cmd_scan.c */
struct scan_cursors *scan_cursors_new(void); /* NULL: out of memory */
void scan_cursors_free(struct scan_cursors *cursors);

/* Replaces *text by a copy of the slice, or by NULL if that is empty. False:
 * out of memory, nothing changed. */
bool conn_set_text(char **text, struct slice value);

#endif

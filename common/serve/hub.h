/*
 * hub.h - one event loop's share of the server: its sessions, what they have
 * in common, and the lists that say which of them wait for what.
 *
 * Nothing in it is global: a second loop would have a hub of its own.
 *
 * Threads: a hub and its sessions belong to the loop's thread.
 */
#ifndef SERVE_HUB_H
#define SERVE_HUB_H

#include "base/buf.h"
#include "base/request.h"
#include "serve/protocol.h"
#include "serve/reply_queue.h"

#include <sys/queue.h>
#include <uv.h>

struct committer;
struct coord;
struct node;
struct session;
struct store;
TAILQ_HEAD(session_list, session);

/* One read takes as much as a Unix socket's buffer holds (208 KiB) at once,
 * so that a batch of pipelined requests costs a single system call. */
#define HUB_READ_SIZE ((size_t)256 << 10)

struct hub_options {
	size_t max_line;    /* bytes of one request */
	size_t max_clients; /* connections above are told so and closed */
};

/* Where the server is to be found; what is not known is NULL or 0. */
struct hub_place {
	const char *host, *socket, *dir;
	unsigned port;
	uint64_t started_ms; /* of the monotonic clock */
};

struct hub_counts {
	uint64_t accepted; /* connections, ever */
	uint64_t refused;
	uint64_t requests;
};

struct hub {
	uv_loop_t *loop;
	struct store *store;	     /* not owned */
	struct coord *coord;	     /* not owned */
	struct committer *committer; /* not owned */
	struct node *node;	     /* not owned; NULL: not in a cluster */
	struct hub_options options;
	struct hub_counts counts;
	struct hub_place place;
	/* Lines for info besides the coordinator's; the owner fills them. */
	void (*extend_info)(void *arg, struct info_line **lines, size_t *n);
	void *extend_arg;
	/* Shared by the sessions */
	struct parser *parser;
	struct reply_pool pool;
	struct buf scratch;   /* a reply on its way into a queue */
	struct buf command;   /* a command's, on its way to another node */
	struct buf spare_out; /* lent to a session that has output */
	char *read_buf;	      /* HUB_READ_SIZE, for input not yet begun */
	/* Sessions */
	struct session_list all;
	struct session_list owed;    /* replies wait in their queues */
	struct session_list stalled; /* do not read on for now */
	struct session_list dirty;   /* have output that is to be sent */
	size_t nsessions;
	uint64_t next_id;
	bool progress; /* see hub_progress() */
	bool draining;
};

/* 0 or KV_ENOMEM with err_text(). The pointers of the caller and its options
 * are filled in by the caller afterwards. */
int hub_init(struct hub *hub, uv_loop_t *loop);

/* All sessions must be gone. */
void hub_release(struct hub *hub);

/* A connection waits on `listener`: accepts it. */
void hub_accept(struct hub *hub, uv_stream_t *listener);

/* How far things are: what decides which replies may leave. */
struct reply_gate hub_reached(const struct hub *hub);

/* Sends what sessions got from outside of their own turn, and, if there was
 * progress, what that sets free. True if there was anything to do. */
bool hub_turn(struct hub *hub);

/* A group of writes has ended: sends what that sets free, and lets stalled
 * sessions go on. `failed` is not 0: what is not durable now never will be. */
void hub_committed(struct hub *hub, int failed);

/* The coordinator's numbers have moved: noted until hub_turn(). */
void hub_progress(struct hub *hub);

/* What replies wait for now will not happen: they become errors. */
void hub_lost(struct hub *hub);
extern const struct reply_failure hub_lost_wrote, hub_lost_other;

/* Closes the connection with that number soon. */
void hub_doom(struct hub *hub, uint64_t id);

/* Takes no more requests; clients' connections close when they have sent what
 * they owe. Those of other nodes stay, for the last writes need them. */
void hub_drain(struct hub *hub);

/* Nobody is owed a reply any more. */
bool hub_is_drained(const struct hub *hub);

/* Closes all sessions now. */
void hub_close_all(struct hub *hub);

#endif

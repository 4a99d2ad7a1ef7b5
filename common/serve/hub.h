/*
 * hub.h - one event loop's share of the server: its sessions, what they have
 * in common, and the lists that say which of them wait for what.
 *
 * Nothing in it is global: each loop of a server has a hub of its own, and all
 * of them are a team; see team.h.
 *
 * Threads: a hub and its sessions belong to the loop's thread. What others may
 * look at, and change to tell the hub something, is kept inside the gate.
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
struct team;
TAILQ_HEAD(session_list, session);

/* One read takes as much as a Unix socket's buffer holds (208 KiB) at once,
 * so that a batch of pipelined requests costs a single system call. */
#define HUB_READ_SIZE ((size_t)256 << 10)

/* So many sessions may have output of one turn that is sent at its end; each
 * has a buffer then, and buffers up to this size are kept for the next ones. */
#define HUB_SPARES 64u
#define HUB_SPARE_MAX ((size_t)16 << 10)

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

/* What a hub is told by the others; each includes those before. */
enum hub_order {
	HUB_SERVE,
	/* To take no more requests; clients' connections close when they have
	 * sent what they owe. Those of other nodes stay, for the last writes
	 * need them. */
	HUB_DRAIN,
	HUB_CLOSE, /* see hub_close_all() */
};

/* A connection that was accepted on another loop. */
struct hub_arrival {
	int fd;
	bool is_unix;
};

struct hub {
	uv_loop_t *loop;
	struct team *team;	     /* not owned */
	struct store *store;	     /* not owned; inside the gate */
	struct coord *coord;	     /* not owned; inside the gate */
	struct committer *committer; /* not owned */
	struct node *node;	     /* not owned; NULL: not in a cluster */
	struct hub_options options;
	struct hub_place place;
	/* As of the last time that the hub was inside the gate */
	struct reply_gate reached;
	size_t waiting; /* bytes that are not on disk */
	bool inside;
	bool draining;
	/* Inside the gate */
	struct hub_counts counts;
	size_t nsessions;     /* those that have not quite arrived, too */
	uint64_t awaits;      /* wake it until this is reached */
	bool condemns;	      /* some session of its is condemned */
	enum hub_order order; /* not below what it is doing */
	struct hub_arrival *arrivals;
	size_t narrivals, arrivals_cap;
	uv_async_t wake; /* to be sent by anybody: see to all this */
	/* Lines for info besides the coordinator's; the owner fills them. */
	void (*extend_info)(void *arg, struct info_line **lines, size_t *n);
	void *extend_arg;
	/* Shared by the sessions */
	struct parser *parser;
	struct reply_pool pool;
	struct buf scratch;	       /* a reply on its way into a queue */
	struct buf command;	       /* a command's, on its way elsewhere */
	struct buf spares[HUB_SPARES]; /* lent to sessions that have output */
	unsigned nspares;
	char *read_buf; /* HUB_READ_SIZE, for input not yet begun */
	/* Sessions */
	struct session_list all;     /* changed inside the gate only */
	struct session_list owed;    /* replies wait in their queues */
	struct session_list stalled; /* do not read on for now */
	struct session_list dirty;   /* have output that is to be sent */
	unsigned nput_off; /* sessions among those whose output can wait */
	bool progress;	   /* see hub_progress() */
};

/* 0 or KV_E... with err_text(). The pointers of the caller and its options are
 * filled in by the caller afterwards. */
int hub_init(struct hub *hub, struct team *team, uv_loop_t *loop);

/* Lets go of the loop, which has to run once more. */
void hub_detach(struct hub *hub);

/* All sessions must be gone and the loop closed. */
void hub_release(struct hub *hub);

/* The hub's loop is between these when it uses the store, the coordinator and
 * what is shared with other hubs. */
void hub_enter(struct hub *hub);
void hub_leave(struct hub *hub);

/* How far things are, as far as is known: what decides which replies may
 * leave. */
struct reply_gate hub_reached(const struct hub *hub);

/* Bytes that are not on disk. */
size_t hub_waiting(const struct hub *hub);

/* A connection that was accepted on another loop comes to this one. Inside the
 * gate, from any thread; the hub is to be woken then. False: out of memory. */
bool hub_give(struct hub *hub, struct hub_arrival arrival);

/* The end of a turn: sends what sessions got from outside of their own, what
 * they put off, and, if there was progress, what that sets free. True if there
 * was anything to do. */
bool hub_turn(struct hub *hub);

/* A group of writes has ended: sends what that sets free, and lets stalled
 * sessions go on. If the store has failed, what is not durable never will be.
 */
void hub_committed(struct hub *hub);

/* The coordinator's numbers have moved: noted until hub_turn(). */
void hub_progress(struct hub *hub);

/* What replies wait for now will not happen: they become errors. */
void hub_lost(struct hub *hub);
extern const struct reply_failure hub_lost_wrote, hub_lost_other;

/* Closes the connection with that number soon. */
void hub_doom(struct hub *hub, uint64_t id);

/* Nobody is owed a reply any more. */
bool hub_is_drained(const struct hub *hub);

/* Closes all sessions now. */
void hub_close_all(struct hub *hub);

#endif

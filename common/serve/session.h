/*
 * session.h - one connection: reads requests, submits them, and sends the
 * replies in order.
 *
 * All requests that one read brings are handled before one write sends what
 * can be sent. Memory is bounded: a session stops reading while too much waits
 * in its reply queue or for the peer to take it, or while the store has too
 * much that is not durable yet. A reply that has begun is always finished, so
 * that one of SESSION_REPLY_MAX can come on top.
 *
 * A session frees itself; nobody keeps a pointer to one across a call that may
 * close it, save through the hub's lists.
 */
#ifndef SERVE_SESSION_H
#define SERVE_SESSION_H

#include "serve/hub.h"

/* Where a session stops reading. */
#define SESSION_UNSENT_MAX ((size_t)1 << 20) /* bytes of output */
/* The same for another node, where what the cluster lives on comes in as well:
 * it stops only if the node takes nothing at all. */
#define SESSION_PEER_UNSENT_MAX ((size_t)256 << 20)
#define SESSION_SLOTS_MAX 10000u	     /* replies owed */
#define SESSION_HELD_MAX ((size_t)4 << 20)   /* bytes of replies held */
#define SESSION_STORE_MAX ((size_t)64 << 20) /* bytes not durable yet */

/* Keys and values in one reply: a scan gives pages of the first size and a
 * cursor; a get or mget may have as much as the longest line by default. */
#define SESSION_PAGE_MAX ((size_t)1 << 20)
#define SESSION_REPLY_MAX ((size_t)256 << 20)

/* What is told of a connection to others: written by its loop, read on any. */
struct session_seen {
	_Atomic uint64_t heard_ms; /* of the loop's clock */
	_Atomic size_t input, input_free, output, replies;
};

struct session {
	union {
		uv_handle_t handle;
		uv_stream_t stream;
		uv_tcp_t tcp;
		uv_pipe_t pipe;
	} io;
	struct hub *hub;
	uint64_t id;
	uint64_t group; /* the last that it waited for; see gather.h */
	const struct protocol *protocol; /* NULL until the first byte */
	struct feed_state feed;
	struct buf in; /* input that is not handled yet */
	struct reply_queue queue;
	struct buf out;	    /* not given to the kernel yet */
	struct buf sending; /* being sent by `write` */
	uv_write_t write;
	bool writing;	/* `write` is under way */
	bool reading;	/* uv_read_start() is in force */
	bool pumping;	/* handling input: the end of it sends */
	bool finished;	/* no more input will be handled */
	bool ended;	/* the peer has sent all that it will */
	bool closing;	/* uv_close() was called */
	bool doomed;	/* somebody wants it closed */
	bool blocked;	/* the next request waits for a reply */
	bool condemned; /* the same, for those inside the gate */
	int fd;		/* -1: not known */
	bool is_unix;
	char *ends;	   /* both addresses, each with a NUL; NULL: unknown */
	uint64_t began_ms; /* of the loop's clock */
	struct session_seen seen;
	bool is_owed, is_stalled, is_dirty; /* on the hub's lists */
	TAILQ_ENTRY(session) all, owed, stalled, dirty;
};

/* Accepts a connection that waits on `listener`; closes it again if that
 * fails. The hub has counted it already. */
void session_accept(struct hub *hub, uv_stream_t *listener);

/* The same for one that was accepted elsewhere. */
void session_adopt(struct hub *hub, struct hub_arrival arrival);

/* Handles input that is there as far as limits allow, sends, and sees to it
 * that reading goes on or stops. May close the session. */
void session_pump(struct session *s);

/* Moves what may leave into the output and sends it. May close it. */
void session_release(struct session *s);

/* Takes no more input and closes when all replies are sent. */
void session_finish(struct session *s);

void session_close(struct session *s);

/* Closes it soon: the caller may be anybody. */
void session_doom(struct session *s);

/* Writes down what is to be seen of it at this moment. */
void session_show(struct session *s);

/* ---- between session.c (requests), session_io.c (bytes) and session_open.c
 * (beginnings and ends) ---- */

/* Handles requests at the front of `input` and moves it on. False if a limit
 * ended it and not the input. */
bool session_handle(struct session *s, struct slice *input);

/* Sends as much of the output as the kernel takes, in one call; the rest goes
 * when it can. Closes the session if it is finished and nothing is left. */
void session_send(struct session *s);

size_t session_unsent(const struct session *s);

/* The connection is there: reads on from here, or stops. */
void session_set_reading(struct session *s, bool on);

/* Frees it, when its handle is closed. */
void session_free(struct session *s);

/* Whether a limit keeps it from taking the next request. */
bool session_is_full(const struct session *s);

#endif

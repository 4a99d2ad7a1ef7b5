/*
 * team.h - the event loops of a server, each with a hub of its own: one store
 * is served by as many threads.
 *
 * The first loop is at home on the caller's thread; it accepts connections and
 * deals them out, each to the hub that has fewest. Reading, writing and waiting
 * happen on all loops at once, the store is used by one at a time: see gate.h.
 *
 * Threads: all calls belong to the first loop's thread unless they say
 * otherwise.
 */
#ifndef SERVE_TEAM_H
#define SERVE_TEAM_H

#include "serve/gate.h"
#include "serve/hub.h"

struct team_member {
	uv_loop_t loop;
	struct hub hub;
	struct team *team;
	uv_prepare_t prepare;
	pthread_t thread; /* not of the first */
	bool has_loop, has_hub, has_thread;
};

struct team {
	struct gate gate;
	struct team_member *members;
	unsigned n;
	/* Inside the gate */
	uint64_t next_id;
	unsigned running; /* threads whose loops go on */
	/* Called on each loop before it goes to sleep. */
	void (*turn_ended)(void *arg, struct hub *hub);
	void *arg;
};

/* Loops and hubs, none running yet. 0 or KV_E... with err_text(); team_close()
 * is due in any case. */
int team_open(struct team *team, unsigned n,
	      void (*turn_ended)(void *arg, struct hub *hub), void *arg);

struct hub *team_hub(const struct team *team, unsigned i);

/* Starts the threads; the first loop is run by the caller. 0 or KV_E... with
 * err_text(). */
int team_start(struct team *team);

/* A connection waits on `listener`. */
void team_accept(struct team *team, uv_stream_t *listener);

/* Tells all hubs; they come to it soon. */
void team_order(struct team *team, enum hub_order order);

/* More is durable: releases what that sets free, on this hub at once, which
 * must be the caller's. */
void team_committed(struct team *team, struct hub *hub);

/* All sessions are gone and all threads but the caller's have ended or will. */
bool team_is_done(struct team *team);

/* Sums over all hubs. Inside the gate, on any thread. */
struct hub_counts team_counts(const struct team *team, size_t *nsessions);

/* Ends the threads. */
void team_stop(struct team *team);

/* After that: closes the loops and the hubs; all other handles on the first
 * loop must be closing. */
void team_close(struct team *team);

#endif

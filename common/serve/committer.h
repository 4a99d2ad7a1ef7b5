/*
 * committer.h - makes what was written to a store durable, group by group, and
 * keeps the store's background work going.
 *
 * committer_run() is called once per turn of a loop, after all input of that
 * turn has been handled: everything written in it becomes one group. While a
 * group is being synced on the sync thread, what arrives joins the next one.
 *
 * Where nobody would gain by that, because all that comes are writes or there
 * is just one client, a small group is synced in place, which saves two thread
 * switches a group. That thread then is the one whose turn has ended; the gate
 * is open meanwhile, and what other loops write joins the next group, which
 * goes to the sync thread.
 *
 * A server with one loop, and not of a cluster, lets a group wait a moment for
 * the clients that are about to join it; see gather.h. The loop looks for them
 * without going to sleep, so this is left out where there is just one
 * processor, which they need.
 *
 * Threads: the committer lives on one loop, where its jobs come back and its
 * tick runs. committer_run() may be called on others as well; it and the jobs
 * enter the gate by themselves. committer_note() and committer_join() are
 * called inside it.
 */
#ifndef SERVE_COMMITTER_H
#define SERVE_COMMITTER_H

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

struct gate;
struct hub;
struct store;
struct committer;

enum committer_mode {
	COMMITTER_AUTO,	   /* as above */
	COMMITTER_INPLACE, /* on a loop's thread */
	COMMITTER_THREAD,  /* always on the sync thread */
};

struct committer_events {
	/* A group has ended: store_durable() may have moved. `failed` is 0 or
	 * the error that made the store read-only. Called outside the gate, on
	 * the loop of the hub. */
	void (*committed)(void *arg, struct hub *hub, int failed);
	/* Background work failed; it is tried again later. */
	void (*task_failed)(void *arg);
	void *arg;
};

/* It lives on the loop of `home`. 0 or KV_E... with err_text(). The loop must
 * be run after committer_free() and, on failure, after this call, to let go of
 * the handles. */
int committer_new(struct committer **out, struct hub *home, struct gate *gate,
		  struct store *store, enum committer_mode mode,
		  const struct committer_events *events);

/* Client number `who` has asked for so many things. */
void committer_note(struct committer *c, uint64_t who, unsigned requests);

/* A client waits for what was written to be on disk. *group is 0 at first and
 * stays with the client. */
void committer_join(struct committer *c, uint64_t *group);

/* The turn of this hub's loop has ended. */
void committer_run(struct committer *c, struct hub *hub);

/* While it is held, nothing is begun; what is under way ends. */
void committer_hold(struct committer *c, bool on);

/* Nothing is under way. */
bool committer_is_quiet(const struct committer *c);

/* Goes on with another store, or with none (NULL); it must be quiet. */
void committer_set_store(struct committer *c, struct store *store);

/* Starts no more background work. */
void committer_wind_down(struct committer *c);

/* Nothing waits and nothing is under way. To be asked on its own loop. */
bool committer_is_idle(struct committer *c);

/* It must be idle. Frees it when the loop has closed its handles. */
void committer_free(struct committer *c);

#endif

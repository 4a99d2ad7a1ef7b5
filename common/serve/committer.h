/*
 * committer.h - makes what a loop has written to its store durable, group by
 * group, and keeps the store's background work going.
 *
 * committer_run() is called once per turn of the loop, after all input of that
 * turn has been handled: everything written in it becomes one group. While a
 * group is being synced on the sync thread, what arrives joins the next one.
 *
 * Where nobody would gain by that, because all that comes are writes or there
 * is just one client, a small group is synced in place: that saves two thread
 * switches a group, and all clients that write get into every group instead of
 * every other one (4 clients: 16,000
 * writes a second instead of 8,000).
 *
 * Threads: all calls belong to the loop's thread, which owns the store.
 */
#ifndef SERVE_COMMITTER_H
#define SERVE_COMMITTER_H

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

struct store;
struct committer;

enum committer_mode {
	COMMITTER_AUTO,	   /* as above */
	COMMITTER_INPLACE, /* always on the loop's thread */
	COMMITTER_THREAD,  /* always on the sync thread */
};

struct committer_events {
	/* A group has ended: store_durable() may have moved. `failed` is 0 or
	 * the error that made the store read-only, with err_text(). */
	void (*committed)(void *arg, int failed);
	/* Background work failed; it is tried again later. */
	void (*task_failed)(void *arg);
	void *arg;
};

/* 0 or KV_E... with err_text(). The loop must be run after committer_free()
 * and, on failure, after this call, to let go of the handles. */
int committer_new(struct committer **out, uv_loop_t *loop, struct store *store,
		  enum committer_mode mode,
		  const struct committer_events *events);

/* Client number `who` has asked for something. */
void committer_note(struct committer *c, uint64_t who);

void committer_run(struct committer *c);

/* While it is held, nothing is begun; what is under way ends. */
void committer_hold(struct committer *c, bool on);

/* Nothing is under way. */
bool committer_is_quiet(const struct committer *c);

/* Goes on with another store, or with none (NULL); it must be quiet. */
void committer_set_store(struct committer *c, struct store *store);

/* Starts no more background work. */
void committer_wind_down(struct committer *c);

/* Nothing waits and nothing is under way. */
bool committer_is_idle(const struct committer *c);

/* It must be idle. Frees it when the loop has closed its handles. */
void committer_free(struct committer *c);

#endif

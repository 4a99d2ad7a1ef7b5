/*
 * kill.h - kills a real server at random moments and looks for what it lost.
 *
 * Each round starts kv-serve on one store, reads back everything, lets many
 * clients write at once (sets, deletes, atomic bulks), and ends the server
 * with SIGKILL: while they write, while it starts, or while it stops.
 *
 * Most keys have one client that writes them, so it is known exactly what must
 * be there: the last acknowledged value, or that of the one write which was
 * under way. Some keys are written by all clients; these are verified through
 * the history of all operations (history.h).
 *
 * Threads: kill_run() starts one for each client and ends them.
 */
#ifndef CHECK_KILL_H
#define CHECK_KILL_H

#include "base/buf.h"
#include "base/err.h"
#include "check/history.h"

#include <stdbool.h>
#include <stdint.h>

struct kill_report {
	uint64_t rounds;
	uint64_t acked;	     /* writes that were acknowledged */
	uint64_t lost;	     /* keys whose acknowledged write was gone */
	uint64_t torn;	     /* bulks of which only a part was there */
	uint64_t wrong;	     /* values that nobody wrote, stale reads */
	uint64_t starting;   /* kills while it started */
	uint64_t stopping;   /* kills while it stopped */
	uint64_t operations; /* in the history */
	uint64_t compacted;  /* bytes that compaction copied */
	struct buf details;  /* a line for each thing that was wrong */
	struct history_report history;
};

struct kill_options {
	unsigned rounds, clients, keys;
	unsigned threads; /* event loops of the server */
	uint64_t seed;
	const char *dir; /* where the store goes; it is removed after a pass */
	const char *server; /* the path of kv-serve */
	/* Called after each round; may be NULL. */
	void (*progress)(void *arg, const struct kill_report *so_far);
	/* Called with the lines of the history as they come; may be NULL. */
	int (*history)(void *arg, struct slice lines);
	void *arg;
};

/* 0 with the report filled, whatever it says; or KV_E... if the test could not
 * be carried out. Release the report in any case. */
int kill_run(const struct kill_options *options, struct kill_report *report);
void kill_report_release(struct kill_report *report);

/* Nothing lost, torn or wrong, and the history linearizable. */
bool kill_passed(const struct kill_report *report);

#endif

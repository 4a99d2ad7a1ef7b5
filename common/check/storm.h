/*
 * storm.h - a cluster of real processes in bad weather: clients write and read
 * through all nodes and both protocols while nodes are killed, paused and cut
 * off; then everything that anybody saw must fit together.
 *
 * Every operation goes into one history (history.h), which is checked for
 * linearizability; the last reads, when the weather is fine again, are part of
 * it, so an acknowledged write that is gone is a violation. At the end all
 * nodes must hold the same, and none may have ended by itself.
 *
 * Threads: storm_run() starts one for each client and one that makes the
 * weather, and ends them.
 */
#ifndef CHECK_STORM_H
#define CHECK_STORM_H

#include "base/buf.h"
#include "base/err.h"
#include "check/history.h"

#include <stdbool.h>
#include <stdint.h>

struct storm_report {
	uint64_t acked;	  /* writes that were acknowledged */
	uint64_t unknown; /* writes whose outcome nobody told */
	uint64_t refused; /* operations that were, for want of a quorum */
	uint64_t operations;
	uint64_t kills, pauses, partitions;
	uint64_t differing; /* keys that are not the same on all nodes */
	uint64_t ended;	    /* times that a node ended without being told to */
	struct buf details; /* a line for each thing that was wrong */
	struct history_report history;
};

struct storm_options {
	unsigned nodes, clients, keys;
	uint64_t duration_ms;
	uint64_t seed;	 /* of the choices; the processes have their own pace */
	const char *dir; /* where the cluster goes; removed after a pass */
	const char *server; /* the path of kv-serve */
	/* Called about twice a second; may be NULL. */
	void (*progress)(void *arg, const struct storm_report *so_far,
			 uint64_t elapsed_ms);
	/* Called with the lines of the history as they come, by any thread but
	 * one at a time; may be NULL. */
	int (*history)(void *arg, struct slice lines);
	void *arg;
};

/* 0 with the report filled, whatever it says; or KV_E... if the test could not
 * be carried out. Release the report in any case. */
int storm_run(const struct storm_options *options, struct storm_report *report);
void storm_report_release(struct storm_report *report);

bool storm_passed(const struct storm_report *report);

#endif

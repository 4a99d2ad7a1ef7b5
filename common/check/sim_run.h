/*
 * sim_run.h - one cluster, one seed: a simulated cluster (sim_net.h) in bad
 * weather, with clients, and the judgement on it.
 *
 * The seed decides everything: the weather, what breaks and when, what the
 * clients ask. While the storm lasts, frames are late, lost, doubled and
 * overtaken; links break or are cut, also one way; nodes are paused, killed,
 * told to stop, lose their power or their whole disk; disks are slow, fail, or
 * are full; clocks jump; members come and go, are repaired, and hand over
 * leadership. Clients on all nodes meanwhile read (also what may be stale),
 * write, delete, write in bulk, on conditions, with a lifetime, once only with
 * retries, and count. Then the weather clears, everything is started again, and
 * the cluster must come to rest.
 *
 * What must hold is in sim_net.h; besides
 *
 *	what the clients saw is linearizable (history.h)
 *	what may be stale was committed once
 *	a bulk is seen whole or not at all
 *	at last somebody leads, and all members hold the same
 *
 * The same options give the same run, step by step, on every machine.
 *
 * Threads: one at a time; different runs are independent.
 */
#ifndef CHECK_SIM_RUN_H
#define CHECK_SIM_RUN_H

#include "base/buf.h"

#include <stdint.h>

#define SIM_RUN_STEPS 6000u

struct sim_run_options {
	uint64_t seed;
	unsigned members; /* 3 or 5; 0: as the seed says */
	uint64_t steps;	  /* the storm takes; 0: SIM_RUN_STEPS */
	/* Lines about what happens; NULL: nobody listens. */
	void (*log)(void *arg, const char *line);
	void *log_arg;
};

struct sim_run_report {
	char broken[256];   /* what went wrong; empty: nothing */
	struct buf details; /* more about it, for people; may be empty */
	uint64_t trace_hash;
	unsigned members;
	uint64_t steps, virtual_ms;
	uint64_t operations, acked, unknown, refused;
	uint64_t crashes, stops, pauses, cuts, disk_faults, wipes, orders;
};

/* Fills *report; release it whatever the result. 0, or KV_ENOMEM: it could not
 * be run. That something went wrong in the cluster is no error. */
int sim_run(const struct sim_run_options *options,
	    struct sim_run_report *report);
void sim_run_report_release(struct sim_run_report *report);

#endif

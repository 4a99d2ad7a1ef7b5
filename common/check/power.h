/*
 * power.h - cuts the power of a store, everywhere.
 *
 * A scripted workload (sets, deletes, bulks, prefix deletes, group commits with
 * writes in between, segment rolls, compaction, recycling, side files, clean
 * and unclean re-openings) runs on the real store over a simulated file system
 * (simfs.h). Between any two operations that change files the power is cut:
 * the store is opened on each of the enumerated states, and must then hold
 * what it held after one of its writes, no earlier than the last one
 * acknowledged: so every acknowledged write is there, every delete stays
 * deleted, a batch is there wholly or not at all, and nothing is invented.
 * What an opening has shown must be on disk: the power is cut again right
 * after it, and the next opening must show the same. At the same points the
 * process alone is killed, with all that it wrote still in memory. Some
 * recoveries are themselves cut at each of their operations, or fail at each.
 *
 * Then the same script runs once for each of its operations, which fails: once,
 * from then on, with a short write. A store may refuse writes after that, and
 * may fail to open while it lasts; it may not lose or invent anything.
 *
 * Everything follows from the seed. Threads: one at a time.
 */
#ifndef CHECK_POWER_H
#define CHECK_POWER_H

#include "base/buf.h"
#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

struct power_options {
	uint64_t seed;	 /* of the scripts and the random choices */
	uint64_t states; /* go on to further scripts until so many were met */
	unsigned steps;	 /* of a script; 0: as suits the workload */
	unsigned limit;	 /* states at one cut; 0: the same */
	bool no_cuts;	 /* failing operations only */
	bool no_faults;	 /* power cuts only */
	/* Called now and then; may be NULL. */
	void (*progress)(void *arg, uint64_t states, uint64_t wanted);
	void *arg;
};

struct power_report {
	uint64_t states;     /* opened and verified */
	uint64_t cuts;	     /* moments at which the power went */
	uint64_t kills;	     /* of states: killed, with the power on */
	uint64_t recoveries; /* cuts and failures during recovery, of states */
	uint64_t faults;     /* runs with a failing operation */
	uint64_t scripts;
	uint64_t exhaustive; /* cuts of which every state was met */
	struct buf failure;  /* empty: none; else what went wrong, to read */
};

/* 0 if nothing was found, KV_EDAMAGED if something was (see failure), or
 * KV_ENOMEM. Release the report whatever the result. */
int power_explore(const struct power_options *options,
		  struct power_report *report);
void power_report_release(struct power_report *report);

#endif

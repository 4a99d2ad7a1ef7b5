/*
 * power_explore.h - what is common to cutting the power of any workload: when
 * it goes, what a restart may find, what an operation that fails comes to. See
 * power.h.
 */
#ifndef CHECK_POWER_EXPLORE_H
#define CHECK_POWER_EXPLORE_H

#include "check/power.h"
#include "check/power_workload.h"

struct explorer {
	const struct explorer_kind *kind;
	struct workload *work;
	const struct power_options *options;
	struct power_report *report;
	uint64_t seed; /* of this script */
	uint64_t limit;
	uint64_t acked;	    /* at the last cut */
	bool changed;	    /* since the last cut */
	unsigned cuts_left; /* after a fault */
	uint64_t tried;	    /* states after cuts of scripts */
	char during[128];   /* for the report */
	const struct simfs_step *step;
	int error; /* KV_ENOMEM */
};

struct explorer_kind {
	const struct workload_kind *work;
	/* Steps of a script, and of one that runs once for each of its
	 * operations, which fails. */
	unsigned steps, steps_faulty;
	uint64_t limit; /* states at one cut */
	uint64_t few;	/* at one within a recovery, or after a failure */
	/* Operations after a failed one at which the power is cut as well. */
	unsigned cuts_after_fault;
	/* What a restart found must open, be right, stay what it is, and take
	 * writes. */
	void (*check)(struct explorer *ex, struct simfs *sim);
};

/* Explores a kind of workload; `work` is room for one, owned by the caller. As
 * power_explore(). */
MUST_CHECK int explorer_run(const struct explorer_kind *kind,
			    struct workload *work,
			    const struct power_options *options,
			    struct power_report *report);

/* ---- for check() ---- */

/* Whether something was found, or memory ran out. */
bool explorer_failed(const struct explorer *ex);
/* Puts a failure into the report. */
void explorer_tell(struct explorer *ex, const char *what, struct slice why);
/* Opens what a restart found and compares it with what the workload allows.
 * NULL: told. `what` is the occasion. Close it. */
struct store *explorer_open(struct explorer *ex, struct simfs *sim,
			    const char *what);
/* The same, and closes it. */
void explorer_look(struct explorer *ex, struct simfs *sim, const char *what);
/* Takes the power from `sim`; of what no sync has covered nothing is left.
 * NULL: no memory, which is noted. simfs_free() it. */
struct simfs *explorer_cycle(struct explorer *ex, struct simfs *sim);

#endif

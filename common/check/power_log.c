/*
 * power_log.c - see power_log.h. The way of power.c: a watcher looks at the
 * script from outside before each operation, and tries what would be if it
 * were the last.
 */
#include "check/power_log.h"

#include "check/power_log_script.h"
#include "check/simfs.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define STEPS_DEFAULT 240
/* Of scripts that run once for each of their operations. */
#define STEPS_FAULTY 120
#define LIMIT_DEFAULT 12
#define FEW 3
/* Recoveries that are cut themselves: one in so many states. */
#define RECOVERY_EVERY 40

struct explorer {
	const struct power_options *options;
	struct power_report *report;
	struct log_script script;
	uint64_t seed, limit;
	bool changed;
	const char *during;
	const struct simfs_step *step;
	int error;
};

static bool failed(const struct explorer *ex)
{
	return ex->report->failure.len > 0 || ex->error != 0;
}

static void tell(struct explorer *ex, const char *what, const struct buf *why)
{
	struct buf *out = &ex->report->failure;

	buf_printf(out, "seed %llu, %s", (unsigned long long)ex->seed,
		   ex->during);
	if (ex->step != NULL) {
		buf_append_str(out, ", power cut before ");
		simfs_step_text(ex->step, out);
	}
	buf_printf(out, ":\n%s: %.*s\n", what, (int)why->len, why->data);
}

/* Opens what a restart found and compares it. */
static void check_open(struct explorer *ex, struct simfs *sim, const char *what)
{
	struct buf why = {0};
	struct store *s;

	ex->report->states++;
	if (log_script_open(sim, &s) != 0) {
		buf_append_str(&why, err_text());
		tell(ex, what, &why);
	} else {
		if (!log_script_matches(&ex->script, s, &why))
			tell(ex, what, &why);
		(void)!store_close(s);
	}
	buf_release(&why);
}

/* The store goes on: an entry more, and it is there after the next restart. */
static void check_goes_on(struct explorer *ex, struct simfs *sim)
{
	struct buf why = {0};
	struct store *s;
	uint64_t last = 0, term;
	int r = log_script_open(sim, &s);

	if (r == 0) {
		last = store_appended(s) + 1;
		r = log_script_append(s, 999, 0, slice_str("and on"));
		if (r == 0)
			r = store_sync(s);
		(void)!store_close(s);
	}
	if (r == 0)
		r = log_script_open(sim, &s);
	if (r == 0) {
		if (store_appended(s) != last ||
		    store_log_term(s, last, &term) != 0 || term != 999 ||
		    store_log_commit(s, last) != 0)
			buf_append_str(&why, "the entry is not there");
		(void)!store_close(s);
	} else {
		buf_append_str(&why, err_text());
	}
	if (why.len != 0)
		tell(ex, "one entry more", &why);
	buf_release(&why);
}

static void check_state(struct explorer *ex, struct simfs *sim)
{
	check_open(ex, sim, "after the power came back");
	if (!failed(ex))
		check_open(ex, sim, "opened a second time");
	if (!failed(ex))
		check_goes_on(ex, sim);
}

/* ---- cuts ---- */

static void each_choice(struct explorer *ex, const struct simfs *sim,
			uint64_t limit, uint64_t seed,
			void (*check)(struct explorer *, struct simfs *,
				      const struct simfs_cut *,
				      const unsigned *))
{
	struct simfs_cut cut;
	struct simfs_walk w;
	const unsigned *choice;

	if (simfs_cut_init(&cut, sim) != 0 ||
	    simfs_walk_init(&w, &cut, limit, seed) != 0) {
		simfs_cut_release(&cut);
		ex->error = KV_ENOMEM;
		return;
	}
	ex->report->exhaustive += w.exhaustive;
	while (!failed(ex) && (choice = simfs_walk_next(&w)) != NULL) {
		struct simfs *next = simfs_restart(&cut, choice);

		if (next == NULL) {
			ex->error = KV_ENOMEM;
			break;
		}
		check(ex, next, &cut, choice);
		if (failed(ex) && ex->error == 0) {
			struct buf *out = &ex->report->failure;

			buf_append_str(out, "Not on disk after the cut:\n");
			simfs_choice_text(&cut, choice, out);
			buf_append_str(out, "Operations before it:\n");
			simfs_trace_text(cut.sim, 40, out);
		}
		simfs_free(next);
	}
	simfs_walk_release(&w);
	simfs_cut_release(&cut);
}

static void check_second(struct explorer *ex, struct simfs *sim,
			 const struct simfs_cut *cut, const unsigned *choice)
{
	(void)cut;
	(void)choice;
	ex->report->recoveries++;
	check_open(ex, sim, "after a second cut, during recovery");
}

static void cut_recovery(void *arg, const struct simfs *sim,
			 const struct simfs_step *step)
{
	struct explorer *ex = arg;

	if (!failed(ex) && (SIMFS_CHANGES & SIMFS_ONLY(step->op)) != 0)
		each_choice(ex, sim, FEW, ex->seed + step->number,
			    check_second);
}

static void check_first(struct explorer *ex, struct simfs *sim,
			const struct simfs_cut *cut, const unsigned *choice)
{
	struct simfs *again;
	struct store *s;

	check_state(ex, sim);
	if (failed(ex) || ex->report->states % RECOVERY_EVERY > 2)
		return;
	again = simfs_restart(cut, choice);
	if (again == NULL) {
		ex->error = KV_ENOMEM;
		return;
	}
	simfs_trace(again);
	simfs_watch(again, cut_recovery, ex);
	if (log_script_open(again, &s) == 0) {
		simfs_watch(again, NULL, NULL);
		(void)!store_close(s);
	}
	simfs_free(again);
}

static void check_cut(struct explorer *ex, const struct simfs *sim)
{
	struct simfs *killed = simfs_clone(sim);

	ex->report->cuts++;
	if (killed == NULL) {
		ex->error = KV_ENOMEM;
		return;
	}
	ex->report->kills++;
	check_state(ex, killed);
	simfs_free(killed);
	if (!failed(ex))
		each_choice(ex, sim, ex->script.faulty ? FEW : ex->limit,
			    ex->seed + simfs_steps(sim), check_first);
	if (ex->options->progress != NULL)
		ex->options->progress(ex->options->arg, ex->report->states,
				      ex->options->states);
}

static void watch_script(void *arg, const struct simfs *sim,
			 const struct simfs_step *step)
{
	struct explorer *ex = arg;
	bool look = ex->changed && !ex->script.faulty;

	ex->changed = (SIMFS_CHANGES & SIMFS_ONLY(step->op)) != 0;
	if (failed(ex) || !look)
		return;
	ex->step = step;
	check_cut(ex, sim);
	ex->step = NULL;
}

/* ---- scripts ---- */

static void run_script(struct explorer *ex, const struct simfs_fault *fault,
		       bool *fired)
{
	unsigned steps = ex->options->steps ? ex->options->steps
			 : fault != NULL    ? STEPS_FAULTY
					    : STEPS_DEFAULT;
	struct simfs *sim = simfs_new(0);
	struct log_script *sc = &ex->script;

	if (sim == NULL || log_script_begin(sc, sim, ex->seed) != 0) {
		simfs_free(sim);
		ex->error = KV_ENOMEM;
		return;
	}
	sc->faulty = fault != NULL;
	ex->changed = false;
	simfs_trace(sim);
	if (sc->faulty)
		simfs_inject(sim, fault);
	if (!sc->faulty && !ex->options->no_cuts)
		simfs_watch(sim, watch_script, ex);
	while (steps-- > 0 && !failed(ex) && log_script_step(sc))
		;
	*fired = simfs_fired(sim) > 0;
	simfs_clear_faults(sim);
	simfs_watch(sim, NULL, NULL);
	if (sc->failure.len > 0 && !failed(ex)) {
		tell(ex, "the script", &sc->failure);
		simfs_trace_text(sim, 40, &ex->report->failure);
	}
	if (!failed(ex))
		check_cut(ex, sim);
	log_script_end(sc);
	simfs_free(sim);
}

static void run_faults(struct explorer *ex)
{
	struct simfs_fault fault = {.kind = SIMFS_FAIL, .error = EIO};

	for (int sticky = 0; sticky < 2; sticky++) {
		bool fired = true;

		fault.sticky = sticky != 0;
		ex->during = fault.sticky ? "operations fail from one on"
					  : "one operation fails";
		for (fault.nth = 1; fired && !failed(ex); fault.nth++) {
			run_script(ex, &fault, &fired);
			ex->report->faults += fired;
		}
	}
}

int power_explore_log(const struct power_options *options,
		      struct power_report *report)
{
	struct explorer ex = {.options = options,
			      .report = report,
			      .seed = options->seed,
			      .limit = options->limit ? options->limit
						      : LIMIT_DEFAULT};

	*report = (struct power_report){0};
	do {
		bool fired;

		ex.during = "no operation fails";
		if (!options->no_cuts)
			run_script(&ex, NULL, &fired);
		if (!options->no_faults && !failed(&ex))
			run_faults(&ex);
		report->scripts++;
		ex.seed++;
	} while (!failed(&ex) && report->states < options->states);
	if (ex.error != 0 || buf_failed(&report->failure))
		return err_set(KV_ENOMEM, "no memory for the exploration");
	return report->failure.len > 0
		       ? err_set(KV_EDAMAGED, "the store lost or invented data")
		       : 0;
}

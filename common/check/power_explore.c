/*
 * power_explore.c - see power_explore.h. The script runs once; a watcher looks
 * at it from outside before each operation and tries what would be if it were
 * the last.
 */
#include "check/power_explore.h"

#include <errno.h>
#include <stdio.h>

/* Recoveries that are cut themselves, and made to fail, at each of their
 * operations: one in so many states. */
#define RECOVERY_EVERY 24
/* Of the trace, in a report. */
#define OPERATIONS_TOLD 40

bool explorer_failed(const struct explorer *ex)
{
	return ex->report->failure.len > 0 || ex->error != 0;
}

static bool changes(const struct simfs_step *step)
{
	return (SIMFS_CHANGES & SIMFS_ONLY(step->op)) != 0;
}

/* ---- saying what happened ---- */

void explorer_tell(struct explorer *ex, const char *what, struct slice why)
{
	struct buf *out = &ex->report->failure;

	buf_printf(out, "seed %llu, %s", (unsigned long long)ex->seed,
		   ex->during);
	if (ex->step != NULL) {
		buf_append_str(out, ", power cut before ");
		simfs_step_text(ex->step, out);
	}
	buf_printf(out, ":\n%s: ", what);
	buf_append_slice(out, why);
}

static void tell_trace(struct explorer *ex, const char *title,
		       const struct simfs *sim)
{
	buf_append_str(&ex->report->failure, title);
	simfs_trace_text(sim, OPERATIONS_TOLD, &ex->report->failure);
}

static void tell_cut(struct explorer *ex, const struct simfs_cut *cut,
		     const unsigned *choice)
{
	buf_append_str(&ex->report->failure, "Not on disk after the cut:\n");
	simfs_choice_text(cut, choice, &ex->report->failure);
	tell_trace(ex, "Operations before it:\n", cut->sim);
}

/* ---- one state ---- */

struct store *explorer_open(struct explorer *ex, struct simfs *sim,
			    const char *what)
{
	struct buf why = {0};
	struct store *s;

	ex->report->states++;
	if (workload_open(ex->kind->work, sim, &s) != 0) {
		buf_printf(&why, "the store does not open: %s\n", err_text());
		explorer_tell(ex, what, buf_slice(&why));
	} else if (!ex->kind->work->matches(ex->work, s, &why)) {
		explorer_tell(ex, what, buf_slice(&why));
		(void)!store_close(s);
		s = NULL;
	}
	buf_release(&why);
	return s;
}

void explorer_look(struct explorer *ex, struct simfs *sim, const char *what)
{
	struct store *s = explorer_open(ex, sim, what);

	if (s != NULL)
		(void)!store_close(s);
}

struct simfs *explorer_cycle(struct explorer *ex, struct simfs *sim)
{
	struct simfs *next = simfs_power_cycle(sim, NULL, NULL);

	if (next == NULL)
		ex->error = KV_ENOMEM;
	return next;
}

/* ---- one cut ---- */

/* Looks at each state that a cut at this moment may leave, or at `limit` of
 * them. */
static void each_state(struct explorer *ex, const struct simfs *sim,
		       uint64_t limit, uint64_t seed, uint64_t *exhaustive,
		       void (*look)(struct explorer *, struct simfs *,
				    const struct simfs_cut *, const unsigned *))
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
	*exhaustive += w.exhaustive;
	while (!explorer_failed(ex) && (choice = simfs_walk_next(&w)) != NULL) {
		struct simfs *next = simfs_restart(&cut, choice);

		if (next == NULL) {
			ex->error = KV_ENOMEM;
			break;
		}
		look(ex, next, &cut, choice);
		if (ex->report->failure.len > 0)
			tell_cut(ex, &cut, choice);
		simfs_free(next);
	}
	simfs_walk_release(&w);
	simfs_cut_release(&cut);
}

/* ---- recoveries ---- */

static void look_again(struct explorer *ex, struct simfs *sim,
		       const struct simfs_cut *cut, const unsigned *choice)
{
	(void)cut;
	(void)choice;
	ex->report->recoveries++;
	explorer_look(ex, sim, "after a second cut, during recovery");
}

/* Cuts a recovery before each of its operations. */
static void cut_recovery(void *arg, const struct simfs *sim,
			 const struct simfs_step *step)
{
	struct explorer *ex = arg;
	uint64_t exhaustive = 0; /* counted are those of scripts */

	if (!explorer_failed(ex) && changes(step))
		each_state(ex, sim, ex->kind->few, ex->seed + step->number,
			   &exhaustive, look_again);
}

/* An opening whose nth operation fails; it may not succeed with something
 * wrong, nor harm what is there. false: there is no nth operation. */
static bool fail_recovery(struct explorer *ex, struct simfs *sim, uint64_t nth)
{
	struct simfs_fault fault = {
		.kind = SIMFS_FAIL, .nth = nth, .error = EIO};
	struct buf why = {0};
	struct store *s;
	struct simfs *next;

	simfs_inject(sim, &fault);
	if (workload_open(ex->kind->work, sim, &s) == 0) {
		if (!ex->kind->work->matches(ex->work, s, &why))
			explorer_tell(ex,
				      "an operation of the recovery failed, "
				      "and it went on",
				      buf_slice(&why));
		(void)!store_close(s);
	}
	buf_release(&why);
	if (simfs_fired(sim) == 0)
		return false;
	simfs_clear_faults(sim);
	if (explorer_failed(ex) || (next = explorer_cycle(ex, sim)) == NULL)
		return true;
	ex->report->recoveries++;
	explorer_look(ex, next, "after a recovery with a failing operation");
	simfs_free(next);
	return true;
}

static struct simfs *restart(struct explorer *ex, const struct simfs_cut *cut,
			     const unsigned *choice)
{
	struct simfs *sim = simfs_restart(cut, choice);

	if (sim == NULL)
		ex->error = KV_ENOMEM;
	return sim;
}

static void check_recovery(struct explorer *ex, const struct simfs_cut *cut,
			   const unsigned *choice)
{
	struct simfs *sim = restart(ex, cut, choice);
	struct store *s;
	bool more = true;

	if (sim == NULL)
		return;
	simfs_trace(sim);
	simfs_watch(sim, cut_recovery, ex);
	if (workload_open(ex->kind->work, sim, &s) == 0) {
		simfs_watch(sim, NULL, NULL);
		(void)!store_close(s);
	}
	simfs_free(sim);
	for (uint64_t nth = 1; more && !explorer_failed(ex); nth++) {
		sim = restart(ex, cut, choice);
		if (sim == NULL)
			return;
		more = fail_recovery(ex, sim, nth);
		simfs_free(sim);
	}
}

/* ---- one script ---- */

/* The process is killed instead, and the power stays on: the next one reads
 * what never reached the disk, some of it past a failed sync. */
static void check_kill(struct explorer *ex, const struct simfs *sim)
{
	struct simfs *next = simfs_clone(sim);

	if (next == NULL) {
		ex->error = KV_ENOMEM;
		return;
	}
	ex->report->kills++;
	simfs_trace(next);
	ex->kind->check(ex, next);
	if (explorer_failed(ex)) {
		tell_trace(ex,
			   "The process was killed; operations before it:\n",
			   sim);
		tell_trace(ex, "and after it:\n", next);
	}
	simfs_free(next);
}

static void look_first(struct explorer *ex, struct simfs *sim,
		       const struct simfs_cut *cut, const unsigned *choice)
{
	ex->kind->check(ex, sim);
	if (!explorer_failed(ex) && !ex->work->faulty &&
	    ++ex->tried % RECOVERY_EVERY == 0)
		check_recovery(ex, cut, choice);
}

static void check_cut(struct explorer *ex, const struct simfs *sim)
{
	ex->report->cuts++;
	check_kill(ex, sim);
	if (!explorer_failed(ex))
		each_state(ex, sim,
			   ex->work->faulty ? ex->kind->few : ex->limit,
			   ex->seed + simfs_steps(sim), &ex->report->exhaustive,
			   look_first);
	if (ex->options->progress != NULL)
		ex->options->progress(ex->options->arg, ex->report->states,
				      ex->options->states);
}

/* Before each operation of the script. */
static void watch_script(void *arg, const struct simfs *sim,
			 const struct simfs_step *step)
{
	struct explorer *ex = arg;
	uint64_t acked = ex->kind->work->acked(ex->work);
	bool look = ex->changed || ex->acked != acked;

	ex->changed |= changes(step);
	if (ex->work->faulty)
		look = look && simfs_fired(sim) > 0 && ex->cuts_left > 0;
	if (explorer_failed(ex) || !look)
		return;
	ex->cuts_left -= ex->work->faulty;
	ex->step = step;
	check_cut(ex, sim);
	ex->step = NULL;
	ex->acked = acked;
	ex->changed = changes(step);
}

static unsigned steps_wanted(const struct explorer *ex, bool faulty)
{
	if (ex->options->steps != 0)
		return ex->options->steps;
	return faulty ? ex->kind->steps_faulty : ex->kind->steps;
}

/* Runs the script to its end, or until something is found. */
static void run_script(struct explorer *ex, const struct simfs_fault *fault,
		       bool *fired)
{
	unsigned steps = steps_wanted(ex, fault != NULL);
	struct simfs *sim = simfs_new(0);
	struct workload *w = ex->work;

	if (sim == NULL ||
	    workload_begin(w, ex->kind->work, sim, ex->seed) != 0) {
		simfs_free(sim);
		ex->error = KV_ENOMEM;
		return;
	}
	w->faulty = fault != NULL;
	ex->acked = 0;
	ex->changed = false;
	ex->cuts_left = ex->kind->cuts_after_fault;
	simfs_trace(sim);
	if (w->faulty)
		simfs_inject(sim, fault);
	if (w->faulty || !ex->options->no_cuts)
		simfs_watch(sim, watch_script, ex);
	while (steps-- > 0 && !explorer_failed(ex) && ex->kind->work->step(w))
		;
	*fired = simfs_fired(sim) > 0;
	simfs_clear_faults(sim);
	simfs_watch(sim, NULL, NULL);
	if (w->failure.len > 0 && !explorer_failed(ex)) {
		explorer_tell(ex, "the script", buf_slice(&w->failure));
		tell_trace(ex, "Operations before it:\n", sim);
	}
	if (!explorer_failed(ex) && (*fired || !w->faulty))
		check_cut(ex, sim);
	workload_end(w);
	simfs_free(sim);
}

static void run_faults(struct explorer *ex)
{
	static const struct {
		struct simfs_fault fault;
		const char *name;
	} kinds[] = {
		{{.kind = SIMFS_FAIL, .error = EIO},
		 "one operation fails (EIO)"},
		{{.kind = SIMFS_FAIL, .error = EIO, .sticky = true},
		 "operations fail from one on (EIO)"},
		{{.kind = SIMFS_FAIL,
		  .error = ENOSPC,
		  .sticky = true,
		  .written = 700,
		  .only = SIMFS_ONLY(SIMFS_PWRITE) | SIMFS_ONLY(SIMFS_CREATE)},
		 "the disk is full from one operation on, after a short write"},
		{{.kind = SIMFS_FAIL,
		  .error = EIO,
		  .only = SIMFS_ONLY(SIMFS_PWRITE),
		  .written = 100},
		 "one write is short and fails (EIO)"},
		{{.kind = SIMFS_FAIL,
		  .error = EIO,
		  .sticky = true,
		  .only = SIMFS_ONLY(SIMFS_SYNC) | SIMFS_ONLY(SIMFS_SYNC_DIR)},
		 "syncs fail from one on (EIO)"},
	};

	for (size_t k = 0; k < sizeof(kinds) / sizeof(*kinds); k++) {
		struct simfs_fault fault = kinds[k].fault;
		bool fired = true;

		for (fault.nth = 1; fired && !explorer_failed(ex);
		     fault.nth++) {
			snprintf(ex->during, sizeof(ex->during),
				 "%s, the %lluth of its kind", kinds[k].name,
				 (unsigned long long)fault.nth);
			run_script(ex, &fault, &fired);
			ex->report->faults += fired;
		}
	}
}

int explorer_run(const struct explorer_kind *kind, struct workload *work,
		 const struct power_options *options,
		 struct power_report *report)
{
	struct explorer ex = {.kind = kind,
			      .work = work,
			      .options = options,
			      .report = report,
			      .seed = options->seed,
			      .limit = options->limit ? options->limit
						      : kind->limit};

	*report = (struct power_report){0};
	do {
		bool fired;

		snprintf(ex.during, sizeof(ex.during), "%s",
			 "no operation fails");
		if (!options->no_cuts)
			run_script(&ex, NULL, &fired);
		if (!options->no_faults && !explorer_failed(&ex))
			run_faults(&ex);
		report->scripts++;
		ex.seed++;
	} while (!explorer_failed(&ex) && report->states < options->states);
	if (ex.error != 0 || buf_failed(&report->failure))
		return err_set(KV_ENOMEM, "no memory for the exploration");
	return report->failure.len > 0
		       ? err_set(KV_EDAMAGED, "the store lost or invented data")
		       : 0;
}

void power_report_release(struct power_report *report)
{
	buf_release(&report->failure);
}

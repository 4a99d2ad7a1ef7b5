/*
 * power.c - see power.h. The script runs once; a watcher looks at it from
 * outside before each operation and tries what would be if it were the last.
 */
#include "check/power.h"

#include "check/power_script.h"
#include "check/simfs.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STEPS_DEFAULT 160
#define LIMIT_DEFAULT 64
/* Recoveries that are cut or made to fail themselves: one in so many states. */
#define RECOVERY_EVERY 24
/* States at a cut within a recovery, or after a failed operation. */
#define FEW 4
/* Operations after a failed one at which the power is cut as well. */
#define CUTS_AFTER_FAULT 12

struct explorer {
	const struct power_options *options;
	struct power_report *report;
	struct script script;
	uint64_t seed; /* of this script */
	uint64_t limit;
	size_t acked;	    /* at the last cut */
	bool changed;	    /* since the last cut */
	unsigned cuts_left; /* after a fault */
	uint64_t tried;	    /* states after cuts of scripts */
	char during[128];   /* for the report */
	const struct simfs_step *step;
	int error; /* KV_ENOMEM */
};

static bool failed(const struct explorer *ex)
{
	return ex->report->failure.len > 0 || ex->error != 0;
}

/* ---- saying what happened ---- */

static void tell_place(struct explorer *ex)
{
	struct buf *out = &ex->report->failure;

	buf_printf(out, "seed %llu, %s", (unsigned long long)ex->seed,
		   ex->during);
	if (ex->step != NULL) {
		buf_append_str(out, ", power cut before ");
		simfs_step_text(ex->step, out);
	}
	buf_append_str(out, ":\n");
}

static void tell_cut(struct explorer *ex, const struct simfs_cut *cut,
		     const unsigned *choice)
{
	struct buf *out = &ex->report->failure;

	buf_append_str(out, "Not on disk after the cut:\n");
	simfs_choice_text(cut, choice, out);
	buf_append_str(out, "Operations before it:\n");
	simfs_trace_text(cut->sim, 40, out);
}

/* ---- one state ---- */

/* Opens what a restart found; *found and *which tell what it holds. */
static struct store *open_and_match(struct explorer *ex, struct simfs *sim,
				    const char *what, struct model_state *found,
				    size_t *which)
{
	struct buf *out = &ex->report->failure;
	struct store *s;

	ex->report->states++;
	if (script_open(sim, &s) != 0) {
		tell_place(ex);
		buf_printf(out, "%s the store does not open: %s\n", what,
			   err_text());
		return NULL;
	}
	if (model_read(s, found) == 0) {
		if (model_match(&ex->script.model, found, which))
			return s;
		tell_place(ex);
		buf_printf(out, "%s: ", what);
		model_explain(&ex->script.model, found, out);
	} else {
		tell_place(ex);
		buf_printf(out, "%s: %s\n", what, err_text());
	}
	(void)!store_close(s);
	return NULL;
}

static unsigned take_none(void *arg, const struct simfs_piece *piece)
{
	(void)arg;
	(void)piece;
	return 0;
}

/* Whatever an opening has shown must be on disk already: without another
 * operation, the next opening shows the same. */
static void check_again(struct explorer *ex, struct simfs *sim,
			const struct model_state *first, const char *what)
{
	struct simfs *next = simfs_power_cycle(sim, take_none, NULL);
	struct model_state found;
	struct store *s;
	size_t which;

	if (next == NULL) {
		ex->error = KV_ENOMEM;
		return;
	}
	s = open_and_match(ex, next, what, &found, &which);
	if (s != NULL) {
		if (memcmp(found.value, first->value, sizeof(found.value))) {
			tell_place(ex);
			buf_printf(&ex->report->failure,
				   "%s, it shows another state (write %zu)\n",
				   what, which);
		}
		(void)!store_close(s);
	}
	simfs_free(next);
}

/* The state must open, be right, stay what it is, and take writes. */
static void check_state(struct explorer *ex, struct simfs *sim)
{
	struct model_state found;
	size_t which;
	struct store *s = open_and_match(ex, sim, "after the power came back",
					 &found, &which);

	if (s == NULL)
		return;
	check_again(ex, sim, &found, "opened a second time");
	if (!failed(ex) && ex->tried % 2 == 0) {
		struct model model = ex->script.model;

		if (script_write_once(s, &model, which, &found) != 0) {
			tell_place(ex);
			buf_printf(&ex->report->failure,
				   "the recovered store takes no write: %s\n",
				   err_text());
		}
		/* For a moment, what was written is all that may be found. */
		ex->script.model = (struct model){.v = &found, .n = 1};
		if (!failed(ex))
			check_again(ex, sim, &found,
				    "written to and opened again");
		ex->script.model = model;
	}
	(void)!store_close(s);
}

/* ---- recoveries ---- */

/* Cuts a recovery before each of its operations. */
static void cut_recovery(void *arg, const struct simfs *sim,
			 const struct simfs_step *step)
{
	struct explorer *ex = arg;
	struct simfs_cut cut;
	struct simfs_walk w;
	const unsigned *choice;
	struct model_state found;
	size_t which;

	if (failed(ex) || (SIMFS_CHANGES & SIMFS_ONLY(step->op)) == 0)
		return;
	if (simfs_cut_init(&cut, sim) != 0 ||
	    simfs_walk_init(&w, &cut, FEW, ex->seed + step->number) != 0) {
		simfs_cut_release(&cut);
		ex->error = KV_ENOMEM;
		return;
	}
	while (!failed(ex) && (choice = simfs_walk_next(&w)) != NULL) {
		struct simfs *next = simfs_restart(&cut, choice);
		struct store *s =
			next == NULL
				? NULL
				: open_and_match(ex, next,
						 "after a second cut, during "
						 "recovery",
						 &found, &which);

		ex->report->recoveries++;
		if (next == NULL)
			ex->error = KV_ENOMEM;
		if (s != NULL)
			(void)!store_close(s);
		else
			tell_cut(ex, &cut, choice);
		simfs_free(next);
	}
	simfs_walk_release(&w);
	simfs_cut_release(&cut);
}

/* An opening whose nth operation fails; it may not succeed with something
 * wrong, nor harm what is there. false: there is no nth operation. */
static bool fail_recovery(struct explorer *ex, struct simfs *sim, uint64_t nth)
{
	struct simfs_fault fault = {
		.kind = SIMFS_FAIL, .nth = nth, .error = EIO};
	struct model_state found;
	struct store *s;
	bool fired;

	simfs_inject(sim, &fault);
	if (script_open(sim, &s) == 0) {
		size_t which;

		if (model_read(s, &found) != 0 ||
		    !model_match(&ex->script.model, &found, &which)) {
			tell_place(ex);
			buf_printf(&ex->report->failure,
				   "operation %llu of the recovery failed, it "
				   "went on, and ",
				   (unsigned long long)nth);
			model_explain(&ex->script.model, &found,
				      &ex->report->failure);
		}
		(void)!store_close(s);
	}
	fired = simfs_fired(sim) > 0;
	simfs_clear_faults(sim);
	if (fired && !failed(ex)) {
		struct simfs *next = simfs_power_cycle(sim, take_none, NULL);
		size_t which;

		ex->report->recoveries++;
		s = next == NULL ? NULL
				 : open_and_match(ex, next,
						  "after a recovery with a "
						  "failing operation",
						  &found, &which);
		if (s != NULL)
			(void)!store_close(s);
		simfs_free(next);
	}
	return fired;
}

static void check_recovery(struct explorer *ex, const struct simfs_cut *cut,
			   const unsigned *choice)
{
	struct simfs *sim = simfs_restart(cut, choice);
	struct store *s;
	bool more = true;

	if (sim == NULL) {
		ex->error = KV_ENOMEM;
		return;
	}
	simfs_trace(sim);
	simfs_watch(sim, cut_recovery, ex);
	if (script_open(sim, &s) == 0) {
		simfs_watch(sim, NULL, NULL);
		(void)!store_close(s);
	}
	simfs_free(sim);
	for (uint64_t nth = 1; more && !failed(ex); nth++) {
		sim = simfs_restart(cut, choice);
		if (sim == NULL) {
			ex->error = KV_ENOMEM;
			return;
		}
		more = fail_recovery(ex, sim, nth);
		simfs_free(sim);
	}
}

/* ---- one cut ---- */

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
	check_state(ex, next);
	if (failed(ex)) {
		buf_append_str(&ex->report->failure,
			       "The process was killed; operations before "
			       "it:\n");
		simfs_trace_text(sim, 40, &ex->report->failure);
		buf_append_str(&ex->report->failure, "and after it:\n");
		simfs_trace_text(next, 40, &ex->report->failure);
	}
	simfs_free(next);
}

static void check_cut(struct explorer *ex, const struct simfs *sim)
{
	uint64_t limit = ex->script.faulty ? FEW : ex->limit;
	struct simfs_cut cut;
	struct simfs_walk w;
	const unsigned *choice;

	ex->report->cuts++;
	if (simfs_cut_init(&cut, sim) != 0 ||
	    simfs_walk_init(&w, &cut, limit, ex->seed + simfs_steps(sim)) !=
		    0) {
		simfs_cut_release(&cut);
		ex->error = KV_ENOMEM;
		return;
	}
	ex->report->exhaustive += w.exhaustive;
	check_kill(ex, sim);
	while (!failed(ex) && (choice = simfs_walk_next(&w)) != NULL) {
		struct simfs *next = simfs_restart(&cut, choice);

		if (next == NULL) {
			ex->error = KV_ENOMEM;
			break;
		}
		check_state(ex, next);
		simfs_free(next);
		if (!failed(ex) && !ex->script.faulty &&
		    ++ex->tried % RECOVERY_EVERY == 0)
			check_recovery(ex, &cut, choice);
		if (failed(ex))
			tell_cut(ex, &cut, choice);
	}
	simfs_walk_release(&w);
	simfs_cut_release(&cut);
	if (ex->options->progress != NULL)
		ex->options->progress(ex->options->arg, ex->report->states,
				      ex->options->states);
}

/* Before each operation of the script. */
static void watch_script(void *arg, const struct simfs *sim,
			 const struct simfs_step *step)
{
	struct explorer *ex = arg;
	bool look = ex->changed || ex->acked != ex->script.model.acked;

	ex->changed |= (SIMFS_CHANGES & SIMFS_ONLY(step->op)) != 0;
	if (ex->script.faulty)
		look = look && simfs_fired(sim) > 0 && ex->cuts_left > 0;
	if (failed(ex) || !look)
		return;
	ex->cuts_left -= ex->script.faulty;
	ex->step = step;
	check_cut(ex, sim);
	ex->step = NULL;
	ex->acked = ex->script.model.acked;
	ex->changed = (SIMFS_CHANGES & SIMFS_ONLY(step->op)) != 0;
}

/* ---- one script ---- */

/* Runs the script to its end, or until something is found. */
static void run_script(struct explorer *ex, const struct simfs_fault *fault,
		       bool *fired)
{
	unsigned steps =
		ex->options->steps ? ex->options->steps : STEPS_DEFAULT;
	struct simfs *sim = simfs_new(0);
	struct script *sc = &ex->script;

	if (sim == NULL || script_begin(sc, sim, ex->seed) != 0) {
		simfs_free(sim);
		ex->error = KV_ENOMEM;
		return;
	}
	sc->faulty = fault != NULL;
	ex->acked = 0;
	ex->changed = false;
	ex->cuts_left = CUTS_AFTER_FAULT;
	simfs_trace(sim);
	if (sc->faulty)
		simfs_inject(sim, fault);
	if (sc->faulty || !ex->options->no_cuts)
		simfs_watch(sim, watch_script, ex);
	while (steps-- > 0 && !failed(ex) && script_step(sc))
		;
	*fired = simfs_fired(sim) > 0;
	simfs_clear_faults(sim);
	simfs_watch(sim, NULL, NULL);
	if (sc->failure.len > 0 && !failed(ex)) {
		tell_place(ex);
		buf_append_slice(&ex->report->failure, buf_slice(&sc->failure));
		buf_append_str(&ex->report->failure, "Operations before it:\n");
		simfs_trace_text(sim, 40, &ex->report->failure);
	}
	if (!failed(ex) && (*fired || !sc->faulty))
		check_cut(ex, sim);
	script_end(sc);
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

		for (fault.nth = 1; fired && !failed(ex); fault.nth++) {
			snprintf(ex->during, sizeof(ex->during),
				 "%s, the %lluth of its kind", kinds[k].name,
				 (unsigned long long)fault.nth);
			run_script(ex, &fault, &fired);
			ex->report->faults += fired;
		}
	}
}

int power_explore(const struct power_options *options,
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

		snprintf(ex.during, sizeof(ex.during), "%s",
			 "no operation fails");
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

void power_report_release(struct power_report *report)
{
	buf_release(&report->failure);
}

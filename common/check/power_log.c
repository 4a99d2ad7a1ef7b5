/*
 * power_log.c - cuts the power of a replicated store; see power_log.h.
 */
#include "check/power_log.h"

#include "check/power_explore.h"
#include "check/power_log_script.h"

/* The store goes on: an entry more, and it is there after the next restart. */
static void check_goes_on(struct explorer *ex, struct simfs *sim)
{
	struct slice why = slice_of(NULL, 0);
	struct store *s;
	uint64_t last = 0, term;
	int r = workload_open(ex->kind->work, sim, &s);

	if (r == 0) {
		last = store_appended(s) + 1;
		r = log_script_append(s, 999, 0, slice_str("and on"));
		if (r == 0)
			r = store_sync(s);
		(void)!store_close(s);
	}
	if (r == 0)
		r = workload_open(ex->kind->work, sim, &s);
	if (r == 0) {
		if (store_appended(s) != last ||
		    store_log_term(s, last, &term) != 0 || term != 999 ||
		    store_log_commit(s, last) != 0)
			why = slice_str("the entry is not there\n");
		(void)!store_close(s);
	} else {
		why = slice_str(err_text());
	}
	if (why.len != 0)
		explorer_tell(ex, "one entry more", why);
}

static void check(struct explorer *ex, struct simfs *sim)
{
	explorer_look(ex, sim, "after the power came back");
	if (!explorer_failed(ex))
		explorer_look(ex, sim, "opened a second time");
	if (!explorer_failed(ex))
		check_goes_on(ex, sim);
}

int power_explore_log(const struct power_options *options,
		      struct power_report *report)
{
	static const struct explorer_kind kind = {
		.work = &log_script_kind,
		.steps = 240,
		.steps_faulty = 120,
		.limit = 12,
		.few = 3,
		.cuts_after_fault = 3,
		.check = check,
	};
	struct log_script script = {0};

	return explorer_run(&kind, &script.work, options, report);
}

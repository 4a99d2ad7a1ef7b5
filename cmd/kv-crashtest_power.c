/*
 * kv-crashtest_power.c - kv-crashtest power.
 */
#include "kv-crashtest_parts.h"
#include "program.h"

#include "base/progress.h"
#include "check/power.h"

#include <inttypes.h>

static void show_progress(void *arg, uint64_t states, uint64_t wanted)
{
	(void)wanted;
	progress_update(arg, states, states);
}

static void print_report(const struct crashtest *job,
			 const struct power_report *report, struct buf *out)
{
	const char *result = report->failure.len > 0 ? "FAIL" : "PASS";

	if (job->json) {
		buf_printf(out,
			   "{\"seed\":%" PRIu64 ",\"states\":%" PRIu64
			   ",\"cuts\":%" PRIu64 ",\"exhaustive_cuts\":%" PRIu64
			   ",\"kills\":%" PRIu64 ",\"recoveries\":%" PRIu64
			   ",\"faults\":%" PRIu64 ",\"result\":\"%s\"}\n",
			   job->seed, report->states, report->cuts,
			   report->exhaustive, report->kills,
			   report->recoveries, report->faults, result);
		return;
	}
	buf_printf(out,
		   "seed=%" PRIu64 " states=%" PRIu64 " cuts=%" PRIu64
		   " exhaustive_cuts=%" PRIu64 " kills=%" PRIu64
		   " recoveries=%" PRIu64 " faults=%" PRIu64 "\n",
		   job->seed, report->states, report->cuts, report->exhaustive,
		   report->kills, report->recoveries, report->faults);
	buf_printf(out, "Result: %s\n", result);
}

int crashtest_power(const struct crashtest *job, struct out *out)
{
	struct progress bar;
	struct power_options options = {
		.seed = job->seed,
		.states = job->states,
		.progress = show_progress,
		.arg = &bar,
	};
	struct power_report report;
	bool failed;
	int r;

	progress_begin(&bar, STDERR_FILENO, job->states);
	r = power_explore(&options, &report);
	progress_end(&bar, report.states, report.states);
	failed = report.failure.len > 0;
	if (failed)
		fwrite(report.failure.data, 1, report.failure.len, stderr);
	if (r == 0 || failed)
		print_report(job, &report, &out->buf);
	power_report_release(&report);
	return r == 0 ? 0 : failed ? 1 : program_fail(r);
}

/*
 * kv-crashtest_power.c - kv-crashtest power: a store on its own, and one whose
 * log is replicated.
 */
#include "kv-crashtest_parts.h"
#include "program.h"

#include "base/progress.h"
#include "check/power.h"
#include "check/power_log.h"

#include <inttypes.h>

/* The two stores, in the order of the report. */
static const struct part {
	int (*explore)(const struct power_options *options,
		       struct power_report *report);
	const char *name;
} parts[] = {
	{power_explore, "alone"},
	{power_explore_log, "replicated"},
};
#define PARTS (sizeof(parts) / sizeof(*parts))

struct watch {
	struct progress bar;
	uint64_t before; /* states of the parts that are done */
};

static void show_progress(void *arg, uint64_t states, uint64_t wanted)
{
	struct watch *w = arg;

	(void)wanted;
	progress_update(&w->bar, w->before + states, w->before + states);
}

static void print_json(const struct power_report *report, struct buf *out)
{
	buf_printf(out,
		   "{\"states\":%" PRIu64 ",\"cuts\":%" PRIu64
		   ",\"exhaustive_cuts\":%" PRIu64 ",\"kills\":%" PRIu64
		   ",\"recoveries\":%" PRIu64 ",\"faults\":%" PRIu64 "}",
		   report->states, report->cuts, report->exhaustive,
		   report->kills, report->recoveries, report->faults);
}

static void print_text(const struct power_report *report, struct buf *out)
{
	buf_printf(out,
		   " states=%" PRIu64 " cuts=%" PRIu64
		   " exhaustive_cuts=%" PRIu64 " kills=%" PRIu64
		   " recoveries=%" PRIu64 " faults=%" PRIu64 "\n",
		   report->states, report->cuts, report->exhaustive,
		   report->kills, report->recoveries, report->faults);
}

static void print_reports(const struct crashtest *job,
			  const struct power_report reports[PARTS], size_t n,
			  bool failed, struct buf *out)
{
	const char *result = failed ? "FAIL" : "PASS";

	if (job->json)
		buf_printf(out, "{\"seed\":%" PRIu64, job->seed);
	for (size_t i = 0; i < n; i++) {
		if (job->json) {
			buf_printf(out, ",\"%s\":", parts[i].name);
			print_json(&reports[i], out);
		} else {
			buf_printf(out, "store=%s seed=%" PRIu64, parts[i].name,
				   job->seed);
			print_text(&reports[i], out);
		}
	}
	buf_printf(out, job->json ? ",\"result\":\"%s\"}\n" : "Result: %s\n",
		   result);
}

int crashtest_power(const struct crashtest *job, struct out *out)
{
	struct power_report reports[PARTS] = {0};
	struct watch w = {0};
	bool failed = false;
	size_t n = 0;
	int r = 0;

	progress_begin(&w.bar, STDERR_FILENO, PARTS * job->states);
	while (n < PARTS && r == 0) {
		struct power_options options = {
			.seed = job->seed,
			.states = job->states,
			.progress = show_progress,
			.arg = &w,
		};

		r = parts[n].explore(&options, &reports[n]);
		w.before += reports[n++].states;
	}
	progress_end(&w.bar, w.before, w.before);
	if (reports[n - 1].failure.len > 0) {
		failed = true;
		fwrite(reports[n - 1].failure.data, 1,
		       reports[n - 1].failure.len, stderr);
	}
	if (r == 0 || failed)
		print_reports(job, reports, n, failed, &out->buf);
	for (size_t i = 0; i < n; i++)
		power_report_release(&reports[i]);
	return r == 0 ? 0 : failed ? 1 : program_fail(r);
}

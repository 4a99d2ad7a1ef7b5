/*
 * kv-crashtest_kill.c - kv-crashtest kill.
 */
#include "kv-crashtest_parts.h"
#include "kv-crashtest_shown.h"
#include "program.h"

#include "check/kill.h"

#include <inttypes.h>

static void show_progress(void *arg, const struct kill_report *so_far)
{
	struct shown *shown = arg;

	progress_update(&shown->bar, so_far->acked, so_far->rounds);
}

static void print_json(const struct crashtest *job,
		       const struct kill_report *report, struct buf *out)
{
	buf_printf(out,
		   "{\"rounds\":%" PRIu64 ",\"acked\":%" PRIu64
		   ",\"lost\":%" PRIu64 ",\"lost_pct\":%.2f,\"torn\":%" PRIu64
		   ",\"wrong\":%" PRIu64 ",\"kills_starting\":%" PRIu64
		   ",\"kills_stopping\":%" PRIu64 ",\"operations\":%" PRIu64
		   ",\"compacted_bytes\":%" PRIu64
		   ",\"linearizable\":%s,\"seed\":%" PRIu64
		   ",\"result\":\"%s\"}\n",
		   report->rounds, report->acked, report->lost,
		   shown_lost_percent(report->acked, report->lost),
		   report->torn, report->wrong, report->starting,
		   report->stopping, report->operations, report->compacted,
		   shown_linearizable(&report->history), job->seed,
		   kill_passed(report) ? "PASS" : "FAIL");
}

static void print_lines(const struct crashtest *job,
			const struct kill_report *report, struct buf *out)
{
	buf_printf(out,
		   "seed=%" PRIu64 " rounds=%" PRIu64 " kills_starting=%" PRIu64
		   " kills_stopping=%" PRIu64 " operations=%" PRIu64
		   " compacted_bytes=%" PRIu64 "\n",
		   job->seed, report->rounds, report->starting,
		   report->stopping, report->operations, report->compacted);
	shown_losses(report->acked, report->lost, kill_passed(report), out);
	if (!kill_passed(report))
		buf_printf(out,
			   "Result: FAIL (%" PRIu64 " lost, %" PRIu64
			   " torn, %" PRIu64 " wrong, history %s)\n",
			   report->lost, report->torn, report->wrong,
			   report->history.verdict == HISTORY_VIOLATION
				   ? "violated"
				   : "consistent");
}

int crashtest_kill(const struct crashtest *job, struct out *out)
{
	struct shown shown;
	struct kill_options options = {.rounds = (unsigned)job->rounds,
				       .clients = (unsigned)job->clients,
				       .keys = (unsigned)job->keys,
				       .threads = (unsigned)job->threads,
				       .seed = job->seed,
				       .dir = job->dir,
				       .progress = show_progress,
				       .arg = &shown};
	struct kill_report report = {0};
	int r = shown_begin(&shown, job, job->rounds), status;

	options.server = shown.server;
	if (shown.recording)
		options.history = shown_lines;
	if (r == 0) {
		r = kill_run(&options, &report);
		progress_end(&shown.bar, report.acked, report.rounds);
		shown_details(&report.details, &report.history);
	}
	r = shown_end(&shown, r);
	if (r == 0 && job->json)
		print_json(job, &report, &out->buf);
	else if (r == 0)
		print_lines(job, &report, &out->buf);
	status = r != 0 ? program_fail(r) : kill_passed(&report) ? 0 : 1;
	kill_report_release(&report);
	return status;
}

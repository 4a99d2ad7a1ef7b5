/*
 * kv-crashtest_cluster.c - kv-crashtest cluster.
 */
#include "kv-crashtest_parts.h"
#include "kv-crashtest_shown.h"
#include "program.h"

#include "check/storm.h"

#include <inttypes.h>

#define NODES 3u

static void show_progress(void *arg, const struct storm_report *so_far,
			  uint64_t elapsed_ms)
{
	struct shown *shown = arg;

	progress_update(&shown->bar, so_far->acked, elapsed_ms / 1000);
}

/* A key whose history cannot be explained has lost something. */
static uint64_t lost(const struct storm_report *report)
{
	return report->history.violated + report->differing;
}

static void print_json(const struct crashtest *job,
		       const struct storm_report *report, struct buf *out)
{
	buf_printf(out,
		   "{\"acked\":%" PRIu64 ",\"lost\":%" PRIu64
		   ",\"lost_pct\":%.2f,\"unknown\":%" PRIu64
		   ",\"refused\":%" PRIu64 ",\"operations\":%" PRIu64
		   ",\"kills\":%" PRIu64 ",\"pauses\":%" PRIu64
		   ",\"partitions\":%" PRIu64 ",\"ended\":%" PRIu64
		   ",\"linearizable\":%s,\"seed\":%" PRIu64
		   ",\"result\":\"%s\"}\n",
		   report->acked, lost(report),
		   shown_lost_percent(report->acked, lost(report)),
		   report->unknown, report->refused, report->operations,
		   report->kills, report->pauses, report->partitions,
		   report->ended, shown_linearizable(&report->history),
		   job->seed, storm_passed(report) ? "PASS" : "FAIL");
}

static void print_lines(const struct crashtest *job,
			const struct storm_report *report, struct buf *out)
{
	buf_printf(out,
		   "seed=%" PRIu64 " kills=%" PRIu64 " pauses=%" PRIu64
		   " partitions=%" PRIu64 " operations=%" PRIu64
		   " unknown=%" PRIu64 " refused=%" PRIu64 "\n",
		   job->seed, report->kills, report->pauses, report->partitions,
		   report->operations, report->unknown, report->refused);
	shown_losses(report->acked, lost(report), storm_passed(report), out);
	if (!storm_passed(report))
		buf_printf(out,
			   "Result: FAIL (%zu keys without an explanation, "
			   "%" PRIu64 " that differ between nodes, %" PRIu64
			   " ends of nodes)\n",
			   report->history.violated, report->differing,
			   report->ended);
}

int crashtest_cluster(const struct crashtest *job, struct out *out)
{
	struct shown shown;
	struct storm_options options = {
		.nodes = job->nodes != 0 ? (unsigned)job->nodes : NODES,
		.clients = (unsigned)job->clients,
		.keys = (unsigned)job->keys,
		.duration_ms = job->duration_ms,
		.seed = job->seed,
		.dir = job->dir,
		.progress = show_progress,
		.arg = &shown,
	};
	struct storm_report report = {0};
	int r = shown_begin(&shown, job, job->duration_ms / 1000), status;

	options.server = shown.server;
	if (shown.recording)
		options.history = shown_lines;
	if (r == 0) {
		r = storm_run(&options, &report);
		progress_end(&shown.bar, report.acked, job->duration_ms / 1000);
		shown_details(&report.details, &report.history);
	}
	r = shown_end(&shown, r);
	if (r == 0 && job->json)
		print_json(job, &report, &out->buf);
	else if (r == 0)
		print_lines(job, &report, &out->buf);
	status = r != 0 ? program_fail(r) : storm_passed(&report) ? 0 : 1;
	storm_report_release(&report);
	return status;
}

/*
 * kv-crashtest_cluster.c - kv-crashtest cluster.
 */
#include "kv-crashtest_parts.h"
#include "program.h"

#include "base/progress.h"
#include "check/storm.h"
#include "cluster/server_path.h"

#include <inttypes.h>
#include <stdlib.h>

struct shown {
	struct progress bar;
	struct out history;
	bool recording;
};

static void show_progress(void *arg, const struct storm_report *so_far,
			  uint64_t elapsed_ms)
{
	struct shown *shown = arg;

	progress_update(&shown->bar, so_far->acked, elapsed_ms / 1000);
}

static int write_history(void *arg, struct slice lines)
{
	struct shown *shown = arg;

	return out_put(&shown->history, lines.data, lines.len);
}

static int open_history(const char *path, struct shown *shown)
{
	int fd;

	if (path == NULL)
		return 0;
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	if (fd < 0)
		return err_sys(errno, "cannot write '%s'", path);
	out_init(&shown->history, fd, path);
	shown->recording = true;
	return 0;
}

static void print_details(const struct storm_report *report)
{
	const struct buf *parts[] = {&report->details, &report->history.text};

	for (size_t i = 0; i < 2; i++)
		if (parts[i]->len != 0)
			fwrite(parts[i]->data, 1, parts[i]->len, stderr);
	if (report->history.undecided > 0)
		fprintf(stderr, "the history of %zu keys was not decided\n",
			report->history.undecided);
}

/* A key whose history cannot be explained has lost something. */
static uint64_t lost(const struct storm_report *report)
{
	return report->history.violated + report->differing;
}

static double lost_percent(const struct storm_report *report)
{
	return report->acked == 0
		       ? 0
		       : 100.0 * (double)lost(report) / (double)report->acked;
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
		   report->acked, lost(report), lost_percent(report),
		   report->unknown, report->refused, report->operations,
		   report->kills, report->pauses, report->partitions,
		   report->ended,
		   report->history.verdict == HISTORY_LINEARIZABLE ? "true"
		   : report->history.verdict == HISTORY_VIOLATION  ? "false"
								   : "null",
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
	buf_printf(out, "acked=%" PRIu64 " lost=%" PRIu64 " lost_pct=%.2f%%\n",
		   report->acked, lost(report), lost_percent(report));
	if (storm_passed(report))
		buf_append_str(out, "Result: PASS (100% durability for "
				    "acknowledged writes)\n");
	else
		buf_printf(out,
			   "Result: FAIL (%zu keys without an explanation, "
			   "%" PRIu64 " that differ between nodes, %" PRIu64
			   " ends of nodes)\n",
			   report->history.violated, report->differing,
			   report->ended);
}

int crashtest_cluster(const struct crashtest *job, struct out *out)
{
	struct shown shown = {.recording = false};
	struct storm_options options = {
		.nodes = (unsigned)job->nodes,
		.clients = (unsigned)job->clients,
		.keys = (unsigned)job->keys,
		.duration_ms = job->duration_ms,
		.seed = job->seed,
		.dir = job->dir,
		.progress = show_progress,
		.arg = &shown,
	};
	struct storm_report report = {0};
	char *server = NULL;
	bool passed;
	int r = server_path(&server), closed;

	if (r == 0)
		r = open_history(job->history, &shown);
	options.server = server;
	if (shown.recording)
		options.history = write_history;
	progress_begin(&shown.bar, STDERR_FILENO, job->duration_ms / 1000);
	if (r == 0) {
		r = storm_run(&options, &report);
		progress_end(&shown.bar, report.acked, job->duration_ms / 1000);
		print_details(&report);
	}
	if (shown.recording) {
		closed = out_close(&shown.history);
		r = r != 0 ? r : closed;
	}
	if (r == 0 && job->json)
		print_json(job, &report, &out->buf);
	else if (r == 0)
		print_lines(job, &report, &out->buf);
	passed = storm_passed(&report);
	storm_report_release(&report);
	free(server);
	if (r != 0)
		return program_fail(r);
	return passed ? 0 : 1;
}

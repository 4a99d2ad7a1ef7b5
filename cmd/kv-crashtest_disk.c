/*
 * kv-crashtest_disk.c - kv-crashtest disk.
 */
#include "kv-crashtest_parts.h"
#include "program.h"

#include "check/disk.h"

#include <inttypes.h>

#define MS_EACH 2000

/* One client waits for each write; group commit has nothing to group. */
static double per_second(const struct disk_timing *t)
{
	return t->mean_ns > 0 ? 1e9 / (double)t->mean_ns : 0;
}

static void print_table(const struct disk_report *report, struct buf *out)
{
	buf_printf(out, "%-12s %9s %10s %10s %12s\n", "writes", "samples",
		   "p50 us", "p99 us", "a second");
	for (enum disk_way way = 0; way < DISK_WAYS; way++) {
		const struct disk_timing *t = &report->ways[way];

		if (!t->possible)
			buf_printf(out, "%-12s not possible here\n",
				   disk_way_name(way));
		else
			buf_printf(out,
				   "%-12s %9" PRIu64 " %10.1f %10.1f %12.0f\n",
				   disk_way_name(way), t->samples,
				   (double)t->p50_ns / 1000,
				   (double)t->p99_ns / 1000, per_second(t));
	}
	buf_printf(out,
		   "kv-serve can make about %.0f writes a second durable here "
		   "with 1 client\n",
		   per_second(&report->ways[DISK_PREPARED]));
	if (report->in_memory)
		buf_append_str(out, "warning: this file system is in memory; "
				    "nothing in it outlives a power cut\n");
	else if (report->too_fast)
		buf_append_str(out, "warning: this is faster than any medium; "
				    "a cache seems to answer for it\n");
}

static void print_json(const struct disk_report *report, struct buf *out)
{
	buf_append_char(out, '{');
	for (enum disk_way way = 0; way < DISK_WAYS; way++) {
		const struct disk_timing *t = &report->ways[way];

		buf_printf(out, "\"%s\":", disk_way_name(way));
		if (t->possible)
			buf_printf(out,
				   "{\"samples\":%" PRIu64
				   ",\"p50_us\":%.1f,\"p99_us\":%.1f,"
				   "\"per_second\":%.0f},",
				   t->samples, (double)t->p50_ns / 1000,
				   (double)t->p99_ns / 1000, per_second(t));
		else
			buf_append_str(out, "null,");
	}
	buf_printf(out, "\"in_memory\":%s,\"too_fast\":%s}\n",
		   report->in_memory ? "true" : "false",
		   report->too_fast ? "true" : "false");
}

int crashtest_disk(const struct crashtest *job, struct out *out)
{
	struct disk_report report;
	int r = disk_measure(job->dir != NULL ? job->dir : ".", MS_EACH,
			     &report);

	if (r != 0)
		return program_fail(r);
	if (job->json)
		print_json(&report, &out->buf);
	else
		print_table(&report, &out->buf);
	return 0;
}

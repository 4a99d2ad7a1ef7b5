/*
 * kv-serve_offline.c - kv-serve --check and --salvage.
 */
#include "kv-serve_offline.h"
#include "program.h"

#include "store/store.h"

#include <inttypes.h>

int offline_check(const char *dir)
{
	struct store_check_report report = {0};
	int r = store_check(dir, NULL, &report);
	bool damaged = report.damage[0] != '\0';
	struct out out;

	if (r != 0 && !damaged)
		return program_fail(r);
	out_init(&out, STDOUT_FILENO, "standard output");
	buf_printf(&out.buf,
		   "segments %" PRIu64 "\nrecords %" PRIu64 "\nitems %" PRIu64
		   "\nlive %" PRIu64 "\nbytes %" PRIu64 "\n%s\n",
		   report.segments, report.records, report.items, report.live,
		   report.bytes, damaged ? "damaged" : "sound");
	if (damaged)
		err_set(KV_EDAMAGED, "%s", report.damage);
	return program_end(&out, damaged ? KV_EDAMAGED : 0);
}

static void print_lost(void *arg, const char *line)
{
	struct out *out = arg;

	buf_printf(&out->buf, "lost: %s\n", line);
}

int offline_salvage(const char *dir, const char *to)
{
	struct store_salvage_report report;
	struct out out;
	int r;

	out_init(&out, STDOUT_FILENO, "standard output");
	r = store_salvage(dir, to, NULL, print_lost, &out, &report);
	if (r == 0)
		buf_printf(&out.buf,
			   "segments %" PRIu64 "\nrecords %" PRIu64
			   "\nkept %" PRIu64 " keys\nlost %" PRIu64
			   " keys, %" PRIu64 " bytes\n",
			   report.segments, report.records, report.kept,
			   report.lost_keys, report.lost_bytes);
	return program_end(&out, r);
}

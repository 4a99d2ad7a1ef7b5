/*
 * kv-bench_load.c - kv-bench load.
 */
#include "kv-bench_parts.h"

#include <inttypes.h>

/* What tells this step from the others; nothing if there is only one. */
static void name_step(const struct bench *b, uint64_t clients, uint64_t rate,
		      char label[REPORT_LABEL_MAX])
{
	int n = 0;

	label[0] = '\0';
	if (b->clients.n > 1)
		n = snprintf(label, REPORT_LABEL_MAX, "%" PRIu64 " client%s",
			     clients, clients == 1 ? "" : "s");
	if (b->rates.n > 1)
		snprintf(label + n, REPORT_LABEL_MAX - (size_t)n,
			 "%srate %" PRIu64, n > 0 ? ", " : "", rate);
}

static int step(struct bench *b, uint64_t clients, uint64_t rate,
		struct report *report)
{
	struct load_plan plan = b->plan;
	char label[REPORT_LABEL_MAX];

	name_step(b, clients, rate, label);
	plan.clients = (unsigned)clients;
	plan.rate = (double)rate;
	return bench_step(&plan, label, b->runs, report);
}

static bool goes_on(const struct report *report)
{
	return !bench_interrupted() &&
	       report->steps[report->nsteps - 1].all->lost == 0;
}

int bench_load(struct bench *b, struct out *out)
{
	size_t rates = b->rates.n > 0 ? b->rates.n : 1;
	struct report report;
	int r = 0, verdict;

	report_init(&report, &b->target);
	if (!b->no_fill)
		r = bench_fill(b, 0, b->plan.keys);
	for (size_t c = 0; r == 0 && c < b->clients.n; c++) {
		for (size_t i = 0; r == 0 && i < rates; i++) {
			if (report.nsteps > 0 && !goes_on(&report))
				break;
			r = step(b, b->clients.items[c],
				 b->rates.n > 0 ? b->rates.items[i] : 0,
				 &report);
		}
	}
	if (r == 0)
		r = bench_print(b, &report, false, out);
	verdict = r == 0 ? bench_verdict(&report) : r;
	report_release(&report);
	return verdict;
}

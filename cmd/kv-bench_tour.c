/*
 * kv-bench_tour.c - kv-bench without a command: each kind of work, with one
 * client and with many.
 */
#include "kv-bench_parts.h"

#include <inttypes.h>

static const struct stop {
	const char *name, *mix;
	unsigned batch;
} stops[] = {
	{"set", "set", 1},
	{"get", "get", 1},
	{"mixed", "get:90,set:10", 1},
	{"bulk of 10", "bulk", 10},
	{"scan of 100", "scan", 1},
};

static const unsigned crowds[] = {1, 50};

static int visit(const struct bench *b, const struct stop *stop,
		 unsigned clients, struct report *report)
{
	struct load_plan plan = b->plan;
	char label[REPORT_LABEL_MAX];

	snprintf(label, sizeof(label), "%s, %u client%s", stop->name, clients,
		 clients == 1 ? "" : "s");
	plan.clients = clients;
	plan.threads = clients < plan.threads ? clients : plan.threads;
	plan.batch = stop->batch;
	(void)!mix_parse(&plan.mix, stop->mix);
	return bench_step(&plan, label, 1, report);
}

static bool goes_on(const struct report *report)
{
	return !bench_interrupted() &&
	       (report->nsteps == 0 ||
		report->steps[report->nsteps - 1].all->lost == 0);
}

int bench_tour(struct bench *b, struct out *out)
{
	struct report report;
	int r = bench_fill(b, 0, b->plan.keys), cleared;

	report_init(&report, &b->target);
	for (size_t i = 0; i < sizeof(stops) / sizeof(*stops); i++)
		for (size_t c = 0; r == 0 && c < 2 && goes_on(&report); c++)
			r = visit(b, &stops[i], crowds[c], &report);
	if (r == 0 && report.nsteps > 0)
		r = bench_print(b, &report, true, out);
	if (r == 0)
		r = bench_verdict(&report);
	if (r != KV_EUNREACHABLE) {
		cleared = bench_clear(b, b->plan.keys);
		r = r != 0 ? r : cleared;
	}
	report_release(&report);
	return r;
}

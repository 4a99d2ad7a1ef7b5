/*
 * report_text.c - reports for people.
 */
#include "bench/report.h"

#include "base/err.h"

#include <inttypes.h>
#include <stdlib.h>

static double us(uint64_t ns)
{
	return (double)ns / 1000;
}

/* Microseconds in at most 9 columns, as precise as there is room for. */
static void write_us(struct buf *out, double v)
{
	buf_printf(out, " %9.*f", v < 1000 ? 1 : 0, v);
}

static void write_latency(struct buf *out, const char *op, const char *kind,
			  const struct hist *h)
{
	char name[32];

	snprintf(name, sizeof(name), "%s %s", op, kind);
	buf_printf(out, "  %-16s %10" PRIu64, name, h->count);
	write_us(out, hist_mean(h) / 1000);
	for (int i = 0; i < REPORT_PERCENTILES; i++)
		write_us(out, us(hist_percentile(h, report_percentiles[i])));
	write_us(out, us(h->max));
	buf_append_char(out, '\n');
}

static void write_op(struct buf *out, const char *name,
		     const struct load_op *op, bool open)
{
	if (op->service.count != 0)
		write_latency(out, name, "service", &op->service);
	if (open && op->response.count != 0)
		write_latency(out, name, "response", &op->response);
}

static void write_latencies(struct buf *out, const struct load_result *r,
			    bool open)
{
	struct load_op *total;
	int kinds = 0;

	buf_printf(out, "  %-16s %10s %9s", "microseconds", "count", "mean");
	for (int i = 0; i < REPORT_PERCENTILES; i++)
		buf_printf(out, " %9s", report_percentile_names[i]);
	buf_printf(out, " %9s\n", "max");
	for (enum bench_op op = 0; op < BENCH_OPS; op++) {
		const struct load_op *o = &r->ops[op];

		write_op(out, bench_op_name(op), o, open);
		kinds += o->service.count != 0 || o->response.count != 0;
	}
	if (kinds < 2)
		return;
	total = load_total(r);
	if (total != NULL)
		write_op(out, "all", total, open);
	else
		out->failed = true;
	free(total);
}

static void write_troubles(struct buf *out, const struct load_result *r)
{
	uint64_t missing = 0, wrong = 0;

	for (int op = 0; op < BENCH_OPS; op++) {
		missing += r->ops[op].missing;
		wrong += r->ops[op].wrong;
	}
	if (missing != 0)
		buf_printf(out, "  %" PRIu64 " reads found no such key\n",
			   missing);
	if (wrong != 0)
		buf_printf(out, "  %" PRIu64 " reads found a wrong value\n",
			   wrong);
	if (r->unsent != 0)
		buf_printf(out,
			   "  %" PRIu64 " requests were due and not sent by "
			   "the end\n",
			   r->unsent);
	if (r->lost != 0)
		buf_printf(out, "  %" PRIu64 " connections were lost\n",
			   r->lost);
	for (size_t i = 0; i < r->errors.n; i++)
		buf_printf(out, "  %" PRIu64 " x %s: %s\n",
			   r->errors.items[i].count, r->errors.items[i].word,
			   r->errors.items[i].detail);
}

static void write_run(struct buf *out, const struct report_step *step,
		      size_t run)
{
	const struct load_result *r = step->runs[run];

	buf_append_char(out, '\n');
	if (step->label[0] != '\0')
		buf_printf(out, "%s, ", step->label);
	buf_printf(out,
		   "run %zu: %.0f operations a second (%" PRIu64
		   " in %.2f s), %" PRIu64 " errors%s\n",
		   run + 1, load_rate(r), r->done, r->seconds,
		   load_errors_total(r), r->stopped ? ", interrupted" : "");
	write_latencies(out, r, report_is_open(step));
	write_troubles(out, r);
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* How far the runs of a step agree. */
static void write_spread(struct buf *out, const struct report_step *step)
{
	double *rates = calloc(step->nruns, sizeof(*rates));

	if (rates == NULL) {
		out->failed = true;
		return;
	}
	for (size_t i = 0; i < step->nruns; i++)
		rates[i] = load_rate(step->runs[i]);
	qsort(rates, step->nruns, sizeof(*rates), by_value);
	buf_printf(out,
		   "\n%s%s%zu runs: median %.0f operations a second, least "
		   "%.0f, most %.0f\n",
		   step->label, step->label[0] != '\0' ? ", " : "", step->nruns,
		   (rates[(step->nruns - 1) / 2] + rates[step->nruns / 2]) / 2,
		   rates[0], rates[step->nruns - 1]);
	write_latencies(out, step->all, report_is_open(step));
	free(rates);
}

void report_write_text(struct buf *out, const struct report *r)
{
	report_write_facts(out, r, "");
	buf_append_str(out, "load         ");
	report_write_work(out, &r->steps[0].plan);
	buf_append_str(out, "\n             ");
	report_write_manner(out, r);
	buf_append_char(out, '\n');
	if (!report_is_open(&r->steps[0]))
		buf_append_str(out, "             (closed loop: service time "
				    "is all that a client sees)\n");
	for (size_t i = 0; i < r->nsteps; i++) {
		for (size_t k = 0; k < r->steps[i].nruns; k++)
			write_run(out, &r->steps[i], k);
		if (r->steps[i].nruns > 1)
			write_spread(out, &r->steps[i]);
	}
}

/* Eight heights of a block, U+2581 to U+2588, the fullest part the highest. */
static void write_spark(struct buf *out, const struct load_result *r)
{
	uint32_t top = 1;

	for (int i = 0; i < LOAD_TIMELINE; i++)
		top = r->timeline[i] > top ? r->timeline[i] : top;
	for (int i = 0; i < LOAD_TIMELINE; i++) {
		uint64_t level = (uint64_t)r->timeline[i] * 7 / top;
		char block[3] = {(char)0xe2, (char)0x96, (char)(0x81 + level)};

		buf_append(out, block, sizeof(block));
	}
}

void report_write_table(struct buf *out, const struct report *r, bool sparks)
{
	const struct load_plan *plan = &r->steps[0].plan;

	report_write_facts(out, r, "");
	buf_printf(out,
		   "load         %llu keys, values of %zu bytes, pipeline %u; "
		   "closed loop\n",
		   (unsigned long long)plan->keys, plan->values->size,
		   plan->pipeline);
	buf_printf(out, "\n%-20s %11s %9s %9s %9s %9s %7s%s\n", "", "a second",
		   "p50 us", "p99 us", "p99.9 us", "max us", "errors",
		   sparks ? "  throughput over time" : "");
	for (size_t i = 0; i < r->nsteps; i++) {
		const struct report_step *step = &r->steps[i];
		struct load_op *all = load_total(step->all);

		if (all == NULL) {
			out->failed = true;
			return;
		}
		buf_printf(out, "%-20s %11.0f", step->label,
			   load_rate(step->all));
		write_us(out, us(hist_percentile(&all->service, 50)));
		write_us(out, us(hist_percentile(&all->service, 99)));
		write_us(out, us(hist_percentile(&all->service, 99.9)));
		write_us(out, us(all->service.max));
		buf_printf(out, " %7" PRIu64, load_errors_total(step->all));
		if (sparks) {
			buf_append_str(out, "  ");
			write_spark(out, step->all);
		}
		buf_append_char(out, '\n');
		free(all);
	}
}

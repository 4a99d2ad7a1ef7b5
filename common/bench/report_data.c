/*
 * report_data.c - reports for programs: JSON, CSV, and percentile tables.
 */
#include "bench/report.h"

#include "base/err.h"
#include "proto/json.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

static double us(double ns)
{
	return ns / 1000;
}

static void write_member(struct buf *out, const char *name, const char *text)
{
	buf_printf(out, "\"%s\":", name);
	if (json_is_text(slice_str(text)))
		json_write_string(out, slice_str(text));
	else
		buf_append_str(out, "null");
	buf_append_char(out, ',');
}

static void write_hist_json(struct buf *out, const char *name,
			    const struct hist *h)
{
	buf_printf(out, "\"%s\":{\"count\":%" PRIu64 ",\"mean\":%.3f", name,
		   h->count, us(hist_mean(h)));
	for (int i = 0; i < REPORT_PERCENTILES; i++)
		buf_printf(
			out, ",\"%s\":%.3f", report_percentile_names[i],
			us((double)hist_percentile(h, report_percentiles[i])));
	buf_printf(out, ",\"max\":%.3f}", us((double)h->max));
}

static bool is_empty(const struct load_op *op)
{
	return op->service.count == 0 && op->response.count == 0 &&
	       op->errors == 0;
}

static void write_op_json(struct buf *out, const char *name,
			  const struct load_op *op, bool open)
{
	buf_printf(out,
		   "\"%s\":{\"errors\":%" PRIu64 ",\"missing\":%" PRIu64
		   ",\"wrong\":%" PRIu64 ",",
		   name, op->errors, op->missing, op->wrong);
	write_hist_json(out, "service_us", &op->service);
	buf_append_char(out, ',');
	if (open)
		write_hist_json(out, "response_us", &op->response);
	else
		buf_append_str(out, "\"response_us\":null");
	buf_append_str(out, "},");
}

static void write_errors_json(struct buf *out, const struct load_errors *errors)
{
	buf_append_str(out, "\"error_replies\":[");
	for (size_t i = 0; i < errors->n; i++) {
		const struct load_error *e = &errors->items[i];

		buf_append_str(out, i == 0 ? "{" : ",{");
		write_member(out, "error", e->word);
		write_member(out, "message", e->detail);
		buf_printf(out, "\"count\":%" PRIu64 "}", e->count);
	}
	buf_append_str(out, "],");
}

static void write_run_json(struct buf *out, const struct report_step *step,
			   size_t run)
{
	const struct load_result *r = step->runs[run];
	struct load_op *total = load_total(r);

	if (total == NULL) {
		out->failed = true;
		return;
	}
	buf_append_char(out, '{');
	write_member(out, "step", step->label);
	buf_printf(out,
		   "\"run\":%zu,\"clients\":%u,\"rate\":%.10g,"
		   "\"seconds\":%.6f,\"operations\":%" PRIu64
		   ",\"operations_per_second\":%.1f,\"errors\":%" PRIu64
		   ",\"unsent\":%" PRIu64 ",\"lost_connections\":%" PRIu64
		   ",\"interrupted\":%s,",
		   run + 1, step->plan.clients, step->plan.rate, r->seconds,
		   r->done, load_rate(r), load_errors_total(r), r->unsent,
		   r->lost, r->stopped ? "true" : "false");
	write_errors_json(out, &r->errors);
	for (enum bench_op op = 0; op < BENCH_OPS; op++)
		if (!is_empty(&r->ops[op]))
			write_op_json(out, bench_op_name(op), &r->ops[op],
				      report_is_open(step));
	write_op_json(out, "all", total, report_is_open(step));
	out->len--; /* the comma behind the last member */
	buf_append_char(out, '}');
	free(total);
}

void report_write_json(struct buf *out, const struct report *r)
{
	const struct target *t = r->target;
	const struct load_plan *plan = &r->steps[0].plan;
	struct buf mix;

	buf_init(&mix);
	mix_write(&mix, &plan->mix);
	buf_append_char(&mix, '\0');
	buf_append_char(out, '{');
	write_member(out, "server", t->name);
	write_member(out, "address", target_address(t));
	write_member(out, "protocol", plan->wire->name);
	write_member(out, "durability", t->durability);
	write_member(out, "cpu", r->machine.cpu);
	buf_printf(out, "\"cpus\":%u,", r->machine.cpus);
	write_member(out, "kernel", r->machine.kernel);
	write_member(out, "file_system", t->file_system);
	write_member(out, "mix", buf_failed(&mix) ? "" : mix.data);
	write_member(out, "dist", bench_dist_name(plan->dist));
	buf_printf(out,
		   "\"seed\":%" PRIu64 ",\"threads\":%u,\"pipeline\":%u,"
		   "\"keys\":%" PRIu64 ",\"value_size\":%zu,\"verify\":%s,"
		   "\"results\":[",
		   plan->seed, plan->threads, plan->pipeline, plan->keys,
		   plan->values->size, plan->verify ? "true" : "false");
	buf_release(&mix);
	for (size_t i = 0, n = 0; i < r->nsteps; i++) {
		for (size_t k = 0; k < r->steps[i].nruns; k++) {
			if (n++ > 0)
				buf_append_char(out, ',');
			write_run_json(out, &r->steps[i], k);
		}
	}
	buf_append_str(out, "]}\n");
}

static void write_row(struct buf *out, const struct report_step *step,
		      size_t run, const char *name, const struct load_op *op,
		      bool response)
{
	const struct hist *h = response ? &op->response : &op->service;

	if (h->count == 0 && op->errors == 0)
		return;
	buf_printf(out,
		   "\"%s\",%zu,%s,%s,%u,%.10g,%" PRIu64 ",%" PRIu64 ",%" PRIu64
		   ",%" PRIu64 ",%.1f,%.3f",
		   step->label, run + 1, name,
		   response ? "response" : "service", step->plan.clients,
		   step->plan.rate, h->count, op->errors, op->missing,
		   op->wrong,
		   step->runs[run]->seconds > 0
			   ? (double)h->count / step->runs[run]->seconds
			   : 0,
		   us(hist_mean(h)));
	for (int i = 0; i < REPORT_PERCENTILES; i++)
		buf_printf(
			out, ",%.3f",
			us((double)hist_percentile(h, report_percentiles[i])));
	buf_printf(out, ",%.3f\n", us((double)h->max));
}

static void write_rows(struct buf *out, const struct report_step *step,
		       size_t run)
{
	const struct load_result *r = step->runs[run];
	struct load_op *total = load_total(r);

	if (total == NULL) {
		out->failed = true;
		return;
	}
	for (int kind = 0; kind < (report_is_open(step) ? 2 : 1); kind++) {
		bool response = kind == 1;

		for (enum bench_op op = 0; op < BENCH_OPS; op++)
			write_row(out, step, run, bench_op_name(op),
				  &r->ops[op], response);
		write_row(out, step, run, "all", total, response);
	}
	free(total);
}

void report_write_csv(struct buf *out, const struct report *r)
{
	report_write_facts(out, r, "# ");
	buf_append_str(out, "# load         ");
	report_write_work(out, &r->steps[0].plan);
	buf_append_str(out, "; ");
	report_write_manner(out, r);
	buf_append_str(out, "\nstep,run,operation,latency,clients,rate,count,"
			    "errors,missing,wrong,per_second,mean_us,p50_us,"
			    "p90_us,p99_us,p99.9_us,p99.99_us,max_us\n");
	for (size_t i = 0; i < r->nsteps; i++)
		for (size_t k = 0; k < r->steps[i].nruns; k++)
			write_rows(out, &r->steps[i], k);
}

/* Each time the rest above the percentile halves takes five lines, so that the
 * tail is shown as closely as the head. */
static void write_percentiles(struct buf *out, const struct hist *h)
{
	buf_printf(out, "%12s %14s %10s %14s\n\n", "Value", "Percentile",
		   "TotalCount", "1/(1-Percentile)");
	for (int i = 0; h->count > 0; i++) {
		double rest = ldexp(1 - i % 5 / 10.0, -(i / 5));
		double p = 1 - rest;
		uint64_t v = hist_percentile(h, p * 100), upto = 0;

		for (unsigned b = 0; b <= hist_bucket(v); b++)
			upto += h->buckets[b];
		if (upto == h->count)
			break;
		buf_printf(out, "%12.3f %2.12f %10" PRIu64 " %14.2f\n",
			   (double)v / 1e6, p, upto, 1 / rest);
	}
	buf_printf(out, "%12.3f %2.12f %10" PRIu64 "\n", (double)h->max / 1e6,
		   1.0, h->count);
	buf_printf(out, "#[Mean    = %12.3f, StdDeviation   = %12.3f]\n",
		   hist_mean(h) / 1e6, hist_deviation(h) / 1e6);
	buf_printf(out, "#[Max     = %12.3f, Total count    = %12" PRIu64 "]\n",
		   (double)h->max / 1e6, h->count);
	buf_printf(out, "#[Buckets = %12d, SubBuckets     = %12d]\n\n", 64,
		   HIST_SUB);
}

void report_write_hdr(struct buf *out, const struct report *r)
{
	report_write_facts(out, r, "# ");
	buf_append_str(out, "# load         ");
	report_write_work(out, &r->steps[0].plan);
	buf_append_str(out, "; ");
	report_write_manner(out, r);
	buf_append_char(out, '\n');
	for (size_t i = 0; i < r->nsteps; i++) {
		const struct report_step *step = &r->steps[i];
		struct load_op *total = load_total(step->all);

		if (total == NULL) {
			out->failed = true;
			return;
		}
		buf_printf(out, "# %s%sservice, milliseconds\n", step->label,
			   step->label[0] != '\0' ? ", " : "");
		write_percentiles(out, &total->service);
		if (report_is_open(step)) {
			buf_printf(out, "# %s%sresponse, milliseconds\n",
				   step->label,
				   step->label[0] != '\0' ? ", " : "");
			write_percentiles(out, &total->response);
		}
		free(total);
	}
}

/*
 * kv-bench_throughput.c - kv-bench throughput: do writes slow down when there
 * is more in the store?
 */
#include "kv-bench_parts.h"
#include "program.h"

#include <inttypes.h>

static uint64_t most_keys(const struct bench *b)
{
	uint64_t most = 0;

	for (size_t i = 0; i < b->sizes.n; i++)
		if (b->sizes.items[i] > most)
			most = b->sizes.items[i];
	return most + b->writes;
}

/* On standard error, because the form of the output is fixed. */
static void print_facts(const struct bench *b, const struct load_plan *plan)
{
	struct report report;
	struct buf text;

	report_init(&report, &b->target);
	buf_init(&text);
	if (report_add_step(&report, plan, "") != NULL)
		report_write_facts(&text, &report, "");
	fwrite(text.data, 1, text.len, stderr);
	buf_release(&text);
	report_release(&report);
}

static void print_head(const struct bench *b, struct out *out)
{
	buf_printf(&out->buf,
		   "Write throughput vs pre-populated dataset size\n"
		   "data_file=%s writes_per_round=%" PRIu64 "\n\n"
		   "prepopulated_keys,writes_per_sec\n",
		   b->target.dir[0] != '\0' ? b->target.dir
					    : target_address(&b->target),
		   b->writes);
}

/* New keys, each once, on top of the `size` that are there. */
static int measure(const struct bench *b, struct load_plan *plan, uint64_t size,
		   struct out *out)
{
	struct report report;
	int r;

	report_init(&report, &b->target);
	plan->first_key = size;
	plan->keys = b->writes;
	r = bench_step(plan, "", 1, &report);
	if (r == 0)
		r = bench_verdict(&report);
	if (r == 0 && !bench_interrupted()) {
		buf_printf(&out->buf, "%" PRIu64 ",%.1f\n", size,
			   load_rate(report.steps[0].all));
		r = out_flush(out);
	}
	report_release(&report);
	return r;
}

/* An empty store at first, whatever an earlier run has left behind. */
static int prepare(struct bench *b)
{
	struct target again;
	int r = bench_clear(b, most_keys(b));

	if (r != 0)
		return r;
	r = target_open(&again, &b->where);
	if (r == 0 && again.keys > 0)
		fprintf(stderr,
			"%s: the store holds %" PRIu64 " keys of others, which "
			"come on top\n",
			program_invocation_short_name, again.keys);
	target_release(&again);
	return r;
}

int bench_throughput(struct bench *b, struct out *out)
{
	struct load_plan plan = b->plan;
	int r, cleared;

	plan.mix = (struct bench_mix){.total = 1};
	plan.mix.weights[BENCH_SET] = 1;
	plan.dist = BENCH_SEQUENTIAL;
	plan.clients = (unsigned)b->clients.items[0];
	plan.duration_ms = 0;
	print_facts(b, &plan);
	r = prepare(b);
	if (r == 0)
		print_head(b, out);
	for (size_t i = 0; r == 0 && i < b->sizes.n; i++) {
		uint64_t size = b->sizes.items[i];

		if (i > 0)
			r = bench_clear(b, most_keys(b));
		if (r == 0)
			r = bench_fill(b, 0, size);
		if (bench_interrupted())
			break;
		if (r == 0)
			r = measure(b, &plan, size, out);
	}
	if (r != KV_EUNREACHABLE) {
		cleared = bench_clear(b, most_keys(b));
		r = r != 0 ? r : cleared;
	}
	return r;
}

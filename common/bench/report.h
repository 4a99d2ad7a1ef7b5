/*
 * report.h - what was measured, for people, programs and plots. Whatever the
 * form, it says on what: the server and how durable its writes are, CPU,
 * kernel, file system, seed.
 *
 * The functions append to a buffer; ask buf_failed().
 */
#ifndef BENCH_REPORT_H
#define BENCH_REPORT_H

#include "base/buf.h"
#include "bench/load.h"

#define REPORT_LABEL_MAX 48

/* One load, measured several times. */
struct report_step {
	char label[REPORT_LABEL_MAX]; /* "rate 5000", "set, 50 clients" */
	struct load_plan plan;
	struct load_result **runs;
	size_t nruns;
	struct load_result *all; /* the runs as one */
};

struct report {
	const struct target *target;
	struct machine machine;
	struct report_step *steps;
	size_t nsteps;
};

void report_init(struct report *r, const struct target *target);
void report_release(struct report *r);

/* Adds a step without runs; NULL: out of memory. Valid until the next. */
struct report_step *report_add_step(struct report *r,
				    const struct load_plan *plan,
				    const char *label);

/* Adds a run, which then belongs to the step. KV_ENOMEM: it does not. */
int report_add_run(struct report_step *step, struct load_result *run);

/* What was run has been measured in an open loop. */
static inline bool report_is_open(const struct report_step *step)
{
	return step->plan.rate > 0;
}

/* The percentiles that every form has. */
extern const double report_percentiles[];
extern const char *const report_percentile_names[]; /* "p99.99" */
#define REPORT_PERCENTILES 5

/* Server, durability, machine, seed: a "name  text" a line, behind `mark`. */
void report_write_facts(struct buf *out, const struct report *r,
			const char *mark);

/* The work in words: mix, keys, values. */
void report_write_work(struct buf *out, const struct load_plan *plan);

/* How it is done: clients, pipeline, threads, loop. Where the steps differ,
 * their labels say the rest. */
void report_write_manner(struct buf *out, const struct report *r);

void report_write_text(struct buf *out, const struct report *r);
void report_write_json(struct buf *out, const struct report *r);

/* A row for each run, operation and kind of latency. */
void report_write_csv(struct buf *out, const struct report *r);

/* The percentile tables that tools for HdrHistogram read, in milliseconds. */
void report_write_hdr(struct buf *out, const struct report *r);

/* One line a step, and how its throughput went if `sparks`. */
void report_write_table(struct buf *out, const struct report *r, bool sparks);

/* An SVG picture; see chart.c. */
void report_write_chart(struct buf *out, const struct report *r);

#endif

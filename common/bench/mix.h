/*
 * mix.h - what share of the requests does what: "get:90,set:10".
 */
#ifndef BENCH_MIX_H
#define BENCH_MIX_H

#include "base/buf.h"

enum bench_op {
	BENCH_GET,    /* read a key */
	BENCH_SET,    /* write a key that is there */
	BENCH_INSERT, /* write a key that is not there yet */
	BENCH_RMW,    /* read a key, then write it: one operation */
	BENCH_DELETE, /* delete keys */
	BENCH_BULK,   /* write several keys as one: MSET or bulk_set */
	BENCH_SCAN,   /* read many keys in one request */
	BENCH_OPS
};

enum bench_dist {
	BENCH_UNIFORM,
	BENCH_ZIPF,	  /* some keys much more often */
	BENCH_LATEST,	  /* the same, and those are the newest */
	BENCH_SEQUENTIAL, /* each key once, in order; then the work is done */
};

struct bench_mix {
	unsigned weights[BENCH_OPS];
	unsigned total; /* their sum, more than 0 */
};

const char *bench_op_name(enum bench_op op);
const char *bench_dist_name(enum bench_dist dist);

/* "uniform", "zipf" or "latest"; KV_EUSAGE. */
int bench_dist_parse(enum bench_dist *dist, const char *text);

/* Names with weights, in any order, each at most once; a name alone weighs 1.
 * KV_EUSAGE. */
int mix_parse(struct bench_mix *mix, const char *text);

/* Appends it as mix_parse() takes it. */
void mix_write(struct buf *out, const struct bench_mix *mix);

/* One of the mixes of the Yahoo! Cloud Serving Benchmark (Cooper et al.,
 * 2010), "A" to "D" and "F" in either case: the shares and the distribution.
 * KV_EUSAGE; E, short scans, is not among them. */
int mix_workload(struct bench_mix *mix, enum bench_dist *dist,
		 const char *name);

/* `random` is any number. */
static inline enum bench_op mix_pick(const struct bench_mix *mix,
				     uint64_t random)
{
	uint64_t at = ((random >> 32) * mix->total) >> 32;
	unsigned op = 0;

	while (at >= mix->weights[op])
		at -= mix->weights[op++];
	return (enum bench_op)op;
}

#endif

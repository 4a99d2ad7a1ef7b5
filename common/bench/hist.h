/*
 * hist.h - a histogram of times that keeps its precision over all of them.
 *
 * Log-linear, after the idea of Gil Tene's HdrHistogram: each power of two is
 * divided into as many equal buckets, so that a bucket is never wider than
 * 1/128 of what it holds, from a nanosecond to centuries, and recording costs
 * a few instructions.
 *
 * Threads: one at a time; threads record into their own and are added up.
 */
#ifndef BENCH_HIST_H
#define BENCH_HIST_H

#include <stdint.h>

#define HIST_SUB_BITS 7 /* 128 buckets for each power of two: 0.8% */
#define HIST_SUB (1u << HIST_SUB_BITS)
#define HIST_BUCKETS ((64 - HIST_SUB_BITS + 1) * HIST_SUB)

struct hist {
	uint64_t count;
	uint64_t min, max; /* of what was recorded, exactly */
	double sum;
	uint64_t buckets[HIST_BUCKETS];
};

/* The bucket of a value: the values below 2 * HIST_SUB have one each. */
static inline unsigned hist_bucket(uint64_t v)
{
	unsigned shift;

	if (v < 2 * HIST_SUB)
		return (unsigned)v;
	shift = 63u - (unsigned)__builtin_clzll(v) - HIST_SUB_BITS;
	return shift * HIST_SUB + (unsigned)(v >> shift);
}

/* The largest value that falls into the bucket. */
uint64_t hist_bucket_top(unsigned bucket);

static inline void hist_record(struct hist *h, uint64_t v)
{
	if (h->count == 0 || v < h->min)
		h->min = v;
	if (v > h->max)
		h->max = v;
	h->count++;
	h->sum += (double)v;
	h->buckets[hist_bucket(v)]++;
}

void hist_add(struct hist *to, const struct hist *from);

/* The value that `percent` of all do not exceed, as the top of its bucket but
 * never more than the maximum; 0 if nothing was recorded. */
uint64_t hist_percentile(const struct hist *h, double percent);

double hist_mean(const struct hist *h);
double hist_deviation(const struct hist *h); /* standard, from the buckets */

#endif

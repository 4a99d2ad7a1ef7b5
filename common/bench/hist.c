/*
 * hist.c - see hist.h.
 */
#include "bench/hist.h"

#include <math.h>

uint64_t hist_bucket_top(unsigned bucket)
{
	unsigned shift;
	uint64_t sub;

	if (bucket < 2 * HIST_SUB)
		return bucket;
	shift = bucket / HIST_SUB - 1;
	sub = bucket % HIST_SUB + HIST_SUB;
	/* The last bucket ends at 2^64: the sum wraps round to its top. */
	return ((sub + 1) << shift) - 1;
}

void hist_add(struct hist *to, const struct hist *from)
{
	if (from->count == 0)
		return;
	if (to->count == 0 || from->min < to->min)
		to->min = from->min;
	if (from->max > to->max)
		to->max = from->max;
	to->count += from->count;
	to->sum += from->sum;
	for (unsigned i = 0; i < HIST_BUCKETS; i++)
		to->buckets[i] += from->buckets[i];
}

uint64_t hist_percentile(const struct hist *h, double percent)
{
	double exact = (double)h->count * percent / 100;
	uint64_t rank = (uint64_t)ceil(exact - 1e-9), seen = 0;

	if (rank == 0)
		return h->min;
	for (unsigned i = 0; i < HIST_BUCKETS; i++) {
		seen += h->buckets[i];
		if (seen >= rank) {
			uint64_t top = hist_bucket_top(i);

			return top < h->max ? top : h->max;
		}
	}
	return h->max;
}

double hist_mean(const struct hist *h)
{
	return h->count == 0 ? 0 : h->sum / (double)h->count;
}

double hist_deviation(const struct hist *h)
{
	double mean = hist_mean(h), sum = 0;

	if (h->count == 0)
		return 0;
	for (unsigned i = 0; i < HIST_BUCKETS; i++) {
		double off = (double)hist_bucket_top(i) - mean;

		sum += off * off * (double)h->buckets[i];
	}
	return sqrt(sum / (double)h->count);
}

/*
 * zipf.h - Zipf's distribution: of n ranks, rank k comes up in proportion to
 * 1 / (k + 1)^0.99, the exponent that YCSB uses. Rank 0 is the most popular.
 *
 * Rejection-inversion after Hoermann and Derflinger (1996): no table and no
 * sum over all ranks, so any n costs the same, and n may change at any time.
 */
#ifndef BENCH_ZIPF_H
#define BENCH_ZIPF_H

#include <stdint.h>

struct zipf {
	uint64_t n;
	double area_first, area_last; /* of the curve below rank 1 and n */
	double sure;		      /* how near a rank is always accepted */
};

void zipf_init(struct zipf *z, uint64_t n); /* n > 0 */

/* 0 <= rank < n. `random` is the state of random.h. */
uint64_t zipf_next(const struct zipf *z, uint64_t *random);

#endif

/*
 * random.h - numbers that only look random: the same seed gives the same ones
 * on every machine. SplitMix64 (Steele, Lea and Flood, 2014): a counter whose
 * bits are mixed, so any two seeds make independent streams.
 */
#ifndef BASE_RANDOM_H
#define BASE_RANDOM_H

#include <stdint.h>

#define RANDOM_STEP UINT64_C(0x9e3779b97f4a7c15)

/* Spreads every bit of x over all of the result; one to one. */
static inline uint64_t random_mix(uint64_t x)
{
	x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
	return x ^ (x >> 31);
}

static inline uint64_t random_next(uint64_t *state)
{
	*state += RANDOM_STEP;
	return random_mix(*state);
}

/* 0 <= result < n, n > 0: a multiplication, whose bias below 2^-32 for the
 * numbers of keys that there are nobody can measure. */
static inline uint64_t random_below(uint64_t *state, uint64_t n)
{
	return (uint64_t)(((unsigned __int128)random_next(state) * n) >> 64);
}

/* 0 <= result < 1. */
static inline double random_unit(uint64_t *state)
{
	return (double)(random_next(state) >> 11) * 0x1p-53;
}

#endif

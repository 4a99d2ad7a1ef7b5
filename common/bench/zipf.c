/*
 * zipf.c - see zipf.h. With h(x) = x^-s: a point is drawn evenly below the
 * curve h, whose integral H and its inverse have closed forms; the rank next
 * to it is taken if the point lies within the bar of that rank as well, which
 * it nearly always does.
 */
#include "bench/zipf.h"

#include "base/random.h"

#include <math.h>

#define EXPONENT 0.99

static double h(double x)
{
	return exp(-EXPONENT * log(x));
}

/* An integral of h. */
static double area(double x)
{
	return exp((1 - EXPONENT) * log(x)) / (1 - EXPONENT);
}

static double area_inverse(double a)
{
	return exp(log(a * (1 - EXPONENT)) / (1 - EXPONENT));
}

void zipf_init(struct zipf *z, uint64_t n)
{
	z->n = n;
	z->area_first = area(1.5) - 1;
	z->area_last = area((double)n + 0.5);
	z->sure = 2 - area_inverse(area(2.5) - h(2));
}

uint64_t zipf_next(const struct zipf *z, uint64_t *random)
{
	for (;;) {
		double a = z->area_last +
			   random_unit(random) * (z->area_first - z->area_last);
		double x = area_inverse(a);
		double k = floor(x + 0.5);

		if (k < 1)
			k = 1;
		if (k > (double)z->n)
			k = (double)z->n;
		if (k - x <= z->sure || a >= area(k + 0.5) - h(k))
			return (uint64_t)k - 1;
	}
}

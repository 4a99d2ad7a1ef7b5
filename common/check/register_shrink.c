/*
 * register_shrink.c - from a violation to one that a person can read: see
 * register.h.
 *
 * First the moment is found (by bisection) at which the violation was complete;
 * then parts are left out, large ones first, as long as what remains violates
 * (the idea of Zeller's delta debugging). A part is left out only if a sound
 * history stays sound without it: a single look, or every operation on one
 * value. Leaving out one write alone would turn the reads of its value into
 * violations that never happened.
 */
#include "check/register.h"

#include <stdlib.h>
#include <string.h>

/* A smaller limit than the verdict's: many checks, and giving one up only
 * costs a longer report. */
#define SHRINK_LIMIT 100000u

struct shrink {
	const struct register_op *ops;
	size_t n;
	uint32_t values;
	uint64_t limit;
	uint64_t end;	/* what happened later is not known yet */
	bool *gone;	/* by operation */
	uint64_t *unit; /* of the operations that go together */
	size_t nunits;
	struct register_op *part;
};

static bool only_looks(const struct register_op *op)
{
	return op->write == REGISTER_NO_WRITE;
}

/* The operation as it was known at s->end; false: not at all. */
static bool as_known(const struct shrink *s, size_t i, struct register_op *op)
{
	*op = s->ops[i];
	if (s->gone[i] || op->invoke > s->end)
		return false;
	if (op->ret <= s->end)
		return true;
	op->maybe = true;
	op->ret = REGISTER_NEVER;
	if (op->need == REGISTER_OTHER)
		op->need = REGISTER_ANY; /* a delete that found something */
	return !only_looks(op);
}

static bool still_violated(struct shrink *s)
{
	size_t n = 0;

	for (size_t i = 0; i < s->n; i++)
		n += as_known(s, i, &s->part[n]);
	return register_check(s->part, n, s->values, s->limit) ==
	       REGISTER_VIOLATED;
}

static int compare_u64(const void *va, const void *vb)
{
	const uint64_t *a = va, *b = vb;

	return *a < *b ? -1 : *a > *b;
}

/* The first return after which the violation is there. */
static void find_end(struct shrink *s, uint64_t *times)
{
	size_t n = 0, lo = 0, hi;

	for (size_t i = 0; i < s->n; i++)
		if (!s->ops[i].maybe)
			times[n++] = s->ops[i].ret;
	qsort(times, n, sizeof(*times), compare_u64);
	hi = n; /* times[hi] or never: violated */
	while (lo < hi) {
		size_t mid = (lo + hi) / 2;

		s->end = times[mid];
		if (still_violated(s))
			hi = mid;
		else
			lo = mid + 1;
	}
	s->end = hi < n ? times[hi] : REGISTER_NEVER;
}

static void set_gone(struct shrink *s, size_t from, size_t to, bool gone,
		     bool *was)
{
	for (size_t i = 0; i < s->n; i++) {
		if (s->unit[i] < from || s->unit[i] >= to)
			continue;
		if (gone)
			was[i] = s->gone[i];
		s->gone[i] = gone || was[i];
	}
}

/* Leaves out runs of units, of half of them at first, at last one by one. */
static void leave_out(struct shrink *s, bool *was)
{
	for (size_t size = (s->nunits + 1) / 2; size > 0; size /= 2) {
		for (size_t at = 0; at < s->nunits; at += size) {
			set_gone(s, at, at + size, true, was);
			if (!still_violated(s))
				set_gone(s, at, at + size, false, was);
		}
	}
}

/* All operations on one value go together; none where operations link values
 * to each other. */
static void units_by_value(struct shrink *s)
{
	s->nunits = s->values;
	for (size_t i = 0; i < s->n; i++) {
		const struct register_op *op = &s->ops[i];

		s->unit[i] = only_looks(op) ? op->arg : op->write;
		if (op->need == REGISTER_OTHER ||
		    (op->need == REGISTER_EQUAL && !only_looks(op)))
			s->nunits = 0;
	}
}

static void units_of_lookers(struct shrink *s)
{
	s->nunits = 0;
	for (size_t i = 0; i < s->n; i++)
		s->unit[i] = only_looks(&s->ops[i]) && !s->gone[i] ? s->nunits++
								   : UINT64_MAX;
}

bool register_shrink(const struct register_op *ops, size_t n, uint32_t values,
		     uint64_t limit, size_t *kept, size_t *nkept)
{
	struct shrink s = {.ops = ops,
			   .n = n,
			   .values = values,
			   .limit = limit < SHRINK_LIMIT ? limit : SHRINK_LIMIT,
			   .end = REGISTER_NEVER};
	uint64_t *times = calloc(n + 1, sizeof(*times));
	bool *was = calloc(n + 1, sizeof(*was));
	bool ok;

	s.gone = calloc(n + 1, sizeof(*s.gone));
	s.unit = calloc(n + 1, sizeof(*s.unit));
	s.part = calloc(n + 1, sizeof(*s.part));
	ok = times && was && s.gone && s.unit && s.part;
	*nkept = 0;
	if (ok) {
		struct register_op op;

		find_end(&s, times);
		units_by_value(&s);
		leave_out(&s, was);
		units_of_lookers(&s);
		leave_out(&s, was);
		for (size_t i = 0; i < n; i++)
			if (as_known(&s, i, &op))
				kept[(*nkept)++] = i;
	}
	free(times);
	free(was);
	free(s.gone);
	free(s.unit);
	free(s.part);
	return ok;
}

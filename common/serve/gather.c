/*
 * gather.c - see gather.h.
 */
#include "serve/gather.h"

/* After so many groups that waited in vain, one in so many tries again. */
#define VAIN_MAX 4u
#define TRY_EVERY 32u

void gather_init(struct gather *g)
{
	*g = (struct gather){.group = 3};
}

void gather_join(struct gather *g, uint64_t *last)
{
	if (*last == g->group)
		return;
	if (*last == g->group - 1)
		g->missing[0]--;
	else if (*last == g->group - 2)
		g->missing[1]--;
	g->joined++;
	*last = g->group;
}

static size_t missing(const struct gather *g)
{
	return g->missing[0] + g->missing[1];
}

bool gather_hopes(const struct gather *g)
{
	return g->joined != 0 && missing(g) != 0 &&
	       (g->in_vain < VAIN_MAX || g->group % TRY_EVERY == 0);
}

bool gather_waits(struct gather *g, uint64_t now_ns, uint64_t sync_ns)
{
	if (!gather_hopes(g))
		return false;
	if (g->since_ns == 0)
		g->since_ns = now_ns;
	return now_ns - g->since_ns < sync_ns / 2;
}

void gather_next(struct gather *g)
{
	if (g->since_ns != 0)
		g->in_vain = missing(g) <= g->joined / 4 ? 0 : g->in_vain + 1;
	g->missing[1] = g->missing[0];
	g->missing[0] = g->joined;
	g->joined = 0;
	g->since_ns = 0;
	g->group++;
}

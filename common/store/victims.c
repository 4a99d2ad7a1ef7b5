/*
 * victims.c - which segments are worth compacting.
 *
 * Compaction starts when more than GARBAGE_PART of the bytes in full segments
 * is garbage, and takes the emptiest ones. Since the emptiest is at least as
 * empty as the average, freeing 0.4 bytes costs copying at most 0.6: all that
 * compaction writes is at most 1.5 times what clients write, and the log is at
 * most 1.67 times the live data plus the active segment.
 *
 * Small segments (left by short runs, failed syncs and earlier compactions)
 * are merged when there are many, so that their number stays in proportion.
 */
#include "store/log.h"

#include <stdlib.h>

#define GARBAGE_PART 0.4
#define SMALL_MANY 8

struct candidate {
	struct segment *seg;
	uint64_t used;
	uint64_t kept;	/* what compaction would copy, about */
	double garbage; /* part of `used` that would be freed */
};

/* The segment that names this one as its predecessor keeps its end until the
 * seal is on disk; so a segment may go only if its predecessor is sealed, or
 * gone. */
static bool predecessor_settled(const struct store *s,
				const struct segment *seg)
{
	for (unsigned i = 0; i < s->nslots; i++) {
		const struct segment *other = s->slots[i];

		if (other != NULL && !other->sealed &&
		    other->header.number == seg->header.prev_number)
			return false;
	}
	return true;
}

static bool may_go(const struct store *s, const struct segment *seg)
{
	return seg != NULL && seg->full && !seg->victim &&
	       seg->durable == seg->tail && seg->base != NULL &&
	       (seg->failed || (seg->sealed && seg->side != NULL)) &&
	       predecessor_settled(s, seg);
}

static void judge(struct candidate *c, struct segment *seg)
{
	uint64_t headers = seg->records * RECORD_HEADER;
	uint64_t items;

	c->seg = seg;
	c->used = seg->tail - SEGMENT_RECORDS_AT;
	c->kept = seg->live + (seg->tombstones_due ? 0 : seg->tombstones);
	items = c->used > headers ? c->used - headers : 0;
	c->garbage =
		items > c->kept ? 1.0 - (double)c->kept / (double)items : 0.0;
	if (items == 0 || seg->failed)
		c->garbage = 1.0; /* empty, or on a file that failed */
}

static int emptiest_first(const void *a, const void *b)
{
	double x = ((const struct candidate *)a)->garbage;
	double y = ((const struct candidate *)b)->garbage;

	return (x < y) - (x > y);
}

static int smallest_first(const void *a, const void *b)
{
	uint64_t x = ((const struct candidate *)a)->used;
	uint64_t y = ((const struct candidate *)b)->used;

	return (x > y) - (x < y);
}

/* Takes candidates from the front while they qualify and fit in one segment. */
static size_t take(struct store *s, const struct candidate *list, size_t n,
		   double garbage, uint64_t used, struct segment **victims,
		   size_t max)
{
	uint64_t kept = 0;
	size_t taken = 0;

	for (size_t i = 0; i < n && taken < max; i++) {
		if (list[i].garbage < garbage || list[i].used > used)
			break;
		kept += list[i].kept;
		if (taken != 0 && kept > s->options.segment_max)
			break;
		victims[taken++] = list[i].seg;
	}
	return taken;
}

size_t compact_choose(struct store *s, struct segment **victims, size_t max)
{
	struct candidate *list = malloc((s->nslots + 1) * sizeof(*list));
	uint64_t small = store_segment_size(s, 0) / 4;
	uint64_t keep_from = s->log != NULL ? log_keep_from(s) : 0;
	double used = 0, garbage = 0;
	size_t n = 0, nsmall = 0, taken = 0;
	bool failed = false;

	for (unsigned i = 0; list != NULL && i < s->nslots; i++) {
		if (!may_go(s, s->slots[i]) ||
		    !log_may_go(s, s->slots[i], keep_from))
			continue;
		judge(&list[n], s->slots[i]);
		used += (double)list[n].used;
		garbage += list[n].garbage * (double)list[n].used;
		nsmall += list[n].used < small;
		failed = failed || s->slots[i]->failed;
		n++;
	}
	if (n != 0 && (failed || (garbage > GARBAGE_PART * used &&
				  garbage >= (double)s->options.segment_min))) {
		qsort(list, n, sizeof(*list), emptiest_first);
		taken = take(s, list, n, GARBAGE_PART, UINT64_MAX, victims,
			     max);
	} else if (nsmall >= SMALL_MANY) {
		qsort(list, n, sizeof(*list), smallest_first);
		taken = take(s, list, n, 0.0, small, victims, max);
	}
	free(list);
	return taken;
}

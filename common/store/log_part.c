/*
 * log_part.c - see log_part.h. At most MARK_ENTRIES headers are read, and
 * MARK_BYTES passed over, to find an entry from its mark; the marks take a few
 * thousandths of what they describe.
 */
#include "store/log_part.h"

#include "base/err.h"
#include "store/segment.h"

#include <stdlib.h>

#define MARK_ENTRIES 256u
#define MARK_BYTES (64u << 10)

struct log_part *log_part_new(struct segment *seg)
{
	struct log_part *p = calloc(1, sizeof(*p));

	if (p == NULL)
		return NULL;
	p->seg = seg;
	p->first = seg->header.base_version + 1;
	p->last = seg->header.base_version;
	return p;
}

void log_part_free(struct log_part *p)
{
	if (p == NULL)
		return;
	free(p->marks);
	free(p->spans);
	free(p);
}

/* The array with room for one more element; NULL: out of memory, and the old
 * one is as it was. */
static void *grow(void *list, size_t n, size_t *cap, size_t size)
{
	size_t more = *cap ? 2 * *cap : 8;
	void *p;

	if (n < *cap)
		return list;
	p = reallocarray(list, more, size);
	if (p != NULL)
		*cap = more;
	return p;
}

int log_part_reserve(struct log_part *p)
{
	struct log_mark *marks =
		grow(p->marks, p->nmarks, &p->marks_cap, sizeof(*marks));
	struct log_span *spans;

	if (marks != NULL)
		p->marks = marks;
	spans = grow(p->spans, p->nspans, &p->spans_cap, sizeof(*spans));
	if (spans != NULL)
		p->spans = spans;
	return marks != NULL && spans != NULL
		       ? 0
		       : err_set(KV_ENOMEM,
				 "no memory for the log's directory");
}

static bool mark_due(const struct log_part *p, uint64_t index, uint64_t at)
{
	const struct log_mark *m = &p->marks[p->nmarks - 1];

	return index - m->index >= MARK_ENTRIES || at - m->at >= MARK_BYTES;
}

void log_part_add(struct log_part *p, uint64_t at, uint64_t term)
{
	uint64_t index = ++p->last;

	if (p->nmarks == 0 || mark_due(p, index, at))
		p->marks[p->nmarks++] = (struct log_mark){index, at};
	if (p->nspans == 0 || p->spans[p->nspans - 1].term != term)
		p->spans[p->nspans++] = (struct log_span){index, term};
}

void log_part_cut(struct log_part *p, uint64_t last)
{
	p->last = last;
	while (p->nmarks > 0 && p->marks[p->nmarks - 1].index > last)
		p->nmarks--;
	while (p->nspans > 0 && p->spans[p->nspans - 1].first > last)
		p->nspans--;
}

struct log_mark log_part_mark(const struct log_part *p, uint64_t index)
{
	size_t low = 0, high = p->nmarks;

	while (high - low > 1) {
		size_t mid = low + (high - low) / 2;

		if (p->marks[mid].index <= index)
			low = mid;
		else
			high = mid;
	}
	return p->marks[low];
}

uint64_t log_part_term(const struct log_part *p, uint64_t index)
{
	size_t low = 0, high = p->nspans;

	while (high - low > 1) {
		size_t mid = low + (high - low) / 2;

		if (p->spans[mid].first <= index)
			low = mid;
		else
			high = mid;
	}
	return p->spans[low].term;
}

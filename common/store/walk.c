/*
 * walk.c - see walk.h.
 *
 * Torn or damaged? Each record says up to which offset its segment was on disk
 * when it was written. After a bad record at X we look on for valid ones (by
 * the segment's own magic number, at every multiple of 8): if one says that
 * all before some Y > X was on disk, then X was, and is damaged. Otherwise X
 * belongs to the last write, of which a power cut may leave any sectors and
 * which nobody was told of.
 */
#include "store/walk.h"

#include "base/err.h"

#include <stdlib.h>

void walk_begin(struct walk *w, const struct segment *seg, bool verify)
{
	*w = (struct walk){
		.seg = seg,
		.at = SEGMENT_RECORDS_AT,
		.end = seg->tail,
		.verify = verify,
	};
}

static int damaged(const struct segment *seg, uint64_t at, const char *what)
{
	char name[SEGMENT_NAME_MAX];

	segment_name(name, seg->header.number);
	return err_set(KV_EDAMAGED, "'%s' is damaged at offset %llu: %s", name,
		       (unsigned long long)at, what);
}

int walk_next(struct walk *w)
{
	if (w->at >= w->end)
		return 0;
	if (!record_decode(w->seg->base + w->at, w->end - w->at, w->seg->seed,
			   w->verify, &w->record))
		return damaged(w->seg, w->at, "no valid record");
	w->here = w->at;
	w->at += RECORD_HEADER + w->record.length;
	return 1;
}

int walk_items(const struct walk *w, walk_item_fn *fn, void *arg)
{
	uint64_t at = w->here + RECORD_HEADER;
	uint64_t end = at + w->record.length;
	struct stored_item item;

	for (uint32_t i = 0; i < w->record.count; i++) {
		int r;

		if (!item_decode(w->seg->base + at, end - at, &item))
			return damaged(w->seg, at, "no valid item");
		r = fn(arg, &item, at);
		if (r != 0)
			return r;
		at += item.size;
	}
	return at == end ? 0 : damaged(w->seg, at, "bytes left in a record");
}

static int stale_add(struct tail *tail, uint64_t at)
{
	size_t n = tail->nstale;

	if ((n & (n - 1)) == 0) { /* full at powers of two */
		uint64_t *more =
			realloc(tail->stale, (n ? 2 * n : 1) * sizeof(*more));

		if (more == NULL)
			return err_set(KV_ENOMEM, "no memory to recover");
		tail->stale = more;
	}
	tail->stale[tail->nstale++] = at;
	return 0;
}

/* Looks behind a bad record at tail->end for valid ones. */
static int tail_look_behind(const struct segment *seg, struct tail *tail)
{
	uint32_t magic = record_magic(seg->seed);
	struct record rec;

	for (uint64_t at = tail->end; at + RECORD_HEADER <= seg->mapped;
	     at += RECORD_ALIGN) {
		int r;

		if (get_le32(seg->base + at + 8) != magic)
			continue;
		if (record_decode(seg->base + at, seg->mapped - at, seg->seed,
				  true, &rec) &&
		    rec.synced > tail->end)
			return damaged(seg, tail->end,
				       "a bad record with valid ones after it");
		r = stale_add(tail, at);
		if (r != 0)
			return r;
	}
	return 0;
}

int tail_find(const struct segment *seg, struct tail *tail)
{
	uint64_t at = SEGMENT_RECORDS_AT, vouched = SEGMENT_RECORDS_AT;
	struct record rec;
	int r;

	*tail = (struct tail){0};
	while (record_decode(seg->base + at, seg->mapped - at, seg->seed, true,
			     &rec)) {
		if (rec.synced > vouched && rec.synced <= at)
			vouched = rec.synced;
		at += RECORD_HEADER + rec.length;
		tail->records++;
	}
	tail->end = at;
	tail->unsure = vouched;
	r = tail_look_behind(seg, tail);
	if (r != 0)
		tail_release(tail);
	return r;
}

void tail_release(struct tail *tail)
{
	free(tail->stale);
	*tail = (struct tail){0};
}

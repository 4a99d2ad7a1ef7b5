/*
 * walk.h - reading a segment record by record, and finding where the last one
 * ends.
 */
#ifndef STORE_WALK_H
#define STORE_WALK_H

#include "store/segment.h"

struct walk {
	const struct segment *seg;
	uint64_t at;   /* offset of the next record; of the bad one, if bad */
	uint64_t end;  /* offset to stop at */
	bool verify;   /* check the checksums */
	uint64_t here; /* offset of the current record */
	struct record record; /* the current one */
};

/* All records of a segment whose end is known (seg->tail). */
void walk_begin(struct walk *w, const struct segment *seg, bool verify);

/* 1: a record; 0: the end; KV_EDAMAGED: a bad record at w->at, the text says
 * where. */
int walk_next(struct walk *w);

/* Called for each item of the current record, in order. */
typedef int walk_item_fn(void *arg, const struct stored_item *item,
			 uint64_t offset);
/* The first result of fn that is not 0, or KV_EDAMAGED if the items do not
 * fill the record. */
int walk_items(const struct walk *w, walk_item_fn *fn, void *arg);

/*
 * The end of a segment that was still being written to. Records at and after
 * `end` were never acknowledged; those that still look valid must be wiped
 * before anything is written there. What lies in [unsure, end) may be in the
 * page cache only.
 */
struct tail {
	uint64_t end;
	uint64_t unsure;
	uint64_t records;
	uint64_t *stale; /* offsets of record headers behind the end */
	size_t nstale;
};

/* 0, or KV_EDAMAGED (text: file and offset) if a bad record is vouched for by
 * a later one. Release with tail_release(). */
int tail_find(const struct segment *seg, struct tail *tail);
void tail_release(struct tail *tail);

#endif

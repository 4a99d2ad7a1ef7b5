/*
 * check.c - verification offline: every byte that has a meaning is read and
 * compared with what it must be.
 *
 * Opening the store (for reading) already checks names, headers and the order
 * of the segments; here follow all records of all segments, whether or not a
 * side file spared opening them, the unused parts of headers and seals, and
 * each side file against the segment it was made from.
 */
#include "store/side.h"
#include "store/store_internal.h"

#include <stdio.h>
#include <stdlib.h>

static int damaged(const struct segment *seg, const char *suffix,
		   unsigned long long at, const char *what)
{
	return err_set(
		KV_EDAMAGED, "'%016llx.%s' is damaged at offset %llu: %s",
		(unsigned long long)seg->header.number, suffix, at, what);
}

static bool all_zero(const char *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (p[i] != 0)
			return false;
	return true;
}

static int check_blocks(const struct segment *seg)
{
	const char *at = seg->base + SEGMENT_SEAL_AT;
	char block[SEGMENT_BLOCK];
	struct segment_seal seal;

	segment_header_encode(block, &seg->header);
	if (memcmp(block, seg->base, sizeof(block)) != 0)
		return damaged(seg, "log", 0, "the header");
	if (!segment_seal_decode(at, &seal, seg->seed))
		return all_zero(at, SEGMENT_BLOCK)
			       ? 0
			       : damaged(seg, "log", SEGMENT_SEAL_AT,
					 "the seal");
	segment_seal_encode(block, &seal, seg->seed);
	if (memcmp(block, at, sizeof(block)) != 0)
		return damaged(seg, "log", SEGMENT_SEAL_AT, "the seal");
	return 0;
}

static int check_side(const struct segment *seg, const struct refs *refs)
{
	if (side_count(seg->side) != refs->count)
		return damaged(seg, "idx", 0, "wrong number of entries");
	for (size_t i = 0; i < refs->count; i++) {
		struct side_entry e;
		struct stored_item item;

		side_entry_at(seg->side, i, &e);
		ref_item(&refs->list[i], &item);
		if (!slice_eq(e.key, item.key) || e.version != item.version ||
		    e.flags != item.flags || e.size != item.size ||
		    e.expires_ms != item.expires_ms ||
		    e.offset != (uint64_t)(refs->list[i].at - seg->base))
			return damaged(seg, "idx", 0, "a wrong entry");
	}
	return 0;
}

static int check_segment(struct store *s, struct segment *seg,
			 struct store_check_report *report)
{
	struct refs refs;
	struct side *side;
	int r = check_blocks(seg);

	if (r != 0)
		return r;
	r = refs_collect(&refs, seg);
	if (r != 0)
		return r;
	report->segments++;
	report->records += refs.records;
	report->items += refs.items;
	report->bytes += seg->tail - SEGMENT_RECORDS_AT;
	if (seg->side != NULL) {
		r = check_side(seg, &refs);
	} else {
		r = side_open(s->fs, s->dir, seg, &side);
		if (r == 0)
			side_close(side); /* made since; nothing wrong */
		else if (r == KV_ENOTFOUND)
			r = 0; /* opening for writing makes it */
	}
	refs_release(&refs);
	return r;
}

int store_check(const char *dir, struct fs *fs,
		struct store_check_report *report)
{
	struct store *s;
	int r;

	*report = (struct store_check_report){0};
	r = store_open_either(&s, dir, fs);
	if (r == 0) {
		report->live = index_count(s->index);
		for (unsigned i = 0; i < s->nslots && r == 0; i++)
			if (s->slots[i] != NULL)
				r = check_segment(s, s->slots[i], report);
		(void)store_close(s);
	}
	if (r == KV_EDAMAGED)
		snprintf(report->damage, sizeof(report->damage), "%s",
			 err_text());
	return r;
}

/*
 * refs.h - the items of one segment in the order of their keys: what a side
 * file is written from, and what opening uses where there is no side file.
 */
#ifndef STORE_REFS_H
#define STORE_REFS_H

#include "store/segment.h"

struct ref {
	uint64_t prefix; /* orders the keys, nearly; see refs.c */
	const char *at;	 /* the item, in the segment's mapping */
};

struct refs {
	struct ref *list;
	size_t count, cap;
	uint64_t records;
	uint64_t items; /* before only the newest of each key were kept */
};

/* First 8 bytes of a key, zero-filled: compares like the key, if different. */
uint64_t key_prefix(struct slice key);

/*
 * Reads the segment up to seg->tail, verifying checksums; sorts by key and
 * keeps only the newest item of each. The refs point into the mapping. Any
 * thread may do this to a segment that is full.
 */
MUST_CHECK int refs_collect(struct refs *refs, const struct segment *seg);
void refs_release(struct refs *refs);

/* The item behind a ref; it was checked when it was collected. */
static inline void ref_item(const struct ref *ref, struct stored_item *item)
{
	(void)item_decode(ref->at, UINT32_MAX, item);
}

#endif

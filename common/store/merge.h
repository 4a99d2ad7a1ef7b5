/*
 * merge.h - all items of all segments, in the order of their keys, of each key
 * the newest: how opening learns what is live.
 *
 * Each segment contributes one sorted run, read from its side file or sorted
 * here; a heap over the runs' heads yields the keys. The index is then built
 * bottom-up from what comes out, without a single search.
 */
#ifndef STORE_MERGE_H
#define STORE_MERGE_H

#include "store/refs.h"
#include "store/side.h"

struct run {
	struct segment *seg;
	struct refs refs; /* used if the segment has no side file */
	size_t next;
	struct side_entry head; /* the current entry */
};

struct merge {
	struct run *runs;
	size_t nruns;
	struct run **heap;
	size_t nheap;
	uint64_t newest; /* highest version seen */
};

/* Called for the newest item of each key, tombstones and the expired too. */
typedef int merge_fn(void *arg, struct segment *seg,
		     const struct side_entry *entry);

/*
 * Merges the segments (whose ends are known). Reads those without a side file
 * record by record, which may find damage. *newest gets the highest version.
 */
MUST_CHECK int merge_segments(struct segment **segs, size_t n, merge_fn *fn,
			      void *arg, uint64_t *newest);

#endif

/*
 * index.h - the ordered index: key -> location, in memory.
 *
 * A B+tree of bytes-wise ordered keys. It knows nothing of files: a location is
 * an opaque 64-bit number that the store chooses. Keys of 1 to KV_KEY_MAX
 * bytes, and a few more (the store puts an expiry in front of some).
 *
 * Threads: one at a time. Cursors are ended by any change of the index; seek
 * again by key.
 *
 * Memory: nodes come from slabs of their own (index_memory() says how much);
 * all of it goes at index_free().
 */
#ifndef STORE_INDEX_H
#define STORE_INDEX_H

#include "base/buf.h"
#include "base/slice.h"

#include <stdint.h>

struct index;

/* NULL: out of memory. */
struct index *index_new(void);
void index_free(struct index *ix); /* NULL is allowed */

uint64_t index_count(const struct index *ix);
/* Moves whenever index_put() or index_delete() is called: as long as it does
 * not, what was looked up is so. */
uint64_t index_changes(const struct index *ix);
size_t index_memory(const struct index *ix); /* bytes, all included */

/* True and *loc if the key is there. */
bool index_get(const struct index *ix, struct slice key, uint64_t *loc);

/* Where a key was when it was looked up, for those who come back to it. */
struct index_place {
	void *leaf;	   /* NULL: the key is not there */
	uint64_t location; /* then */
	uint64_t shape;	   /* of the tree, then: its keys are the same while it
			      does not move */
	unsigned slot;
};

/*
 * Looks n keys up at once. About twice as fast as n calls of index_get() where
 * the index is larger than the processor's caches. It also warms the places
 * that putting or deleting the same keys will touch, so a batch of writes gains
 * from calling it first.
 */
void index_get_many(const struct index *ix, const struct slice *keys, size_t n,
		    struct index_place *places);

/* The location at the place now; false if keys came or went since, or none was
 * there. */
bool index_at(const struct index *ix, const struct index_place *place,
	      uint64_t *loc);

/* index_put() without a search, where the key is at that place; false, and
 * nothing done, if keys came or went since or it is not there. Any key may be
 * tried: it is compared. */
bool index_replace(struct index *ix, const struct index_place *place,
		   struct slice key, uint64_t loc, uint64_t *old);

/*
 * Sets key -> loc. *existed says whether the key was there, *old its former
 * location if so. 0, or KV_ENOMEM with the index unchanged.
 */
int index_put(struct index *ix, struct slice key, uint64_t loc, bool *existed,
	      uint64_t *old);

/* Removes the key; true and *old if it was there. Never fails: removing needs
 * no memory. */
bool index_delete(struct index *ix, struct slice key, uint64_t *old);

/*
 * A place between two keys. After a seek the cursor stands on a key, or at the
 * end (valid is false).
 */
struct index_cursor {
	const struct index *ix;
	void *leaf;
	unsigned slot;
	bool valid;
};

/* The first key >= key (an empty slice: the first of all). */
void index_seek(const struct index *ix, struct slice key,
		struct index_cursor *cur);
/* The last key < key (an empty slice: the last of all). */
void index_seek_before(const struct index *ix, struct slice key,
		       struct index_cursor *cur);
/* Any key, chosen by the bits of `random`. */
void index_pick(const struct index *ix, uint64_t random,
		struct index_cursor *cur);
void index_next(struct index_cursor *cur);
void index_prev(struct index_cursor *cur);

uint64_t index_cursor_location(const struct index_cursor *cur);
/* Puts the key under the cursor into `key`, which is cleared first. */
void index_cursor_key(const struct index_cursor *cur, struct buf *key);

/*
 * Builds an empty index from keys that come in strictly ascending order,
 * filling every node: several times faster and denser than index_put(). Call
 * index_load_end() once after the last; between, nothing else may be called.
 * 0 or KV_ENOMEM (free the index then). A key that is not above the one before
 * is KV_EDATA, and is left out.
 */
int index_load(struct index *ix, struct slice key, uint64_t loc);
int index_load_end(struct index *ix);

/* Walks the whole tree and checks its order, counts and bounds; for tests.
 * NULL if sound, else what is wrong. */
const char *index_verify(const struct index *ix);

#endif

/*
 * group.h - records that wait for the disk together.
 *
 * A record has its place in the log as soon as it is appended: the group that
 * is filling will be written to `base` of its segment in one pwrite and synced
 * once. Until then its items are read from the group's bytes.
 */
#ifndef STORE_GROUP_H
#define STORE_GROUP_H

#include "base/buf.h"
#include "store/location.h"
#include "store/segment.h"

#include <sys/queue.h>

/* What one change did to the index, to take it back. */
struct undo {
	location now;	 /* the new item: the key can be read there */
	location before; /* what the index said; UNDO_ABSENT: nothing */
};

#define UNDO_ABSENT UINT64_MAX

struct group {
	TAILQ_ENTRY(group) next;
	struct segment *seg;
	uint64_t base;
	struct buf bytes;
	uint64_t last_seq; /* of the last record in it */
	uint64_t records;
	struct undo *undo;
	size_t nundo, undo_cap;
	bool opens; /* it is the first of its segment: the file is to be made */
	bool inject;	   /* its sync is to fail, on purpose */
	unsigned attempts; /* failed syncs so far */
};

TAILQ_HEAD(group_queue, group);

/* Takes the memory of *used, a group that is done with, if there is one. NULL:
 * out of memory. */
struct group *group_new(struct segment *seg, bool opens, struct group **used);
/* Keeps the memory of a group for the next one, if it is worth it. */
void group_retire(struct group *g, struct group **used);
void group_free(struct group *g); /* NULL is allowed */

/* Room for one more record of `size` bytes and `changes` changes; where its
 * bytes go, or NULL. Nothing is changed until group_commit(). */
char *group_reserve(struct group *g, size_t size, size_t changes);
void group_commit(struct group *g, size_t size, uint64_t seq);

static inline uint64_t group_end(const struct group *g)
{
	return g->base + g->bytes.len;
}

/* Completes the headers of all records for the place where they will lie. */
void group_seal(struct group *g);

#endif

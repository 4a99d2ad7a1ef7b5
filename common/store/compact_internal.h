/*
 * compact_internal.h - one compaction under way; compact.c has the steps and
 * the rules, compact_copy.c the copying.
 */
#ifndef STORE_COMPACT_INTERNAL_H
#define STORE_COMPACT_INTERNAL_H

#include "store/log.h"
#include "store/walk.h"

#define VICTIMS_MAX 64
#define CHUNK_ITEMS 256

enum phase {
	COPY,
	FINISH,
	SWITCH,
	RELEASE,
	CLOSE,
};

struct chunk_item {
	struct stored_item item; /* in the victim's mapping */
	location at;
	bool wanted;
};

struct move {
	location from;
	location to; /* of a tombstone: UNDO_ABSENT, it is in no index */
};

struct compaction {
	enum phase phase;
	struct segment *victims[VICTIMS_MAX];
	size_t nvictims;
	struct segment **others; /* all segments when it began */
	size_t nothers;

	/* Where reading stands. */
	size_t victim;
	struct walk walk;
	uint64_t item_at; /* next item of the current record */
	uint32_t items_left;
	struct chunk_item chunk[CHUNK_ITEMS];
	size_t nchunk;
	bool all_read;

	/* What is being written. */
	struct segment *out; /* NULL: nothing was live */
	char *out_tmp, *out_path;
	bool stray; /* it has its name and could not be removed again */
	struct buf record;
	uint64_t unsynced;
	uint64_t out_live, out_tombstones, out_tombstone_newest;
	uint64_t out_records;
	bool out_tombstones_due; /* some hide items of victims only */
	struct move *moves;
	size_t nmoves, moves_cap, switched;

	/* FINISH (of a replicated log), RELEASE: the sequence number that must
	 * be durable and revealed first. */
	uint64_t after;
	uint64_t spare_size;
	struct spare spare;
	uint64_t now_ms;
};

/* compact_copy.c: writes what is wanted of the last chunk, reads the next. On
 * any thread. */
MUST_CHECK int compact_copy(struct store *s, struct compaction *c);
/* Makes the new segment's file, unless it is there. 0 or -errno. */
MUST_CHECK int compact_open_output(struct store *s, struct compaction *c);

#endif

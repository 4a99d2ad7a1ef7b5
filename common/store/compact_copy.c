/*
 * compact_copy.c - the part of compaction that moves bytes: live items out of
 * the victims, chunk by chunk, into records of the new segment.
 *
 * Every record that is read is verified first: what has rotted must not get a
 * fresh checksum.
 */
#include "base/err.h"
#include "store/compact_internal.h"
#include "store/side.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>

#define CHUNK_BYTES (1u << 20)
#define SYNC_BYTES (4u << 20)

/* Reading. */

/* Whether a tombstone still hides something in a segment other than its own.
 * Other victims count: the order in which the files of several vanish in a
 * crash is not known. But then it will be superfluous when they are gone. */
static bool tombstone_needed(struct compaction *c,
			     const struct stored_item *item)
{
	bool needed = false;

	for (size_t i = 0; i < c->nothers; i++) {
		const struct segment *seg = c->others[i];

		if (seg == c->victims[c->victim] || seg == c->out ||
		    seg->header.base_version >= item->version)
			continue;
		if (seg->side != NULL && !side_has_key(seg->side, item->key))
			continue;
		needed = true;
		if (!seg->victim)
			return true;
	}
	c->out_tombstones_due = c->out_tombstones_due || needed;
	return needed;
}

static int chunk_add(struct compaction *c)
{
	struct segment *seg = c->victims[c->victim];
	struct chunk_item *ci = &c->chunk[c->nchunk];
	uint64_t end = c->walk.at;

	if (!item_decode(seg->base + c->item_at, end - c->item_at, &ci->item))
		return err_set(KV_EDAMAGED,
			       "segment %llu is damaged at offset %llu",
			       (unsigned long long)seg->header.number,
			       (unsigned long long)c->item_at);
	ci->at = location_make(seg->slot, c->item_at, ci->item.flags & ITEM_TTL,
			       ci->item.size);
	ci->wanted = !(ci->item.flags & ITEM_TOMBSTONE) ||
		     tombstone_needed(c, &ci->item);
	c->item_at += ci->item.size;
	c->items_left--;
	c->nchunk++;
	return 0;
}

/* Moves on to the next record; 0 with all_read set at the end of the last. */
static int next_record(struct compaction *c)
{
	int r = walk_next(&c->walk);

	if (r == 1) {
		c->item_at = c->walk.here + RECORD_HEADER;
		c->items_left = c->walk.record.count;
		return 0;
	}
	if (r != 0)
		return r;
	if (++c->victim == c->nvictims)
		c->all_read = true;
	else
		walk_begin(&c->walk, c->victims[c->victim], true);
	return 0;
}

static int read_chunk(struct compaction *c)
{
	size_t victim = c->victim;
	uint64_t bytes = 0;
	int r = 0;

	c->nchunk = 0;
	/* All of a chunk is of one victim. */
	while (r == 0 && !c->all_read && c->nchunk < CHUNK_ITEMS &&
	       bytes < CHUNK_BYTES && c->victim == victim) {
		if (c->items_left == 0) {
			r = next_record(c);
			continue;
		}
		r = chunk_add(c);
		if (r == 0)
			bytes += c->chunk[c->nchunk - 1].item.size;
	}
	return r;
}

/* Writing. */

int compact_open_output(struct store *s, struct compaction *c)
{
	int r;

	if (c->out->file != NULL)
		return 0;
	r = fs_open(s->fs, c->out_tmp, FS_WRITE | FS_CREATE, &c->out->file);
	return r == 0 ? fill_zeros(c->out->file, 0, SEGMENT_RECORDS_AT) : r;
}

static int add_move(struct compaction *c, location from, location to)
{
	if (c->nmoves == c->moves_cap) {
		size_t cap = c->moves_cap ? 2 * c->moves_cap : 1024;
		struct move *moves = realloc(c->moves, cap * sizeof(*moves));

		if (moves == NULL)
			return -ENOMEM;
		c->moves = moves;
		c->moves_cap = cap;
	}
	c->moves[c->nmoves++] = (struct move){from, to};
	return 0;
}

/* Encodes one item behind those in the record; offsets count from `tail`. */
static int copy_item(struct compaction *c, const struct chunk_item *ci,
		     uint64_t tail)
{
	struct stored_item item = ci->item;
	bool tombstone = item.flags & ITEM_TOMBSTONE;
	uint64_t at = tail + c->record.len;
	location to;
	size_t size;
	char *p;

	item.flags &= ~(unsigned)ITEM_FIRST; /* each copy keeps its version */
	size = item_size(&item);
	p = buf_reserve(&c->record, size);
	if (p == NULL)
		return -ENOMEM;
	item_encode(p, &item);
	buf_advance(&c->record, size);
	to = location_make(c->out->slot, at, item.flags & ITEM_TTL, size);
	if (!tombstone) {
		c->out_live += location_size(to);
		return add_move(c, ci->at, to);
	}
	c->out_tombstones += location_size(to);
	if (item.version > c->out_tombstone_newest)
		c->out_tombstone_newest = item.version;
	return 0;
}

/* One record for all that is wanted of the chunk. */
static int write_chunk(struct store *s, struct compaction *c)
{
	struct segment *out = c->out;
	struct record record = {0};
	int r = 0;

	buf_clear(&c->record);
	if (buf_reserve(&c->record, RECORD_HEADER) == NULL)
		return -ENOMEM;
	buf_advance(&c->record, RECORD_HEADER);
	for (size_t i = 0; i < c->nchunk && r == 0; i++) {
		if (!c->chunk[i].wanted)
			continue;
		r = copy_item(c, &c->chunk[i], out->tail);
		record.version = c->chunk[i].item.version;
		record.count++;
	}
	if (r != 0 || record.count == 0)
		return r;
	record.length = (uint32_t)(c->record.len - RECORD_HEADER);
	record_encode(c->record.data, &record);
	record_seal(c->record.data, out->seed, SEGMENT_RECORDS_AT);
	r = compact_open_output(s, c);
	if (r == 0)
		r = file_pwrite(out->file, c->record.data, c->record.len,
				out->tail);
	if (r != 0)
		return r;
	out->tail += c->record.len;
	c->out_records++;
	c->unsynced += c->record.len;
	if (c->unsynced >= SYNC_BYTES) {
		c->unsynced = 0;
		r = file_sync(out->file);
	}
	return r;
}

/* Sleeps as long as the bytes should take at the rate that was asked for; on
 * the thread that does the copying, never on the owner's. */
static void pace(const struct store *s, uint64_t bytes)
{
	uint64_t ns;
	struct timespec t;

	if (s->options.compact_rate == 0)
		return;
	ns = bytes * 1000000000u / s->options.compact_rate;
	t.tv_sec = (time_t)(ns / 1000000000u);
	t.tv_nsec = (long)(ns % 1000000000u);
	nanosleep(&t, NULL);
}

int compact_copy(struct store *s, struct compaction *c)
{
	uint64_t before = c->out->tail;
	int r = write_chunk(s, c);

	if (r != 0)
		return err_sys(-r, "cannot write '%s'", c->out_tmp);
	pace(s, c->out->tail - before);
	return read_chunk(c);
}

/*
 * compact.c - gives the space of overwritten and deleted items back.
 *
 * The live items of some segments (victims.c says which) are copied to a new
 * segment, which is sealed, synced and named; then the index is pointed to the
 * copies; then the victims go. A crash at any moment leaves either the old
 * items, or both, which are the same.
 *
 *	COPY	 _run writes the live items of the last chunk and reads the next
 *		 one; _end asks the index which of it are live
 *	FINISH	 _run completes the new segment
 *	SWITCH	 _end points the index to the copies, some at a time
 *	RELEASE	 _run removes the victims' files
 *
 * A chunk is small, so that asking the index never holds the owner up for
 * long. Two rules keep deleted data deleted and acknowledged data there:
 *
 * - An item may count as dead because of a write that is not durable yet. The
 *   victims stay until everything appended before the end of SWITCH is.
 * - A tombstone is copied as long as any other segment that began before the
 *   deletion has an item of the key, as its side file tells.
 */
#include "base/err.h"
#include "store/side.h"
#include "store/store_internal.h"
#include "store/walk.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define VICTIMS_MAX 64
#define CHUNK_ITEMS 256
#define CHUNK_BYTES (1u << 20)
#define SYNC_BYTES (4u << 20)
#define SWITCH_ITEMS 1000

enum phase {
	COPY,
	FINISH,
	SWITCH,
	RELEASE,
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

	/* RELEASE */
	uint64_t after; /* sequence number that must be durable first */
	uint64_t spare_size;
	struct spare spare;
	uint64_t now_ms;
};

/* Start and end. */

static void compaction_free(struct store *s, struct compaction *c)
{
	for (size_t i = 0; i < c->nvictims; i++)
		c->victims[i]->victim = false;
	s->compaction = NULL;
	free(c->others);
	free(c->out_tmp);
	free(c->out_path);
	free(c->spare.path);
	buf_release(&c->record);
	free(c->moves);
	free(c);
}

void compact_abandon(struct store *s)
{
	struct compaction *c = s->compaction;
	bool stray;

	if (c == NULL)
		return;
	stray = c->stray;
	if (c->out != NULL && c->phase <= FINISH) {
		struct segment *out = c->out;

		if (out->file != NULL)
			(void)!fs_unlink(s->fs, c->out_tmp);
		store_drop_segment(s, out);
	}
	compaction_free(s, c);
	if (stray)
		store_fail(s, KV_EIO,
			   "an unfinished segment could not be "
			   "removed");
}

static int plan_output(struct store *s, struct compaction *c)
{
	struct segment_header header = {
		.store_id = s->id,
		.number = s->next_number,
		.base_version = s->version,
		.started_ms = store_now(s),
		.compacted = true,
	};
	char name[SEGMENT_NAME_MAX];
	int r;

	segment_name(name, header.number);
	c->out_path = store_path(s, name);
	if (c->out_path == NULL ||
	    asprintf(&c->out_tmp, "%s.tmp", c->out_path) < 0)
		return KV_ENOMEM;
	c->out = segment_new(&header);
	if (c->out == NULL)
		return KV_ENOMEM;
	r = store_add_segment(s, c->out);
	if (r != 0) {
		segment_free(c->out);
		c->out = NULL;
		return r;
	}
	c->out->forming = true;
	s->next_number++;
	return 0;
}

static bool compaction_start(struct store *s)
{
	struct compaction *c = calloc(1, sizeof(*c));

	if (c == NULL)
		return false;
	s->compaction = c;
	c->nvictims = compact_choose(s, c->victims, VICTIMS_MAX);
	c->others = calloc(s->nslots + 1, sizeof(struct segment *));
	if (c->nvictims == 0 || c->others == NULL)
		goto none;
	for (unsigned i = 0; i < s->nslots; i++)
		/* One without a file yet holds nothing older than a victim,
		 * and may vanish again. */
		if (s->slots[i] != NULL &&
		    s->slots[i]->durable != SEGMENT_RECORDS_AT)
			c->others[c->nothers++] = s->slots[i];
	if (plan_output(s, c) != 0)
		goto none;
	for (size_t i = 0; i < c->nvictims; i++)
		c->victims[i]->victim = true;
	walk_begin(&c->walk, c->victims[0], true);
	return true;
none:
	c->nvictims = 0;
	compaction_free(s, c);
	return false;
}

bool compact_begin(struct store *s)
{
	struct compaction *c = s->compaction;

	if (c == NULL)
		return compaction_start(s);
	c->now_ms = store_now(s);
	if (c->phase != RELEASE)
		return true;
	c->spare_size = s->nspares == 0 ? store_segment_size(s, 0) : 0;
	return s->durable >= c->after && !snapshots_pinned(s);
}

/* COPY: reading. */

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

/* COPY: writing. */

static int open_output(struct store *s, struct compaction *c)
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
	r = open_output(s, c);
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

static int copy_run(struct store *s, struct compaction *c)
{
	uint64_t before = c->out->tail;
	int r = write_chunk(s, c);

	if (r != 0)
		return err_sys(-r, "cannot write '%s'", c->out_tmp);
	pace(s, c->out->tail - before);
	return read_chunk(c);
}

static void copy_end(struct store *s, struct compaction *c)
{
	for (size_t i = 0; i < c->nchunk; i++) {
		struct chunk_item *ci = &c->chunk[i];
		location l;

		if (!(ci->item.flags & ITEM_TOMBSTONE))
			ci->wanted = index_get(s->index, ci->item.key, &l) &&
				     l == ci->at;
	}
	if (c->all_read && c->nchunk == 0)
		c->phase = FINISH;
}

/* FINISH */

static int seal_output(struct store *s, struct compaction *c)
{
	struct segment *out = c->out;
	struct segment_seal seal = {
		.end = out->tail,
		.records = c->out_records,
		.sealed_ms = c->now_ms,
	};
	char blocks[2 * SEGMENT_BLOCK];
	int r;

	out->header.size = out->tail;
	segment_header_encode(blocks, &out->header);
	segment_seal_encode(blocks + SEGMENT_BLOCK, &seal, out->seed);
	r = file_pwrite(out->file, blocks, sizeof(blocks), SEGMENT_HEADER_AT);
	if (r == 0)
		r = file_sync(out->file);
	if (r == 0)
		r = segment_map(out);
	if (r == 0)
		r = fs_rename(s->fs, c->out_tmp, c->out_path);
	if (r == 0)
		r = fs_sync_dir(s->fs, s->dir);
	return r;
}

/* The new segment must not be found later by an owner who knows nothing of it:
 * it would bring back what was deleted meanwhile. */
static void remove_output(struct store *s, struct compaction *c)
{
	int r = fs_unlink(s->fs, c->out_path);

	if (r == 0)
		r = fs_sync_dir(s->fs, s->dir);
	c->stray = r != 0 && r != -ENOENT;
}

static int finish_run(struct store *s, struct compaction *c)
{
	struct refs refs;
	int r;

	if (c->out->file == NULL)
		return 0; /* nothing was live */
	r = seal_output(s, c);
	if (r != 0) {
		r = err_sys(-r, "cannot finish '%s'", c->out_path);
		remove_output(s, c);
		return r;
	}
	r = refs_collect(&refs, c->out);
	if (r == 0) {
		r = side_write(s->fs, s->dir, c->out, &refs);
		refs_release(&refs);
	}
	if (r == 0)
		r = side_open(s->fs, s->dir, c->out, &c->out->side);
	if (r != 0)
		remove_output(s, c);
	return r;
}

static void finish_end(struct store *s, struct compaction *c)
{
	struct segment *out = c->out;

	c->phase = SWITCH;
	if (out->file == NULL) {
		store_drop_segment(s, out);
		c->out = NULL;
		return;
	}
	out->forming = false;
	out->full = out->sealed = true;
	out->durable = out->tail;
	out->records = c->out_records;
	out->tombstones = c->out_tombstones;
	out->tombstone_newest = c->out_tombstone_newest;
	s->stats.compacted_bytes += out->tail - SEGMENT_RECORDS_AT;
}

/* SWITCH */

static void switch_one(struct store *s, const struct move *m)
{
	struct stored_item item;
	uint64_t seq, old;
	bool existed;
	location l;

	store_item(s, m->to, &item, &seq);
	if (!index_get(s->index, item.key, &l) || l != m->from)
		return; /* written or deleted since */
	/* Only the location of a key changes that is there: no memory needed.
	 */
	(void)index_put(s->index, item.key, m->to, &existed, &old);
	store_account(s, m->from, false);
	store_account(s, m->to, true);
}

static void switch_end(struct store *s, struct compaction *c)
{
	size_t end = c->switched + SWITCH_ITEMS;

	while (c->switched < c->nmoves && c->switched < end)
		switch_one(s, &c->moves[c->switched++]);
	if (c->switched < c->nmoves)
		return;
	c->phase = RELEASE;
	c->after = s->appended;
}

/* RELEASE */

/* Removes one victim's files, or makes a spare of the segment. */
static int release_file(struct store *s, struct compaction *c,
			const struct segment *seg)
{
	char name[SEGMENT_NAME_MAX];
	char *path, *side;
	int r;

	segment_name(name, seg->header.number);
	path = store_path(s, name);
	segment_side_name(name, seg->header.number);
	side = store_path(s, name);
	if (path == NULL || side == NULL) {
		r = -ENOMEM;
	} else if (c->spare.path == NULL && !seg->failed &&
		   seg->mapped == c->spare_size) {
		if (asprintf(&c->spare.path, "%s/spare.r%llu", s->dir,
			     (unsigned long long)seg->header.number) < 0)
			c->spare.path = NULL;
		r = c->spare.path == NULL
			    ? -ENOMEM
			    : fs_rename(s->fs, path, c->spare.path);
	} else {
		r = fs_unlink(s->fs, path);
	}
	if (r == -ENOENT) /* an earlier try got that far */
		r = 0;
	if (r == 0)
		r = fs_unlink(s->fs, side);
	if (r == -ENOENT)
		r = 0;
	free(path);
	free(side);
	return r;
}

static int release_run(struct store *s, struct compaction *c)
{
	int r = 0;

	for (size_t i = 0; i < c->nvictims && r == 0; i++)
		r = release_file(s, c, c->victims[i]);
	if (r == 0)
		r = fs_sync_dir(s->fs, s->dir);
	if (r == 0 && c->spare.path != NULL) {
		r = fs_open(s->fs, c->spare.path, FS_WRITE, &c->spare.file);
		c->spare.size = c->spare_size;
	}
	return r == 0 ? 0
		      : err_sys(-r, "cannot remove a compacted segment of '%s'",
				s->dir);
}

/* Tombstones may have become superfluous where a victim could have held what
 * they hide; not those that this compaction has just looked at. */
static void tombstones_recheck(struct store *s, const struct compaction *c,
			       const struct segment *victim)
{
	for (unsigned i = 0; i < s->nslots; i++) {
		struct segment *seg = s->slots[i];

		if (seg != NULL && seg != c->out && seg->tombstones != 0 &&
		    seg->tombstone_newest > victim->header.base_version)
			seg->tombstones_due = true;
	}
}

static void release_end(struct store *s, struct compaction *c)
{
	if (c->spare.file != NULL)
		s->spares[s->nspares++] = c->spare;
	c->spare.path = NULL;
	for (size_t i = 0; i < c->nvictims; i++) {
		tombstones_recheck(s, c, c->victims[i]);
		store_drop_segment(s, c->victims[i]);
		s->stats.released_segments++;
	}
	if (c->out != NULL)
		c->out->tombstones_due = c->out_tombstones_due;
	c->nvictims = 0;
	compaction_free(s, c);
}

/* The steps, by phase. */

int compact_run(struct store *s)
{
	struct compaction *c = s->compaction;

	switch (c->phase) {
	case COPY:
		return copy_run(s, c);
	case FINISH:
		return finish_run(s, c);
	case RELEASE:
		return release_run(s, c);
	default:
		return 0;
	}
}

void compact_end(struct store *s)
{
	struct compaction *c = s->compaction;

	switch (c->phase) {
	case COPY:
		copy_end(s, c);
		break;
	case FINISH:
		finish_end(s, c);
		break;
	case SWITCH:
		switch_end(s, c);
		break;
	case RELEASE:
		release_end(s, c);
		break;
	}
}

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
 *	RELEASE	 _run removes the victims' files; _end takes them from the store
 *	CLOSE	 _run lets go of them, and so the file system of their blocks
 *
 * A chunk is small, so that asking the index never holds the owner up for
 * long. Two rules keep deleted data deleted and acknowledged data there:
 *
 * - An item may count as dead because of a write that is not durable yet, or,
 *   in a replicated store, not committed. The victims stay until everything
 *   that had taken effect before the end of SWITCH is both. A victim that got
 *   an item back meanwhile (store_undo) stays for good.
 * - A tombstone is copied as long as any other segment that began before the
 *   deletion has an item of the key, as its side file tells.
 *
 * Opening a replicated store takes what is sealed for the state at one index,
 * and the rest of the log for entries behind it that may be committed or not.
 * Compaction leaves out what later entries have overwritten, so the state that
 * the new segment belongs to is a later one. FINISH waits until the entries up
 * to there are committed and on disk, and notes it in the header: opening then
 * applies them at once.
 */
#include "store/compact_internal.h"

#include "base/err.h"
#include "store/side.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

/* Keys that are looked up together, and how often in one step. */
#define SWITCH_BATCH 64u
#define SWITCH_BATCHES 16u

/* Start and end. */

static void compaction_free(struct store *s, struct compaction *c)
{
	for (size_t i = 0; i < c->nvictims; i++)
		c->victims[i]->victim = c->victims[i]->revived = false;
	s->compaction = NULL;
	free(c->others);
	free(c->out_tmp);
	free(c->out_path);
	free(c->spare.path);
	buf_release(&c->record);
	free(c->moves);
	free(c);
}

/* Takes long: all that the page cache has of them goes, and their blocks. */
static void close_victims(struct compaction *c)
{
	while (c->nvictims != 0)
		segment_free(c->victims[--c->nvictims]);
}

void compact_abandon(struct store *s)
{
	struct compaction *c = s->compaction;
	bool stray;

	if (c == NULL)
		return;
	stray = c->stray;
	if (c->phase == CLOSE)
		close_victims(c);
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

/* A segment without a file yet, or in which nothing is committed: it holds
 * nothing older than a victim, and may not stay. */
static bool may_vanish(const struct store *s, const struct segment *seg)
{
	return seg->durable == SEGMENT_RECORDS_AT ||
	       (s->log != NULL && !seg->header.compacted &&
		seg->header.base_version >= s->agreed);
}

static bool compaction_start(struct store *s)
{
	struct segment *victims[VICTIMS_MAX];
	size_t n = compact_choose(s, victims, VICTIMS_MAX);
	struct compaction *c;

	/* Nearly always: this is asked after every group, and a struct
	 * compaction is large. */
	if (n == 0)
		return false;
	c = calloc(1, sizeof(*c));
	if (c == NULL)
		return false;
	s->compaction = c;
	memcpy(c->victims, victims, n * sizeof(struct segment *));
	c->nvictims = n;
	c->others = calloc(s->nslots + 1, sizeof(struct segment *));
	if (c->others == NULL)
		goto none;
	for (unsigned i = 0; i < s->nslots; i++)
		if (s->slots[i] != NULL && !may_vanish(s, s->slots[i]))
			c->others[c->nothers++] = s->slots[i];
	if (plan_output(s, c) != 0)
		goto none;
	for (size_t i = 0; i < c->nvictims; i++) {
		c->victims[i]->victim = true;
		c->victims[i]->revived = false;
		if (s->log != NULL)
			log_chain_trim(s->log, c->victims[i]);
	}
	walk_begin(&c->walk, c->victims[0], true);
	return true;
none:
	c->nvictims = 0;
	compaction_free(s, c);
	return false;
}

static bool is_settled(const struct store *s, uint64_t seq)
{
	return s->durable >= seq && s->revealed >= seq;
}

/* Victims with items that came back stay; so does all that they hide. */
static void spare_revived(struct compaction *c)
{
	size_t n = 0;

	for (size_t i = 0; i < c->nvictims; i++) {
		struct segment *seg = c->victims[i];

		if (seg->revived)
			seg->victim = seg->revived = false;
		else
			c->victims[n++] = seg;
	}
	c->nvictims = n;
}

bool compact_begin(struct store *s)
{
	struct compaction *c = s->compaction;

	if (c == NULL)
		return compaction_start(s);
	c->now_ms = store_now(s);
	if (c->phase == FINISH)
		return s->log == NULL || is_settled(s, c->after);
	if (c->phase != RELEASE)
		return true;
	if (!is_settled(s, c->after) || snapshots_pinned(s))
		return false;
	spare_revived(c);
	c->spare_size = s->nspares == 0 ? store_segment_size(s, 0) : 0;
	return true;
}

/* Where the keys are, in whichever index they belong into. */
static void find_keys(struct store *s, const struct slice *keys, size_t n,
		      struct index_place *places)
{
	index_get_many(s->index, keys, n, places);
	for (size_t i = 0; i < n; i++)
		if (key_is_own(keys[i]))
			index_get_many(s->own, &keys[i], 1, &places[i]);
}

static bool is_at(const struct index_place *place, location l)
{
	return place->leaf != NULL && place->location == l;
}

static void copy_end(struct store *s, struct compaction *c)
{
	struct index_place places[CHUNK_ITEMS];
	struct slice keys[CHUNK_ITEMS];

	for (size_t i = 0; i < c->nchunk; i++)
		keys[i] = c->chunk[i].item.key;
	find_keys(s, keys, c->nchunk, places);
	for (size_t i = 0; i < c->nchunk; i++) {
		struct chunk_item *ci = &c->chunk[i];

		if (!(ci->item.flags & ITEM_TOMBSTONE))
			ci->wanted = is_at(&places[i], ci->at);
	}
	if (c->all_read && c->nchunk == 0) {
		c->phase = FINISH;
		c->after = s->applied;
	}
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
	if (s->log != NULL)
		out->header.committed = c->after;
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
	int r = 0;

	if (c->out->file == NULL) { /* nothing was live */
		if (s->log == NULL)
			return 0;
		/* Its header has something to say all the same. */
		r = compact_open_output(s, c);
	}
	if (r == 0)
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

static void switch_some(struct store *s, const struct move *moves, size_t n)
{
	struct index_place places[SWITCH_BATCH];
	struct slice keys[SWITCH_BATCH] = {0};
	struct segment *out = store_segment(s, moves[0].to);
	location old;

	for (size_t i = 0; i < n; i++)
		keys[i] = item_key(out->base + location_offset(moves[i].to));
	find_keys(s, keys, n, places);
	for (size_t i = 0; i < n; i++) {
		const struct move *m = &moves[i];

		/* If not, it was written or deleted since. */
		if (!is_at(&places[i], m->from))
			continue;
		(void)index_replace(store_index(s, keys[i]), &places[i],
				    keys[i], m->to, &old);
		store_account(s, m->from, false);
		store_account(s, m->to, true);
	}
}

static void switch_end(struct store *s, struct compaction *c)
{
	for (unsigned i = 0; i < SWITCH_BATCHES; i++) {
		size_t left = c->nmoves - c->switched;
		size_t n = left < SWITCH_BATCH ? left : SWITCH_BATCH;

		if (n == 0)
			break;
		switch_some(s, c->moves + c->switched, n);
		c->switched += n;
	}
	if (c->switched < c->nmoves)
		return;
	c->phase = RELEASE;
	c->after = s->applied;
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
		spare_name(name, seg->header.number);
		c->spare.path = store_path(s, name);
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
		store_forget_segment(s, c->victims[i]);
		s->stats.released_segments++;
	}
	if (c->out != NULL)
		c->out->tombstones_due = c->out_tombstones_due;
	c->phase = CLOSE;
}

/* The steps, by phase. */

int compact_run(struct store *s)
{
	struct compaction *c = s->compaction;

	switch (c->phase) {
	case COPY:
		return compact_copy(s, c);
	case FINISH:
		return finish_run(s, c);
	case RELEASE:
		return release_run(s, c);
	case CLOSE:
		close_victims(c);
		return 0;
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
	case CLOSE:
		compaction_free(s, c);
		break;
	}
}

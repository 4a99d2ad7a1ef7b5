/*
 * relocate.c - after a failed sync: the waiting records move to a fresh
 * segment.
 *
 * When fdatasync fails, the kernel may already have dropped the dirty pages and
 * marked them clean, so that a second fdatasync of the same file would succeed
 * without writing anything (Rebello et al., "Can Applications Recover from
 * fsync Failures?", 2020). The file is never written again: it ends at its
 * last synced byte, which the header of the next segment records, and the
 * records get new places behind it.
 *
 * Two phases: first all bytes are copied to new groups, which may run out of
 * memory and is then undone; then the index follows, which cannot fail,
 * because only locations of keys change that are already there.
 */
#include "store/store_internal.h"

#include <stdlib.h>

/* Old locations to new ones, as an index with numbers for keys. */
static int map_put(struct index *map, location from, location to)
{
	char key[8];
	uint64_t old;
	bool existed;

	put_le64(key, from);
	return index_put(map, slice_of(key, sizeof(key)), to, &existed, &old);
}

static location map_get(const struct index *map, location from)
{
	char key[8];
	uint64_t to;

	put_le64(key, from);
	return index_get(map, slice_of(key, sizeof(key)), &to) ? to : from;
}

/* Copies one record behind everything else in s->groups. */
static int copy_record(struct store *s, const char *bytes, uint64_t seq,
		       const struct undo *undo, size_t *used, struct index *map)
{
	uint64_t size = RECORD_HEADER + get_le32(bytes + 12);
	uint32_t count = get_le32(bytes + 36);
	uint64_t at = RECORD_HEADER;
	struct group *g;
	char *to;
	int r = store_group_for(s, size, &g);

	if (r != 0)
		return r;
	to = group_reserve(g, size, count);
	if (to == NULL)
		return err_set(KV_ENOMEM, "no memory to repeat a write");
	memcpy(to, bytes, size);
	for (uint32_t i = 0; i < count; i++) {
		struct undo *u = &g->undo[g->nundo];
		struct stored_item item;

		(void)item_decode(to + at, size - at, &item);
		u->now = location_make(g->seg->slot, g->seg->tail + at,
				       item.flags & ITEM_TTL, item.size);
		u->before = undo[*used].before == UNDO_ABSENT
				    ? UNDO_ABSENT
				    : map_get(map, undo[*used].before);
		r = map_put(map, undo[*used].now, u->now);
		if (r != 0)
			return err_set(r, "no memory to repeat a write");
		g->nundo++;
		(*used)++;
		at += item.size;
	}
	group_commit(g, size, seq);
	return 0;
}

static int copy_group(struct store *s, const struct group *old, uint64_t *seq,
		      struct index *map)
{
	size_t used = 0;

	for (size_t at = 0; at < old->bytes.len;) {
		const char *bytes = old->bytes.data + at;
		int r = copy_record(s, bytes, ++*seq, old->undo, &used, map);

		if (r != 0)
			return r;
		at += RECORD_HEADER + get_le32(bytes + 12);
	}
	return 0;
}

/* The index and the accounts follow one item from u->now of the old group. */
static void follow(struct store *s, location from, location to)
{
	struct segment *old = store_segment(s, from);
	struct segment *new = store_segment(s, to);
	struct stored_item item;
	uint64_t seq, at, before;
	bool existed;

	store_item(s, to, &item, &seq);
	if (item.flags & ITEM_TOMBSTONE) {
		old->tombstones -= location_size(from);
		new->tombstones += location_size(to);
		new->tombstones_due = true;
		if (item.version > new->tombstone_newest)
			new->tombstone_newest = item.version;
	} else if (index_get(store_index(s, item.key), item.key, &at) &&
		   at == from) {
		(void)index_put(store_index(s, item.key), item.key, to,
				&existed, &before);
		store_account(s, from, false);
		store_account(s, to, true);
	}
}

static void free_groups(struct store *s, struct group_queue *queue,
			bool with_segments)
{
	struct group *g;

	while ((g = TAILQ_FIRST(queue)) != NULL) {
		TAILQ_REMOVE(queue, g, next);
		if (g->opens && with_segments)
			store_drop_segment(s, g->seg);
		group_free(g);
	}
}

static struct segment *segment_by_number(struct store *s, uint64_t number)
{
	for (unsigned i = 0; i < s->nslots; i++)
		if (s->slots[i] != NULL && s->slots[i]->header.number == number)
			return s->slots[i];
	return NULL;
}

/* Ends the segment whose sync failed; appends go on behind it. */
static void end_failed_segment(struct store *s, const struct group *head)
{
	struct segment *seg = head->seg;

	if (head->opens) { /* it never came to be */
		s->active = segment_by_number(s, seg->header.prev_number);
		return;
	}
	seg->failed = true;
	seg->full = true;
	seg->tail = head->base;
	s->active = seg;
}

int store_relocate(struct store *s)
{
	struct group_queue old = TAILQ_HEAD_INITIALIZER(old);
	struct index *map = index_new();
	struct segment *active = s->active;
	struct group *g, *head = TAILQ_FIRST(&s->groups);
	uint64_t tail = head->seg->tail, seq = s->durable;
	int r = 0;

	if (map == NULL)
		return err_set(KV_ENOMEM, "no memory to repeat a write");
	TAILQ_CONCAT(&old, &s->groups, next);
	end_failed_segment(s, head);
	s->moving = true;
	s->moved_base = get_le64(head->bytes.data + 16) - 1;
	TAILQ_FOREACH (g, &old, next) {
		r = copy_group(s, g, &seq, map);
		if (r != 0)
			break;
	}
	s->moving = false;
	if (r != 0) {
		free_groups(s, &s->groups, true);
		TAILQ_CONCAT(&s->groups, &old, next);
		head->seg->tail = tail;
		s->active = active;
		goto out;
	}
	TAILQ_FOREACH (g, &old, next)
		for (size_t i = 0; i < g->nundo; i++)
			follow(s, g->undo[i].now, map_get(map, g->undo[i].now));
	if (!head->opens)
		head->seg->records -= head->records;
	free_groups(s, &old, true);
	TAILQ_FOREACH (g, &s->groups, next)
		g->attempts = 1;
out:
	index_free(map);
	return r;
}

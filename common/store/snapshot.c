/*
 * snapshot.c - all that is committed, as of one index, for another node.
 *
 * Locations only are noted, as for a scan (scan.c): the log is never changed in
 * place, so they go on holding the values of that moment, and as long as a
 * snapshot is under way no segment is released. Where the index shows what is
 * not committed yet, the undo entries tell what was there before: of each key
 * the oldest counts. So nothing has to be waited for.
 */
#include "store/log.h"

#include "store/store_log.h"

#include <stdlib.h>

#define SNAPSHOTS_MAX 4u

struct store_snapshot {
	location *list;
	size_t count, cap, next;
};

static int no_memory(void)
{
	return err_set(KV_ENOMEM, "no memory for a snapshot");
}

static int add(struct store_snapshot *snap, location l)
{
	if (l == UNDO_ABSENT)
		return 0;
	if (snap->count == snap->cap) {
		size_t cap = snap->cap ? 2 * snap->cap : 1024;
		location *list = reallocarray(snap->list, cap, sizeof(*list));

		if (list == NULL)
			return no_memory();
		snap->list = list;
		snap->cap = cap;
	}
	snap->list[snap->count++] = l;
	return 0;
}

/* What the keys of one of the indexes were before anything pending. */
static int collect_before(struct store *s, const struct index *of,
			  struct index *before)
{
	const struct store_log *log = s->log;

	for (size_t i = log->nundo; i-- > 0;) {
		const struct undo *u = &log->undo[log->undo_head + i];
		struct stored_item item;
		uint64_t seq, old;
		bool existed;

		store_item(s, u->now, &item, &seq);
		if (store_index(s, item.key) == of &&
		    index_put(before, item.key, u->before, &existed, &old) != 0)
			return no_memory();
	}
	return 0;
}

/* Adds what the index holds, with `before` laid over it. */
static int collect(struct store_snapshot *snap, const struct index *of,
		   const struct index *before)
{
	struct index_cursor now, was;
	struct buf now_key = {0}, was_key = {0};
	int r = 0;

	index_seek(of, slice_of(NULL, 0), &now);
	index_seek(before, slice_of(NULL, 0), &was);
	while (r == 0 && (now.valid || was.valid)) {
		int c = -1;

		if (was.valid) {
			index_cursor_key(&was, &was_key);
			c = 1;
		}
		if (was.valid && now.valid) {
			index_cursor_key(&now, &now_key);
			c = slice_cmp(buf_slice(&now_key), buf_slice(&was_key));
		}
		if (buf_failed(&now_key) || buf_failed(&was_key))
			r = no_memory();
		else
			r = add(snap,
				index_cursor_location(c < 0 ? &now : &was));
		if (c <= 0)
			index_next(&now);
		if (c >= 0)
			index_next(&was);
	}
	buf_release(&now_key);
	buf_release(&was_key);
	return r;
}

static int collect_one(struct store *s, struct store_snapshot *snap,
		       const struct index *of)
{
	struct index *before = index_new();
	int r = before == NULL ? no_memory() : collect_before(s, of, before);

	if (r == 0)
		r = collect(snap, of, before);
	index_free(before);
	return r;
}

int store_snapshot_begin(struct store *s, struct store_snapshot **out,
			 uint64_t *index, uint64_t *term)
{
	struct store_snapshot *snap;
	int r = log_settle(s);

	if (r == 0 && s->log->snapshots == SNAPSHOTS_MAX)
		r = err_set(KV_EUNAVAILABLE, "too many snapshots at once");
	if (r == 0)
		r = store_log_term(s, s->agreed, term);
	if (r != 0)
		return r;
	snap = calloc(1, sizeof(*snap));
	if (snap == NULL)
		return no_memory();
	s->log->snapshots++;
	r = collect_one(s, snap, s->index);
	if (r == 0)
		r = collect_one(s, snap, s->own);
	if (r != 0) {
		store_snapshot_end(s, snap);
		return r;
	}
	*index = s->agreed;
	*out = snap;
	return 0;
}

int store_snapshot_next(struct store *s, struct store_snapshot *snap,
			size_t max, struct buf *out, bool *done)
{
	size_t before = out->len;

	while (snap->next < snap->count) {
		struct stored_item item;
		uint64_t seq;
		size_t size;
		char *to;

		store_item(s, snap->list[snap->next], &item, &seq);
		item.flags &= ~(unsigned)ITEM_FIRST; /* with its version */
		size = item_size(&item);
		if (out->len != before && size > max - (out->len - before))
			break;
		to = buf_reserve(out, size);
		if (to == NULL) {
			out->failed = false;
			out->len = before;
			return no_memory();
		}
		item_encode(to, &item);
		buf_advance(out, size);
		snap->next++;
		if (out->len - before >= max)
			break;
	}
	*done = snap->next == snap->count;
	return 0;
}

void store_snapshot_end(struct store *s, struct store_snapshot *snap)
{
	if (snap == NULL)
		return;
	s->log->snapshots--;
	free(snap->list);
	free(snap);
}

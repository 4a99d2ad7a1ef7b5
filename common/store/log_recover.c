/*
 * log_recover.c - what opening makes of a replicated log.
 *
 * Sealed segments are committed; the merge has put them, and what compaction
 * made of them, into the index. The segments that are not sealed follow them:
 * their entries are pending, and it is for the coordinator to say which are
 * committed. Only those that compaction took for committed (the header of what
 * it wrote says up to where) take effect now.
 *
 * In a segment of this log each record is an entry and none is left out: so the
 * base version in its header and the number of records tell which it has.
 */
#include "store/log.h"

#include "store/store_log.h"
#include "store/walk.h"

#include <errno.h>
#include <stdlib.h>

static int damaged(const struct segment *seg, const char *what)
{
	char name[SEGMENT_NAME_MAX];

	segment_name(name, seg->header.number);
	return err_set(KV_EDAMAGED, "'%s' is damaged: %s", name, what);
}

/* ---- segments that a truncation has put out of force ---- */

static int drop_replaced(struct store *s, unsigned slot)
{
	struct segment *seg = s->slots[slot];
	char *path;
	int r = 0;

	if (seg->sealed)
		return damaged(seg, "a later segment replaces committed "
				    "entries");
	path = segment_path(s->dir, seg->header.number);
	if (path == NULL)
		r = -ENOMEM;
	else if (!s->read_only)
		r = fs_unlink(s->fs, path);
	free(path);
	if (r != 0)
		return err_sys(-r, "cannot remove a segment of '%s'", s->dir);
	store_drop_segment(s, seg);
	for (unsigned i = slot; i + 1 < s->nslots; i++) {
		s->slots[i] = s->slots[i + 1];
		if (s->slots[i] != NULL)
			s->slots[i]->slot = i;
	}
	s->slots[s->nslots - 1] = NULL;
	return 0;
}

int log_drop_replaced(struct store *s)
{
	uint64_t base = UINT64_MAX;
	unsigned n = 0;

	while (n < s->nslots && s->slots[n] != NULL)
		n++;
	/* From the newest on: what does not begin before all that follow it. */
	while (n-- > 0) {
		const struct segment_header *h = &s->slots[n]->header;
		int r;

		if (h->compacted)
			continue;
		if (h->base_version < base) {
			base = h->base_version;
			continue;
		}
		r = drop_replaced(s, n);
		if (r != 0)
			return r;
	}
	return 0;
}

/* ---- the chain ---- */

struct list {
	struct segment **segs; /* of the log, from the oldest */
	size_t n, sealed;
};

static int list_make(struct store *s, struct list *list)
{
	*list = (struct list){0};
	list->segs = calloc(s->nslots + 1, sizeof(struct segment *));
	if (list->segs == NULL)
		return err_set(KV_ENOMEM, "no memory to open '%s'", s->dir);
	for (unsigned i = 0; i < s->nslots && s->slots[i] != NULL; i++) {
		struct segment *seg = s->slots[i];

		if (seg->header.compacted)
			continue;
		list->segs[list->n++] = seg;
		if (!seg->sealed)
			continue;
		if (++list->sealed != list->n)
			return damaged(seg, "it is sealed before an older one");
	}
	return 0;
}

/* The newest seal may be in the page cache only: when an earlier owner's sync
 * failed, the kernel took its page for clean. Without it, once the next segment
 * is sealed, the log would have a hole. */
static int repeat_newest_seal(struct store *s, const struct list *list)
{
	int r;

	if (s->read_only || list->sealed == 0)
		return 0;
	r = segment_repeat_seal(list->segs[list->sealed - 1]);
	return r == 0 ? 0
		      : err_sys(-r, "cannot seal a segment of '%s'", s->dir);
}

static uint64_t last_of(const struct segment *seg)
{
	return seg->header.base_version + seg->records;
}

/* The oldest of the sealed segments that can still be read: without a gap, and
 * at most log_keep_from()'s measure. */
static size_t first_kept(const struct store *s, const struct list *list)
{
	uint64_t keep = log_keep_bytes(s), kept = 0;
	size_t first = list->sealed;

	if (first < list->n && first > 0 &&
	    last_of(list->segs[first - 1]) !=
		    list->segs[first]->header.base_version)
		return first;
	while (first > 0 && kept < keep) {
		const struct segment *seg = list->segs[first - 1];

		if (first != list->sealed &&
		    last_of(seg) != list->segs[first]->header.base_version)
			break;
		kept += seg->tail - SEGMENT_RECORDS_AT;
		first--;
	}
	return first;
}

static int item_seen(void *arg, const struct stored_item *item, uint64_t offset)
{
	(void)arg;
	(void)item;
	(void)offset;
	return 0;
}

/* Puts the segment's entries into the directory, and, if they are pending,
 * into that list. */
static int add_entries(struct store *s, struct segment *seg)
{
	uint64_t index = seg->header.base_version;
	struct walk w;
	int r;

	walk_begin(&w, seg, !seg->sealed);
	while ((r = walk_next(&w)) == 1) {
		if (w.record.version != ++index)
			return damaged(seg, "an entry is missing");
		r = seg->sealed ? 0 : walk_items(&w, item_seen, NULL);
		if (r == 0)
			r = log_reserve(s, seg, 0);
		if (r != 0)
			return r;
		if (seg->sealed)
			log_note(s, seg, w.here, w.record.term);
		else
			log_add(s, seg, w.here, w.record.term, 0);
		seg->records = index - seg->header.base_version;
	}
	return r;
}

static int add_all(struct store *s, const struct list *list)
{
	uint64_t next = s->log->base_index;
	int r = 0;

	if (list->n != 0)
		next = list->sealed != 0 ? last_of(list->segs[list->sealed - 1])
					 : list->segs[0]->header.base_version;
	if (next < s->log->base_index)
		return damaged(list->segs[0], "entries are missing before it");
	s->agreed = next;
	for (size_t i = first_kept(s, list); i < list->n && r == 0; i++) {
		struct segment *seg = list->segs[i];

		if (i >= list->sealed && seg->header.base_version != next)
			return damaged(seg, "entries are missing before it");
		r = add_entries(s, seg);
		next = last_of(seg);
	}
	s->version = s->appended = s->durable = next;
	s->applied = s->revealed = s->agreed;
	return r;
}

/* How far the log must be committed for what compaction has left to be true. */
static int commit_compacted(struct store *s)
{
	uint64_t to = s->agreed;

	for (unsigned i = 0; i < s->nslots && s->slots[i] != NULL; i++)
		if (s->slots[i]->header.committed > to)
			to = s->slots[i]->header.committed;
	if (to > s->appended)
		return err_set(KV_EDAMAGED,
			       "'%s' is damaged: entries up to %llu were "
			       "committed, but the log ends at %llu",
			       s->dir, (unsigned long long)to,
			       (unsigned long long)s->appended);
	return store_log_commit(s, to);
}

int log_recover(struct store *s)
{
	struct store_log *log = s->log;
	struct list list;
	int r = list_make(s, &list);

	log->before_term = log->last_term = log->base_term;
	if (r == 0)
		r = repeat_newest_seal(s, &list);
	if (r == 0)
		r = add_all(s, &list);
	if (r == 0)
		r = commit_compacted(s);
	free(list.segs);
	return r;
}

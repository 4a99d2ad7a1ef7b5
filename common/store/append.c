/*
 * append.c - writes: a place in the log, the effect on the index, and how both
 * are taken back.
 *
 * A record gets its final place at once (tail of the active segment) and its
 * bytes wait in the last group of the queue; the index points to the place
 * before it is on disk. Each change leaves an undo entry in the group, so that
 * a write that can never become durable disappears again, and a failed sync
 * can move the waiting records elsewhere.
 */
#include "store/log.h"

#include <stdlib.h>

/* A group larger than this is not added to: the sync it needs gets long. */
#define GROUP_FULL (8u << 20)

/* Plans the next segment; its file is made by the flush of its first group. */
static int roll(struct store *s, uint64_t need)
{
	struct segment_header header = {
		.store_id = s->id,
		.number = s->next_number,
		.size = store_segment_size(s, need + SEGMENT_RECORDS_AT),
		.base_version = s->moving ? s->moved_base : s->version,
		.started_ms = store_now(s),
	};
	struct segment *seg;
	int r;

	if (s->active != NULL) {
		header.prev_number = s->active->header.number;
		header.prev_end = s->active->tail;
	}
	if (s->log != NULL)
		header.base_term = s->log->last_term;
	seg = segment_new(&header);
	if (seg == NULL)
		return err_set(KV_ENOMEM, "no memory for a new segment");
	r = store_add_segment(s, seg);
	if (r != 0) {
		segment_free(seg);
		return r;
	}
	s->next_number++;
	if (s->active != NULL)
		s->active->full = true;
	s->active = seg;
	return 0;
}

/* The group that a record of that many bytes belongs into. */
int store_group_for(struct store *s, uint64_t bytes, struct group **out)
{
	struct group *last = TAILQ_LAST(&s->groups, group_queue);
	bool opens = false;

	if (s->active == NULL || s->active->full ||
	    bytes > s->active->header.size - s->active->tail) {
		int r = roll(s, bytes);

		if (r != 0)
			return r;
	}
	/* A planned segment without any group gets its file from this one. */
	if (last == NULL || last->seg != s->active) {
		opens = s->active->file == NULL;
	} else if (!(s->flush != NULL && TAILQ_FIRST(&s->groups) == last) &&
		   last->bytes.len < GROUP_FULL) {
		*out = last;
		return 0;
	}
	last = group_new(s->active, opens);
	if (last == NULL)
		return err_set(KV_ENOMEM, "no memory for a write");
	last->last_seq = s->appended; /* should it stay without a record */
	TAILQ_INSERT_TAIL(&s->groups, last, next);
	*out = last;
	return 0;
}

static void change_item(const struct change *c, bool first, uint64_t version,
			struct stored_item *item)
{
	*item = (struct stored_item){
		.key = c->key,
		.value = c->value,
		.version = version,
		.expires_ms = c->expires_ms,
		.flags = first ? ITEM_FIRST : 0,
	};
	if (c->kind == CHANGE_DELETE) {
		item->flags |= ITEM_TOMBSTONE;
		item->value = slice_of(NULL, 0);
	} else if (c->expires_ms != 0) {
		item->flags |= ITEM_TTL;
	}
}

static int record_bytes(const struct change *changes, size_t n, uint64_t *size)
{
	uint64_t total = RECORD_HEADER;
	struct stored_item item;

	for (size_t i = 0; i < n; i++) {
		size_t one;

		change_item(&changes[i], i == 0, 0, &item);
		one = item_size(&item);
		total += one;
		if (one == 0 || item.key.len == 0)
			return err_set(KV_ETOOBIG,
				       "key or value over the limit");
		if (total > RECORD_LENGTH_MAX)
			return err_set(KV_ETOOBIG,
				       "a batch takes at most %u bytes; split "
				       "it",
				       RECORD_LENGTH_MAX);
	}
	*size = total;
	return 0;
}

/* Tombstones have an account of their own: they are no use to any reader, but
 * must stay as long as an older segment holds the key. */
static void account_item(struct store *s, const struct stored_item *item,
			 location l, bool add)
{
	struct segment *seg = store_segment(s, l);

	if (!(item->flags & ITEM_TOMBSTONE)) {
		store_account(s, l, add);
		return;
	}
	seg->tombstones += add ? location_size(l) : -location_size(l);
	seg->tombstones_due = true;
	if (item->version > seg->tombstone_newest)
		seg->tombstone_newest = item->version;
}

int store_undo(struct store *s, const struct undo *u)
{
	struct stored_item item, old = {0};
	uint64_t seq;
	location was;
	bool existed;
	int r = 0;

	store_item(s, u->now, &item, &seq);
	if (u->before == UNDO_ABSENT) {
		index_delete(store_index(s, item.key), item.key, &was);
	} else {
		store_item(s, u->before, &old, &seq);
		if (old.flags & ITEM_TTL)
			r = store_expiry_put(s, item.key, old.expires_ms);
		if (r == 0)
			r = index_put(store_index(s, item.key), item.key,
				      u->before, &existed, &was);
		if (r != 0)
			return err_set(r, "no memory to take a write back");
		store_account(s, u->before, true);
		store_segment(s, u->before)->revived = true;
	}
	account_item(s, &item, u->now, false);
	if (item.flags & ITEM_TTL && item.expires_ms != old.expires_ms)
		store_expiry_delete(s, item.key, item.expires_ms);
	return 0;
}

static int apply_set(struct store *s, const struct stored_item *item,
		     location l, struct undo *u)
{
	struct stored_item old;
	uint64_t seq;
	bool existed;
	int r;

	if (item->flags & ITEM_TTL) {
		r = store_expiry_put(s, item->key, item->expires_ms);
		if (r != 0)
			return r;
	}
	r = store_index_put(s, item->key, l, &existed, &u->before);
	if (r != 0) {
		if (item->flags & ITEM_TTL)
			store_expiry_delete(s, item->key, item->expires_ms);
		return err_set(r, "no memory for a key");
	}
	store_account(s, l, true);
	/* One with an end may be over, and not there for anybody. */
	if (!existed || location_has_ttl(u->before))
		store_note_created(s, item->key, item->version);
	if (!existed) {
		u->before = UNDO_ABSENT;
		return 0;
	}
	store_account(s, u->before, false);
	if (location_has_ttl(u->before)) {
		store_item(s, u->before, &old, &seq);
		if (old.expires_ms != item->expires_ms)
			store_expiry_delete(s, item->key, old.expires_ms);
	}
	return 0;
}

static void apply_delete(struct store *s, const struct stored_item *item,
			 location l, struct undo *u)
{
	struct stored_item old;
	uint64_t seq;

	if (!index_delete(store_index(s, item->key), item->key, &u->before)) {
		u->before = UNDO_ABSENT;
	} else {
		store_account(s, u->before, false);
		if (location_has_ttl(u->before)) {
			store_item(s, u->before, &old, &seq);
			store_expiry_delete(s, item->key, old.expires_ms);
		}
	}
	account_item(s, item, l, true);
}

/* The same where there is no trying again: what cannot be put back is missing
 * from now on. That takes memory only for a key that was deleted. */
static void take_back_one(struct store *s, const struct undo *u)
{
	struct stored_item item;
	uint64_t seq;
	location was;

	if (store_undo(s, u) == 0)
		return;
	store_item(s, u->now, &item, &seq);
	(void)index_delete(store_index(s, item.key), item.key, &was);
	s->incomplete = true;
}

int store_apply(struct store *s, const struct segment *seg, const char *items,
		uint64_t at, size_t n, uint64_t seq, struct undo *undo)
{
	uint64_t last_delete = s->last_delete;

	for (size_t i = 0; i < n; i++) {
		struct undo *u = &undo[i];
		struct stored_item item;
		int r = 0;

		(void)item_decode(items, UINT32_MAX, &item);
		u->now = location_make(seg->slot, at, item.flags & ITEM_TTL,
				       item.size);
		if (item.flags & ITEM_TOMBSTONE) {
			apply_delete(s, &item, u->now, u);
			s->last_delete = seq;
		} else {
			r = apply_set(s, &item, u->now, u);
		}
		if (r != 0) {
			while (i > 0)
				take_back_one(s, &undo[--i]);
			s->last_delete = last_delete;
			return r;
		}
		items += item.size;
		at += item.size;
	}
	return 0;
}

/* Takes the last record, `size` bytes, out of the group again. */
static void group_cut(struct group *g, uint64_t size, uint64_t seq_before)
{
	g->last_seq = seq_before;
	g->bytes.len -= size;
	g->records--;
	g->seg->tail -= size;
	g->seg->records--;
}

/* A record did not come to be. A group that was begun for it goes as well:
 * there is nothing to flush. */
void store_drop_empty(struct store *s, struct group *g)
{
	if (g->records != 0)
		return;
	TAILQ_REMOVE(&s->groups, g, next);
	group_free(g);
}

static void encode_record(char *at, const struct change *changes, size_t n,
			  uint64_t size, uint64_t version, uint64_t term)
{
	struct record record = {
		.length = (uint32_t)(size - RECORD_HEADER),
		.count = (uint32_t)n,
		.version = version,
		.term = term,
	};

	record_encode(at, &record);
	at += RECORD_HEADER;
	for (size_t i = 0; i < n; i++) {
		struct stored_item item;

		change_item(&changes[i], i == 0, version, &item);
		item_encode(at, &item);
		at += item_size(&item);
	}
}

int store_writable(const struct store *s)
{
	if (s->failed != 0)
		return err_set(KV_EREADONLY, "the store is read-only: %s",
			       s->why);
	if (s->read_only)
		return err_set(KV_EREADONLY, "'%s' is open for reading only",
			       s->dir);
	return 0;
}

/* Room for a record's bytes and for what takes its changes back. */
static char *reserve(struct store *s, struct group *g, size_t size, size_t n,
		     struct undo **undo)
{
	char *bytes;

	if (s->log != NULL && log_reserve(s, g->seg, n) != 0)
		return NULL;
	bytes = group_reserve(g, size, s->log != NULL ? 0 : n);
	*undo = s->log != NULL ? log_undo(s->log) : g->undo + g->nundo;
	return bytes;
}

int store_may_append(const struct store *s)
{
	int r = store_writable(s);

	if (r == 0 && s->log != NULL && !s->log->leading)
		r = err_set(KV_EUNAVAILABLE,
			    "this node does not lead; ask the one that does");
	return r;
}

int store_append(struct store *s, const struct change *changes, size_t n)
{
	uint64_t size = 0, at, term = s->log != NULL ? s->log->term : 0;
	struct undo *undo;
	struct group *g;
	char *bytes;
	int r = store_may_append(s);

	if (r == 0)
		r = record_bytes(changes, n, &size);
	if (r == 0)
		r = store_group_for(s, size, &g);
	if (r != 0)
		return r;
	bytes = reserve(s, g, size, n, &undo);
	if (bytes == NULL) {
		store_drop_empty(s, g);
		return err_set(KV_ENOMEM, "no memory for a write");
	}
	at = g->seg->tail;
	encode_record(bytes, changes, n, size, s->version + 1, term);
	group_commit(g, size, s->appended + 1);
	r = store_apply(s, g->seg, bytes + RECORD_HEADER, at + RECORD_HEADER, n,
			s->appended + 1, undo);
	if (r != 0) {
		group_cut(g, size, s->appended);
		store_drop_empty(s, g);
		if (s->incomplete)
			store_fail(s, r,
				   "no memory to take a write back; it must be "
				   "opened anew");
		return r;
	}
	if (s->log != NULL)
		log_add(s, g->seg, at, term, n);
	else
		g->nundo += n;
	s->version++;
	s->appended++;
	s->applied++;
	s->waiting += size;
	s->stats.written_bytes += size;
	return 0;
}

void store_take_back(struct store *s)
{
	struct group *g, *busy = NULL;

	if (s->flush != NULL)
		busy = TAILQ_FIRST(&s->groups);
	while ((g = TAILQ_LAST(&s->groups, group_queue)) != busy) {
		while (g->nundo > 0)
			take_back_one(s, &g->undo[--g->nundo]);
		TAILQ_REMOVE(&s->groups, g, next);
		g->seg->tail = g->base;
		g->seg->records -= g->records;
		if (g->opens) {
			if (s->active == g->seg)
				s->active = NULL;
			store_drop_segment(s, g->seg);
		}
		group_free(g);
	}
	s->waiting = busy != NULL ? busy->bytes.len : 0;
	s->appended = busy != NULL ? busy->last_seq : s->durable;
	s->applied = s->appended;
	if (s->last_delete > s->appended)
		s->last_delete = s->appended;
}

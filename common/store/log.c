/*
 * log.c - the entries of a replicated log: appended, applied, committed, taken
 * back. See store_log.h for the promises and log.h for the order of things.
 *
 * Pending entries wait in a list; what applying one did to the index is in a
 * second list, until the entry is committed and its undo is forgotten, or until
 * it is taken back, from the newest to the oldest. Both are runs of memory that
 * grow at their end and shrink at either.
 */
#include "store/log.h"

#include "store/store_log.h"

#include <stdlib.h>

struct store_log *log_new(void)
{
	return calloc(1, sizeof(struct store_log));
}

void log_free(struct store_log *log)
{
	if (log == NULL)
		return;
	free(log->parts);
	free(log->pending);
	free(log->undo);
	free(log->doomed);
	free(log);
}

/* Makes room for `more` elements behind list[*head .. *head + n): moves them to
 * the front if that half frees the list, or grows it. NULL: out of memory. */
static void *list_reserve(void *list, size_t *head, size_t n, size_t *cap,
			  size_t more, size_t size)
{
	size_t want = *cap ? *cap : 64;
	char *bytes = list;

	if (*cap != 0 && *head + n + more <= *cap)
		return list;
	if (*head != 0)
		memmove(bytes, bytes + *head * size, n * size);
	*head = 0;
	if (*cap != 0 && 2 * (n + more) <= *cap)
		return list;
	while (want < 2 * (n + more))
		want *= 2;
	bytes = reallocarray(list, want, size);
	if (bytes != NULL)
		*cap = want;
	return bytes;
}

static int undo_reserve(struct store_log *log, size_t n)
{
	struct undo *undo = list_reserve(log->undo, &log->undo_head, log->nundo,
					 &log->undo_cap, n, sizeof(*undo));

	if (undo == NULL)
		return err_set(KV_ENOMEM, "no memory for a write");
	log->undo = undo;
	return 0;
}

int log_reserve(struct store *s, struct segment *seg, size_t n)
{
	struct store_log *log = s->log;
	struct log_entry *pending =
		list_reserve(log->pending, &log->pending_head, log->npending,
			     &log->pending_cap, 1, sizeof(*pending));
	int r;

	if (pending == NULL)
		return err_set(KV_ENOMEM, "no memory for a write");
	log->pending = pending;
	r = undo_reserve(log, n);
	if (r != 0)
		return r;
	if (seg->part == NULL) {
		seg->part = log_part_new(seg);
		if (seg->part == NULL)
			return err_set(KV_ENOMEM, "no memory for a segment");
	}
	r = log_chain_reserve(log);
	return r == 0 ? log_part_reserve(seg->part) : r;
}

struct undo *log_undo(struct store_log *log)
{
	return log->undo + log->undo_head + log->nundo;
}

void log_note(struct store *s, struct segment *seg, uint64_t at, uint64_t term)
{
	struct store_log *log = s->log;

	if (log->nparts == 0 || log->parts[log->nparts - 1] != seg->part)
		log_chain_add(log, seg->part);
	log_part_add(seg->part, at, term);
	log->last_term = term;
}

void log_add(struct store *s, struct segment *seg, uint64_t at, uint64_t term,
	     size_t n)
{
	struct store_log *log = s->log;

	log->pending[log->pending_head + log->npending++] =
		(struct log_entry){.seg = seg, .at = at, .nundo = n};
	log->nundo += n;
	log_note(s, seg, at, term);
}

int store_log_append(struct store *s, const struct store_log_entry *entry)
{
	uint64_t size = RECORD_HEADER + entry->items.len, at;
	struct record record = {
		.length = (uint32_t)entry->items.len,
		.count = entry->count,
		.version = s->version + 1,
		.term = entry->term,
	};
	struct group *g;
	char *bytes;
	int r = store_writable(s);

	if (r == 0 && s->log->leading)
		r = err_set(KV_EUSAGE, "a leader appends its own entries only");
	if (r == 0 && entry->version != 0 && entry->version != record.version)
		r = err_set(KV_EDATA,
			    "an entry has items of version %llu, not %llu",
			    (unsigned long long)entry->version,
			    (unsigned long long)record.version);
	if (r == 0)
		r = store_group_for(s, size, &g);
	if (r != 0)
		return r;
	bytes = log_reserve(s, g->seg, 0) == 0 ? group_reserve(g, size, 0)
					       : NULL;
	if (bytes == NULL) {
		store_drop_empty(s, g);
		return err_set(KV_ENOMEM, "no memory for a write");
	}
	at = g->seg->tail;
	record_encode(bytes, &record);
	if (entry->items.len != 0)
		memcpy(bytes + RECORD_HEADER, entry->items.data,
		       entry->items.len);
	group_commit(g, size, s->appended + 1);
	log_add(s, g->seg, at, entry->term, 0);
	s->version++;
	s->appended++;
	s->waiting += size;
	s->stats.written_bytes += size;
	return 0;
}

int store_log_propose(struct store *s, const struct change *changes, size_t n)
{
	return store_append(s, changes, n);
}

/* ---- taking effect ---- */

static struct log_entry *entry_of(const struct store *s, uint64_t index)
{
	return &s->log->pending[s->log->pending_head + (index - s->agreed) - 1];
}

/* Applies the first entry that is not, leaving its undo at log_undo(). */
static int apply_next(struct store *s, size_t *nundo)
{
	uint64_t index = s->applied + 1, room;
	const struct log_entry *e = entry_of(s, index);
	const char *record = log_record(s, e->seg, e->at, &room);
	uint32_t n = get_le32(record + 36);
	int r = undo_reserve(s->log, n);

	if (r == 0)
		r = store_apply(s, e->seg, record + RECORD_HEADER,
				e->at + RECORD_HEADER, n, index,
				log_undo(s->log));
	if (r == 0)
		s->applied = index;
	else if (s->incomplete)
		store_fail(s, r,
			   "no memory to take a write back; it must be "
			   "opened anew");
	*nundo = n;
	return r;
}

/* The first pending entry needs no undo any more. */
static void agree(struct store *s)
{
	struct store_log *log = s->log;
	size_t n = log->pending[log->pending_head].nundo;

	log->undo_head += n;
	log->nundo -= n;
	log->pending_head++;
	log->npending--;
	if (log->nundo == 0)
		log->undo_head = 0;
	if (log->npending == 0)
		log->pending_head = 0;
	s->agreed++;
	s->revealed = s->agreed;
}

int store_log_commit(struct store *s, uint64_t index)
{
	int r = log_settle(s);
	size_t n;

	if (r == 0 && index > s->appended)
		r = err_set(KV_EUSAGE, "entry %llu is not in the log",
			    (unsigned long long)index);
	while (r == 0 && s->agreed < index) {
		if (s->applied == s->agreed)
			r = apply_next(s, &n);
		if (r == 0)
			agree(s);
	}
	return r;
}

/* Takes the newest entry that is applied back. */
static int take_back_last(struct store *s)
{
	struct store_log *log = s->log;
	struct log_entry *e = entry_of(s, s->applied);

	while (e->nundo > 0) {
		int r = store_undo(s, log_undo(log) - 1);

		if (r != 0)
			return r;
		e->nundo--;
		log->nundo--;
	}
	s->applied--;
	return 0;
}

int log_settle(struct store *s)
{
	struct store_log *log = s->log;

	if (!log->unwinding)
		return 0;
	while (s->applied > s->agreed) {
		int r = take_back_last(s);

		if (r != 0)
			return r;
	}
	log->unwinding = false;
	if (s->last_delete > s->agreed)
		s->last_delete = s->agreed;
	return 0;
}

int store_log_lead(struct store *s, uint64_t term)
{
	struct store_log *log = s->log;
	int r = store_writable(s);

	if (r == 0)
		r = log_settle(s);
	while (r == 0 && s->applied < s->appended) {
		size_t n;

		r = apply_next(s, &n);
		if (r == 0) {
			entry_of(s, s->applied)->nundo = n;
			log->nundo += n;
		}
	}
	if (r != 0) {
		store_log_follow(s);
		return r;
	}
	log->leading = true;
	log->term = term;
	return 0;
}

void store_log_follow(struct store *s)
{
	struct store_log *log = s->log;

	log->leading = false;
	if (s->applied == s->agreed)
		return;
	/* Pages of scans may hold what is about to vanish. */
	snapshots_drop(s);
	log->unwinding = true;
	(void)!log_settle(s); /* if not now, then before anybody reads */
}

void log_fail(struct store *s)
{
	store_log_follow(s);
}

bool store_own_get(struct store *s, struct slice key, struct slice *value)
{
	struct stored_item item;
	uint64_t seq;
	location l;

	if (!store_find_own(s, key, &l, &item, &seq))
		return false;
	*value = item.value;
	return true;
}

uint64_t store_log_committed(const struct store *s)
{
	return s->agreed;
}

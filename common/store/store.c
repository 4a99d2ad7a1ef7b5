/*
 * store.c - opening, closing, finding, the accounts. See store.h for the shape
 * and store_internal.h for where the rest is.
 */
#include "store/log.h"

#include "base/clock.h"

#include <stdio.h>
#include <stdlib.h>

#define SEGMENT_MIN_DEFAULT (1u << 20)
#define SEGMENT_MAX_DEFAULT (64u << 20)

/* A new segment holds an eighth of the live data: small stores stay small on
 * disk, large ones do not have thousands of files. */
#define SEGMENT_LIVE_PART 8

uint64_t store_now(struct store *s)
{
	return s->options.now_ms != NULL ? s->options.now_ms(s->options.now_arg)
					 : clock_wall_ms();
}

char *store_path(const struct store *s, const char *name)
{
	char *path;

	return asprintf(&path, "%s/%s", s->dir, name) < 0 ? NULL : path;
}

int store_add_segment(struct store *s, struct segment *seg)
{
	unsigned slot = 0, more;
	struct segment **slots;

	while (slot < s->nslots && s->slots[slot] != NULL)
		slot++;
	if (slot == LOCATION_SLOTS)
		return err_set(KV_EFULL, "'%s' has too many segments", s->dir);
	if (slot == s->nslots) {
		more = s->nslots ? 2 * s->nslots : 16;
		slots = realloc(s->slots, more * sizeof(struct segment *));
		if (slots == NULL)
			return err_set(KV_ENOMEM, "no memory for a segment");
		memset(slots + s->nslots, 0,
		       (more - s->nslots) * sizeof(struct segment *));
		s->slots = slots;
		s->nslots = more;
	}
	seg->slot = slot;
	s->slots[slot] = seg;
	return 0;
}

void store_forget_segment(struct store *s, struct segment *seg)
{
	s->slots[seg->slot] = NULL;
}

void store_drop_segment(struct store *s, struct segment *seg)
{
	store_forget_segment(s, seg);
	segment_free(seg);
}

void store_item(const struct store *s, location l, struct stored_item *item,
		uint64_t *seq)
{
	const struct segment *seg = store_segment(s, l);
	uint64_t at = location_offset(l);
	const struct group *g;

	if (at < seg->durable) {
		(void)item_decode(seg->base + at, seg->durable - at, item);
		*seq = item->version > s->agreed ? item->version : 0;
		return;
	}
	TAILQ_FOREACH (g, &s->groups, next) {
		if (g->seg == seg && at >= g->base && at < group_end(g)) {
			(void)item_decode(g->bytes.data + (at - g->base),
					  group_end(g) - at, item);
			*seq = s->log == NULL		   ? g->last_seq
			       : item->version > s->agreed ? item->version
							   : 0;
			return;
		}
	}
	/* Only what lies in a segment is ever indexed. */
	__builtin_unreachable();
}

/* What a key that is not there may be missing for. */
static uint64_t unsettled_delete(const struct store *s)
{
	return s->last_delete > s->revealed ? s->last_delete : 0;
}

static bool is_live(struct store *s, const struct stored_item *item)
{
	return item->expires_ms == 0 || item->expires_ms > store_now(s);
}

bool store_find(struct store *s, struct slice key, location *l,
		struct stored_item *item, uint64_t *seq)
{
	*seq = unsettled_delete(s);
	return key.len != 0 && store_look_up(s, key, l, item, seq) &&
	       is_live(s, item);
}

bool store_find_own(struct store *s, struct slice key, location *l,
		    struct stored_item *item, uint64_t *seq)
{
	*seq = unsettled_delete(s);
	if (key.len == 0 || !index_get(s->own, key, l))
		return false;
	store_item(s, *l, item, seq);
	return is_live(s, item);
}

void store_account(struct store *s, location l, bool live)
{
	struct segment *seg = store_segment(s, l);

	seg->live += live ? location_size(l) : -location_size(l);
}

uint64_t store_live_bytes(const struct store *s)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < s->nslots; i++)
		if (s->slots[i] != NULL)
			sum += s->slots[i]->live;
	return sum;
}

uint64_t store_used_bytes(const struct store *s)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < s->nslots; i++)
		if (s->slots[i] != NULL && !s->slots[i]->forming)
			sum += s->slots[i]->tail - SEGMENT_RECORDS_AT;
	return sum;
}

uint64_t store_segment_size(const struct store *s, uint64_t need)
{
	uint64_t size = s->options.segment_min;
	uint64_t want = store_live_bytes(s) / SEGMENT_LIVE_PART;
	bool troubled = s->active != NULL && s->active->failed;

	/* After a failed sync every moment counts: a small new file. */
	for (unsigned i = 0; i < s->nspares && !troubled; i++)
		if (s->spares[i].size >= need)
			return s->spares[i].size;
	while (!troubled && size < want && size < s->options.segment_max)
		size *= 2;
	while (size < need)
		size *= 2;
	return size;
}

/* Keys of the expiry index: when, then which. */
static bool expiry_key(struct buf *b, struct slice key, uint64_t expires_ms)
{
	uint64_t be = htobe64(expires_ms);

	buf_init(b);
	buf_append(b, &be, sizeof(be));
	buf_append_slice(b, key);
	return !buf_failed(b);
}

int store_expiry_put(struct store *s, struct slice key, uint64_t expires_ms)
{
	struct buf b;
	uint64_t old;
	bool existed;
	int r = KV_ENOMEM;

	if (expiry_key(&b, key, expires_ms))
		r = index_put(s->expiries, buf_slice(&b), 0, &existed, &old);
	buf_release(&b);
	if (r == 0 && !existed && key_is_own(key))
		s->own_expiries++;
	return r == 0 ? 0 : err_set(r, "no memory for an expiry");
}

void store_expiry_delete(struct store *s, struct slice key, uint64_t expires_ms)
{
	struct buf b;
	uint64_t old;

	/* An entry that stays for lack of memory does no harm: whoever finds
	 * it looks at the item first. */
	if (expiry_key(&b, key, expires_ms) &&
	    index_delete(s->expiries, buf_slice(&b), &old) && key_is_own(key))
		s->own_expiries--;
	buf_release(&b);
}

/* The first entry of the expiry index that is due; its key into `key`. */
static bool expiry_due(struct store *s, uint64_t now, struct buf *key,
		       uint64_t *expires_ms)
{
	struct index_cursor cur;
	uint64_t be;

	index_seek(s->expiries, slice_of(NULL, 0), &cur);
	if (!cur.valid)
		return false;
	index_cursor_key(&cur, key);
	if (buf_failed(key))
		return false;
	memcpy(&be, key->data, sizeof(be));
	*expires_ms = be64toh(be);
	return *expires_ms <= now;
}

bool store_has_expired(struct store *s)
{
	uint64_t expires_ms;
	struct buf entry;
	bool due;

	if (index_count(s->expiries) == 0)
		return false;
	buf_init(&entry);
	due = expiry_due(s, store_now(s), &entry, &expires_ms) ||
	      buf_failed(&entry);
	buf_release(&entry);
	return due;
}

size_t store_expire(struct store *s, size_t max)
{
	struct buf entry;
	uint64_t now, expires_ms, seq;
	size_t n = 0;

	if (index_count(s->expiries) == 0 || s->failed || s->read_only ||
	    (s->log != NULL && !s->log->leading))
		return 0;
	now = store_now(s);
	buf_init(&entry);
	while (n < max && expiry_due(s, now, &entry, &expires_ms)) {
		struct change c = {
			.kind = CHANGE_DELETE,
			.key = slice_of(entry.data + 8, entry.len - 8),
		};
		struct stored_item item;
		location l;

		if (index_get(store_index(s, c.key), c.key, &l)) {
			store_item(s, l, &item, &seq);
			if (item.expires_ms == expires_ms) {
				if (store_append(s, &c, 1) != 0)
					break;
				s->stats.expired_keys++;
				n++;
				continue;
			}
		}
		/* Without store_expiry_delete(), which takes memory: should
		 * that fail, the same entry would be found for ever. */
		(void)index_delete(s->expiries, buf_slice(&entry), &seq);
	}
	buf_release(&entry);
	return n;
}

uint64_t store_appended(const struct store *s)
{
	return s->appended;
}

uint64_t store_durable(const struct store *s)
{
	return s->durable;
}

size_t store_waiting(const struct store *s)
{
	/* A replicated store keeps, for its readers, the groups that were not
	 * written when it failed; nobody is to wait for them. */
	return s->failed == 0 ? s->waiting : 0;
}

int store_failed(const struct store *s, const char **why)
{
	*why = s->why;
	return s->failed;
}

static void store_free(struct store *s)
{
	struct group *g;

	compact_abandon(s);
	snapshots_drop(s);
	while ((g = TAILQ_FIRST(&s->groups)) != NULL) {
		TAILQ_REMOVE(&s->groups, g, next);
		group_free(g);
	}
	group_free(s->retired);
	for (unsigned i = 0; i < s->nslots; i++)
		segment_free(s->slots[i]);
	for (unsigned i = 0; i < s->nspares; i++) {
		file_close(s->spares[i].file);
		free(s->spares[i].path);
	}
	free(s->slots);
	index_free(s->index);
	index_free(s->own);
	index_free(s->expiries);
	log_free(s->log);
	file_close(s->lock);
	free(s->snapshots);
	free(s->items);
	buf_release(&s->text);
	free(s->dir);
	free(s);
}

static struct store *store_new(const char *dir,
			       const struct store_options *options)
{
	struct store *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return NULL;
	TAILQ_INIT(&s->groups);
	s->options = *options;
	s->fs = options->fs != NULL ? options->fs : fs_posix();
	s->read_only = options->read_only;
	if (s->options.segment_min == 0)
		s->options.segment_min = SEGMENT_MIN_DEFAULT;
	if (s->options.segment_max == 0)
		s->options.segment_max = SEGMENT_MAX_DEFAULT;
	s->next_number = 1;
	s->dir = strdup(dir);
	s->index = index_new();
	s->own = index_new();
	s->expiries = index_new();
	s->agreed = UINT64_MAX;
	if (s->dir == NULL || s->index == NULL || s->own == NULL ||
	    s->expiries == NULL) {
		store_free(s);
		return NULL;
	}
	return s;
}

int store_open_unread(struct store **out, const char *dir,
		      const struct store_options *options)
{
	struct store *s = store_new(dir, options);
	int r;

	if (s == NULL)
		return err_set(KV_ENOMEM, "no memory to open '%s'", dir);
	r = directory_prepare(s);
	if (r == 0)
		r = store_lock(s);
	if (r != 0) {
		store_free(s);
		return r;
	}
	*out = s;
	return 0;
}

int store_set_replicated(struct store *s, bool replicated)
{
	if (!replicated)
		return 0;
	s->log = log_new();
	if (s->log == NULL)
		return err_set(KV_ENOMEM, "no memory to open '%s'", s->dir);
	s->agreed = 0;
	return 0;
}

static int recover(struct store **s)
{
	int r = store_recover(*s);

	if (r != 0) {
		store_free(*s);
		*s = NULL;
		return r;
	}
	store_created_begin(*s);
	return 0;
}

int store_open(struct store **out, const char *dir,
	       const struct store_options *options)
{
	int r = store_open_unread(out, dir, options);

	return r == 0 ? recover(out) : r;
}

int store_open_either(struct store **out, const char *dir, struct fs *fs)
{
	struct store_options options = {.fs = fs, .read_only = true};
	int r = store_open_unread(out, dir, &options);

	if (r != 0)
		return r;
	(*out)->either_kind = true;
	return recover(out);
}

/* An empty record whose header says that all before it is on disk: from here
 * on a bad record at the end of the log is damage, not a torn write. (In a
 * replicated log it would be an entry.) */
static int vouch(struct store *s)
{
	const struct segment *seg = s->active;

	if (seg == NULL || seg->full || !seg->unvouched || s->log != NULL ||
	    seg->header.size - seg->tail < RECORD_HEADER)
		return 0;
	return store_append(s, NULL, 0);
}

int store_close(struct store *s)
{
	int r = 0;

	if (!s->read_only) {
		r = store_sync(s);
		if (r == 0)
			r = vouch(s);
		if (r == 0)
			r = store_sync(s);
	}
	store_free(s);
	return r;
}

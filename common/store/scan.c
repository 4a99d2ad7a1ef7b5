/*
 * scan.c - ranges in pages.
 *
 * A range that fits in one reply needs nothing more. For the rest there are two
 * kinds of cursor, both opaque to the client:
 *
 *	k KEY	 the page ended because the request's limit was reached. The
 *		 next page goes on behind KEY in the store as it is then.
 *	s ID.POS the page ended because the reply was full. The locations of the
 *		 rest were noted when the scan began; since the log is never
 *		 changed in place, they still hold the values of that moment. So
 *		 a long scan is one consistent picture, however many writes go
 *		 on, at 8 bytes a key. While a snapshot lives, no segment is
 *		 released.
 *
 * Snapshots that nobody asks for end after SNAPSHOT_IDLE_MS, and the least
 * recently used one ends when there are too many.
 */
#include "base/clock.h"
#include "store/log.h"

#include <bsd/stdlib.h>
#include <stdio.h>
#include <stdlib.h>

#define SNAPSHOTS 16
#define SNAPSHOT_IDLE_MS 60000
#define REPLY_MAX_DEFAULT (1u << 20)

struct snapshot {
	uint64_t id; /* 0: free */
	uint64_t used_ms;
	uint64_t taken_ms; /* wall clock: what had expired then */
	location *list;
	size_t count, cap;
};

struct snapshots {
	struct snapshot all[SNAPSHOTS];
};

static void snapshot_end(struct snapshot *snap)
{
	free(snap->list);
	*snap = (struct snapshot){0};
}

void snapshots_drop(struct store *s)
{
	for (int i = 0; s->snapshots != NULL && i < SNAPSHOTS; i++)
		snapshot_end(&s->snapshots->all[i]);
}

bool snapshots_pinned(struct store *s)
{
	uint64_t now = clock_monotonic_ms();
	bool pinned = s->log != NULL && s->log->snapshots != 0;

	for (int i = 0; s->snapshots != NULL && i < SNAPSHOTS; i++) {
		struct snapshot *snap = &s->snapshots->all[i];

		if (snap->id != 0 && snap->used_ms + SNAPSHOT_IDLE_MS < now)
			snapshot_end(snap);
		pinned = pinned || snap->id != 0;
	}
	return pinned;
}

static struct snapshot *snapshot_new(struct store *s)
{
	struct snapshot *oldest;

	if (s->snapshots == NULL)
		s->snapshots = calloc(1, sizeof(*s->snapshots));
	if (s->snapshots == NULL)
		return NULL;
	oldest = &s->snapshots->all[0];
	for (int i = 1; i < SNAPSHOTS; i++)
		if (s->snapshots->all[i].used_ms < oldest->used_ms)
			oldest = &s->snapshots->all[i];
	snapshot_end(oldest);
	/* Random: a cursor of another scan, or of before a restart, must not
	 * be taken for this one's. */
	arc4random_buf(&oldest->id, sizeof(oldest->id));
	oldest->id |= 1;
	oldest->used_ms = clock_monotonic_ms();
	oldest->taken_ms = store_now(s);
	return oldest;
}

static bool snapshot_add(struct snapshot *snap, location l)
{
	if (snap->count == snap->cap) {
		size_t cap = snap->cap ? 2 * snap->cap : 1024;
		location *list = realloc(snap->list, cap * sizeof(*list));

		if (list == NULL)
			return false;
		snap->list = list;
		snap->cap = cap;
	}
	snap->list[snap->count++] = l;
	return true;
}

static void fail(struct reply *reply, int code)
{
	reply->code = code;
	reply->message = err_text();
}

static void fail_memory(struct reply *reply)
{
	fail(reply, err_set(KV_ENOMEM, "no memory for a scan"));
}

static void fail_cursor(struct reply *reply)
{
	fail(reply, err_set(KV_EDATA, "the scan's cursor is not one that a "
				      "reply gave"));
}

static void reply_cursor(struct store *s, struct reply *reply)
{
	if (buf_failed(&s->text))
		fail(reply, err_set(KV_ENOMEM, "no memory to reply"));
	reply->cursor = buf_slice(&s->text);
}

/* Adds the item at l to the page; false if the page has no room for it. */
static bool page_add(struct store *s, const struct request *req,
		     struct reply *reply, location l, size_t *bytes,
		     uint64_t now)
{
	size_t max = req->reply_max ? req->reply_max : REPLY_MAX_DEFAULT;
	struct stored_item stored;
	struct item *item;
	uint64_t seq;
	size_t more;

	store_item(s, l, &stored, &seq);
	if (stored.expires_ms != 0 && stored.expires_ms <= now)
		return true;
	more = stored.key.len + (req->range.keys_only ? 0 : stored.value.len);
	if (reply->nitems != 0 && *bytes + more > max)
		return false;
	item = reply_item(s, reply);
	if (item == NULL)
		return false;
	*bytes += more;
	*item = (struct item){
		.key = stored.key,
		.value =
			req->range.keys_only ? slice_of(NULL, 0) : stored.value,
		.version = stored.version,
		.expires_ms = stored.expires_ms,
		.found = true,
	};
	return true;
}

/* Notes the rest of the range, from where the walk stands. */
static void scan_rest(struct store *s, const struct request *req,
		      struct reply *reply, struct range_walk *w)
{
	struct snapshot *snap = snapshot_new(s);
	uint64_t left = req->range.limit ? req->range.limit - reply->nitems
					 : UINT64_MAX;
	bool more = true;

	while (snap != NULL && more && left-- > 0) {
		if (!snapshot_add(snap, index_cursor_location(&w->cursor))) {
			snapshot_end(snap);
			snap = NULL;
			break;
		}
		more = range_next(w);
	}
	if (w->failed && snap != NULL) {
		snapshot_end(snap);
		snap = NULL;
	}
	if (snap == NULL) {
		fail_memory(reply);
		return;
	}
	buf_clear(&s->text);
	buf_printf(&s->text, "s%016llx.0", (unsigned long long)snap->id);
	reply_cursor(s, reply);
}

/* The cursor's key is written in hexadecimal: any bytes, any protocol. */
static void cursor_from_key(struct store *s, struct slice key,
			    struct reply *reply)
{
	static const char digits[] = "0123456789abcdef";

	buf_clear(&s->text);
	buf_append_char(&s->text, 'k');
	for (size_t i = 0; i < key.len; i++) {
		buf_append_char(&s->text, digits[key.data[i] >> 4 & 15]);
		buf_append_char(&s->text, digits[key.data[i] & 15]);
	}
	reply_cursor(s, reply);
}

static int digit_value(char c)
{
	static const char digits[] = "0123456789abcdef";
	const char *d = c ? strchr(digits, c) : NULL;

	return d != NULL ? (int)(d - digits) : -1;
}

static bool key_from_cursor(struct slice cursor, struct buf *key)
{
	if (cursor.len < 3 || cursor.len % 2 == 0 || cursor.data[0] != 'k')
		return false;
	for (size_t i = 1; i < cursor.len; i += 2) {
		int high = digit_value(cursor.data[i]);
		int low = digit_value(cursor.data[i + 1]);

		if (high < 0 || low < 0)
			return false;
		buf_append_char(key, (char)(high << 4 | low));
	}
	return !buf_failed(key);
}

static void scan_live(struct store *s, const struct request *req,
		      struct reply *reply, struct slice after)
{
	uint64_t now = store_now(s);
	struct range_walk w;
	size_t bytes = 0;
	bool more = range_first(s, &w, &req->range, after);

	while (more) {
		if (req->range.limit != 0 &&
		    reply->nitems == req->range.limit) {
			cursor_from_key(s, reply->items[reply->nitems - 1].key,
					reply);
			break;
		}
		if (!page_add(s, req, reply, index_cursor_location(&w.cursor),
			      &bytes, now)) {
			if (reply->code == 0)
				scan_rest(s, req, reply, &w);
			break;
		}
		more = range_next(&w);
	}
	if (w.failed)
		fail_memory(reply);
	range_end(&w);
}

static void scan_snapshot(struct store *s, const struct request *req,
			  struct reply *reply)
{
	struct snapshot *snap = NULL;
	unsigned long long id, pos;
	size_t bytes = 0;
	char text[48];

	snprintf(text, sizeof(text), "%.*s", (int)req->cursor.len,
		 req->cursor.data);
	if (sscanf(text, "s%16llx.%llu", &id, &pos) != 2 || id == 0) {
		fail_cursor(reply);
		return;
	}
	for (int i = 0; s->snapshots != NULL && i < SNAPSHOTS; i++)
		if (s->snapshots->all[i].id == id)
			snap = &s->snapshots->all[i];
	/* The client did nothing wrong: what it reads from is gone with the
	 * time, or with the node that led. */
	if (snap == NULL || pos > snap->count) {
		fail(reply,
		     err_set(KV_ETIMEOUT,
			     "the scan's cursor is not known any more: it is "
			     "too old, or the server that gave it is gone or "
			     "does not lead; start the scan again"));
		return;
	}
	snap->used_ms = clock_monotonic_ms();
	while (pos < snap->count &&
	       page_add(s, req, reply, snap->list[pos], &bytes, snap->taken_ms))
		pos++;
	if (reply->code != 0)
		return;
	if (pos == snap->count) {
		snapshot_end(snap);
		return;
	}
	buf_clear(&s->text);
	buf_printf(&s->text, "s%016llx.%llu", id, pos);
	reply_cursor(s, reply);
}

void store_scan(struct store *s, const struct request *req, struct reply *reply)
{
	struct buf after;

	reply->keys_only = req->range.keys_only;
	if (s->applied > s->revealed)
		reply->after = s->applied;
	if (req->cursor.len != 0 && req->cursor.data[0] == 's') {
		scan_snapshot(s, req, reply);
		return;
	}
	buf_init(&after);
	if (req->cursor.len == 0 || key_from_cursor(req->cursor, &after))
		scan_live(s, req, reply, buf_slice(&after));
	else if (buf_failed(&after))
		fail_memory(reply);
	else
		fail_cursor(reply);
	buf_release(&after);
}

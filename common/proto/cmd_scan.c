/*
 * cmd_scan.c - KEYS and SCAN, in the order of the keys.
 *
 * SCAN's cursor has to be a number, but the place where a scan stands is a key.
 * The number is a hash of that key. A table remembers which key each number
 * stands for; it is bounded and the one not used for longest goes first. A
 * number that the table does not know (the server was started again, or very
 * many scans were begun since) is looked for among all keys, once; if the key
 * is gone as well, SCAN says so rather than start over or leave keys out.
 *
 * So a scan meets every key that is there from its beginning to its end,
 * exactly once, whatever happens to the others.
 */
#include "proto/glob.h"
#include "proto/resp_conn.h"

#include <stdlib.h>
#include <sys/queue.h>
#include <xxhash.h>

#define CURSORS 4096u
#define BUCKETS 4096u

#define SCAN_COUNT 10 /* keys looked at if COUNT does not say */

struct cursor {
	LIST_ENTRY(cursor) bucket;
	TAILQ_ENTRY(cursor) used;
	uint64_t number;
	size_t len;
	char key[];
};

struct scan_cursors {
	LIST_HEAD(cursor_bucket, cursor) buckets[BUCKETS];
	TAILQ_HEAD(cursor_list, cursor) used; /* the last one first */
	size_t count;
};

struct scan_cursors *scan_cursors_new(void)
{
	struct scan_cursors *t = calloc(1, sizeof(*t));

	if (t != NULL)
		TAILQ_INIT(&t->used);
	return t;
}

static void forget(struct scan_cursors *t, struct cursor *cur)
{
	LIST_REMOVE(cur, bucket);
	TAILQ_REMOVE(&t->used, cur, used);
	t->count--;
	free(cur);
}

void scan_cursors_free(struct scan_cursors *t)
{
	struct cursor *cur;

	if (t == NULL)
		return;
	while ((cur = TAILQ_FIRST(&t->used)) != NULL)
		forget(t, cur);
	free(t);
}

/* Never 0, and positive where numbers have a sign: not all clients read 64
 * bits without one. */
static uint64_t number_of(struct slice key)
{
	return XXH3_64bits(key.data, key.len) >> 1 | 1;
}

static struct cursor *find(struct scan_cursors *t, uint64_t number)
{
	struct cursor *cur;

	LIST_FOREACH (cur, &t->buckets[(number >> 1) % BUCKETS], bucket)
		if (cur->number == number)
			return cur;
	return NULL;
}

/* For lack of memory it may not be remembered; then it is looked for. */
static uint64_t remember(struct scan_cursors *t, struct slice key)
{
	uint64_t number = number_of(key);
	struct cursor *cur = find(t, number);

	if (cur != NULL)
		forget(t, cur);
	if (t->count == CURSORS)
		forget(t, TAILQ_LAST(&t->used, cursor_list));
	cur = malloc(sizeof(*cur) + key.len);
	if (cur == NULL)
		return number;
	cur->number = number;
	cur->len = key.len;
	memcpy(cur->key, key.data, key.len);
	LIST_INSERT_HEAD(&t->buckets[(number >> 1) % BUCKETS], cur, bucket);
	TAILQ_INSERT_HEAD(&t->used, cur, used);
	t->count++;
	return number;
}

struct search {
	uint64_t number;
	struct buf *key;
	bool found;
};

static bool look_at(void *arg, struct slice key)
{
	struct search *s = arg;

	if (number_of(key) != s->number)
		return true;
	buf_append_slice(s->key, key);
	s->found = true;
	return false;
}

/* The key that the number stands for; false: the reply has been written, or
 * the call has failed. */
static bool resume(struct call *c, uint64_t number, struct buf *key)
{
	struct cursor *cur = find(c->conn->shared->cursors, number);
	struct search search = {.number = number, .key = key};
	struct slice all = slice_of(NULL, 0);
	int r;

	if (cur != NULL) {
		buf_append(key, cur->key, cur->len);
	} else {
		r = txn_scan(c->txn, all, all, look_at, &search);
		if (r != 0) {
			call_fail(c, r);
			return false;
		}
		if (!search.found) {
			resp_error(c->out, "ERR invalid cursor: the scan's "
					   "last key is gone and forgotten; "
					   "start again with 0");
			return false;
		}
	}
	if (buf_failed(key)) {
		call_fail(c, err_set(KV_ENOMEM, "no memory for a scan"));
		return false;
	}
	return true;
}

/* A scan under way. */
struct walk {
	struct slice pattern; /* empty: every key */
	bool has_pattern;
	uint64_t left; /* keys that may still be looked at */
	bool more;     /* it ended for `left` or for the size */
	size_t count;
	struct buf found; /* the keys, as bulk strings */
	struct buf last;  /* of a full page: the last key looked at */
	bool is_page;	  /* of SCAN: another one may follow */
};

static bool take(void *arg, struct slice key)
{
	struct walk *w = arg;

	if (w->left == 0 || w->found.len > CALL_REPLY_MAX) {
		w->more = true;
		return false;
	}
	w->left--;
	if (!w->has_pattern || glob_match(w->pattern, key, false)) {
		resp_bulk(&w->found, key);
		w->count++;
	}
	if (w->is_page && (w->left == 0 || w->found.len > CALL_REPLY_MAX)) {
		w->left = 0;
		buf_append_slice(&w->last, key);
	}
	return !buf_failed(&w->found);
}

/* Goes through the keys behind `after` that the pattern can match; false: the
 * call has failed. */
static bool walk(struct call *c, struct walk *w, struct slice after)
{
	bool exact = false;
	struct slice prefix = slice_of(NULL, 0);
	int r;

	if (w->has_pattern)
		prefix = glob_prefix(w->pattern, &exact);
	r = txn_scan(c->txn, prefix, after, take, w);
	if (r == 0 && (buf_failed(&w->found) || buf_failed(&w->last)))
		r = err_set(KV_ENOMEM, "no memory for a scan");
	if (r != 0)
		call_fail(c, r);
	return r == 0;
}

static void walk_release(struct walk *w)
{
	buf_release(&w->found);
	buf_release(&w->last);
}

void cmd_keys(struct call *c)
{
	struct walk w = {
		.pattern = c->argv[1],
		.has_pattern = true,
		.left = UINT64_MAX,
	};

	if (walk(c, &w, slice_of(NULL, 0))) {
		if (w.more) {
			resp_error(c->out,
				   "ERR the keys are over the %zu "
				   "bytes that a reply may hold; use "
				   "SCAN",
				   CALL_REPLY_MAX);
		} else {
			resp_array(c->out, w.count);
			buf_append_slice(c->out, buf_slice(&w.found));
		}
	}
	walk_release(&w);
}

/* Digits only, 64 bits; Redis takes no digit for 0. */
static bool read_cursor(struct slice word, uint64_t *number)
{
	uint64_t v = 0;

	for (size_t i = 0; i < word.len; i++) {
		unsigned digit = (unsigned)(word.data[i] - '0');

		if (digit > 9 || __builtin_mul_overflow(v, 10, &v) ||
		    __builtin_add_overflow(v, digit, &v))
			return false;
	}
	*number = v;
	return true;
}

struct options {
	uint64_t count;
	struct slice pattern;
	bool has_pattern;
	bool no_such_type;
};

static bool read_options(struct call *c, struct options *o)
{
	int64_t count;

	*o = (struct options){.count = SCAN_COUNT};
	for (size_t i = 2; i < c->argc; i += 2) {
		if (i + 1 == c->argc) {
			call_syntax_error(c);
			return false;
		}
		if (word_is(c->argv[i], "count")) {
			if (!call_int(c, i + 1, &count))
				return false;
			if (count < 1) {
				call_syntax_error(c);
				return false;
			}
			o->count = (uint64_t)count;
		} else if (word_is(c->argv[i], "match")) {
			o->pattern = c->argv[i + 1];
			o->has_pattern =
				!slice_eq(o->pattern, slice_of("*", 1));
		} else if (word_is(c->argv[i], "type")) {
			o->no_such_type = !word_is(c->argv[i + 1], "string");
		} else {
			call_syntax_error(c);
			return false;
		}
	}
	return true;
}

static void reply_page(struct call *c, struct walk *w, bool hide)
{
	uint64_t next = 0;
	struct buf digits = {0};

	if (w->more)
		next = remember(c->conn->shared->cursors, buf_slice(&w->last));
	buf_append_u64(&digits, next);
	resp_array(c->out, 2);
	resp_bulk(c->out, buf_slice(&digits));
	resp_array(c->out, hide ? 0 : w->count);
	if (!hide)
		buf_append_slice(c->out, buf_slice(&w->found));
	c->out->failed |= buf_failed(&digits);
	buf_release(&digits);
}

void cmd_scan(struct call *c)
{
	struct buf after = {0};
	struct options o;
	struct walk w;
	uint64_t number;

	if (!read_cursor(c->argv[1], &number)) {
		resp_error(c->out, "ERR invalid cursor");
		return;
	}
	if (!read_options(c, &o))
		return;
	w = (struct walk){
		.pattern = o.pattern,
		.has_pattern = o.has_pattern,
		.left = o.count,
		.is_page = true,
	};
	if (number == 0 || resume(c, number, &after))
		if (walk(c, &w, buf_slice(&after)))
			reply_page(c, &w, o.no_such_type);
	walk_release(&w);
	buf_release(&after);
}

/*
 * resp_fuzz.c - feeds any bytes to a connection that speaks RESP, whole and in
 * pieces: both must come to the same commands and replies. The commands run on
 * a small store in memory, so that they are tried as well.
 *
 *	make fuzz
 */
#include "base/err.h"
#include "proto/resp.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void demand(bool condition)
{
	if (!condition)
		abort();
}

/* A store that forgets: the keys of one input, in lists as they come. */
#define PAIRS 64

struct pair {
	char *key, *value;
	size_t key_len, value_len;
	uint64_t expires_ms;
};

struct fuzz_txn {
	struct txn txn;
	struct pair pairs[PAIRS];
	size_t n;
	void *blocks[4096];
	size_t nblocks;
	uint64_t changes;
};

static struct fuzz_txn *of(struct txn *t)
{
	return (struct fuzz_txn *)t;
}

static struct pair *find(struct fuzz_txn *x, struct slice key)
{
	for (size_t i = 0; i < x->n; i++)
		if (slice_eq(slice_of(x->pairs[i].key, x->pairs[i].key_len),
			     key))
			return &x->pairs[i];
	return NULL;
}

static void *do_alloc(struct txn *t, size_t size)
{
	struct fuzz_txn *x = of(t);
	void *p;

	if (x->nblocks == sizeof(x->blocks) / sizeof(*x->blocks) ||
	    size > 1 << 20)
		return NULL;
	p = malloc(size + 1);
	demand(p != NULL);
	x->blocks[x->nblocks++] = p;
	return p;
}

static char *copy(struct txn *t, struct slice s)
{
	char *p = do_alloc(t, s.len);

	if (p != NULL && s.len != 0)
		memcpy(p, s.data, s.len);
	return p;
}

static bool do_get(struct txn *t, struct slice key, struct item *item)
{
	const struct pair *p = find(of(t), key);

	if (p == NULL)
		return false;
	*item = (struct item){
		.key = slice_of(p->key, p->key_len),
		.value = slice_of(p->value, p->value_len),
		.version = 1,
		.expires_ms = p->expires_ms,
		.found = true,
	};
	return true;
}

/* Each change is one of every key: more than WATCH needs to be told. */
static uint64_t do_mark(struct txn *t, struct slice key)
{
	(void)key;
	return of(t)->changes;
}

static int do_change(struct txn *t, const struct change *change)
{
	struct fuzz_txn *x = of(t);
	struct pair *p = find(x, change->key);

	x->changes++;
	if (change->kind == CHANGE_DELETE) {
		if (p != NULL)
			*p = x->pairs[--x->n];
		return 0;
	}
	if (txn_check(change->key, change->value) != 0)
		return KV_EUSAGE;
	if (p == NULL) {
		if (x->n == PAIRS)
			return err_set(KV_ENOMEM, "full");
		p = &x->pairs[x->n];
		p->key = copy(t, change->key);
		p->key_len = change->key.len;
	}
	p->value = copy(t, change->value);
	p->value_len = change->value.len;
	p->expires_ms = change->expires_ms;
	if (p->key == NULL || p->value == NULL)
		return err_set(KV_ENOMEM, "full");
	if (p == &x->pairs[x->n])
		x->n++;
	return 0;
}

static void do_clear(struct txn *t)
{
	of(t)->changes++;
	of(t)->n = 0;
}

static int do_scan(struct txn *t, struct slice prefix, struct slice after,
		   txn_scan_fn *fn, void *arg)
{
	struct fuzz_txn *x = of(t);
	struct slice last = after, next;

	for (;;) {
		next = slice_of(NULL, 0);
		for (size_t i = 0; i < x->n; i++) {
			struct slice key =
				slice_of(x->pairs[i].key, x->pairs[i].key_len);

			if (slice_cmp(key, last) > 0 &&
			    slice_has_prefix(key, prefix) &&
			    (next.len == 0 || slice_cmp(key, next) < 0))
				next = key;
		}
		if (next.len == 0 || !fn(arg, next))
			return 0;
		last = next;
	}
}

static uint64_t do_count(struct txn *t)
{
	return of(t)->n;
}

static int do_pick(struct txn *t, struct slice *key)
{
	struct fuzz_txn *x = of(t);

	*key = x->n != 0 ? slice_of(x->pairs[0].key, x->pairs[0].key_len)
			 : slice_of(NULL, 0);
	return 0;
}

static void do_stats(struct txn *t, struct txn_stats *stats)
{
	*stats = (struct txn_stats){.keys = of(t)->n};
}

static uint64_t do_now(struct txn *t)
{
	(void)t;
	return 1000000;
}

static const struct txn_ops ops = {
	.get = do_get,
	.mark = do_mark,
	.change = do_change,
	.clear = do_clear,
	.alloc = do_alloc,
	.scan = do_scan,
	.count = do_count,
	.pick = do_pick,
	.stats = do_stats,
	.now_ms = do_now,
};

/* Long replies and those of several parts tell of time and memory, not of the
 * input alone. */
static bool is_steady(const struct buf *said, size_t mark)
{
	return said->len - mark < 100 &&
	       (said->len == mark || strchr("+-:_$", said->data[mark]) != NULL);
}

/* All that is said in answer to the input; `step` bytes come at a time. */
static void talk(struct slice input, size_t step, struct buf *said)
{
	struct resp_shared *shared = resp_shared_new();
	struct resp_conn *conn = resp_open(shared, 1);
	struct fuzz_txn *x = calloc(1, sizeof(*x));
	enum resp_next next = RESP_NOTHING;
	size_t at = 0, have = 0;

	demand(conn != NULL && x != NULL);
	while (next != RESP_LAST && next != RESP_CLOSE) {
		char *piece = malloc(have - at + 1);
		struct resp_feed f = {.max = 1 << 20};
		size_t mark = said->len;

		demand(piece != NULL);
		memcpy(piece, input.data + at, have - at);
		f.input = slice_of(piece, have - at);
		next = f.input.len != 0 ? resp_feed(conn, &f) : RESP_MORE;
		demand(f.used <= f.input.len);
		demand(next == RESP_MORE || f.used != 0 || next >= RESP_LAST);
		if (next == RESP_CALL) {
			x->txn = (struct txn){.ops = &ops};
			if (f.call->run(f.call, &x->txn, said) != 0)
				said->len = mark;
			if (resp_settle(conn))
				next = RESP_LAST;
		} else if (next == RESP_REPLY || next == RESP_LAST) {
			buf_append_slice(said, f.reply);
		}
		if (!is_steady(said, mark))
			said->len = mark;
		free(piece);
		at += f.used;
		if (next != RESP_MORE)
			continue;
		if (have == input.len)
			break;
		have = input.len - have > step ? have + step : input.len;
	}
	while (x->nblocks != 0)
		free(x->blocks[--x->nblocks]);
	free(x);
	resp_close(conn);
	resp_shared_free(shared);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice input = slice_of(data, size);
	struct buf whole = {0}, pieces = {0};

	if (size == 0 || size > 4096)
		return 0;
	(void)resp_sniff(input);
	talk(input, size, &whole);
	talk(input, 1 + data[0] % 7, &pieces);
	demand(slice_eq(buf_slice(&whole), buf_slice(&pieces)));
	buf_release(&whole);
	buf_release(&pieces);
	return 0;
}

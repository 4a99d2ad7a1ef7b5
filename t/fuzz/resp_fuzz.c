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

/* ---- the server around it ---- */

static void tell_clients(void *host, resp_client_fn *fn, void *arg)
{
	const struct resp_client clients[] = {
		{.id = 1, .address = "127.0.0.1:4711", .conn = host},
		{.id = 2, .address = "/s:0", .is_unix = true},
	};

	fn(arg, &clients[0]);
	fn(arg, &clients[1]);
}

static void do_kill(void *host, uint64_t id)
{
	(void)host;
	demand(id != 1); /* that is who asks */
}

static void tell_facts(void *host, struct resp_server_facts *facts)
{
	(void)host;
	*facts = (struct resp_server_facts){
		.cluster = {.clustered = true,
			    .leads = true,
			    .majority = 2,
			    .nothers = 1,
			    .others = {{"127.0.0.1:1", 7, true}}},
		.socket = "/s",
	};
}

static const struct resp_host_ops host_ops = {tell_clients, do_kill,
					      tell_facts};

/* ---- a conversation ---- */

struct talk {
	struct resp_conn *conn;
	struct slice input;
	size_t at, have; /* used; come so far */
	bool runs;	 /* reads behind each other are one call */
	char *piece;	 /* what of it the connection sees */
	size_t piece_at;
};

/* A copy that ends where the input does; with `runs` it is one for all, so that
 * commands may be read ahead. */
static struct slice take_piece(struct talk *t)
{
	size_t len = t->have - t->at;

	if (t->piece == NULL || !t->runs) {
		resp_pause(t->conn);
		free(t->piece);
		t->piece = malloc(len + 1);
		demand(t->piece != NULL);
		memcpy(t->piece, t->input.data + t->at, len);
		t->piece_at = t->at;
	}
	return slice_of(t->piece + (t->at - t->piece_at), len);
}

static void run_call(struct talk *t, struct resp_feed *f, struct fuzz_txn *x,
		     struct buf *said)
{
	size_t mark = said->len;
	int r;

	x->txn = (struct txn){.ops = &ops};
	r = f->call->run(f->call, &x->txn, said);
	if (r != 0) {
		said->len = mark;
		resp_write_error(said, r, err_text(), f->tag);
	}
	if (t->runs)
		f->used -= resp_take_back(t->conn, &f->count);
}

static enum resp_next feed(struct talk *t, struct fuzz_txn *x, struct buf *said)
{
	struct resp_feed f = {.max = 1 << 20, .runs = t->runs};
	size_t mark = said->len;
	enum resp_next next;

	f.input = take_piece(t);
	next = f.input.len != 0 ? resp_feed(t->conn, &f) : RESP_MORE;
	demand(f.used <= f.input.len);
	demand(next == RESP_MORE || f.used != 0 || next >= RESP_LAST);
	if (next == RESP_CALL) {
		run_call(t, &f, x, said);
		demand(f.used != 0);
		if (resp_settle(t->conn))
			next = RESP_LAST;
	} else if (next == RESP_REPLY || next == RESP_LAST) {
		buf_append_slice(said, f.reply);
	}
	if (!is_steady(said, mark))
		said->len = mark;
	t->at += f.used;
	return next;
}

/* All that is said in answer to the input; `step` bytes come at a time. */
static void talk(struct slice input, size_t step, bool runs, struct buf *said)
{
	static struct fuzz_txn
		all; /* to zero it each time would take longest */
	struct fuzz_txn *x = &all;
	struct resp_shared *shared = resp_shared_new();
	struct talk t = {.conn = resp_open(shared, 1),
			 .input = input,
			 .have = runs ? input.len : 0,
			 .runs = runs};
	enum resp_next next = RESP_NOTHING;

	demand(t.conn != NULL);
	resp_shared_set_host(shared, &host_ops, t.conn);
	resp_shared_set_clustered(shared, input.data[0] & 1);
	x->n = x->changes = 0;
	while (next != RESP_LAST && next != RESP_CLOSE) {
		next = feed(&t, x, said);
		if (next != RESP_MORE)
			continue;
		if (t.have == input.len)
			break;
		t.have = input.len - t.have > step ? t.have + step : input.len;
	}
	free(t.piece);
	while (x->nblocks != 0)
		free(x->blocks[--x->nblocks]);
	resp_close(t.conn);
	resp_shared_free(shared);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice input = slice_of(data, size);
	struct buf whole = {0}, pieces = {0}, joined = {0};

	if (size == 0 || size > 4096)
		return 0;
	(void)resp_sniff(input);
	talk(input, size, false, &whole);
	talk(input, 1 + data[0] % 7, false, &pieces);
	demand(slice_eq(buf_slice(&whole), buf_slice(&pieces)));
	/* What is steady is told by the call, and these are other calls. */
	talk(input, size, true, &joined);
	buf_release(&whole);
	buf_release(&pieces);
	buf_release(&joined);
	return 0;
}

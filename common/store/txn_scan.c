/*
 * txn_scan.c - all the keys that a transaction sees, in order: those of the
 * store and those that it changed, as one. Counting and choosing any of them
 * are made of that, with short cuts for the usual case.
 */
#include "store/txn_internal.h"

#include <bsd/stdlib.h>

/* Two ordered runs of keys as one. */
struct merge {
	struct store_txn *x;
	struct index_cursor below, above;
	struct buf below_key, above_key;
	struct slice prefix;
};

/* Whether the cursor is still inside the prefix; its key into `key`. */
static void settle(struct merge *m, struct index_cursor *cur, struct buf *key)
{
	if (!cur->valid)
		return;
	index_cursor_key(cur, key);
	if (!slice_has_prefix(buf_slice(key), m->prefix))
		cur->valid = false;
}

static void seek(struct merge *m, const struct index *ix, struct slice after,
		 struct index_cursor *cur, struct buf *key)
{
	index_seek(ix, slice_cmp(m->prefix, after) > 0 ? m->prefix : after,
		   cur);
	settle(m, cur, key);
	if (cur->valid && after.len != 0 && slice_eq(buf_slice(key), after)) {
		index_next(cur);
		settle(m, cur, key);
	}
}

static bool below_is_alive(struct store_txn *x, location l)
{
	struct stored_item item;
	uint64_t seq;

	if (!location_has_ttl(l))
		return true;
	store_item(x->s, l, &item, &seq);
	return !txn_has_expired(x, item.expires_ms);
}

static bool above_is_alive(struct store_txn *x, uint64_t at)
{
	const struct change *c = &x->changes[at];

	return c->kind == CHANGE_SET && !txn_has_expired(x, c->expires_ms);
}

/* Tells the lower of the two keys, if it is alive, and steps past it. */
static bool merge_step(struct merge *m, txn_scan_fn *fn, void *arg)
{
	int c = !m->above.valid	  ? -1
		: !m->below.valid ? 1
				  : slice_cmp(buf_slice(&m->below_key),
					      buf_slice(&m->above_key));
	bool alive, go_on = true;

	if (c < 0)
		alive = below_is_alive(m->x, index_cursor_location(&m->below));
	else
		alive = above_is_alive(m->x, index_cursor_location(&m->above));
	if (alive)
		go_on = fn(arg,
			   buf_slice(c < 0 ? &m->below_key : &m->above_key));
	if (c <= 0) {
		index_next(&m->below);
		settle(m, &m->below, &m->below_key);
	}
	if (c >= 0) {
		index_next(&m->above);
		settle(m, &m->above, &m->above_key);
	}
	return go_on;
}

int txn_do_scan(struct txn *t, struct slice prefix, struct slice after,
		txn_scan_fn *fn, void *arg)
{
	struct store_txn *x = txn_of(t);
	struct merge m = {.x = x, .prefix = prefix};
	bool failed;

	if (x->n != 0) {
		int r = txn_make_order(x);

		if (r != 0)
			return r;
		seek(&m, x->order, after, &m.above, &m.above_key);
	}
	if (!x->cleared)
		seek(&m, x->s->index, after, &m.below, &m.below_key);
	txn_depends(x, x->s->applied);
	while ((m.below.valid || m.above.valid) && !buf_failed(&m.below_key) &&
	       !buf_failed(&m.above_key))
		if (!merge_step(&m, fn, arg))
			break;
	failed = buf_failed(&m.below_key) || buf_failed(&m.above_key);
	buf_release(&m.below_key);
	buf_release(&m.above_key);
	return failed ? txn_no_memory() : 0;
}

struct nth {
	struct store_txn *x;
	uint64_t left;
	struct slice key;
	bool failed;
};

static bool take_nth(void *arg, struct slice key)
{
	struct nth *nth = arg;
	char *copy;

	if (nth->left-- > 1)
		return true;
	copy = txn_alloc(&nth->x->txn, key.len);
	if (copy != NULL)
		memcpy(copy, key.data, key.len);
	nth->failed = copy == NULL;
	nth->key = slice_of(copy, copy != NULL ? key.len : 0);
	return false;
}

static bool count_one(void *arg, struct slice key)
{
	uint64_t *n = arg;

	(void)key;
	++*n;
	return true;
}

/* Keys that have expired are not there, removed or not; as long as there are
 * such, the living have to be counted one by one. Without memory for that the
 * transaction fails at its end. */
uint64_t txn_do_count(struct txn *t)
{
	struct store_txn *x = txn_of(t);
	struct slice all = slice_of(NULL, 0);
	uint64_t count = 0;

	if (x->n != 0 || store_has_expired(x->s)) {
		x->failed = txn_do_scan(t, all, all, count_one, &count);
		return count;
	}
	txn_depends(x, x->s->applied);
	return x->cleared ? 0 : index_count(x->s->index);
}

/* Counts the living, then takes one: for few keys, or a store that is full of
 * expired ones, or changes of the transaction's own. */
static int pick_counted(struct store_txn *x, uint64_t random, struct slice *key)
{
	struct nth nth = {.x = x};
	struct slice all = slice_of(NULL, 0);
	uint64_t n = 0;
	int r = txn_do_scan(&x->txn, all, all, count_one, &n);

	if (r != 0 || n == 0)
		return r;
	nth.left = random % n + 1;
	r = txn_do_scan(&x->txn, all, all, take_nth, &nth);
	*key = nth.key;
	return r == 0 && nth.failed ? txn_no_memory() : r;
}

#define PICK_TRIES 100
#define PICK_FEW 64

int txn_do_pick(struct txn *t, struct slice *key)
{
	struct store_txn *x = txn_of(t);
	struct index_cursor cur;
	struct stored_item item;
	uint64_t random, seq;
	location l;

	*key = slice_of(NULL, 0);
	for (int i = 0; i < PICK_TRIES && x->n == 0 && !x->cleared &&
			index_count(x->s->index) > PICK_FEW;
	     i++) {
		arc4random_buf(&random, sizeof(random));
		index_pick(x->s->index, random, &cur);
		l = index_cursor_location(&cur);
		if (!below_is_alive(x, l))
			continue;
		store_item(x->s, l, &item, &seq);
		txn_depends(x, seq);
		*key = item.key;
		return 0;
	}
	arc4random_buf(&random, sizeof(random));
	return pick_counted(x, random, key);
}

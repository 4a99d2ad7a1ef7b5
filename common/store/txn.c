/*
 * txn.c - transactions over the store; see base/txn.h.
 *
 * Nothing is applied before the end: the changes wait in a list, at most one a
 * key, and reads look there first. A few are searched one by one, more through
 * a hash table; scans put an ordered index over the list. "Delete everything"
 * is a flag that hides the store below, so that it costs nothing until the end.
 */
#include "store/txn_internal.h"

#include <stdlib.h>

#define CHANGES_LINEAR 8 /* above, the list has a map */

/* Memory for computed values; also what one record could hold of them. */
#define MEMORY_MAX ((size_t)1 << 30)
#define BLOCK_SIZE ((size_t)16 << 10)

struct txn_block {
	struct txn_block *next;
	size_t used, size;
	char bytes[];
};

static struct change *find_change(struct store_txn *x, struct slice key)
{
	size_t at;

	if (x->map.used != 0)
		return key_map_find(&x->map, x->changes, key, &at)
			       ? &x->changes[at]
			       : NULL;
	for (size_t i = 0; i < x->n; i++)
		if (slice_eq(x->changes[i].key, key))
			return &x->changes[i];
	return NULL;
}

static bool get_below(struct store_txn *x, struct slice key, struct item *item)
{
	struct store *s = x->s;
	struct stored_item stored;
	uint64_t seq;
	location l;

	if (x->cleared || key.len == 0 || key.len > KV_KEY_MAX)
		return false;
	if (!store_look_up(s, key, &l, &stored, &seq)) {
		txn_depends(x, s->last_delete);
		return false;
	}
	txn_depends(x, seq);
	if (txn_has_expired(x, stored.expires_ms))
		return false;
	*item = (struct item){
		.key = stored.key,
		.value = stored.value,
		.version = stored.version,
		.expires_ms = stored.expires_ms,
		.found = true,
	};
	return true;
}

static bool do_get(struct txn *t, struct slice key, struct item *item)
{
	struct store_txn *x = txn_of(t);
	const struct change *c = x->n != 0 ? find_change(x, key) : NULL;

	if (c == NULL)
		return get_below(x, key, item);
	if (c->kind == CHANGE_DELETE || txn_has_expired(x, c->expires_ms))
		return false;
	*item = (struct item){
		.key = c->key,
		.value = c->value,
		.version = x->s->version + 1,
		.expires_ms = c->expires_ms,
		.found = true,
	};
	return true;
}

/* Marks of keys that are there and of those that are not never meet. */
static uint64_t do_mark(struct txn *t, struct slice key)
{
	struct store_txn *x = txn_of(t);
	struct item item;

	return get_below(x, key, &item) ? item.version
					: ~store_created(x->s, key);
}

static bool grow(struct store_txn *x)
{
	size_t cap = x->cap * 4;
	struct change *more = realloc(x->changes == x->few ? NULL : x->changes,
				      cap * sizeof(*more));

	if (more == NULL)
		return false;
	if (x->changes == x->few)
		memcpy(more, x->few, sizeof(x->few));
	x->changes = more;
	x->cap = cap;
	return true;
}

int txn_no_memory(void)
{
	return err_set(KV_ENOMEM, "no memory for a transaction");
}

static int put_in_order(struct store_txn *x, size_t at)
{
	uint64_t old;
	bool existed;

	if (index_put(x->order, x->changes[at].key, at, &existed, &old) != 0)
		return txn_no_memory();
	return 0;
}

int txn_make_order(struct store_txn *x)
{
	int r = 0;

	if (x->order != NULL)
		return 0;
	x->order = index_new();
	if (x->order == NULL)
		return txn_no_memory();
	for (size_t i = 0; i < x->n && r == 0; i++)
		r = put_in_order(x, i);
	if (r != 0) {
		index_free(x->order);
		x->order = NULL;
	}
	return r;
}

/* Room for one more change, and in the map if there are many. */
static int reserve(struct store_txn *x)
{
	int r;

	if (x->n == x->cap && !grow(x))
		return txn_no_memory();
	if (x->n < CHANGES_LINEAR)
		return 0;
	r = key_map_reserve(&x->map, x->n + 1 - x->map.used);
	if (r != 0)
		return r;
	while (x->map.used < x->n)
		key_map_add(&x->map, x->changes, x->map.used);
	return 0;
}

static int do_change(struct txn *t, const struct change *change)
{
	struct store_txn *x = txn_of(t);
	struct change *c;
	int r;

	if (change->kind == CHANGE_SET) {
		r = txn_check(change->key, change->value);
		if (r != 0)
			return r;
	} else if (change->key.len == 0 || change->key.len > KV_KEY_MAX) {
		return 0; /* no such key can be there */
	}
	c = x->n != 0 ? find_change(x, change->key) : NULL;
	if (c != NULL) {
		*c = *change;
		return 0;
	}
	r = reserve(x);
	if (r != 0)
		return r;
	x->changes[x->n] = *change;
	r = x->order != NULL ? put_in_order(x, x->n) : 0;
	if (r != 0)
		return r;
	if (x->map.used != 0)
		key_map_add(&x->map, x->changes, x->n);
	x->n++;
	return 0;
}

static void do_clear(struct txn *t)
{
	struct store_txn *x = txn_of(t);

	x->cleared = true;
	x->n = 0;
	key_map_release(&x->map);
	index_free(x->order);
	x->order = NULL;
	txn_depends(x, x->s->applied);
}

static void *do_alloc(struct txn *t, size_t size)
{
	struct store_txn *x = txn_of(t);
	struct txn_block *b = x->blocks;
	size_t need = (size + 15) / 16 * 16;

	if (size > MEMORY_MAX || x->memory + need > MEMORY_MAX)
		return NULL;
	if (b == NULL || b->size - b->used < need) {
		size_t room = need > BLOCK_SIZE ? need : BLOCK_SIZE;

		b = malloc(sizeof(*b) + room);
		if (b == NULL)
			return NULL;
		*b = (struct txn_block){.next = x->blocks, .size = room};
		x->blocks = b;
	}
	x->memory += need;
	b->used += need;
	return b->bytes + (b->used - need);
}

static void do_stats(struct txn *t, struct txn_stats *stats)
{
	const struct store *s = txn_of(t)->s;

	*stats = (struct txn_stats){
		.keys = index_count(s->index),
		.keys_with_ttl = index_count(s->expiries) - s->own_expiries,
		.version = s->version,
		.index_bytes = index_memory(s->index) + index_memory(s->own) +
			       index_memory(s->expiries),
		.live_bytes = store_live_bytes(s),
		.used_bytes = store_used_bytes(s),
		.waiting_bytes = s->waiting,
		.syncs = s->stats.syncs,
		.sync_failures = s->stats.sync_failures,
		.written_bytes = s->stats.written_bytes,
		.expired_keys = s->stats.expired_keys,
		.read_only_reason = s->failed != 0 ? s->why
				    : s->read_only ? "opened for reading"
						   : NULL,
	};
}

static uint64_t do_now(struct txn *t)
{
	return store_now(txn_of(t)->s);
}

static const struct txn_ops store_txn_ops = {
	.get = do_get,
	.mark = do_mark,
	.change = do_change,
	.clear = do_clear,
	.alloc = do_alloc,
	.scan = txn_do_scan,
	.count = txn_do_count,
	.pick = txn_do_pick,
	.stats = do_stats,
	.now_ms = do_now,
};

/* Drops deletions of what is not there; returns how many changes are left. */
static size_t drop_idle(struct store_txn *x)
{
	size_t n = 0;
	location l;

	for (size_t i = 0; i < x->n; i++)
		if (x->changes[i].kind == CHANGE_SET ||
		    index_get(x->s->index, x->changes[i].key, &l))
			x->changes[n++] = x->changes[i];
	return n;
}

/* Adds a deletion of each key below that is not among the changes. Those that
 * it adds are not put in order: nobody looks any more. */
static int delete_below(struct store_txn *x)
{
	struct index_cursor cur;
	struct buf key = {0};
	bool own = x->n != 0;
	int r = own ? txn_make_order(x) : 0;

	index_seek(x->s->index, slice_of(NULL, 0), &cur);
	for (; cur.valid && r == 0; index_next(&cur)) {
		uint64_t at;
		char *copy;

		index_cursor_key(&cur, &key);
		if (own && index_get(x->order, buf_slice(&key), &at))
			continue;
		copy = buf_failed(&key) ? NULL : do_alloc(&x->txn, key.len);
		if (copy == NULL || (x->n == x->cap && !grow(x))) {
			r = txn_no_memory();
			break;
		}
		memcpy(copy, key.data, key.len);
		x->changes[x->n++] = (struct change){
			.key = slice_of(copy, key.len),
			.kind = CHANGE_DELETE,
		};
	}
	buf_release(&key);
	return r;
}

/* A value that was read just now may lie in the group that is about to grow,
 * and move, for the record that holds it again: such are copied first. */
static int keep_values(struct store_txn *x)
{
	const struct group *g = TAILQ_LAST(&x->s->groups, group_queue);
	uintptr_t from = g != NULL ? (uintptr_t)g->bytes.data : 0;

	for (size_t i = 0; i < x->n && from != 0; i++) {
		struct slice *value = &x->changes[i].value;
		char *copy;

		if ((uintptr_t)value->data - from >= g->bytes.len)
			continue;
		copy = do_alloc(&x->txn, value->len);
		if (copy == NULL)
			return txn_no_memory();
		memcpy(copy, value->data, value->len);
		value->data = copy;
	}
	return 0;
}

static int commit(struct store_txn *x)
{
	struct store *s = x->s;
	int r = x->cleared ? delete_below(x) : 0;

	if (r != 0)
		return r;
	x->n = drop_idle(x);
	if (x->n == 0)
		return 0;
	r = keep_values(x);
	if (r == 0)
		r = store_append(s, x->changes, x->n);
	if (r != 0)
		return r;
	x->reply->version = s->version;
	txn_depends(x, s->appended);
	return 0;
}

static void release(struct store_txn *x)
{
	struct txn_block *b;

	if (x->changes != x->few)
		free(x->changes);
	key_map_release(&x->map);
	index_free(x->order);
	while ((b = x->blocks) != NULL) {
		x->blocks = b->next;
		free(b);
	}
}

void store_transact(struct store *s, const struct request *req,
		    struct reply *reply)
{
	struct buf *out = req->out;
	size_t mark = out->len;
	struct store_txn x;
	int r;

	/* Not all of it: `few` is large. */
	x.txn = (struct txn){.ops = &store_txn_ops};
	x.s = s;
	x.reply = reply;
	x.changes = x.few;
	x.n = 0;
	x.cap = TXN_CHANGES_INLINE;
	x.map = (struct key_map){.seed = s->id};
	x.order = NULL;
	x.blocks = NULL;
	x.memory = 0;
	x.cleared = false;
	x.failed = 0;
	r = req->call->run(req->call, &x.txn, out);
	if (r == 0)
		r = x.failed;
	if (r == 0 && (x.n != 0 || x.cleared))
		r = commit(&x);
	if (x.changes != x.few || x.order != NULL || x.blocks != NULL)
		release(&x); /* a map has more than `few` can hold */
	if (r != 0) {
		out->len = mark;
		reply->code = r;
		reply->message = err_text();
		return;
	}
	if (out->len != mark)
		reply->raw = slice_of(out->data + mark, out->len - mark);
}

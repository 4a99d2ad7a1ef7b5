/*
 * kill_client.c - see kill_client.h.
 */
#include "check/kill_client.h"

#include "base/clock.h"
#include "base/random.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WRITE_BITS 40
#define VALUE_MAX 65536u
#define TIMEOUT_MS 20000

static unsigned lot(struct kill_client *c, unsigned n)
{
	return (unsigned)(random_next(&c->random) % n);
}

int kill_client_init(struct kill_client *c, unsigned id, unsigned own,
		     unsigned shared, uint64_t seed)
{
	*c = (struct kill_client){.id = id,
				  .own = own,
				  .shared = shared,
				  .random = seed + id * UINT64_C(7919),
				  .next_write = 1};
	c->acked = calloc(own, sizeof(*c->acked));
	return c->acked != NULL ? 0 : err_set(KV_ENOMEM, "out of memory");
}

void kill_client_release(struct kill_client *c)
{
	free(c->acked);
	free(c->log);
	buf_release(&c->details);
	buf_release(&c->value);
}

void kill_key(const struct kill_client *c, uint32_t key,
	      char text[KILL_KEY_MAX])
{
	if (key < c->own)
		snprintf(text, KILL_KEY_MAX, "own-%u-%u", c->id, key);
	else
		snprintf(text, KILL_KEY_MAX, "shared-%u", key - c->own);
}

/* Mostly small, some of a few blocks, few large: all kinds of records. */
static size_t value_len(kill_write write, uint32_t key)
{
	uint64_t state = write ^ ((uint64_t)key << 17);
	uint64_t r = random_next(&state);

	if (r % 100 < 85)
		return r / 100 % 200;
	return r / 100 % (r % 100 < 99 ? 4000 : VALUE_MAX);
}

void kill_value(struct buf *out, kill_write write, uint32_t key)
{
	size_t len = value_len(write, key);

	buf_clear(out);
	buf_printf(out, "w%" PRIu64 ".%" PRIu64 " %" PRIu32 " ",
		   write >> WRITE_BITS,
		   write & ((UINT64_C(1) << WRITE_BITS) - 1), key);
	if (len > out->len && buf_reserve(out, len - out->len) != NULL) {
		memset(out->data + out->len, (int)('a' + write % 26),
		       len - out->len);
		buf_advance(out, len - out->len);
	}
}

bool kill_value_parse(struct slice value, uint32_t key, struct buf *scratch,
		      kill_write *write)
{
	uint64_t client, number;
	char head[64] = "";

	memcpy(head, value.data,
	       value.len < sizeof(head) - 1 ? value.len : sizeof(head) - 1);
	if (sscanf(head, "w%" SCNu64 ".%" SCNu64, &client, &number) != 2)
		return false;
	*write = client << WRITE_BITS | number;
	kill_value(scratch, *write, key);
	return slice_eq(value, buf_slice(scratch));
}

bool kill_log(struct kill_client *c, struct kill_op op)
{
	if (c->nlog == c->cap_log) {
		size_t cap = c->cap_log ? c->cap_log * 2 : 256;
		void *v = reallocarray(c->log, cap, sizeof(*c->log));

		if (v == NULL)
			return false;
		c->log = v;
		c->cap_log = cap;
	}
	c->log[c->nlog++] = op;
	return true;
}

/* ---- operations; false: the server is gone, or the test broken ---- */

static uint64_t now_ns(const struct kill_client *c)
{
	return clock_monotonic_ns() - c->begun_ns;
}

static kill_write new_write(struct kill_client *c)
{
	return (kill_write)c->id << WRITE_BITS | c->next_write++;
}

/* Own keys: remembers what is under way, so that the state after a kill can be
 * judged. */
static void begin_write(struct kill_client *c, const uint32_t *keys, unsigned n,
			kill_write write)
{
	c->pending = (struct kill_pending){.write = write};
	for (unsigned i = 0; i < n; i++)
		if (keys[i] < c->own)
			c->pending.keys[c->pending.n++] = keys[i];
}

/* Notes the outcome of a write. */
static bool end_write(struct kill_client *c, const uint32_t *keys, unsigned n,
		      struct kill_op op, int code)
{
	bool done = code == 0 || code == KV_ENOTFOUND;

	op.ret = done ? now_ns(c) : HISTORY_NEVER;
	op.result = done ? HISTORY_OK : HISTORY_UNKNOWN;
	op.in_bulk = n > 1;
	for (unsigned i = 0; i < n; i++) {
		op.key = keys[i];
		op.bulk_ends = i + 1 == n;
		if (!kill_log(c, op))
			return false;
	}
	if (!done)
		return false;
	for (unsigned i = 0; i < c->pending.n; i++)
		c->acked[c->pending.keys[i]] = c->pending.write;
	c->pending.n = 0;
	c->acks++;
	atomic_fetch_add(c->total, 1);
	return true;
}

static bool do_set(struct kill_client *c, kv *db, uint32_t key)
{
	struct kill_op op = {.kind = HISTORY_SET, .write = new_write(c)};
	char name[KILL_KEY_MAX];
	int code;

	kill_key(c, key, name);
	kill_value(&c->value, op.write, key);
	if (buf_failed(&c->value))
		return false;
	begin_write(c, &key, 1, op.write);
	op.invoke = now_ns(c);
	code = kv_set(db, name, strlen(name), c->value.data, c->value.len, NULL,
		      NULL);
	return end_write(c, &key, 1, op, code);
}

static bool do_delete(struct kill_client *c, kv *db, uint32_t key)
{
	struct kill_op op = {.kind = HISTORY_DELETE};
	char name[KILL_KEY_MAX];
	int code;

	kill_key(c, key, name);
	begin_write(c, &key, 1, 0);
	op.invoke = now_ns(c);
	code = kv_delete(db, name, strlen(name), NULL);
	op.found = code == 0 ? HISTORY_FOUND : HISTORY_ABSENT;
	return end_write(c, &key, 1, op, code);
}

static bool do_bulk(struct kill_client *c, kv *db)
{
	struct kill_op op = {.kind = HISTORY_SET, .write = new_write(c)};
	struct kv_pair pairs[KILL_BULK_MAX] = {0};
	struct buf values[KILL_BULK_MAX] = {0};
	char names[KILL_BULK_MAX][KILL_KEY_MAX];
	uint32_t keys[KILL_BULK_MAX];
	unsigned n = 2 + lot(c, KILL_BULK_MAX - 1), first = lot(c, c->own);
	bool ok = true;

	if (n > c->own)
		n = c->own;
	for (unsigned i = 0; i < n; i++) {
		keys[i] = (first + i) % c->own;
		kill_key(c, keys[i], names[i]);
		kill_value(&values[i], op.write, keys[i]);
		ok = ok && !buf_failed(&values[i]);
		pairs[i] = (struct kv_pair){.key = names[i],
					    .key_len = strlen(names[i]),
					    .value = values[i].data,
					    .value_len = values[i].len};
	}
	begin_write(c, keys, n, op.write);
	op.invoke = now_ns(c);
	ok = ok && end_write(c, keys, n, op, kv_bulk_set(db, pairs, n, NULL));
	for (unsigned i = 0; i < n; i++)
		buf_release(&values[i]);
	return ok;
}

static bool do_get(struct kill_client *c, kv *db, uint32_t key)
{
	struct kill_op op = {.kind = HISTORY_GET, .key = key};
	char name[KILL_KEY_MAX];
	void *value = NULL;
	size_t len = 0;
	bool known;
	int code;

	kill_key(c, key, name);
	op.invoke = now_ns(c);
	code = kv_get(db, name, strlen(name), &value, &len, NULL);
	op.ret = now_ns(c);
	if (code != 0 && code != KV_ENOTFOUND)
		return false;
	known = code == KV_ENOTFOUND ||
		kill_value_parse(slice_of(value, len), key, &c->value,
				 &op.write);
	kv_free(value);
	if (!known || (key < c->own && op.write != c->acked[key])) {
		c->wrong++;
		buf_printf(&c->details,
			   "'%s' was read as %s while its client ran\n", name,
			   known ? "an older write" : "what nobody wrote");
	}
	return kill_log(c, op);
}

static bool work(struct kill_client *c, kv *db)
{
	unsigned l = lot(c, 100);
	uint32_t own = lot(c, c->own);
	uint32_t shared = c->own + lot(c, c->shared);

	if (l < 50)
		return do_set(c, db, own);
	if (l < 62)
		return do_delete(c, db, own);
	if (l < 78)
		return do_bulk(c, db);
	if (l < 83)
		return do_get(c, db, own);
	if (l < 90)
		return do_set(c, db, shared);
	return l < 92 ? do_delete(c, db, shared) : do_get(c, db, shared);
}

void *kill_client_thread(void *client)
{
	struct kill_client *c = client;
	struct kv_options options = {.address = c->address,
				     .timeout_ms = TIMEOUT_MS};
	kv *db;

	if (kv_open(&db, &options) != 0)
		return NULL; /* killed already: nothing was asked */
	while (!atomic_load(c->stop) && work(c, db))
		;
	kv_close(db);
	return NULL;
}

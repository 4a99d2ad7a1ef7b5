/*
 * json_round_test.c - whatever one side of the JSON lines protocol writes, the
 * other one reads, for any bytes.
 */
#include "base/err.h"
#include "proto/json.h"
#include "test.h"

#include <stdlib.h>

#define NOW 1000000ull

static uint64_t random_state;

static uint64_t random_u64(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return random_state;
}

/* Bytes of one of several kinds: any, ASCII, text that needs escapes. */
static struct slice random_bytes(size_t min, size_t max)
{
	static const char *const chars[] = {
		"a",
		"\"",
		"\\",
		"\n",
		"\x01",
		"\x1f",
		"/",
		"u0000",
		"\xc3\xa9",
		"\xe2\x82\xac",
		"\xf0\x9f\x98\x80",
		"\x7f",
		"12345678",
	};
	static char pool[1 << 16];
	static size_t used;
	size_t want = min + random_u64() % (max - min + 1), len = 0;
	uint64_t kind = random_u64() % 3;
	char *s;

	if (used + want + 8 > sizeof(pool))
		used = 0;
	s = pool + used;
	while (len < want) {
		const char *c = chars[random_u64() % 13];

		if (kind == 0) {
			s[len++] = (char)random_u64();
		} else if (kind == 1) {
			s[len++] = (char)(' ' + random_u64() % 95);
		} else if (strlen(c) <= want - len) {
			memcpy(s + len, c, strlen(c));
			len += strlen(c);
		}
	}
	used += len;
	return slice_of(s, len);
}

static void random_change(struct change *c, enum op op)
{
	*c = (struct change){.key = random_bytes(1, 40)};
	if (op == OP_DELETE) {
		c->kind = CHANGE_DELETE;
		return;
	}
	c->value = random_bytes(0, 90);
	if (random_u64() % 3 == 0)
		c->expires_ms = NOW + 1 + random_u64() % (1ull << 40);
}

static void random_request(struct request *r, struct change *changes,
			   struct slice *keys)
{
	*r = (struct request){.op = (enum op)(random_u64() % 9)};
	if (r->op == OP_GET || r->op == OP_MGET || r->op == OP_SCAN ||
	    r->op == OP_COUNT)
		r->stale_ok = random_u64() % 2;
	switch (r->op) {
	case OP_GET:
	case OP_MGET:
		r->keys = keys;
		r->nkeys = r->op == OP_GET ? 1 : random_u64() % 9;
		for (size_t i = 0; i < r->nkeys; i++)
			keys[i] = random_bytes(1, 40);
		break;
	case OP_SET:
	case OP_DELETE:
	case OP_BULK_SET:
		r->debug_unreliable = random_u64() % 2;
		if (random_u64() % 2) {
			r->client = random_bytes(16, 16);
			r->number = 1 + random_u64() % (1ull << 53);
		}
		r->changes = changes;
		r->nchanges = r->op == OP_SET ? 1 : random_u64() % 9;
		for (size_t i = 0; i < r->nchanges; i++)
			random_change(&changes[i], r->op);
		if (r->nchanges == 1 && r->op != OP_BULK_SET)
			r->condition = (enum kv_condition)(random_u64() % 4);
		if (r->condition == KV_IF_VERSION)
			r->if_version = random_u64();
		if (r->op != OP_DELETE || r->nchanges != 0)
			break;
		r->has_range = random_u64() % 2;
		if (r->has_range)
			r->range.prefix = random_bytes(0, 30);
		break;
	case OP_SCAN:
		r->range.limit = random_u64() % (1ull << 53);
		r->range.reverse = random_u64() % 2;
		r->range.keys_only = random_u64() % 2;
		r->cursor = slice_str(random_u64() % 2 ? "k6162" : "");
		/* fallthrough */
	case OP_COUNT:
		r->range.prefix = random_bytes(0, 30);
		r->range.from = random_bytes(0, 30);
		r->range.to = random_bytes(0, 30);
		break;
	case OP_PING:
	case OP_INFO:
	case OP_COMMAND:
		break;
	}
}

static void check_same_request(const struct request *a, const struct request *b)
{
	CHECK_INT(a->op, b->op);
	CHECK_INT(a->nkeys, b->nkeys);
	for (size_t i = 0; i < a->nkeys; i++)
		CHECK(slice_eq(a->keys[i], b->keys[i]));
	CHECK_INT(a->nchanges, b->nchanges);
	for (size_t i = 0; i < a->nchanges; i++) {
		CHECK(slice_eq(a->changes[i].key, b->changes[i].key));
		CHECK(slice_eq(a->changes[i].value, b->changes[i].value));
		CHECK(a->changes[i].expires_ms == b->changes[i].expires_ms);
		CHECK_INT(a->changes[i].kind, b->changes[i].kind);
	}
	CHECK(slice_eq(a->range.prefix, b->range.prefix));
	CHECK(slice_eq(a->range.from, b->range.from));
	CHECK(slice_eq(a->range.to, b->range.to));
	CHECK(a->range.limit == b->range.limit);
	CHECK(a->range.reverse == b->range.reverse);
	CHECK(a->range.keys_only == b->range.keys_only);
	CHECK(a->has_range == b->has_range);
	CHECK(slice_eq(a->cursor, b->cursor));
	CHECK_INT(a->condition, b->condition);
	CHECK(a->if_version == b->if_version);
	CHECK(a->debug_unreliable == b->debug_unreliable);
	CHECK(a->stale_ok == b->stale_ok);
	CHECK(slice_eq(a->client, b->client));
	CHECK(a->number == b->number);
}

static void any_request_survives_writing_and_reading(void)
{
	struct json_arena *arena = json_arena_new();
	struct buf b;

	buf_init(&b);
	random_state = 20240229;
	for (int i = 0; i < 20000; i++) {
		struct request a, c;
		struct change changes[8];
		struct slice keys[8], id;
		int code;

		random_request(&a, changes, keys);
		buf_clear(&b);
		json_request_write(&b, &a, NOW);
		CHECK(memchr(b.data, '\n', b.len) == b.data + b.len - 1);
		code = json_request_parse(arena, slice_of(b.data, b.len - 1),
					  NOW, &c, &id);
		if (code != 0)
			test_fail(__FILE__, __LINE__, "%s for %.*s", err_text(),
				  (int)b.len, b.data);
		check_same_request(&a, &c);
	}
	buf_release(&b);
	json_arena_free(arena);
}

static void random_reply(struct reply *r, struct item *items)
{
	*r = (struct reply){.op = (enum op)(random_u64() % 8)};
	if (random_u64() % 8 == 0) {
		r->code = -1 - (int)(random_u64() % 18);
		r->message = "so it is";
		return;
	}
	if (r->op == OP_SET || r->op == OP_DELETE || r->op == OP_BULK_SET)
		r->version = 1 + random_u64() % UINT64_MAX;
	if (r->op == OP_DELETE || r->op == OP_BULK_SET || r->op == OP_COUNT)
		r->count = random_u64() % (1ull << 53);
	if (r->op != OP_GET && r->op != OP_MGET && r->op != OP_SCAN)
		return;
	r->items = items;
	r->nitems = r->op == OP_GET ? 1 : random_u64() % 9;
	r->keys_only = r->op == OP_SCAN && r->nitems && random_u64() % 2;
	if (r->op == OP_SCAN && random_u64() % 2)
		r->cursor = slice_str("k00ff");
	for (size_t i = 0; i < r->nitems; i++) {
		items[i] = (struct item){.found = r->op == OP_SCAN ||
						  random_u64() % 2};
		if (r->op != OP_GET)
			items[i].key = random_bytes(1, 40);
		if (!items[i].found)
			continue;
		if (!r->keys_only)
			items[i].value = random_bytes(0, 90);
		items[i].version = random_u64();
		if (random_u64() % 3 == 0)
			items[i].expires_ms =
				NOW + 1 + random_u64() % (1ull << 40);
	}
}

static void check_same_reply(const struct reply *a, const struct reply *b)
{
	CHECK_INT(a->op, b->op);
	CHECK_INT(a->code, b->code);
	if (a->code != 0)
		CHECK_STR(a->message, b->message);
	CHECK(a->version == b->version);
	CHECK(a->count == b->count);
	CHECK(slice_eq(a->cursor, b->cursor));
	CHECK(a->keys_only == b->keys_only);
	CHECK_INT(a->nitems, b->nitems);
	for (size_t i = 0; i < a->nitems; i++) {
		CHECK(slice_eq(a->items[i].key, b->items[i].key));
		CHECK(slice_eq(a->items[i].value, b->items[i].value));
		CHECK(a->items[i].version == b->items[i].version);
		CHECK(a->items[i].expires_ms == b->items[i].expires_ms);
		CHECK(a->items[i].found == b->items[i].found);
	}
}

static void any_reply_survives_writing_and_reading(void)
{
	struct json_arena *arena = json_arena_new();
	struct buf b;

	buf_init(&b);
	random_state = 19700101;
	for (int i = 0; i < 20000; i++) {
		struct reply a, c;
		struct item items[8];
		int code;

		random_reply(&a, items);
		buf_clear(&b);
		json_reply_write(&b, &a, slice_str("\"i\""), NOW);
		CHECK(memchr(b.data, '\n', b.len) == b.data + b.len - 1);
		code = json_reply_parse(arena, slice_of(b.data, b.len - 1),
					a.op, NOW, &c);
		if (code != 0)
			test_fail(__FILE__, __LINE__, "%s for %.*s", err_text(),
				  (int)b.len, b.data);
		check_same_reply(&a, &c);
	}
	buf_release(&b);
	json_arena_free(arena);
}

TEST_MAIN(T(any_request_survives_writing_and_reading),
	  T(any_reply_survives_writing_and_reading))

/*
 * store_ask.h - for tests of a store: what is asked of it, in short words.
 */
#ifndef UNIT_STORE_ASK_H
#define UNIT_STORE_ASK_H

#include "store/store.h"

static struct store *s; /* the one that the test is about */

/* The reply's slices live until the next one. */
static inline struct reply execute(const struct request *req)
{
	struct reply reply;

	store_execute(s, req, &reply);
	return reply;
}

static inline int set_ttl(const char *key, struct slice value,
			  uint64_t expires_ms)
{
	struct change c = {.key = slice_str(key),
			   .value = value,
			   .expires_ms = expires_ms};
	struct request req = {.op = OP_SET, .changes = &c, .nchanges = 1};

	return execute(&req).code;
}

static inline int set(const char *key, const char *value)
{
	return set_ttl(key, slice_str(value), 0);
}

static inline struct reply get(const char *key)
{
	static struct slice k;
	struct request req = {.op = OP_GET, .keys = &k, .nkeys = 1};

	k = slice_str(key);
	return execute(&req);
}

static inline bool has(const char *key, const char *value)
{
	struct reply r = get(key);

	return r.code == 0 && r.items[0].found &&
	       slice_eq(r.items[0].value, slice_str(value));
}

static inline bool missing(const char *key)
{
	struct reply r = get(key);

	return r.code == 0 && !r.items[0].found;
}

/* How many keys were there. */
static inline uint64_t del(const char *key)
{
	struct change c = {.kind = CHANGE_DELETE, .key = slice_str(key)};
	struct request req = {.op = OP_DELETE, .changes = &c, .nchanges = 1};

	return execute(&req).count;
}

static inline uint64_t count_all(void)
{
	struct request req = {.op = OP_COUNT};

	return execute(&req).count;
}

#endif

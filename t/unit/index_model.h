/*
 * index_model.h - the ordered index beside a model of it, a sorted array: keys
 * chosen to be awkward, operations done to both, and the comparison of the
 * two. For the index's tests.
 */
#ifndef UNIT_INDEX_MODEL_H
#define UNIT_INDEX_MODEL_H

#include "kv.h"
#include "store/index.h"
#include "store/index_node.h"
#include "test.h"

#include <endian.h>
#include <stdlib.h>

/* ---- numbers and keys ---- */

static inline uint64_t next_random(uint64_t *state)
{
	uint64_t x = *state += 0x9e3779b97f4a7c15u;

	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
	x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
	return x ^ (x >> 31);
}

static inline size_t below(uint64_t *state, size_t n)
{
	return (size_t)(next_random(state) % n);
}

/* Makes one key of its kind into `space` (KV_KEY_MAX bytes); `step` counts the
 * keys asked for. Returns the length. */
typedef size_t key_fn(uint64_t *state, uint64_t step, char *space);

static inline size_t one_byte(uint64_t *state, uint64_t step, char *space)
{
	(void)step;
	space[0] = (char)below(state, 256);
	return 1;
}

static inline size_t prefixes_of_each_other(uint64_t *state, uint64_t step,
					    char *space)
{
	(void)step;
	memset(space, 'a', 700);
	return 1 + below(state, 700);
}

static inline size_t zeros_of_any_length(uint64_t *state, uint64_t step,
					 char *space)
{
	(void)step;
	memset(space, 0, 300);
	return 1 + below(state, 300);
}

static inline size_t nul_and_ff(uint64_t *state, uint64_t step, char *space)
{
	static const char bytes[] = {0, 1, (char)0xfe, (char)0xff};
	size_t len = 1 + below(state, 9);

	(void)step;
	for (size_t i = 0; i < len; i++)
		space[i] = bytes[below(state, 4)];
	return len;
}

static inline size_t long_shared_prefix(uint64_t *state, uint64_t step,
					char *space)
{
	size_t len = 60 * 1024, tail = below(state, 3);

	(void)step;
	memset(space, 'p', len);
	for (size_t i = 0; i <= tail; i++)
		space[len++] = (char)below(state, 16);
	return len;
}

static inline size_t longest(uint64_t *state, uint64_t step, char *space)
{
	(void)step;
	memset(space, 'k', KV_KEY_MAX);
	space[below(state, 4) * (KV_KEY_MAX / 4)] = (char)below(state, 9);
	space[KV_KEY_MAX - 1] = (char)below(state, 9);
	return KV_KEY_MAX;
}

/* Lengths and shared parts around the border of what a node keeps. */
static inline size_t around_the_inline_limit(uint64_t *state, uint64_t step,
					     char *space)
{
	size_t shared = below(state, 3) * 127, len;

	(void)step;
	memset(space, 'x', KEY_INLINE_MAX + 8);
	len = KEY_INLINE_MAX - 4 + below(state, 9);
	for (size_t i = 0; i < 2; i++)
		space[shared + i] = (char)below(state, 6);
	space[len - 1] = (char)below(state, 3);
	return len;
}

/* Few short keys among many that share 255 bytes: the one breaks the prefix
 * that the others need. */
static inline size_t prefix_breakers(uint64_t *state, uint64_t step,
				     char *space)
{
	(void)step;
	if (below(state, 20) == 0) {
		space[0] = (char)below(state, 256);
		space[1] = (char)below(state, 256);
		return 2;
	}
	memset(space, 'm', 251);
	for (size_t i = 251; i < 255; i++)
		space[i] = (char)below(state, 8);
	return 252 + below(state, 4);
}

static inline size_t mixed_lengths(uint64_t *state, uint64_t step, char *space)
{
	size_t len = 1 + below(state, 1 + below(state, 400));

	(void)step;
	for (size_t i = 0; i < len; i++)
		space[i] = (char)below(state, i < 3 ? 3 : 256);
	return len;
}

static inline size_t decimal(uint64_t *state, uint64_t step, char *space)
{
	(void)step;
	return (size_t)snprintf(space, 32, "key:%012zu", below(state, 100000));
}

static inline size_t binary(uint64_t *state, uint64_t step, char *space)
{
	uint64_t a = below(state, 20000), b = next_random(&a);

	(void)step;
	memcpy(space, &b, 8);
	memcpy(space + 8, &a, 8);
	return 16;
}

static inline size_t ascending(uint64_t *state, uint64_t step, char *space)
{
	(void)state;
	return (size_t)snprintf(space, 32, "key:%012llu",
				(unsigned long long)step);
}

static inline size_t descending(uint64_t *state, uint64_t step, char *space)
{
	(void)state;
	return (size_t)snprintf(space, 32, "key:%012llu",
				999999ull - (unsigned long long)step);
}

/* Several rows, each growing at its end. */
static inline size_t ascending_rows(uint64_t *state, uint64_t step, char *space)
{
	return (size_t)snprintf(space, 32, "row%zu:%08llu", below(state, 5),
				(unsigned long long)step);
}

/* Big-endian numbers of four bytes, growing by chance. */
static inline size_t growing_numbers(uint64_t *state, uint64_t step,
				     char *space)
{
	uint32_t number =
		htobe32((uint32_t)(step * 40000 + below(state, 40000)));

	memcpy(space, &number, 4);
	return 4;
}

/* ---- the model ---- */

struct pair {
	struct slice key;
	uint64_t loc;
};

struct world {
	struct index *ix;
	struct pair *pairs; /* in order */
	size_t n, cap;
	uint64_t state;
	uint64_t step;
	key_fn *make;
	char space[KV_KEY_MAX];
};

static inline void world_open(struct world *w, key_fn *make, uint64_t seed)
{
	memset(w, 0, sizeof(*w));
	w->ix = index_new();
	w->state = seed;
	w->make = make;
	CHECK(w->ix != NULL);
}

static inline void world_close(struct world *w)
{
	for (size_t i = 0; i < w->n; i++)
		free((void *)(uintptr_t)w->pairs[i].key.data);
	free(w->pairs);
	index_free(w->ix);
}

static inline struct slice world_key(struct world *w)
{
	return slice_of(w->space, w->make(&w->state, w->step++, w->space));
}

/* Where the key is in the model or would be. */
static inline size_t model_search(const struct world *w, struct slice key,
				  bool *found)
{
	size_t low = 0, high = w->n;

	*found = false;
	while (low < high) {
		size_t mid = low + (high - low) / 2;
		int c = slice_cmp(key, w->pairs[mid].key);

		if (c == 0) {
			*found = true;
			return mid;
		}
		if (c < 0)
			high = mid;
		else
			low = mid + 1;
	}
	return low;
}

static inline void model_insert(struct world *w, size_t at, struct slice key,
				uint64_t loc)
{
	char *copy = malloc(key.len);

	if (w->n == w->cap) {
		w->cap = w->cap ? 2 * w->cap : 64;
		w->pairs = realloc(w->pairs, w->cap * sizeof(*w->pairs));
	}
	CHECK(copy != NULL && w->pairs != NULL);
	memcpy(copy, key.data, key.len);
	memmove(w->pairs + at + 1, w->pairs + at,
		(w->n - at) * sizeof(*w->pairs));
	w->pairs[at] = (struct pair){slice_of(copy, key.len), loc};
	w->n++;
}

static inline void model_remove(struct world *w, size_t at)
{
	free((void *)(uintptr_t)w->pairs[at].key.data);
	w->n--;
	memmove(w->pairs + at, w->pairs + at + 1,
		(w->n - at) * sizeof(*w->pairs));
}

/* ---- index and model must say the same ---- */

static inline void put_both(struct world *w, struct slice key)
{
	uint64_t loc = next_random(&w->state), old = 0;
	bool existed, known;
	size_t at = model_search(w, key, &known);

	CHECK_INT(index_put(w->ix, key, loc, &existed, &old), 0);
	CHECK(existed == known);
	if (known) {
		CHECK(old == w->pairs[at].loc);
		w->pairs[at].loc = loc;
	} else {
		model_insert(w, at, key, loc);
	}
}

static inline void delete_both(struct world *w, struct slice key)
{
	uint64_t old = 0;
	bool known;
	size_t at = model_search(w, key, &known);

	CHECK(index_delete(w->ix, key, &old) == known);
	if (known) {
		CHECK(old == w->pairs[at].loc);
		model_remove(w, at);
	}
}

/* The cursor stands on pair `at` of the model, or nowhere if that is out of
 * its range (-1 is one before the first). */
static inline void check_cursor(const struct world *w,
				const struct index_cursor *cur, size_t at,
				struct buf *key)
{
	CHECK(cur->valid == (at < w->n));
	if (!cur->valid)
		return;
	index_cursor_key(cur, key);
	CHECK(!buf_failed(key));
	CHECK(slice_eq(buf_slice(key), w->pairs[at].key));
	CHECK(index_cursor_location(cur) == w->pairs[at].loc);
}

static inline void probe(const struct world *w, struct slice key,
			 struct buf *space)
{
	bool known;
	size_t at = model_search(w, key, &known);
	struct index_cursor cur;
	uint64_t loc = 0;

	CHECK(index_get(w->ix, key, &loc) == known);
	CHECK(!known || loc == w->pairs[at].loc);
	index_seek(w->ix, key, &cur);
	check_cursor(w, &cur, at, space);
	if (cur.valid) {
		index_next(&cur);
		check_cursor(w, &cur, at + 1, space);
	}
	index_seek(w->ix, key, &cur);
	if (cur.valid) {
		index_prev(&cur);
		check_cursor(w, &cur, at - 1, space);
	}
	index_seek_before(w->ix, key, &cur);
	check_cursor(w, &cur, at - 1, space);
	if (cur.valid) {
		index_next(&cur);
		check_cursor(w, &cur, at, space);
	}
}

static inline void compare_all(const struct world *w)
{
	const char *wrong = index_verify(w->ix);
	struct index_cursor cur;
	struct buf key;
	size_t i = 0;

	buf_init(&key);
	CHECK_STR(wrong != NULL ? wrong : "sound", "sound");
	CHECK_INT(index_count(w->ix), w->n);
	for (index_seek(w->ix, slice_of(NULL, 0), &cur); cur.valid;
	     index_next(&cur))
		check_cursor(w, &cur, i++, &key);
	CHECK_INT(i, w->n);
	for (index_seek_before(w->ix, slice_of(NULL, 0), &cur); cur.valid;
	     index_prev(&cur))
		check_cursor(w, &cur, --i, &key);
	CHECK_INT(i, 0);
	buf_release(&key);
}

/* Probes a key of the kind, and its neighbours: one byte less, one more. */
static inline void probe_around(struct world *w, struct buf *space)
{
	struct slice key = world_key(w);

	probe(w, key, space);
	if (key.len > 1)
		probe(w, slice_of(key.data, key.len - 1), space);
	if (key.len < KV_KEY_MAX) {
		w->space[key.len] = 0;
		probe(w, slice_of(key.data, key.len + 1), space);
	}
}

/* Random puts and deletes; `puts` of 100 operations are puts. */
static inline void churn(struct world *w, size_t operations, unsigned puts)
{
	struct buf space;

	buf_init(&space);
	for (size_t i = 0; i < operations; i++) {
		if (below(&w->state, 100) < puts)
			put_both(w, world_key(w));
		else if (w->n > 0 && below(&w->state, 4) > 0)
			delete_both(w, w->pairs[below(&w->state, w->n)].key);
		else
			delete_both(w, world_key(w));
		if (i % 16 == 0)
			probe_around(w, &space);
		if (i % (operations / 8 + 1) == 0)
			compare_all(w);
	}
	compare_all(w);
	buf_release(&space);
}

#endif

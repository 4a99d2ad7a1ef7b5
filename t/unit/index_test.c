/*
 * index_test.c - the ordered index against a model, a sorted array, under
 * random operations on keys chosen to be awkward: each step's answer is
 * compared, and every so often all that there is, in both directions.
 */
#include "kv.h"
#include "store/index.h"
#include "store/index_node.h"
#include "test.h"

#include <endian.h>
#include <stdlib.h>

/* ---- numbers and keys ---- */

static uint64_t next_random(uint64_t *state)
{
	uint64_t x = *state += 0x9e3779b97f4a7c15u;

	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
	x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
	return x ^ (x >> 31);
}

static size_t below(uint64_t *state, size_t n)
{
	return (size_t)(next_random(state) % n);
}

/* Makes one key of its kind into `space` (KV_KEY_MAX bytes); `step` counts the
 * keys asked for. Returns the length. */
typedef size_t key_fn(uint64_t *state, uint64_t step, char *space);

static size_t one_byte(uint64_t *state, uint64_t step, char *space)
{
	(void)step;
	space[0] = (char)below(state, 256);
	return 1;
}

static size_t prefixes_of_each_other(uint64_t *state, uint64_t step,
				     char *space)
{
	(void)step;
	memset(space, 'a', 700);
	return 1 + below(state, 700);
}

static size_t zeros_of_any_length(uint64_t *state, uint64_t step, char *space)
{
	(void)step;
	memset(space, 0, 300);
	return 1 + below(state, 300);
}

static size_t nul_and_ff(uint64_t *state, uint64_t step, char *space)
{
	static const char bytes[] = {0, 1, (char)0xfe, (char)0xff};
	size_t len = 1 + below(state, 9);

	(void)step;
	for (size_t i = 0; i < len; i++)
		space[i] = bytes[below(state, 4)];
	return len;
}

static size_t long_shared_prefix(uint64_t *state, uint64_t step, char *space)
{
	size_t len = 60 * 1024, tail = below(state, 3);

	(void)step;
	memset(space, 'p', len);
	for (size_t i = 0; i <= tail; i++)
		space[len++] = (char)below(state, 16);
	return len;
}

static size_t longest(uint64_t *state, uint64_t step, char *space)
{
	(void)step;
	memset(space, 'k', KV_KEY_MAX);
	space[below(state, 4) * (KV_KEY_MAX / 4)] = (char)below(state, 9);
	space[KV_KEY_MAX - 1] = (char)below(state, 9);
	return KV_KEY_MAX;
}

/* Lengths and shared parts around the border of what a node keeps. */
static size_t around_the_inline_limit(uint64_t *state, uint64_t step,
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
static size_t prefix_breakers(uint64_t *state, uint64_t step, char *space)
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

static size_t mixed_lengths(uint64_t *state, uint64_t step, char *space)
{
	size_t len = 1 + below(state, 1 + below(state, 400));

	(void)step;
	for (size_t i = 0; i < len; i++)
		space[i] = (char)below(state, i < 3 ? 3 : 256);
	return len;
}

static size_t decimal(uint64_t *state, uint64_t step, char *space)
{
	(void)step;
	return (size_t)snprintf(space, 32, "key:%012zu", below(state, 100000));
}

static size_t binary(uint64_t *state, uint64_t step, char *space)
{
	uint64_t a = below(state, 20000), b = next_random(&a);

	(void)step;
	memcpy(space, &b, 8);
	memcpy(space + 8, &a, 8);
	return 16;
}

static size_t ascending(uint64_t *state, uint64_t step, char *space)
{
	(void)state;
	return (size_t)snprintf(space, 32, "key:%012llu",
				(unsigned long long)step);
}

static size_t descending(uint64_t *state, uint64_t step, char *space)
{
	(void)state;
	return (size_t)snprintf(space, 32, "key:%012llu",
				999999ull - (unsigned long long)step);
}

/* Several rows, each growing at its end. */
static size_t ascending_rows(uint64_t *state, uint64_t step, char *space)
{
	return (size_t)snprintf(space, 32, "row%zu:%08llu", below(state, 5),
				(unsigned long long)step);
}

/* Big-endian numbers of four bytes, growing by chance. */
static size_t growing_numbers(uint64_t *state, uint64_t step, char *space)
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

static void world_open(struct world *w, key_fn *make, uint64_t seed)
{
	memset(w, 0, sizeof(*w));
	w->ix = index_new();
	w->state = seed;
	w->make = make;
	CHECK(w->ix != NULL);
}

static void world_close(struct world *w)
{
	for (size_t i = 0; i < w->n; i++)
		free((void *)(uintptr_t)w->pairs[i].key.data);
	free(w->pairs);
	index_free(w->ix);
}

static struct slice world_key(struct world *w)
{
	return slice_of(w->space, w->make(&w->state, w->step++, w->space));
}

/* Where the key is in the model or would be. */
static size_t model_search(const struct world *w, struct slice key, bool *found)
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

static void model_insert(struct world *w, size_t at, struct slice key,
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

static void model_remove(struct world *w, size_t at)
{
	free((void *)(uintptr_t)w->pairs[at].key.data);
	w->n--;
	memmove(w->pairs + at, w->pairs + at + 1,
		(w->n - at) * sizeof(*w->pairs));
}

/* ---- index and model must say the same ---- */

static void put_both(struct world *w, struct slice key)
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

static void delete_both(struct world *w, struct slice key)
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
static void check_cursor(const struct world *w, const struct index_cursor *cur,
			 size_t at, struct buf *key)
{
	CHECK(cur->valid == (at < w->n));
	if (!cur->valid)
		return;
	index_cursor_key(cur, key);
	CHECK(!buf_failed(key));
	CHECK(slice_eq(buf_slice(key), w->pairs[at].key));
	CHECK(index_cursor_location(cur) == w->pairs[at].loc);
}

static void probe(const struct world *w, struct slice key, struct buf *space)
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

static void compare_all(const struct world *w)
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
static void probe_around(struct world *w, struct buf *space)
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
static void churn(struct world *w, size_t operations, unsigned puts)
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

static void agrees_with_a_sorted_array(key_fn *make, size_t operations)
{
	static struct world w;

	for (uint64_t seed = 1; seed <= 3; seed++) {
		world_open(&w, make, seed);
		churn(&w, operations, 95);
		churn(&w, operations, 50);
		churn(&w, operations, 10);
		churn(&w, operations / 2, 80);
		while (w.n > 0)
			delete_both(&w, w.pairs[below(&w.state, w.n)].key);
		compare_all(&w);
		CHECK(w.ix->root == NULL);
		CHECK_INT(w.ix->pool.long_bytes, 0);
		world_close(&w);
	}
}

#define AGREES(kind, operations)                              \
	static void kind##_agree_with_a_sorted_array(void)    \
	{                                                     \
		agrees_with_a_sorted_array(kind, operations); \
	}

AGREES(one_byte, 1000)
AGREES(prefixes_of_each_other, 3000)
AGREES(zeros_of_any_length, 2000)
AGREES(nul_and_ff, 6000)
AGREES(long_shared_prefix, 600)
AGREES(longest, 500)
AGREES(around_the_inline_limit, 3000)
AGREES(prefix_breakers, 6000)
AGREES(mixed_lengths, 6000)
AGREES(decimal, 12000)
AGREES(binary, 12000)
AGREES(ascending, 6000)
AGREES(descending, 6000)
AGREES(ascending_rows, 6000)
AGREES(growing_numbers, 30000)

/*
 * One key keeps the others' prefix short; once it is gone they could share
 * more, but where their suffixes are in heads or outside that would save
 * nothing and take room that a full node does not have.
 */
static void a_prefix_that_could_grow_never_overflows_its_node(void)
{
	static const size_t lengths[] = {4, 5, 300};
	static struct world w;
	char key[301];

	for (size_t l = 0; l < 3; l++) {
		for (int n = 60; n < 170; n++) {
			size_t len = lengths[l];

			world_open(&w, decimal, 1);
			put_both(&w, slice_str("a"));
			memset(key, 'b', sizeof(key));
			for (int i = 0; i < n + 5; i++) {
				snprintf(key + len - 3, 4, "%03d", i);
				put_both(&w, slice_of(key, len));
				if (i == n)
					delete_both(&w, slice_str("a"));
			}
			compare_all(&w);
			world_close(&w);
		}
	}
}

/* ---- loading ---- */

/* Loads what the world's model holds into a fresh index in its stead. */
static void reload(struct world *w)
{
	index_free(w->ix);
	w->ix = index_new();
	CHECK(w->ix != NULL);
	for (size_t i = 0; i < w->n; i++)
		CHECK_INT(index_load(w->ix, w->pairs[i].key, w->pairs[i].loc),
			  0);
	CHECK_INT(index_load_end(w->ix), 0);
	compare_all(w);
}

static void a_loaded_index_equals_one_of_puts(void)
{
	static key_fn *const kinds[] = {one_byte,
					growing_numbers,
					nul_and_ff,
					prefixes_of_each_other,
					prefix_breakers,
					mixed_lengths,
					around_the_inline_limit,
					decimal,
					binary};
	static struct world w;

	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		world_open(&w, kinds[i], 77 + i);
		churn(&w, 5000, 90);
		reload(&w);
		churn(&w, 2000, 70);
		world_close(&w);
	}
}

static void loading_no_key_leaves_an_empty_index(void)
{
	struct index *ix = index_new();
	struct index_cursor cur;
	uint64_t loc;

	CHECK(ix != NULL);
	CHECK_INT(index_load_end(ix), 0);
	CHECK_INT(index_count(ix), 0);
	CHECK(!index_get(ix, slice_str("a"), &loc));
	CHECK(!index_delete(ix, slice_str("a"), &loc));
	index_seek(ix, slice_str("a"), &cur);
	CHECK(!cur.valid);
	index_seek_before(ix, slice_of(NULL, 0), &cur);
	CHECK(!cur.valid);
	index_free(ix);
}

/* ---- batches ---- */

static void a_batch_of_lookups_says_what_single_ones_say(void)
{
	static const size_t sizes[] = {0, 1, 2, 15, 16, 17, 31, 100};
	static struct world w;
	static char keys[100][32];
	struct slice slices[100];
	uint64_t locs[100], loc;

	world_open(&w, decimal, 5);
	for (int round = 0; round < 3; round++) {
		for (size_t s = 0; s < sizeof(sizes) / sizeof(*sizes); s++) {
			for (size_t i = 0; i < sizes[s]; i++)
				slices[i] = slice_of(
					keys[i], decimal(&w.state, 0, keys[i]));
			index_get_many(w.ix, slices, sizes[s], locs);
			for (size_t i = 0; i < sizes[s]; i++) {
				if (!index_get(w.ix, slices[i], &loc))
					loc = INDEX_MISSING;
				CHECK(locs[i] == loc);
			}
		}
		churn(&w, 20000, 100);
	}
	world_close(&w);
}

/* ---- memory ---- */

static struct slice numbered(uint64_t i, bool is_binary, char *space)
{
	uint64_t x = i, a = next_random(&x), b = next_random(&x);

	if (!is_binary)
		return slice_of(space,
				(size_t)snprintf(space, 32, "key:%012llu",
						 (unsigned long long)i));
	memcpy(space, &a, 8);
	memcpy(space + 8, &b, 8);
	return slice_of(space, 16);
}

/* Puts n keys in an order like that of chance: every number once. */
static void put_scattered(struct index *ix, uint64_t n, bool is_binary)
{
	char space[32];
	uint64_t old;
	bool existed;

	for (uint64_t i = 0; i < n; i++) {
		struct slice key = numbered(i * 7919 % n, is_binary, space);

		CHECK_INT(index_put(ix, key, i, &existed, &old), 0);
		CHECK(!existed);
	}
}

static double bytes_per_key(const struct index *ix)
{
	return (double)index_memory(ix) / (double)index_count(ix);
}

static void scattered_keys_of_16_bytes_cost_at_most_40(void)
{
	for (int is_binary = 0; is_binary <= 1; is_binary++) {
		struct index *ix = index_new();

		CHECK(ix != NULL);
		put_scattered(ix, 400000, is_binary);
		CHECK(bytes_per_key(ix) <= (is_binary ? 40 : 26));
		CHECK(index_verify(ix) == NULL);
		index_free(ix);
	}
}

static struct index *loaded_copy(const struct index *from)
{
	struct index *ix = index_new();
	struct index_cursor cur;
	struct buf key;

	buf_init(&key);
	CHECK(ix != NULL);
	for (index_seek(from, slice_of(NULL, 0), &cur); cur.valid;
	     index_next(&cur)) {
		index_cursor_key(&cur, &key);
		CHECK_INT(index_load(ix, buf_slice(&key),
				     index_cursor_location(&cur)),
			  0);
	}
	CHECK_INT(index_load_end(ix), 0);
	buf_release(&key);
	return ix;
}

/* All leaves are full after a load, and every one must make room soon. */
static void putting_into_a_loaded_index_keeps_to_the_bound(void)
{
	struct index *first = index_new(), *ix;
	char space[32];
	uint64_t old;
	bool existed;

	CHECK(first != NULL);
	put_scattered(first, 400000, true);
	ix = loaded_copy(first);
	index_free(first);
	CHECK(bytes_per_key(ix) <= 33);
	for (uint64_t i = 400000; i < 420000; i++)
		CHECK_INT(index_put(ix, numbered(i, true, space), i, &existed,
				    &old),
			  0);
	CHECK(bytes_per_key(ix) <= 46);
	CHECK(index_verify(ix) == NULL);
	index_free(ix);
}

static void sorted_puts_fill_their_nodes(void)
{
	for (int down = 0; down <= 1; down++) {
		struct index *ix = index_new();
		char space[32];
		uint64_t old, n = 300000;
		bool existed;

		CHECK(ix != NULL);
		for (uint64_t i = 0; i < n; i++)
			CHECK_INT(index_put(ix,
					    numbered(down ? n - i : i, false,
						     space),
					    i, &existed, &old),
				  0);
		CHECK(bytes_per_key(ix) <= 22);
		CHECK(index_verify(ix) == NULL);
		index_free(ix);
	}
}

static void memory_is_given_back_when_keys_go(void)
{
	struct index *ix = index_new();
	size_t peak;
	char space[32];
	uint64_t old, n = 300000;

	CHECK(ix != NULL);
	put_scattered(ix, n, true);
	peak = index_memory(ix);
	for (uint64_t i = 0; i < n; i++)
		CHECK(index_delete(ix, numbered(i * 7907 % n, true, space),
				   &old));
	CHECK_INT(index_count(ix), 0);
	CHECK(index_memory(ix) < peak / 2);
	CHECK(index_memory(ix) <= (size_t)4 << 20);
	CHECK(index_verify(ix) == NULL);
	index_free(ix);
}

/* New keys at one end, old ones removed at the other. */
static void a_moving_window_does_not_grow(void)
{
	struct index *ix = index_new();
	uint64_t old, window = 20000;
	size_t early = 0;
	char space[32];
	bool existed;

	CHECK(ix != NULL);
	for (uint64_t i = 0; i < 20 * window; i++) {
		CHECK_INT(index_put(ix, numbered(i, false, space), i, &existed,
				    &old),
			  0);
		if (i >= window)
			CHECK(index_delete(
				ix, numbered(i - window, false, space), &old));
		if (i == 2 * window)
			early = index_memory(ix);
	}
	CHECK_INT(index_count(ix), window);
	CHECK(index_memory(ix) <= early + early / 4);
	CHECK(index_verify(ix) == NULL);
	index_free(ix);
}

static void a_small_index_takes_little_memory(void)
{
	struct index *ix = index_new();
	uint64_t old;
	bool existed;

	CHECK(ix != NULL);
	CHECK(index_memory(ix) < 1024);
	CHECK_INT(index_put(ix, slice_str("a"), 1, &existed, &old), 0);
	CHECK(index_memory(ix) <= 8192);
	index_free(ix);
}

/* ---- running out of memory ---- */

/* Fails each step that a put takes in turn until it needs no more, and looks
 * that the index stayed as it was. Returns how many there were. */
static unsigned long put_with_failures(struct world *w, struct slice key)
{
	uint64_t old = 0;
	bool existed;

	for (unsigned long n = 1;; n++) {
		size_t nodes = w->ix->pool.used;
		int r;

		w->ix->pool.fail_in = n;
		r = index_put(w->ix, key, 1, &existed, &old);
		if (w->ix->pool.fail_in != 0) {
			w->ix->pool.fail_in = 0;
			CHECK_INT(r, 0);
			CHECK(!existed);
			CHECK(index_delete(w->ix, key, &old));
			put_both(w, key);
			return n - 1;
		}
		CHECK_INT(r, KV_ENOMEM);
		CHECK_INT(w->ix->pool.used, nodes);
		compare_all(w);
	}
}

static void a_put_without_memory_changes_nothing(void)
{
	static key_fn *const kinds[] = {
		decimal,       binary,	long_shared_prefix,	prefix_breakers,
		mixed_lengths, longest, around_the_inline_limit};
	static struct world w;

	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		unsigned long failures = 0;

		world_open(&w, kinds[i], 3 * i + 1);
		for (int put = 0; put < 600; put++) {
			struct slice key = world_key(&w);
			bool known;

			model_search(&w, key, &known);
			if (!known)
				failures += put_with_failures(&w, key);
		}
		CHECK(failures >= 5);
		churn(&w, 200, 50);
		world_close(&w);
	}
}

static void a_delete_and_an_overwrite_need_no_memory(void)
{
	static struct world w;
	uint64_t old;
	bool existed;

	world_open(&w, mixed_lengths, 9);
	churn(&w, 5000, 100);
	w.ix->pool.fail_in = 1;
	for (size_t i = 0; i < w.n; i++) {
		w.pairs[i].loc = i;
		CHECK_INT(index_put(w.ix, w.pairs[i].key, i, &existed, &old),
			  0);
	}
	while (w.n > 0)
		delete_both(&w, w.pairs[below(&w.state, w.n)].key);
	CHECK_INT(w.ix->pool.fail_in, 1);
	compare_all(&w);
	world_close(&w);
}

static void verify_notices_damage(void)
{
	static struct world w;
	struct node *leaf;

	world_open(&w, decimal, 4);
	churn(&w, 5000, 100);
	leaf = index_leaf(w.ix, w.pairs[w.n / 2].key);
	node_heads(leaf)[leaf->n / 2] ^= 0x40;
	CHECK(index_verify(w.ix) != NULL);
	node_heads(leaf)[leaf->n / 2] ^= 0x40;
	CHECK(index_verify(w.ix) == NULL);
	leaf->dead++;
	CHECK(index_verify(w.ix) != NULL);
	leaf->dead--;
	leaf->next->prev = leaf->next;
	CHECK(index_verify(w.ix) != NULL);
	leaf->next->prev = leaf;
	w.ix->count++;
	CHECK(index_verify(w.ix) != NULL);
	w.ix->count--;
	compare_all(&w);
	world_close(&w);
}

TEST_MAIN(T(one_byte_agree_with_a_sorted_array),
	  T(prefixes_of_each_other_agree_with_a_sorted_array),
	  T(zeros_of_any_length_agree_with_a_sorted_array),
	  T(nul_and_ff_agree_with_a_sorted_array),
	  T(long_shared_prefix_agree_with_a_sorted_array),
	  T(longest_agree_with_a_sorted_array),
	  T(around_the_inline_limit_agree_with_a_sorted_array),
	  T(prefix_breakers_agree_with_a_sorted_array),
	  T(mixed_lengths_agree_with_a_sorted_array),
	  T(decimal_agree_with_a_sorted_array),
	  T(binary_agree_with_a_sorted_array),
	  T(ascending_agree_with_a_sorted_array),
	  T(descending_agree_with_a_sorted_array),
	  T(ascending_rows_agree_with_a_sorted_array),
	  T(growing_numbers_agree_with_a_sorted_array),
	  T(a_prefix_that_could_grow_never_overflows_its_node),
	  T(a_loaded_index_equals_one_of_puts),
	  T(loading_no_key_leaves_an_empty_index),
	  T(a_batch_of_lookups_says_what_single_ones_say),
	  T(scattered_keys_of_16_bytes_cost_at_most_40),
	  T(putting_into_a_loaded_index_keeps_to_the_bound),
	  T(sorted_puts_fill_their_nodes), T(memory_is_given_back_when_keys_go),
	  T(a_moving_window_does_not_grow),
	  T(a_small_index_takes_little_memory),
	  T(a_put_without_memory_changes_nothing),
	  T(a_delete_and_an_overwrite_need_no_memory), T(verify_notices_damage))

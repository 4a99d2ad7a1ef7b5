/*
 * index_memory_test.c - what the ordered index takes, gives back, and does when
 * there is no more.
 */
#include "index_model.h"
#include "memory.h"

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
	CHECK(bytes_per_key(ix) <= 42);
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

static void leaves_that_become_sparse_are_merged(void)
{
	struct index *ix = index_new();
	uint64_t old, n = 160000;
	size_t nodes;
	char space[32];

	CHECK(ix != NULL);
	put_scattered(ix, n, true);
	nodes = ix->pool.used;
	for (uint64_t i = 0; i < n; i++)
		if (i % 16 != 0)
			CHECK(index_delete(ix, numbered(i, true, space), &old));
	CHECK_INT(index_count(ix), n / 16);
	CHECK(ix->pool.used < nodes / 5);
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

		memory_fail(n, false);
		r = index_put(w->ix, key, 1, &existed, &old);
		if (!memory_restore()) {
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
	memory_fail(1, true);
	for (size_t i = 0; i < w.n; i++) {
		w.pairs[i].loc = i;
		CHECK_INT(index_put(w.ix, w.pairs[i].key, i, &existed, &old),
			  0);
	}
	while (w.n > 0)
		delete_both(&w, w.pairs[below(&w.state, w.n)].key);
	CHECK(!memory_restore());
	compare_all(&w);
	world_close(&w);
}

TEST_MAIN(T(scattered_keys_of_16_bytes_cost_at_most_40),
	  T(putting_into_a_loaded_index_keeps_to_the_bound),
	  T(sorted_puts_fill_their_nodes), T(memory_is_given_back_when_keys_go),
	  T(leaves_that_become_sparse_are_merged),
	  T(a_moving_window_does_not_grow),
	  T(a_small_index_takes_little_memory),
	  T(a_put_without_memory_changes_nothing),
	  T(a_delete_and_an_overwrite_need_no_memory))

/*
 * index_test.c - the ordered index against a sorted array under random
 * operations: each step's answer is compared, and every so often all that
 * there is, in both directions.
 */
#include "index_model.h"

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

static void loading_refuses_a_key_out_of_order(void)
{
	struct index *ix = index_new();
	uint64_t loc;

	CHECK(ix != NULL);
	CHECK_INT(index_load(ix, slice_str("b"), 1), 0);
	CHECK_INT(index_load(ix, slice_str("b"), 2), KV_EDATA);
	CHECK_INT(index_load(ix, slice_str("a"), 3), KV_EDATA);
	CHECK_INT(index_load(ix, slice_str("ba"), 4), 0);
	CHECK_INT(index_load_end(ix), 0);
	CHECK_INT(index_count(ix), 2);
	CHECK(index_get(ix, slice_str("b"), &loc) && loc == 1);
	CHECK(index_verify(ix) == NULL);
	index_free(ix);
}

/* ---- batches ---- */

static void a_batch_of_lookups_says_what_single_ones_say(void)
{
	static const size_t sizes[] = {0, 1, 2, 15, 16, 17, 31, 100};
	static struct world w;
	static char keys[100][32];
	struct slice slices[100];
	struct index_place places[100];
	uint64_t loc, now;

	world_open(&w, decimal, 5);
	for (int round = 0; round < 3; round++) {
		for (size_t s = 0; s < sizeof(sizes) / sizeof(*sizes); s++) {
			for (size_t i = 0; i < sizes[s]; i++)
				slices[i] = slice_of(
					keys[i], decimal(&w.state, 0, keys[i]));
			index_get_many(w.ix, slices, sizes[s], places);
			for (size_t i = 0; i < sizes[s]; i++) {
				bool there = index_get(w.ix, slices[i], &loc);

				CHECK((places[i].leaf != NULL) == there);
				CHECK(index_at(w.ix, &places[i], &now) ==
				      there);
				CHECK(!there || places[i].location == loc);
				CHECK(!there || now == loc);
			}
		}
		churn(&w, 20000, 100);
	}
	world_close(&w);
}

static uint64_t look_up(struct index *ix, const char *key)
{
	uint64_t loc;

	return index_get(ix, slice_str(key), &loc) ? loc : 0;
}

static void a_place_serves_its_key_until_keys_come_or_go(void)
{
	const struct slice keys[] = {slice_str("apple"), slice_str("melon"),
				     slice_str("pear")};
	struct index *ix = index_new();
	struct index_place place[3];
	uint64_t old = 0;
	bool existed;

	CHECK(index_put(ix, keys[0], 10, &existed, &old) == 0);
	CHECK(index_put(ix, keys[2], 30, &existed, &old) == 0);
	index_get_many(ix, keys, 3, place);
	CHECK(index_replace(ix, &place[0], keys[0], 11, &old) && old == 10);
	CHECK(index_replace(ix, &place[0], keys[0], 12, &old) && old == 11);
	CHECK(look_up(ix, "apple") == 12);
	/* Another key, one that goes on, and one that is not there. */
	CHECK(!index_replace(ix, &place[0], keys[2], 99, &old));
	CHECK(!index_replace(ix, &place[0], slice_str("apples"), 99, &old));
	CHECK(!index_replace(ix, &place[1], keys[1], 99, &old));
	CHECK(look_up(ix, "apple") == 12 && look_up(ix, "pear") == 30);
	CHECK(index_count(ix) == 2);
	CHECK(index_at(ix, &place[2], &old) && old == 30);
	CHECK(index_put(ix, keys[1], 20, &existed, &old) == 0);
	CHECK(!index_replace(ix, &place[2], keys[2], 99, &old));
	CHECK(!index_at(ix, &place[2], &old));
	index_get_many(ix, keys, 3, place);
	CHECK(index_delete(ix, keys[0], &old));
	CHECK(!index_replace(ix, &place[2], keys[2], 99, &old));
	CHECK(look_up(ix, "melon") == 20 && look_up(ix, "pear") == 30);
	index_free(ix);
}

/* Without it every search would compare all the root's keys in full. */
static void a_root_knows_what_its_keys_begin_with(void)
{
	struct index *ix = index_new();
	uint64_t old;
	bool existed;
	char key[32];

	for (unsigned i = 0; i < 20000; i++) {
		int n = snprintf(key, sizeof(key), "key:%012u", i);

		CHECK(index_put(ix, slice_of(key, (size_t)n), i, &existed,
				&old) == 0);
	}
	CHECK(ix->root->level > 0);
	CHECK(ix->root->prefix_len >= sizeof("key:0000000") - 1);
	CHECK(index_verify(ix) == NULL);
	index_free(ix);
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
	  T(loading_refuses_a_key_out_of_order),
	  T(a_batch_of_lookups_says_what_single_ones_say),
	  T(a_place_serves_its_key_until_keys_come_or_go),
	  T(a_root_knows_what_its_keys_begin_with), T(verify_notices_damage))

/*
 * key_map_test.c - a map of keys against a search of the whole list.
 */
#include "base/err.h"
#include "store/key_map.h"
#include "test.h"

#include <stdlib.h>

#define KEYS 3000
#define KEY_SIZE 8

static struct change list[KEYS];
static char keys[KEYS][KEY_SIZE];

static void make_list(void)
{
	for (size_t i = 0; i < KEYS; i++) {
		snprintf(keys[i], KEY_SIZE, "k%zu", i);
		list[i] = (struct change){.key = slice_str(keys[i])};
	}
}

static void an_empty_map_finds_nothing_and_has_no_memory(void)
{
	struct key_map map = {0};
	size_t place;

	CHECK(!key_map_find(&map, list, slice_str("k"), &place));
	CHECK(map.slots == NULL);
	key_map_release(&map);
}

static void each_key_is_found_in_its_place_and_no_other_is(void)
{
	struct key_map map = {.seed = 7};
	size_t place;

	make_list();
	for (size_t i = 0; i < KEYS; i++) {
		CHECK(!key_map_find(&map, list, list[i].key, &place));
		CHECK_INT(key_map_reserve(&map, 1), 0);
		key_map_add(&map, list, i);
	}
	for (size_t i = 0; i < KEYS; i++) {
		CHECK(key_map_find(&map, list, list[i].key, &place));
		CHECK_INT(place, i);
	}
	CHECK(!key_map_find(&map, list, slice_str("k3000"), &place));
	CHECK(!key_map_find(&map, list, slice_str(""), &place));
	CHECK(!key_map_find(&map, list, slice_str("k0k0"), &place));
	key_map_release(&map);
}

static void the_list_may_move(void)
{
	struct change *moved = malloc(sizeof(list));
	struct key_map map = {0};
	size_t place;

	make_list();
	CHECK(moved != NULL);
	CHECK_INT(key_map_reserve(&map, 100), 0);
	for (size_t i = 0; i < 100; i++)
		key_map_add(&map, list, i);
	memcpy(moved, list, sizeof(list));
	memset(list, 0, sizeof(list));
	CHECK(key_map_find(&map, moved, slice_str("k99"), &place));
	CHECK_INT(place, 99);
	key_map_release(&map);
	free(moved);
}

static void a_released_map_begins_anew(void)
{
	struct key_map map = {.seed = 1};
	size_t place;

	make_list();
	CHECK_INT(key_map_reserve(&map, 1), 0);
	key_map_add(&map, list, 5);
	key_map_release(&map);
	CHECK(!key_map_find(&map, list, list[5].key, &place));
	CHECK_INT(key_map_reserve(&map, 1), 0);
	key_map_add(&map, list, 6);
	CHECK(key_map_find(&map, list, list[6].key, &place));
	CHECK_INT(place, 6);
	key_map_release(&map);
}

TEST_MAIN(T(an_empty_map_finds_nothing_and_has_no_memory),
	  T(each_key_is_found_in_its_place_and_no_other_is),
	  T(the_list_may_move), T(a_released_map_begins_anew))

/*
 * key_map.c - see key_map.h. Linear probing; half of the slots stay free.
 */
#include "store/key_map.h"

#include "base/err.h"

#include <stdlib.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#define SLOTS_MIN 32

static uint32_t hash_of(const struct key_map *map, struct slice key)
{
	return (uint32_t)XXH3_64bits_withSeed(key.data, key.len, map->seed);
}

static uint32_t slot_hash(uint64_t slot)
{
	return (uint32_t)(slot >> 32);
}

static size_t slot_place(uint64_t slot)
{
	return (uint32_t)slot - 1;
}

static void insert(uint64_t *slots, size_t size, uint64_t slot)
{
	size_t i = slot_hash(slot) & (size - 1);

	while (slots[i] != 0)
		i = (i + 1) & (size - 1);
	slots[i] = slot;
}

void key_map_release(struct key_map *map)
{
	free(map->slots);
	map->slots = NULL;
	map->size = map->used = 0;
}

int key_map_reserve(struct key_map *map, size_t more)
{
	size_t size = map->size ? map->size : SLOTS_MIN;
	uint64_t *slots;

	while (size / 2 < map->used + more)
		size *= 2;
	if (size == map->size)
		return 0;
	slots = calloc(size, sizeof(*slots));
	if (slots == NULL)
		return err_set(KV_ENOMEM, "no memory to tell keys apart");
	for (size_t i = 0; i < map->size; i++)
		if (map->slots[i] != 0)
			insert(slots, size, map->slots[i]);
	free(map->slots);
	map->slots = slots;
	map->size = size;
	return 0;
}

void key_map_add(struct key_map *map, const struct change *list, size_t place)
{
	uint64_t hash = hash_of(map, list[place].key);

	insert(map->slots, map->size, hash << 32 | (uint32_t)(place + 1));
	map->used++;
}

bool key_map_find(const struct key_map *map, const struct change *list,
		  struct slice key, size_t *place)
{
	uint32_t hash = hash_of(map, key);

	for (size_t i = hash; map->size != 0; i++) {
		uint64_t slot = map->slots[i & (map->size - 1)];

		if (slot == 0)
			break;
		*place = slot_place(slot);
		if (slot_hash(slot) == hash && slice_eq(list[*place].key, key))
			return true;
	}
	return false;
}

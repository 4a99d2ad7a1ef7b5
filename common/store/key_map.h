/*
 * key_map.h - where in a list of changes a key is.
 *
 * A hash table with open addressing that holds places, not keys: the list that
 * it is about is given with each call, and may move between two of them. For
 * one request; made of {0}, it takes no memory until the first reservation.
 *
 * Threads: one at a time.
 */
#ifndef STORE_KEY_MAP_H
#define STORE_KEY_MAP_H

#include "base/request.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct key_map {
	uint64_t *slots; /* hash, place + 1: 32 bits each; 0: free */
	size_t size;	 /* a power of two, or 0 */
	size_t used;
	uint64_t seed; /* so that nobody can choose keys that all collide */
};

void key_map_release(struct key_map *map);

/* Room for as many more keys. 0, or KV_ENOMEM with the map unchanged. */
int key_map_reserve(struct key_map *map, size_t more);

/* Notes list[place].key, which is not in the map yet. Needs a reservation. */
void key_map_add(struct key_map *map, const struct change *list, size_t place);

/* True and *place if the key is there. */
bool key_map_find(const struct key_map *map, const struct change *list,
		  struct slice key, size_t *place);

#endif

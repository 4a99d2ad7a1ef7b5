/*
 * created.c - when keys that are not there were last created.
 *
 * Who watches a key that is absent has no version to compare: created and
 * removed again, it is absent as before. So each creation leaves its version in
 * a small table, in the place that the key's hash names. Another key that falls
 * on the same place looks like this one: one in CREATED_PLACES does, which
 * costs its watcher one more try.
 *
 * The table is of this session, as are connections. But in a cluster a watcher
 * whose connection lasts may be answered by another node in the end, one that
 * was started, or filled, in between and knows only that all it began with is
 * not older than its last version. So that stands in every place at first: no
 * watcher who asked before a creation can have been told a version as high.
 */
#include "store/store_internal.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

static size_t place_of(struct slice key)
{
	return XXH3_64bits(key.data, key.len) % CREATED_PLACES;
}

void store_created_begin(struct store *s)
{
	for (size_t i = 0; i < CREATED_PLACES; i++)
		s->created[i] = s->version;
}

void store_note_created(struct store *s, struct slice key, uint64_t version)
{
	s->created[place_of(key)] = version;
}

uint64_t store_created(const struct store *s, struct slice key)
{
	return s->created[place_of(key)];
}

/*
 * created.c - when keys that are not there were last created.
 *
 * Who watches a key that is absent has no version to compare: created and
 * removed again, it is absent as before. So each creation leaves its version in
 * a small table, in the place that the key's hash names. Another key that falls
 * on the same place looks like this one: one in CREATED_PLACES does, which
 * costs its watcher one more try.
 *
 * The table is of this session: whoever watches does so through a connection.
 */
#include "store/store_internal.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

static size_t place_of(struct slice key)
{
	return XXH3_64bits(key.data, key.len) % CREATED_PLACES;
}

void store_note_created(struct store *s, struct slice key, uint64_t version)
{
	s->created[place_of(key)] = version;
}

uint64_t store_created(const struct store *s, struct slice key)
{
	return s->created[place_of(key)];
}

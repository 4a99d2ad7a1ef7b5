/*
 * hint.c - looking keys up before they are asked for.
 *
 * With a million keys, a lookup mostly waits for memory: for the nodes of the
 * index, then for the record. When many requests are at hand, their keys are
 * looked up together (index_get_many() lets the waits overlap) and their
 * records are called into the cache; the requests then find both.
 *
 * What was found is kept, so that it is not looked up again. It holds as long
 * as no key comes or goes. For a read, whose key it was is told by where the
 * key's bytes lay, which says nothing for sure: the caller compares the key of
 * the item. If that is the key, then so is the location, for the index had it
 * for this very key. A write, whose key lies elsewhere by then, tries the place
 * whose turn it is, and the index compares.
 */
#include "store/store_internal.h"

#define CACHE_LINE 64u

/* The version is so many bytes before an item that is the first of its record.
 */
#define VERSION_BEFORE 24u

/* So many places are tried for a write: what stood between did not run. */
#define TRIES 3u

/* More of a value comes by itself: the processor sees where it goes. */
#define LINES_MAX 4u

/* With the header in front, where the version of most items is. */
static void prefetch_item(const struct store *s, location l)
{
	const struct segment *seg = store_segment(s, l);
	uint64_t at = location_offset(l), end = at + location_size(l);

	if (at >= seg->durable)
		return;
	at = (at - VERSION_BEFORE) & ~(uint64_t)(CACHE_LINE - 1);
	for (unsigned i = 0; i < LINES_MAX && at < end; i++, at += CACHE_LINE)
		__builtin_prefetch(seg->base + at);
}

void store_hint(struct store *s, const struct slice *keys, size_t n,
		bool values)
{
	struct hints *h = &s->hints;

	if (n > STORE_HINTS_MAX)
		n = STORE_HINTS_MAX;
	index_get_many(s->index, keys, n, h->places);
	memcpy(h->keys, keys, n * sizeof(*keys));
	h->changes = index_changes(s->index);
	h->next = 0;
	h->n = (unsigned)n;
	for (size_t i = 0; i < n && values; i++)
		if (h->places[i].leaf != NULL)
			prefetch_item(s, h->places[i].location);
}

/* Where the key was a moment ago and therefore still is, if it is the one that
 * was hinted at. */
static bool hinted(struct store *s, struct slice key, location *l)
{
	struct hints *h = &s->hints;

	for (unsigned i = h->next; i < h->n; i++) {
		const struct index_place *place = &h->places[i];

		if (h->keys[i].data != key.data || h->keys[i].len != key.len)
			continue;
		h->next = i; /* it may be written next */
		if (h->changes != index_changes(s->index))
			return index_at(s->index, place, l);
		*l = place->location;
		return place->leaf != NULL;
	}
	return false;
}

bool store_look_up(struct store *s, struct slice key, location *l,
		   struct stored_item *item, uint64_t *seq)
{
	uint64_t its_seq;

	if (hinted(s, key, l)) {
		store_item(s, *l, item, &its_seq);
		if (item->key.len == key.len &&
		    bytes_equal(item->key.data, key.data, key.len)) {
			*seq = its_seq;
			return true;
		}
	}
	if (!index_get(s->index, key, l))
		return false;
	store_item(s, *l, item, seq);
	return true;
}

int store_index_put(struct store *s, struct slice key, location l,
		    bool *existed, location *old)
{
	struct hints *h = &s->hints;
	unsigned end = h->n - h->next < TRIES ? h->n : h->next + TRIES;

	for (unsigned i = h->next; i < end; i++) {
		if (!index_replace(s->index, &h->places[i], key, l, old))
			continue;
		h->next = i + 1;
		*existed = true;
		return 0;
	}
	return index_put(store_index(s, key), key, l, existed, old);
}

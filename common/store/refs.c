/*
 * refs.c - see refs.h.
 *
 * The keys of a segment often begin alike ("user:00..."), so that their first
 * bytes order nothing. While they are sorted, a ref's prefix is of the bytes
 * behind what all of them begin with: then two numbers nearly always decide,
 * without a look at the keys.
 */
#include "store/refs.h"

#include "base/err.h"
#include "store/walk.h"

#include <stdlib.h>

uint64_t key_prefix(struct slice key)
{
	uint64_t v = 0;

	memcpy(&v, key.data, key.len < 8 ? key.len : 8);
	return be64toh(v);
}

static int refs_add(void *arg, const struct stored_item *item, uint64_t offset)
{
	struct refs *refs = arg;
	struct ref *ref;

	(void)offset;
	if (refs->count == refs->cap) {
		size_t cap = refs->cap ? 2 * refs->cap : 1024;
		struct ref *list = realloc(refs->list, cap * sizeof(*list));

		if (list == NULL)
			return err_set(KV_ENOMEM,
				       "no memory to sort a segment");
		refs->list = list;
		refs->cap = cap;
	}
	ref = &refs->list[refs->count++];
	ref->prefix = key_prefix(item->key);
	/* The key follows the item's header; its place gives the item's. */
	ref->at = item->key.data - 8 - (item->flags & ITEM_FIRST ? 0 : 8) -
		  (item->flags & ITEM_TTL ? 8 : 0);
	return 0;
}

static struct slice ref_key(const struct ref *ref)
{
	struct stored_item item;

	(void)item_decode_apart(ref->at, UINT32_MAX, &item);
	return item.key;
}

/* How many bytes all keys begin with. */
static size_t shared_bytes(const struct refs *refs)
{
	struct slice first = ref_key(&refs->list[0]);
	size_t n = first.len;

	for (size_t i = 1; i < refs->count && n != 0; i++) {
		struct slice key = ref_key(&refs->list[i]);
		size_t same = 0;

		while (same < n && same < key.len &&
		       key.data[same] == first.data[same])
			same++;
		n = same;
	}
	return n;
}

/* Makes the prefixes those of the keys without their first bytes. */
static void set_prefixes(struct refs *refs, size_t skip)
{
	for (size_t i = 0; i < refs->count; i++) {
		struct slice key = ref_key(&refs->list[i]);

		refs->list[i].prefix =
			key_prefix(slice_of(key.data + skip, key.len - skip));
	}
}

/* By key; of one key the newest first, which is the later in the file if the
 * version is the same (one batch may name a key twice). */
static int ref_order(const void *a, const void *b)
{
	const struct ref *x = a, *y = b;
	struct stored_item i, j;
	int c;

	if (x->prefix != y->prefix)
		return x->prefix < y->prefix ? -1 : 1;
	ref_item(x, &i);
	ref_item(y, &j);
	c = slice_cmp(i.key, j.key);
	if (c != 0)
		return c;
	if (i.version != j.version)
		return i.version > j.version ? -1 : 1;
	return (x->at < y->at) - (x->at > y->at);
}

static bool ref_same_key(const struct ref *x, const struct ref *y)
{
	struct stored_item i, j;

	if (x->prefix != y->prefix)
		return false;
	ref_item(x, &i);
	ref_item(y, &j);
	return slice_eq(i.key, j.key);
}

static void refs_keep_newest(struct refs *refs)
{
	size_t kept = 0;

	for (size_t i = 0; i < refs->count; i++)
		if (kept == 0 ||
		    !ref_same_key(&refs->list[kept - 1], &refs->list[i]))
			refs->list[kept++] = refs->list[i];
	refs->count = kept;
}

int refs_collect(struct refs *refs, const struct segment *seg)
{
	struct walk w;
	size_t skip;
	int r;

	*refs = (struct refs){0};
	walk_begin(&w, seg, true);
	while ((r = walk_next(&w)) == 1) {
		refs->records++;
		r = walk_items(&w, refs_add, refs);
		if (r != 0)
			break;
	}
	if (r != 0) {
		refs_release(refs);
		return r;
	}
	refs->items = refs->count;
	if (refs->count == 0)
		return 0;
	skip = shared_bytes(refs);
	if (skip != 0)
		set_prefixes(refs, skip);
	qsort(refs->list, refs->count, sizeof(struct ref), ref_order);
	refs_keep_newest(refs);
	if (skip != 0)
		set_prefixes(refs, 0);
	return 0;
}

void refs_release(struct refs *refs)
{
	free(refs->list);
	*refs = (struct refs){0};
}

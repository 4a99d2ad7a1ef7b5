/*
 * refs.c - see refs.h.
 *
 * The keys of a segment often begin alike ("user:00..."), so that their first
 * bytes order nothing. A ref's prefix is of the bytes behind what all of them
 * begin with: then two numbers nearly always decide, without a look at the
 * keys. The numbers are sorted byte by byte from the last on, which moves
 * nothing where all have the same byte; what is equal after that is compared
 * in full. Both halves of the work read the items in the order in which they
 * lie in the segment, and only ties are looked up elsewhere.
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

struct collect {
	struct refs *refs;
	const struct segment *seg;
	struct slice first; /* key of all */
	size_t shared;	    /* bytes of it that all keys begin with */
};

static bool refs_grow(struct refs *refs)
{
	size_t cap = refs->cap ? 2 * refs->cap : 1024;
	struct ref *list = realloc(refs->list, cap * sizeof(*list));

	if (list == NULL)
		return false;
	refs->list = list;
	refs->cap = cap;
	return true;
}

static int no_memory(void)
{
	return err_set(KV_ENOMEM, "no memory to sort a segment");
}

static void note_shared(struct collect *c, struct slice key)
{
	size_t n = key.len < c->shared ? key.len : c->shared, same = 0;

	if (n < c->shared || !bytes_equal(key.data, c->first.data, n)) {
		while (same < n && key.data[same] == c->first.data[same])
			same++;
		c->shared = same;
	}
}

static int refs_add(void *arg, const struct stored_item *item, uint64_t offset)
{
	struct collect *c = arg;
	struct refs *refs = c->refs;

	if (refs->count == refs->cap && !refs_grow(refs))
		return no_memory();
	if (refs->count == 0) {
		c->first = item->key;
		c->shared = item->key.len;
	} else {
		note_shared(c, item->key);
	}
	refs->list[refs->count++].at = c->seg->base + offset;
	return 0;
}

/* Makes the prefixes those of the keys behind their first bytes. Returns the
 * bits in which they differ. */
static uint64_t set_prefixes(struct refs *refs, size_t skip)
{
	uint64_t differ = 0;

	for (size_t i = 0; i < refs->count; i++) {
		struct ref *ref = &refs->list[i];
		struct slice key = item_key(ref->at);

		ref->prefix =
			key_prefix(slice_of(key.data + skip, key.len - skip));
		differ |= ref->prefix ^ refs->list[0].prefix;
	}
	return differ;
}

/* Orders n refs by one byte of their prefixes and otherwise as they are. */
static void sort_by_byte(const struct ref *from, struct ref *to, size_t n,
			 unsigned shift)
{
	size_t at[256] = {0}, sum = 0;

	for (size_t i = 0; i < n; i++)
		at[from[i].prefix >> shift & 255]++;
	for (unsigned b = 0; b < 256; b++) {
		size_t count = at[b];

		at[b] = sum;
		sum += count;
	}
	for (size_t i = 0; i < n; i++)
		to[at[from[i].prefix >> shift & 255]++] = from[i];
}

static int sort_by_prefix(struct refs *refs, uint64_t differ)
{
	struct ref *other = malloc(refs->count * sizeof(*other)), *list;

	if (other == NULL)
		return no_memory();
	for (unsigned shift = 0; shift < 64; shift += 8) {
		if ((differ >> shift & 255) == 0)
			continue;
		sort_by_byte(refs->list, other, refs->count, shift);
		list = other;
		other = refs->list;
		refs->list = list;
	}
	refs->cap = refs->count;
	free(other);
	return 0;
}

/* Of equal prefixes: by key; of one key the newest first, which is the later in
 * the file if the version is the same (one batch may name a key twice). */
static int ref_order(const void *a, const void *b)
{
	const struct ref *x = a, *y = b;
	struct stored_item i, j;
	int c;

	ref_item(x, &i);
	ref_item(y, &j);
	c = slice_cmp(i.key, j.key);
	if (c != 0)
		return c;
	if (i.version != j.version)
		return i.version > j.version ? -1 : 1;
	return (x->at < y->at) - (x->at > y->at);
}

/* Equal prefixes: orders them in full, and keeps the first of each key. */
static size_t keep_newest_of(struct ref *run, size_t n)
{
	size_t kept = 1;

	qsort(run, n, sizeof(*run), ref_order);
	for (size_t i = 1; i < n; i++)
		if (!slice_eq(item_key(run[kept - 1].at), item_key(run[i].at)))
			run[kept++] = run[i];
	return kept;
}

static void refs_keep_newest(struct refs *refs)
{
	struct ref *list = refs->list;
	size_t kept = 0, n;

	for (size_t i = 0; i < refs->count; i += n) {
		struct ref *run = &list[i];

		for (n = 1; i + n < refs->count; n++)
			if (run[n].prefix != run->prefix)
				break;
		if (n == 1) {
			list[kept++] = *run;
			continue;
		}
		memmove(&list[kept], run, n * sizeof(*run));
		kept += keep_newest_of(&list[kept], n);
	}
	refs->count = kept;
}

/* Every item up to the end of the segment. */
static int read_all(struct collect *c)
{
	struct walk w;
	int r;

	walk_begin(&w, c->seg, true);
	while ((r = walk_next(&w)) == 1) {
		c->refs->records++;
		r = walk_items(&w, refs_add, c);
		if (r != 0)
			break;
	}
	return r;
}

int refs_collect(struct refs *refs, const struct segment *seg)
{
	struct collect c = {.refs = refs, .seg = seg};
	int r;

	*refs = (struct refs){0};
	r = read_all(&c);
	refs->items = refs->count;
	if (r == 0 && refs->count != 0)
		r = sort_by_prefix(refs, set_prefixes(refs, c.shared));
	if (r == 0)
		refs_keep_newest(refs);
	else
		refs_release(refs);
	return r;
}

void refs_release(struct refs *refs)
{
	free(refs->list);
	*refs = (struct refs){0};
}

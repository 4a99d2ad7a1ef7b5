/*
 * index_build.c - building nodes out of the entries of others: what splits,
 * merges, balancing and compaction share. The entries come as one run, whoever
 * held them before; each new node gets the longest prefix that its own part of
 * the run allows.
 */
#include "store/index_node.h"

#include <assert.h>

unsigned source_count(const struct source *src)
{
	return src->left->n + (src->right != NULL ? src->right->n : 0u) +
	       (src->extra != NULL);
}

/* Finds entry i: in a node at *i, or NULL for the extra one. */
static inline const struct node *locate(const struct source *src, unsigned *i)
{
	if (src->extra != NULL) {
		if (*i == src->extra_at)
			return NULL;
		*i -= *i > src->extra_at;
	}
	if (*i < src->left->n)
		return src->left;
	*i -= src->left->n;
	return src->right;
}

void held_set(struct held *out, const struct entry *e)
{
	out->e = *e;
	if (e->block == NULL) {
		memcpy(out->space, e->key.data, e->key.len);
		out->e.key.data = out->space;
	}
}

void source_entry(const struct source *src, unsigned i, struct held *out)
{
	const struct node *nd = locate(src, &i);

	if (nd != NULL)
		node_entry(nd, i, out);
	else
		held_set(out, src->extra);
}

static size_t shared_len(struct slice a, struct slice b)
{
	size_t n = a.len < b.len ? a.len : b.len;
	size_t i = 0;

	while (i < n && a.data[i] == b.data[i])
		i++;
	return i;
}

/* Heap bytes of entry i in a node with that prefix. */
static size_t entry_heap(const struct source *src, unsigned i,
			 size_t prefix_len)
{
	const struct node *nd = locate(src, &i);
	bool outside;
	size_t len;

	if (nd == NULL) {
		outside = src->extra->block != NULL;
		len = src->extra->key.len;
	} else {
		len = node_key_len(nd, i, &outside);
	}
	return heap_bytes(len, outside, prefix_len);
}

static size_t bytes_with(const struct source *src, unsigned from, unsigned to,
			 size_t prefix_len)
{
	size_t bytes = arrays_end(prefix_len, to - from);

	for (unsigned i = from; i < to; i++)
		bytes += entry_heap(src, i, prefix_len);
	return bytes;
}

/* What all the entries from <= i < to begin with, of which there is at least
 * one: they are in order, so it is what the first and the last share. */
static size_t shared_prefix(const struct source *src, unsigned from,
			    unsigned to, struct held *first)
{
	struct held last;
	size_t len;

	source_entry(src, from, first);
	source_entry(src, to - 1, &last);
	len = shared_len(first->e.key, last.e.key);
	return len < NODE_PREFIX_MAX ? len : NODE_PREFIX_MAX;
}

/*
 * The prefix for a node of these entries, and the size that it comes to. The
 * longest is the best for searching, but can take more room than it saves,
 * where the suffixes are short or outside. When that is too much, it is what
 * the entries had before: so a part of a node always fits.
 */
static size_t choose_prefix(const struct source *src, unsigned from,
			    unsigned to, struct held *first, size_t *bytes)
{
	size_t len = shared_prefix(src, from, to, first);
	size_t before = src->left->prefix_len;

	*bytes = bytes_with(src, from, to, len);
	if (src->right != NULL && src->right->prefix_len < before)
		before = src->right->prefix_len;
	if (*bytes <= NODE_SIZE || before >= len)
		return len;
	*bytes = bytes_with(src, from, to, before);
	return before;
}

size_t source_bytes(const struct source *src, unsigned from, unsigned to)
{
	struct held first;
	size_t bytes = NODE_HEADER;

	if (from < to)
		(void)choose_prefix(src, from, to, &first, &bytes);
	return bytes;
}

bool source_fits(const struct source *src, unsigned from, unsigned to)
{
	return source_bytes(src, from, to) <= NODE_SIZE;
}

void source_cut(const struct source *src, unsigned parts, unsigned *cuts)
{
	unsigned count = source_count(src), cut = 0;
	size_t total = 0, sum = 0, prefix_len;
	struct held first;

	prefix_len = shared_prefix(src, 0, count, &first);
	for (unsigned i = 0; i < count; i++)
		total += ENTRY_FIXED + entry_heap(src, i, prefix_len);
	for (unsigned i = 0; i < count && cut < parts - 1; i++) {
		size_t size = ENTRY_FIXED + entry_heap(src, i, prefix_len);

		/* The entry that lies across the border goes to the side
		 * where most of it lies. */
		if ((sum + size / 2) * parts >= total * (cut + 1))
			cuts[cut++] = i;
		sum += size;
	}
	while (cut < parts - 1)
		cuts[cut++] = count;
}

void source_separator(const struct source *src, unsigned m, struct held *left,
		      struct held *out)
{
	source_entry(src, m - 1, left);
	source_entry(src, m, out);
	out->e.key.len = shared_len(left->e.key, out->e.key) + 1;
	out->e.block = NULL;
}

void node_build(struct node *nd, const struct source *src, unsigned from,
		unsigned to)
{
	struct held one;
	size_t bytes;

	nd->n = (uint16_t)(to - from);
	nd->heap = NODE_SIZE;
	nd->dead = 0;
	nd->prefix_len = 0;
	if (from == to)
		return;
	nd->prefix_len = (uint8_t)choose_prefix(src, from, to, &one, &bytes);
	assert(bytes <= NODE_SIZE);
	memcpy(node_prefix(nd), one.e.key.data, nd->prefix_len);
	for (unsigned i = from; i < to; i++) {
		unsigned j = i;
		const struct node *old = locate(src, &j);

		if (old != NULL && old->prefix_len == nd->prefix_len) {
			node_copy(nd, i - from, old, j);
		} else {
			source_entry(src, i, &one);
			node_write(nd, i - from, &one.e);
		}
	}
}

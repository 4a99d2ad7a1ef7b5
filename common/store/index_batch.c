/*
 * index_batch.c - many lookups at once. A lookup on its own spends most of its
 * time waiting for memory, one level after the other; a group of them takes
 * each step together, so that their waits overlap: while one key is searched
 * for in its node, the nodes of the next ones are on their way. All leaves are
 * equally deep, so the group stays in step.
 */
#include "store/index_node.h"

/* As many as keep the memory system busy without washing each other's lines
 * out of the first-level cache. */
#define GROUP 16u

/* The last steps: to the heads, to the slot and the value, to the rest of the
 * key; the search at the end then finds it all at hand. */
static void get_in_leaves(const struct node *const *leaf,
			  const struct slice *keys, size_t n, uint64_t *locs)
{
	unsigned at[GROUP];

	for (size_t i = 0; i < n; i++) {
		at[i] = node_guess(leaf[i], keys[i]);
		__builtin_prefetch(node_slots(leaf[i]) + at[i]);
		__builtin_prefetch(node_values(leaf[i]) + at[i]);
	}
	for (size_t i = 0; i < n; i++)
		if (at[i] < leaf[i]->n)
			__builtin_prefetch(
				node_at(leaf[i], node_slots(leaf[i])[at[i]]));
	for (size_t i = 0; i < n; i++)
		locs[i] = node_find(leaf[i], keys[i], &at[i])
				  ? node_values(leaf[i])[at[i]]
				  : INDEX_MISSING;
}

static void get_group(const struct index *ix, const struct slice *keys,
		      size_t n, uint64_t *locs)
{
	const struct node *nd[GROUP];

	for (size_t i = 0; i < n; i++)
		nd[i] = ix->root;
	for (unsigned level = ix->height - 1; level > 0; level--) {
		for (size_t i = 0; i < n; i++) {
			nd[i] = node_child(nd[i], node_descend(nd[i], keys[i]));
			node_prefetch(nd[i]);
		}
	}
	get_in_leaves(nd, keys, n, locs);
}

void index_get_many(const struct index *ix, const struct slice *keys, size_t n,
		    uint64_t *locs)
{
	if (ix->root == NULL) {
		for (size_t i = 0; i < n; i++)
			locs[i] = INDEX_MISSING;
		return;
	}
	for (size_t done = 0; done < n; done += GROUP) {
		size_t some = n - done < GROUP ? n - done : GROUP;

		get_group(ix, keys + done, some, locs + done);
	}
}

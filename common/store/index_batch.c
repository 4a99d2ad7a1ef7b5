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
static void get_in_leaves(const struct index *ix, struct node *const *leaf,
			  const struct slice *keys, size_t n,
			  struct index_place *places)
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
	for (size_t i = 0; i < n; i++) {
		struct index_place *p = &places[i];

		p->leaf = NULL;
		if (!node_find(leaf[i], keys[i], &at[i]))
			continue;
		p->leaf = leaf[i];
		p->location = node_values(leaf[i])[at[i]];
		p->shape = ix->shape;
		p->slot = at[i];
	}
}

static void get_group(const struct index *ix, const struct slice *keys,
		      size_t n, struct index_place *places)
{
	struct node *nd[GROUP];

	for (size_t i = 0; i < n; i++)
		nd[i] = ix->root;
	for (unsigned level = ix->height - 1; level > 0; level--) {
		for (size_t i = 0; i < n; i++) {
			nd[i] = node_child(nd[i], node_descend(nd[i], keys[i]));
			node_prefetch(nd[i]);
		}
	}
	get_in_leaves(ix, nd, keys, n, places);
}

void index_get_many(const struct index *ix, const struct slice *keys, size_t n,
		    struct index_place *places)
{
	if (ix->root == NULL) {
		for (size_t i = 0; i < n; i++)
			places[i].leaf = NULL;
		return;
	}
	for (size_t done = 0; done < n; done += GROUP) {
		size_t some = n - done < GROUP ? n - done : GROUP;

		get_group(ix, keys + done, some, places + done);
	}
}

bool index_at(const struct index *ix, const struct index_place *place,
	      uint64_t *loc)
{
	if (place->leaf == NULL || place->shape != ix->shape)
		return false;
	*loc = node_values(place->leaf)[place->slot];
	return true;
}

bool index_replace(struct index *ix, const struct index_place *place,
		   struct slice key, uint64_t loc, uint64_t *old)
{
	struct node *leaf = place->leaf;
	unsigned at = place->slot;
	value_t *value;

	if (leaf == NULL || place->shape != ix->shape ||
	    !node_find(leaf, key, &at))
		return false;
	value = node_values(leaf) + at;
	*old = *value;
	*value = loc;
	ix->changes++;
	return true;
}

/*
 * index_verify.c - the check of a whole tree, for tests: what every other part
 * relies on, said once more and independently.
 */
#include "store/index_node.h"

#include <stdlib.h>

struct walk {
	const struct node *last_leaf;
	uint64_t keys;
	size_t nodes;
	size_t long_keys;
};

/* The keys of a subtree lie in low <= key < high; no data: no bound. */
struct bounds {
	struct slice low, high;
};

static const char *check_heap(const struct node *nd)
{
	size_t live = 0;

	for (unsigned i = 0; i < nd->n; i++) {
		bool outside;
		size_t len = node_key_len(nd, i, &outside);

		if (outside != (len > KEY_INLINE_MAX))
			return "a key is kept in the wrong place";
		live += heap_bytes(len, outside, nd->prefix_len);
		if (node_slots(nd)[i] > HEAD_BYTES &&
		    node_slots(nd)[i] < nd->heap)
			return "a slot points out of the heap";
	}
	if (live + nd->dead != NODE_SIZE - nd->heap)
		return "the heap's bytes do not add up";
	if (arrays_end(nd->prefix_len, nd->n) > nd->heap)
		return "the heap runs into the arrays";
	return NULL;
}

static const char *check_node(struct walk *walk, const struct node *nd,
			      struct bounds bounds);

/* The child between key `at` - 1 and key `at` of an inner node. */
static const char *check_child(struct walk *walk, const struct node *nd,
			       unsigned at, struct bounds bounds)
{
	struct node *child = node_child(nd, (int)at - 1);
	struct held low, high;

	if (child->level + 1 != nd->level)
		return "a child is on the wrong level";
	if (at > 0) {
		node_entry(nd, at - 1, &low);
		bounds.low = low.e.key;
	}
	if (at < nd->n) {
		node_entry(nd, at, &high);
		bounds.high = high.e.key;
	}
	return check_node(walk, child, bounds);
}

static const char *check_order(struct walk *walk, const struct node *nd,
			       struct bounds bounds)
{
	struct held held[2];

	for (unsigned i = 0; i < nd->n; i++) {
		struct held *one = &held[i % 2];
		bool found;

		node_entry(nd, i, one);
		walk->long_keys += one->e.block != NULL;
		if (i > 0 &&
		    slice_cmp(held[(i + 1) % 2].e.key, one->e.key) >= 0)
			return "keys are out of order";
		if (bounds.low.data != NULL &&
		    slice_cmp(one->e.key, bounds.low) < 0)
			return "a key is below its subtree's bound";
		if (bounds.high.data != NULL &&
		    slice_cmp(one->e.key, bounds.high) >= 0)
			return "a key is above its subtree's bound";
		if (node_search(nd, one->e.key, &found) != i || !found)
			return "a key is not found where it is";
	}
	return NULL;
}

static const char *check_leaf(struct walk *walk, const struct node *leaf)
{
	if (leaf->n == 0)
		return "a leaf is empty";
	if (leaf->prev != walk->last_leaf)
		return "a leaf's link back is wrong";
	if (walk->last_leaf != NULL && walk->last_leaf->next != leaf)
		return "a leaf's link forward is wrong";
	walk->last_leaf = leaf;
	walk->keys += leaf->n;
	return NULL;
}

static const char *check_node(struct walk *walk, const struct node *nd,
			      struct bounds bounds)
{
	const char *wrong;

	walk->nodes++;
	wrong = check_heap(nd);
	if (wrong == NULL)
		wrong = check_order(walk, nd, bounds);
	if (wrong == NULL && nd->level == 0)
		wrong = check_leaf(walk, nd);
	if (nd->level == 0)
		return wrong;
	for (unsigned i = 0; wrong == NULL && i <= nd->n; i++)
		wrong = check_child(walk, nd, i, bounds);
	return wrong;
}

const char *index_verify(const struct index *ix)
{
	struct walk walk = {0};
	struct bounds all = {0};
	const char *wrong;

	if (ix->root != NULL) {
		if (ix->root->level + 1u != ix->height)
			return "the height is wrong";
		if (ix->height > 1 && ix->root->n == 0)
			return "the root has a single child";
		wrong = check_node(&walk, ix->root, all);
		if (wrong != NULL)
			return wrong;
		if (walk.last_leaf->next != NULL)
			return "the chain of leaves goes on after the last";
	}
	if (walk.keys != ix->count)
		return "the count of keys is wrong";
	if (walk.nodes != ix->pool.used)
		return "a node is lost";
	if (walk.long_keys != ix->pool.long_keys)
		return "a long key is lost";
	return NULL;
}

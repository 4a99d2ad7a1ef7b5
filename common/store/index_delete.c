/*
 * index_delete.c - removing from the tree, without needing memory: entries
 * only ever move into nodes that are there, and a merge takes a separator out
 * of the parent but never needs a new one. So a node that is nearly empty is
 * merged with a neighbour if both go into one and leave some room, and else
 * left alone until it is empty.
 */
#include "store/index_node.h"

#include <assert.h>

/* Below this a node looks for a neighbour to merge with; up to that the two
 * may fill one, so that the next insertion does not split it again. */
#define MERGE_BELOW (NODE_SIZE / 4)
#define MERGED_MAX (NODE_SIZE * 3 / 4)

static void unlink_leaf(struct node *leaf)
{
	if (leaf->prev != NULL)
		leaf->prev->next = leaf->next;
	if (leaf->next != NULL)
		leaf->next->prev = leaf->prev;
}

/* A root with a single child gives way to it. */
static void lower_root(struct index *ix)
{
	while (ix->height > 1 && ix->root->n == 0) {
		struct node *root = ix->root;

		ix->root = root->first;
		ix->height--;
		node_free(&ix->pool, root);
	}
}

/* Merges the child at `slot` of the parent into its left neighbour if the two
 * fit well within one. */
static bool merge_into_left(struct index *ix, struct node *parent, int slot)
{
	struct node *left = node_child(parent, slot - 1);
	struct node *right = node_child(parent, slot);
	struct node old_left, old_right;
	struct source src = {.left = left, .right = right};
	struct long_key *block;
	struct held sep;
	unsigned total;

	/* A shorter prefix can only make it more. */
	if (node_live(left) + node_live(right) > NODE_SIZE + NODE_PREFIX_MAX)
		return false;
	node_entry(parent, (unsigned)slot, &sep);
	if (right->level > 0) {
		/* What was the border becomes the key of right's first. */
		sep.e.value = child_value(right->first);
		src.extra = &sep.e;
		src.extra_at = left->n;
	}
	total = source_count(&src);
	if (source_bytes(&src, 0, total) > MERGED_MAX)
		return false;
	old_left = *left;
	old_right = *right;
	src.left = &old_left;
	src.right = &old_right;
	node_build(left, &src, 0, total);
	if (right->level == 0)
		unlink_leaf(right);
	node_free(&ix->pool, right);
	block = node_remove(parent, (unsigned)slot);
	if (src.extra == NULL)
		long_key_free(&ix->pool, block);
	return true;
}

/* Looks after the nodes of the path from `level` up: merges what has become
 * too small. */
static void merge_up(struct index *ix, struct path *path, unsigned level)
{
	for (; level + 1 < ix->height; level++) {
		struct node *parent = path->node[level + 1];
		int slot = path->slot[level + 1];

		if (node_live(path->node[level]) >= MERGE_BELOW)
			break;
		if (!(slot >= 0 && merge_into_left(ix, parent, slot)) &&
		    !(slot + 1 < parent->n &&
		      merge_into_left(ix, parent, slot + 1)))
			break;
	}
	lower_root(ix);
}

/* Takes the node of the path at `level`, which has become empty, out of the
 * tree, and what is empty above it as well. */
static void drop_up(struct index *ix, struct path *path, unsigned level)
{
	for (;; level++) {
		struct node *parent;
		int slot;

		node_free(&ix->pool, path->node[level]);
		if (level + 1 == ix->height) {
			ix->root = NULL;
			ix->height = 0;
			return;
		}
		parent = path->node[level + 1];
		slot = path->slot[level + 1];
		if (slot < 0 && parent->n == 0)
			continue;
		if (slot < 0) {
			parent->first = node_child(parent, 0);
			slot = 0;
		}
		long_key_free(&ix->pool, node_remove(parent, (unsigned)slot));
		merge_up(ix, path, level + 1);
		return;
	}
}

bool index_delete(struct index *ix, struct slice key, uint64_t *old)
{
	bool found = false;
	struct node *leaf;
	struct path path;
	unsigned at;

	assert(!ix->loading);
	ix->changes++;
	if (ix->root == NULL)
		return false;
	leaf = index_path(ix, key, &path);
	at = node_search(leaf, key, &found);
	if (!found)
		return false;
	ix->shape++;
	*old = node_values(leaf)[at];
	long_key_free(&ix->pool, node_remove(leaf, at));
	ix->count--;
	if (leaf->n > 0) {
		merge_up(ix, &path, 0);
	} else {
		unlink_leaf(leaf);
		drop_up(ix, &path, 0);
	}
	return true;
}

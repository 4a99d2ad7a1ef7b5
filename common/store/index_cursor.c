/*
 * index_cursor.c - walking the keys in order, along the chain of leaves.
 */
#include "store/index_node.h"

/* The outermost leaf on one side. */
static struct node *edge_leaf(const struct index *ix, bool right)
{
	struct node *nd = ix->root;

	while (nd != NULL && nd->level > 0)
		nd = node_child(nd, right ? (int)nd->n - 1 : -1);
	return nd;
}

static void stand(struct index_cursor *cur, const struct index *ix,
		  struct node *leaf, unsigned slot)
{
	*cur = (struct index_cursor){
		.ix = ix, .leaf = leaf, .slot = slot, .valid = leaf != NULL};
}

void index_seek(const struct index *ix, struct slice key,
		struct index_cursor *cur)
{
	struct node *leaf = index_leaf(ix, key);
	bool found;
	unsigned at = leaf != NULL ? node_search(leaf, key, &found) : 0;

	if (leaf != NULL && at == leaf->n) {
		leaf = leaf->next;
		at = 0;
	}
	stand(cur, ix, leaf, at);
}

void index_seek_before(const struct index *ix, struct slice key,
		       struct index_cursor *cur)
{
	struct node *leaf;
	bool found;
	unsigned at;

	if (key.len == 0) {
		leaf = edge_leaf(ix, true);
		at = leaf != NULL ? leaf->n : 0;
	} else {
		leaf = index_leaf(ix, key);
		at = leaf != NULL ? node_search(leaf, key, &found) : 0;
	}
	if (leaf != NULL && at == 0) {
		leaf = leaf->prev;
		at = leaf != NULL ? leaf->n : 0;
	}
	stand(cur, ix, leaf, leaf != NULL ? at - 1 : 0);
}

void index_next(struct index_cursor *cur)
{
	struct node *leaf = cur->leaf;

	if (++cur->slot < leaf->n)
		return;
	stand(cur, cur->ix, leaf->next, 0);
	if (cur->valid && leaf->next->next != NULL)
		node_prefetch(leaf->next->next);
}

void index_prev(struct index_cursor *cur)
{
	struct node *leaf = cur->leaf;

	if (cur->slot-- > 0)
		return;
	leaf = leaf->prev;
	stand(cur, cur->ix, leaf, leaf != NULL ? leaf->n - 1u : 0);
}

uint64_t index_cursor_location(const struct index_cursor *cur)
{
	return node_values(cur->leaf)[cur->slot];
}

void index_cursor_key(const struct index_cursor *cur, struct buf *key)
{
	struct held one;

	node_entry(cur->leaf, cur->slot, &one);
	buf_clear(key);
	buf_append_slice(key, one.e.key);
}

/*
 * index_load.c - building from sorted keys. Each key goes to the right edge of
 * the tree, which takes no search; a full leaf there is left behind as it is
 * (index_put.c) and the next one begun.
 */
#include "store/index_node.h"

#include "kv.h"

static struct node *right_edge(const struct index *ix, struct path *path)
{
	struct node *nd = ix->root;

	for (unsigned level = ix->height - 1; level > 0; level--) {
		path->node[level] = nd;
		path->slot[level] = (int)nd->n - 1;
		nd = node_child(nd, path->slot[level]);
	}
	path->node[0] = nd;
	return nd;
}

int index_load(struct index *ix, struct slice key, uint64_t loc)
{
	struct node *leaf;
	struct path path;
	bool found;

	ix->loading = true;
	if (ix->root == NULL)
		return index_insert_first(ix, key, loc);
	leaf = right_edge(ix, &path);
	if (node_search(leaf, key, &found) != leaf->n)
		return KV_EDATA;
	return index_insert(ix, &path, leaf->n, key, loc);
}

int index_load_end(struct index *ix)
{
	ix->loading = false;
	return 0;
}

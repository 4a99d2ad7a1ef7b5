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
	struct path path;

	if (ix->root == NULL)
		return index_insert_first(ix, key, loc);
	return index_insert(ix, &path, right_edge(ix, &path)->n, key, loc);
}

int index_load_end(struct index *ix)
{
	(void)ix; /* each key is in its final place already */
	return 0;
}

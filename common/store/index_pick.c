/*
 * index_pick.c - a key at random: a walk from the root that takes any child,
 * then any entry. Nodes are between about half full and full, so that no key
 * is more than a few times as likely as another, whatever the keys look like.
 */
#include "store/index_node.h"

/* The next choice among n, out of the bits of *random. */
static unsigned choose(uint64_t *random, unsigned n)
{
	unsigned chosen = (unsigned)((*random >> 32) % n);

	*random = *random * 6364136223846793005u + 1442695040888963407u;
	return chosen;
}

void index_pick(const struct index *ix, uint64_t random,
		struct index_cursor *cur)
{
	struct node *nd = ix->root;

	while (nd != NULL && nd->level > 0)
		nd = node_child(nd, (int)choose(&random, nd->n + 1u) - 1);
	*cur = (struct index_cursor){
		.ix = ix,
		.leaf = nd,
		.slot = nd != NULL ? choose(&random, nd->n) : 0,
		.valid = nd != NULL,
	};
}

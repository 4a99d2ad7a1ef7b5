/*
 * index_put.c - inserting into the tree.
 *
 * A full leaf is dealt with in one of three ways:
 *
 * - Where insertions have been going steadily up or down, it is cut at the
 *   place of the insertion, so that sorted input leaves full nodes behind.
 * - Otherwise it shares its entries with a neighbour below the same parent:
 *   with one that has room, evenly; with one that is full as well, the two
 *   become three. So leaves stay two thirds full or better, also right after
 *   a load that filled every one of them, and about 80% under random input (a
 *   plain B+tree: half, and 69%).
 * - Where there is no such neighbour, it is cut in the middle.
 *
 * All that needs memory is asked for before anything is changed. A separator
 * that no longer fits its parent splits that in turn; inner nodes are one
 * hundredth of the tree, they are just cut in two.
 */
#include "store/index_node.h"

#include "kv.h"

/* So many insertions next to each other are a run. By chance it happens in a
 * node of 50 keys once in 6 million insertions. */
#define RUN_MIN 4

/* A neighbour filled up to here takes over entries rather than being split.
 * Higher: fuller nodes, more work. */
#define SHARE_BELOW (NODE_SIZE * 3 / 4)

/* Gives a separator its block if it is a long one. */
static bool make_outside(struct index *ix, struct held *sep)
{
	if (sep->e.key.len <= KEY_INLINE_MAX)
		return true;
	sep->e.block = long_key_new(&ix->pool, sep->e.key);
	if (sep->e.block == NULL)
		return false;
	sep->e.key = slice_of(sep->e.block->data, sep->e.block->len);
	return true;
}

static bool is_run(const struct node *nd, unsigned at)
{
	return (nd->up >= RUN_MIN && at == nd->last + 1u) ||
	       (nd->down >= RUN_MIN && at == nd->last);
}

static void forget_run(struct node *nd, unsigned last)
{
	nd->up = 0;
	nd->down = 0;
	nd->last = (uint16_t)last;
}

static void link_after(struct node *leaf, struct node *next)
{
	next->prev = leaf;
	next->next = leaf->next;
	if (next->next != NULL)
		next->next->prev = next;
	leaf->next = next;
}

/* ---- inner nodes ---- */

static void grow_root(struct index *ix, const struct held *sep)
{
	struct node *root = node_new(&ix->pool, ix->height);

	root->first = ix->root;
	(void)node_admit(root, 0, &sep->e); /* an empty node has room */
	ix->root = root;
	ix->height++;
}

/*
 * Splits an inner node that has no room for *sep at `at`. The entry at the cut
 * moves up: it replaces *sep. Where the new separator breaks a prefix that the
 * node depends on it stands at an edge, and cutting there keeps the rest as it
 * is.
 */
static void split_inner(struct index *ix, struct node *nd, unsigned at,
			struct held *sep)
{
	struct node old = *nd;
	struct source src = {.left = &old, .extra = &sep->e, .extra_at = at};
	struct node *right = node_new(&ix->pool, nd->level);
	unsigned total = nd->n + 1u, m = at;
	struct held middle;

	if (!is_run(nd, at)) {
		source_cut(&src, 2, &m);
		if (m == total || !source_fits(&src, 0, m) ||
		    !source_fits(&src, m + 1, total))
			m = at;
	}
	source_entry(&src, m, &middle);
	right->first = (struct node *)(uintptr_t)middle.e.value;
	node_build(nd, &src, 0, m);
	node_build(right, &src, m + 1, total);
	forget_run(nd, at);
	forget_run(right, at > m ? at - m - 1 : 0);
	middle.e.value = child_value(right);
	held_set(sep, &middle.e);
}

/* Puts the separator behind the child that the path takes at this level, and
 * on up from there. */
static void insert_up(struct index *ix, struct path *path, unsigned level,
		      struct held *sep)
{
	for (;; level++) {
		struct node *nd;
		unsigned at;

		if (level == ix->height) {
			grow_root(ix, sep);
			return;
		}
		nd = path->node[level];
		at = (unsigned)(path->slot[level] + 1);
		if (node_admit(nd, at, &sep->e))
			return;
		split_inner(ix, nd, at, sep);
	}
}

/* ---- leaves ---- */

static bool halves_fit(const struct source *src, unsigned m)
{
	unsigned total = source_count(src);

	return m > 0 && m < total && source_fits(src, 0, m) &&
	       source_fits(src, m, total);
}

/* Where to cut a leaf that has no room for e at `at`. */
static unsigned leaf_cut(const struct source *src, const struct node *leaf,
			 unsigned at)
{
	unsigned m;

	if (is_run(leaf, at)) {
		m = at == leaf->last ? at + 1 : at;
		if (halves_fit(src, m))
			return m;
	}
	source_cut(src, 2, &m);
	if (halves_fit(src, m))
		return m;
	/* The key breaks the prefix, so it stands at an edge: cut it off. */
	return at == 0 ? 1 : at;
}

static int split_leaf(struct index *ix, struct path *path, unsigned at,
		      const struct entry *e)
{
	struct node *leaf = path->node[0], *right;
	struct node old = *leaf;
	struct source src = {.left = &old, .extra = e, .extra_at = at};
	unsigned m = leaf_cut(&src, leaf, at);
	struct held below, sep;

	source_separator(&src, m, &below, &sep);
	if (!make_outside(ix, &sep))
		return KV_ENOMEM;
	right = node_new(&ix->pool, 0);
	sep.e.value = child_value(right);
	link_after(leaf, right);
	node_build(leaf, &src, 0, m);
	node_build(right, &src, m, old.n + 1u);
	forget_run(leaf, at);
	forget_run(right, at >= m ? at - m : 0);
	insert_up(ix, path, 1, &sep);
	return 0;
}

/* Two neighbours below one parent and a new entry, to be spread over two or
 * three leaves. */
struct share {
	struct node *leaf[3]; /* the third is new */
	int right_slot;	      /* of leaf[1] in the parent */
	unsigned parts;
	unsigned edge[4]; /* part i holds edge[i] <= entry < edge[i + 1] */
	struct node old[2];
	struct source src;
	struct node parent; /* as it will be */
	struct held sep[2]; /* in front of parts 1 and 2 */
};

/* Chooses the neighbour, the one with more room, and the cuts. */
static bool share_plan(struct share *sh, const struct path *path, unsigned at,
		       const struct entry *e)
{
	const struct node *parent = path->node[1];
	struct node *leaf = path->node[0], *prev = NULL, *next = NULL, *other;
	int slot = path->slot[1];

	if (slot >= 0)
		prev = node_child(parent, slot - 1);
	if (slot + 1 < parent->n)
		next = node_child(parent, slot + 1);
	if (prev == NULL && next == NULL)
		return false;
	if (next == NULL || (prev != NULL && node_live(prev) < node_live(next)))
		other = prev;
	else
		other = next;
	sh->leaf[0] = other == prev ? prev : leaf;
	sh->leaf[1] = other == prev ? leaf : next;
	sh->right_slot = other == prev ? slot : slot + 1;
	sh->old[0] = *sh->leaf[0];
	sh->old[1] = *sh->leaf[1];
	sh->src = (struct source){.left = &sh->old[0],
				  .right = &sh->old[1],
				  .extra = e,
				  .extra_at =
					  at + (other == prev ? prev->n : 0u)};
	sh->parts = node_live(other) < SHARE_BELOW ? 2 : 3;
	sh->edge[0] = 0;
	source_cut(&sh->src, sh->parts, sh->edge + 1);
	sh->edge[sh->parts] = source_count(&sh->src);
	for (unsigned i = 0; i < sh->parts; i++)
		if (sh->edge[i] >= sh->edge[i + 1] ||
		    !source_fits(&sh->src, sh->edge[i], sh->edge[i + 1]))
			return false;
	return true;
}

/* The parent with the separator of the two leaves replaced, tried on a copy.
 * *dropped is then the old separator's block. */
static bool share_parent(struct share *sh, const struct path *path,
			 struct long_key **dropped)
{
	sh->parent = *path->node[1];
	sh->sep[0].e.value = child_value(sh->leaf[1]);
	*dropped = node_remove(&sh->parent, (unsigned)sh->right_slot);
	return node_admit(&sh->parent, (unsigned)sh->right_slot, &sh->sep[0].e);
}

static void share_commit(struct index *ix, struct share *sh, struct path *path)
{
	*path->node[1] = sh->parent;
	if (sh->parts == 3) {
		sh->leaf[2] = node_new(&ix->pool, 0);
		link_after(sh->leaf[1], sh->leaf[2]);
	}
	for (unsigned i = 0; i < sh->parts; i++) {
		node_build(sh->leaf[i], &sh->src, sh->edge[i], sh->edge[i + 1]);
		forget_run(sh->leaf[i], sh->src.extra_at > sh->edge[i]
						? sh->src.extra_at - sh->edge[i]
						: 0);
	}
	if (sh->parts == 3) {
		sh->sep[1].e.value = child_value(sh->leaf[2]);
		path->slot[1] = sh->right_slot;
		insert_up(ix, path, 1, &sh->sep[1]);
	}
}

/* Shares a full leaf's entries with a neighbour; *done says whether that was
 * possible. 0 or KV_ENOMEM. */
static int share_leaf(struct index *ix, struct path *path, unsigned at,
		      const struct entry *e, bool *done)
{
	struct long_key *dropped;
	struct held below;
	struct share sh;

	*done = false;
	if (ix->height < 2 || !share_plan(&sh, path, at, e))
		return 0;
	for (unsigned i = 0; i + 1 < sh.parts; i++)
		source_separator(&sh.src, sh.edge[i + 1], &below, &sh.sep[i]);
	if (!make_outside(ix, &sh.sep[0]))
		return KV_ENOMEM;
	if (!share_parent(&sh, path, &dropped)) {
		long_key_free(&ix->pool, sh.sep[0].e.block);
		return 0;
	}
	if (sh.parts == 3 && !make_outside(ix, &sh.sep[1])) {
		long_key_free(&ix->pool, sh.sep[0].e.block);
		return KV_ENOMEM;
	}
	long_key_free(&ix->pool, dropped);
	share_commit(ix, &sh, path);
	*done = true;
	return 0;
}

static int insert_full(struct index *ix, struct path *path, unsigned at,
		       const struct entry *e)
{
	bool done = false;
	int r;

	/* One leaf, one node on each level above, and a new root. */
	if (ix->height == INDEX_HEIGHT_MAX ||
	    !pool_reserve(&ix->pool, ix->height + 1))
		return KV_ENOMEM;
	if (!is_run(path->node[0], at)) {
		r = share_leaf(ix, path, at, e, &done);
		if (r != 0 || done)
			return r;
	}
	return split_leaf(ix, path, at, e);
}

int index_insert(struct index *ix, struct path *path, unsigned at,
		 struct slice key, uint64_t loc)
{
	struct entry e = {.key = key, .value = loc};

	ix->shape++;
	if (key.len > KEY_INLINE_MAX) {
		e.block = long_key_new(&ix->pool, key);
		if (e.block == NULL)
			return KV_ENOMEM;
		e.key = slice_of(e.block->data, key.len);
	}
	if (!node_admit(path->node[0], at, &e) &&
	    insert_full(ix, path, at, &e) != 0) {
		long_key_free(&ix->pool, e.block);
		return KV_ENOMEM;
	}
	ix->count++;
	return 0;
}

int index_insert_first(struct index *ix, struct slice key, uint64_t loc)
{
	struct path path;

	if (!pool_reserve(&ix->pool, 1))
		return KV_ENOMEM;
	ix->root = node_new(&ix->pool, 0);
	ix->height = 1;
	path.node[0] = ix->root;
	if (index_insert(ix, &path, 0, key, loc) != 0) {
		node_free(&ix->pool, ix->root);
		ix->root = NULL;
		ix->height = 0;
		return KV_ENOMEM;
	}
	return 0;
}

/*
 * index_pool.c - where the nodes and the long keys of an index lie.
 *
 * Nodes are carved from slabs of 2 MiB, aligned to their size: such a slab can
 * be one huge page, which spares a random lookup most of its misses in the
 * TLB, and a node's slab is found by masking its address. The first slab is
 * kept in small pages that come as they are touched, so that a small index
 * stays small. A slab whose nodes are all free goes back to the system unless
 * there would be little left to serve the next insertions from.
 */
#include "store/index_node.h"

#include <assert.h>
#include <stdlib.h>
#include <sys/mman.h>

#define SLAB_SIZE ((size_t)2 << 20)
/* The first node's place holds the slab's own header. */
#define SLAB_NODES (SLAB_SIZE / NODE_SIZE - 1)

struct slab {
	LIST_ENTRY(slab) link;
	struct node *free; /* linked by `first` */
	unsigned carved;   /* nodes that were ever handed out */
	unsigned used;
	bool huge;
};

/* SLAB_SIZE bytes on a multiple of SLAB_SIZE; NULL: out of memory. */
static void *map_aligned(void)
{
	size_t ask = 2 * SLAB_SIZE;
	char *p = mmap(NULL, ask, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	size_t before;

	if (p == MAP_FAILED)
		return NULL;
	before = (SLAB_SIZE - (uintptr_t)p % SLAB_SIZE) % SLAB_SIZE;
	if (before != 0)
		munmap(p, before);
	munmap(p + before + SLAB_SIZE, SLAB_SIZE - before);
	return p + before;
}

static size_t slab_bytes(const struct slab *slab)
{
	return slab->huge ? SLAB_SIZE : (slab->carved + 1) * (size_t)NODE_SIZE;
}

static bool slab_add(struct pool *pool)
{
	struct slab *slab = map_aligned();
	bool huge = !LIST_EMPTY(&pool->roomy) || !LIST_EMPTY(&pool->full);

	if (slab == NULL)
		return false;
	/* Only advice: without it all works, but for speed. */
	(void)madvise(slab, SLAB_SIZE, huge ? MADV_HUGEPAGE : MADV_NOHUGEPAGE);
	slab->huge = huge;
	pool->slab_bytes += slab_bytes(slab);
	pool->spare += SLAB_NODES;
	LIST_INSERT_HEAD(&pool->roomy, slab, link);
	return true;
}

static void slab_drop(struct pool *pool, struct slab *slab)
{
	LIST_REMOVE(slab, link);
	pool->slab_bytes -= slab_bytes(slab);
	pool->spare -= SLAB_NODES - slab->used;
	munmap(slab, SLAB_SIZE);
}

void pool_init(struct pool *pool)
{
	*pool = (struct pool){0};
	LIST_INIT(&pool->roomy);
	LIST_INIT(&pool->full);
}

void pool_release(struct pool *pool)
{
	while (!LIST_EMPTY(&pool->roomy))
		slab_drop(pool, LIST_FIRST(&pool->roomy));
	while (!LIST_EMPTY(&pool->full))
		slab_drop(pool, LIST_FIRST(&pool->full));
}

size_t pool_memory(const struct pool *pool)
{
	return pool->slab_bytes + pool->long_bytes;
}

bool pool_reserve(struct pool *pool, size_t nodes)
{
	while (pool->spare < nodes)
		if (!slab_add(pool))
			return false;
	return true;
}

struct node *node_new(struct pool *pool, unsigned level)
{
	struct slab *slab = LIST_FIRST(&pool->roomy);
	struct node *nd;

	assert(slab != NULL); /* reserved */
	nd = slab->free;
	if (nd != NULL) {
		slab->free = nd->first;
	} else {
		pool->slab_bytes -= slab_bytes(slab);
		slab->carved++;
		pool->slab_bytes += slab_bytes(slab);
		nd = (struct node *)((uintptr_t)slab +
				     slab->carved * (size_t)NODE_SIZE);
	}
	slab->used++;
	if (slab->used == SLAB_NODES) {
		LIST_REMOVE(slab, link);
		LIST_INSERT_HEAD(&pool->full, slab, link);
	}
	pool->spare--;
	pool->used++;
	memset(nd, 0, NODE_HEADER);
	nd->heap = NODE_SIZE;
	nd->level = (uint8_t)level;
	return nd;
}

void node_free(struct pool *pool, struct node *nd)
{
	struct slab *slab =
		(struct slab *)((uintptr_t)nd & ~(uintptr_t)(SLAB_SIZE - 1));

	nd->first = slab->free;
	slab->free = nd;
	if (slab->used == SLAB_NODES) {
		LIST_REMOVE(slab, link);
		LIST_INSERT_HEAD(&pool->roomy, slab, link);
	}
	slab->used--;
	pool->spare++;
	pool->used--;
	if (slab->used == 0 && pool->spare >= SLAB_NODES + SLAB_NODES / 4)
		slab_drop(pool, slab);
}

/* What malloc() takes for a block, as near as one can tell from outside. */
static size_t long_key_bytes(size_t len)
{
	return (sizeof(struct long_key) + len + sizeof(size_t) + 15) &
	       ~(size_t)15;
}

struct long_key *long_key_new(struct pool *pool, struct slice key)
{
	struct long_key *block = malloc(sizeof(*block) + key.len);

	if (block == NULL)
		return NULL;
	block->len = (uint32_t)key.len;
	memcpy(block->data, key.data, key.len);
	pool->long_bytes += long_key_bytes(key.len);
	pool->long_keys++;
	return block;
}

void long_key_free(struct pool *pool, struct long_key *block)
{
	if (block == NULL)
		return;
	pool->long_bytes -= long_key_bytes(block->len);
	pool->long_keys--;
	free(block);
}

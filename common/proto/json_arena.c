/*
 * json_arena.c - see json_arena.h. Blocks double in size, so that n bytes cost
 * O(log n) requests to the system. Large ones are mapped and unmapped by
 * themselves: malloc() may hold on to freed memory, and one client's huge line
 * must not stay with the server.
 */
#include "proto/json_arena.h"

#include "proto/json_tree.h"

#include <stdlib.h>
#include <sys/mman.h>

static size_t block_bytes(size_t cap)
{
	return sizeof(struct bump_block) + cap;
}

static struct bump_block *block_new(size_t cap)
{
	struct bump_block *block;

	if (cap > SIZE_MAX - sizeof(struct bump_block))
		return NULL;
	if (cap <= ARENA_KEEP) {
		block = malloc(block_bytes(cap));
	} else {
		block = mmap(NULL, block_bytes(cap), PROT_READ | PROT_WRITE,
			     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		if (block == MAP_FAILED)
			block = NULL;
	}
	if (block == NULL)
		return NULL;
	block->older = NULL;
	block->cap = cap;
	block->used = 0;
	return block;
}

static void block_free(struct bump_block *block)
{
	if (block->cap <= ARENA_KEEP)
		free(block);
	else
		munmap(block, block_bytes(block->cap));
}

void *bump_alloc_slow(struct bump *b, size_t size)
{
	size_t cap = b->newest ? b->newest->cap * 2 : ARENA_BLOCK_MIN;
	struct bump_block *block;

	if (cap > ARENA_BLOCK_MAX)
		cap = ARENA_BLOCK_MAX;
	if (cap < size)
		cap = size;
	block = block_new(cap);
	if (block == NULL)
		return NULL;
	block->older = b->newest;
	block->used = size;
	b->newest = block;
	return block->data;
}

void bump_empty_slow(struct bump *b)
{
	struct bump_block *best = NULL, *block = b->newest, *older;

	for (; block != NULL; block = older) {
		older = block->older;
		if (block->cap > ARENA_KEEP ||
		    (best != NULL && block->cap <= best->cap)) {
			block_free(block);
			continue;
		}
		if (best != NULL)
			block_free(best);
		best = block;
	}
	b->newest = best;
	if (best != NULL) {
		best->older = NULL;
		best->used = 0;
	}
}

void bump_release(struct bump *b)
{
	struct bump_block *block = b->newest, *older;

	for (; block != NULL; block = older) {
		older = block->older;
		block_free(block);
	}
	b->newest = NULL;
}

struct json_arena *json_arena_new(void)
{
	json_tree_install();
	return calloc(1, sizeof(struct json_arena));
}

void json_arena_trim(struct json_arena *a)
{
	bump_release(&a->keep);
	bump_release(&a->scratch);
}

void json_arena_free(struct json_arena *a)
{
	if (a == NULL)
		return;
	json_arena_trim(a);
	free(a);
}

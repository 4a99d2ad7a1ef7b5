/*
 * json_arena.h - the memory of one parse (inside proto/ only).
 *
 * Two bump allocators. `keep` holds what the caller is handed: it is emptied
 * at the start of the next parse. `scratch` holds the tree of one member of a
 * list and is emptied after each, so that a list of a million records never
 * becomes a tree of a million nodes.
 *
 * A bump that needed several blocks keeps the largest one up to ARENA_KEEP
 * bytes when it is emptied: after a few requests of one kind no more memory is
 * asked for, and what one huge line took goes back to the system.
 */
#ifndef PROTO_JSON_ARENA_H
#define PROTO_JSON_ARENA_H

#include "proto/json.h"

#define ARENA_BLOCK_MIN ((size_t)4 << 10)
#define ARENA_BLOCK_MAX ((size_t)8 << 20) /* of those that grow by doubling */
#define ARENA_KEEP ((size_t)1 << 20)

struct bump_block {
	struct bump_block *older;
	size_t cap, used;
	_Alignas(16) char data[];
};

struct bump {
	struct bump_block *newest;
};

struct json_arena {
	struct bump keep;
	struct bump scratch;
};

/* In a fresh block; NULL: out of memory. */
void *bump_alloc_slow(struct bump *b, size_t size);
void bump_empty_slow(struct bump *b);
void bump_release(struct bump *b);

/* `align` is a power of two up to 16. NULL: out of memory. */
static inline void *bump_alloc(struct bump *b, size_t size, size_t align)
{
	struct bump_block *block = b->newest;
	size_t at;

	if (block == NULL)
		return bump_alloc_slow(b, size);
	at = (block->used + align - 1) & ~(align - 1);
	if (at > block->cap || size > block->cap - at)
		return bump_alloc_slow(b, size);
	block->used = at + size;
	return block->data + at;
}

static inline void bump_empty(struct bump *b)
{
	struct bump_block *block = b->newest;

	if (block == NULL)
		return;
	if (block->older == NULL && block->cap <= ARENA_KEEP)
		block->used = 0;
	else
		bump_empty_slow(b);
}

/* Room for `count` things of `size` bytes each; NULL: out of memory. */
static inline void *json_arena_array(struct json_arena *a, size_t count,
				     size_t size)
{
	size_t bytes;

	if (__builtin_mul_overflow(count, size, &bytes))
		return NULL;
	return bump_alloc(&a->keep, bytes, 8);
}

#endif

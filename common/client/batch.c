/*
 * batch.c - see batch.h.
 */
#include "client/batch.h"

#include "base/err.h"

#include <errno.h>
#include <stdlib.h>

#define BLOCK_SIZE (1u << 20)
#define FIRST_CAP 64

struct batch_block {
	struct batch_block *next;
	size_t used;
	size_t size;
	char data[];
};

static void free_blocks(struct batch_block *b)
{
	while (b != NULL) {
		struct batch_block *next = b->next;

		free(b);
		b = next;
	}
}

void batch_release(struct batch *b)
{
	free_blocks(b->blocks);
	free_blocks(b->spare);
	free(b->changes);
	batch_init(b);
}

void batch_clear(struct batch *b)
{
	struct batch_block *block;

	b->count = 0;
	while ((block = b->blocks) != NULL) {
		b->blocks = block->next;
		/* One that was made to measure is not worth keeping. */
		if (block->size != BLOCK_SIZE) {
			free(block);
			continue;
		}
		block->used = 0;
		block->next = b->spare;
		b->spare = block;
	}
}

/* Makes room for len bytes in the first block. */
static bool add_block(struct batch *b, size_t len)
{
	struct batch_block *block = b->spare;
	size_t size = len > BLOCK_SIZE ? len : BLOCK_SIZE;

	if (block != NULL && len <= block->size) {
		b->spare = block->next;
	} else {
		block = malloc(sizeof(*block) + size);
		if (block == NULL)
			return false;
		block->size = size;
		block->used = 0;
	}
	block->next = b->blocks;
	b->blocks = block;
	return true;
}

static char *copy(char *to, struct slice *s)
{
	if (s->len != 0)
		memcpy(to, s->data, s->len);
	s->data = to;
	return to + s->len;
}

static bool grow(struct batch *b)
{
	size_t cap = b->cap != 0 ? b->cap * 2 : FIRST_CAP;
	struct change *changes =
		reallocarray(b->changes, cap, sizeof(*changes));

	if (changes == NULL)
		return false;
	b->changes = changes;
	b->cap = cap;
	return true;
}

int batch_add(struct batch *b, const struct change *change)
{
	size_t len = change->key.len + change->value.len;
	struct batch_block *block = b->blocks;
	struct change *c;
	char *to;

	if ((b->count == b->cap && !grow(b)) ||
	    ((block == NULL || block->size - block->used < len) &&
	     !add_block(b, len)))
		return err_sys(ENOMEM,
			       "cannot hold a batch of %zu records (with "
			       "--chunk they need not fit at once)",
			       b->count + 1);
	block = b->blocks;
	c = &b->changes[b->count++];
	*c = *change;
	to = copy(block->data + block->used, &c->key);
	copy(to, &c->value);
	block->used += len;
	return 0;
}

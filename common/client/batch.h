/*
 * batch.h - changes gathered for one atomic write. The bytes of keys and
 * values are copied into blocks that never move and are reused after
 * batch_clear().
 */
#ifndef CLIENT_BATCH_H
#define CLIENT_BATCH_H

#include "base/request.h"

struct batch_block;

struct batch {
	struct change *changes;
	size_t count;
	size_t cap;
	struct batch_block *blocks; /* the one being filled first */
	struct batch_block *spare;  /* emptied by batch_clear() */
};

static inline void batch_init(struct batch *b)
{
	*b = (struct batch){0};
}

void batch_release(struct batch *b);

/* Forgets the changes; their memory is used for the next ones. */
void batch_clear(struct batch *b);

/* Copies the change, its bytes included. 0 or KV_ENOMEM. */
int batch_add(struct batch *b, const struct change *change);

#endif

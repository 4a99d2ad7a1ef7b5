/*
 * primary_fifo.h - a short queue of (key, value), keys ascending, that never
 * fails: when it is full, the newest pair takes the next one in. Whoever uses
 * it must not mind that a pair then answers for more than it was meant to.
 */
#ifndef REPLICA_PRIMARY_FIFO_H
#define REPLICA_PRIMARY_FIFO_H

#include <stdbool.h>
#include <stdint.h>

#define FIFO_MAX 256u

struct fifo_pair {
	uint64_t key, value;
};

struct fifo {
	struct fifo_pair ring[FIFO_MAX];
	unsigned first, n;
};

static inline struct fifo_pair *fifo_newest(struct fifo *f)
{
	return f->n != 0 ? &f->ring[(f->first + f->n - 1) % FIFO_MAX] : NULL;
}

/* True and *pair if the oldest pair's key is at most `key`; it is taken out. */
static inline bool fifo_take(struct fifo *f, uint64_t key,
			     struct fifo_pair *pair)
{
	if (f->n == 0 || f->ring[f->first].key > key)
		return false;
	*pair = f->ring[f->first];
	f->first = (f->first + 1) % FIFO_MAX;
	f->n--;
	return true;
}

/* Where the next pair goes: a new one, or, if full, the newest one again. */
static inline struct fifo_pair *fifo_add(struct fifo *f)
{
	if (f->n < FIFO_MAX) {
		f->n++;
		*fifo_newest(f) = (struct fifo_pair){0};
	}
	return fifo_newest(f);
}

#endif

/*
 * power_model.h - what a store may hold, write by write.
 *
 * State 0 is the empty store, state i what it holds after its i-th write. The
 * values are kept as hashes. After a crash a store must be in one of the states
 * from the last acknowledged one on.
 */
#ifndef CHECK_POWER_MODEL_H
#define CHECK_POWER_MODEL_H

#include "base/buf.h"
#include "base/slice.h"
#include "store/store.h"

#define MODEL_KEYS 24u
#define MODEL_KEY_MAX 16

struct model_state {
	uint64_t value[MODEL_KEYS]; /* hash; 0: the key is missing */
	uint64_t seq; /* the store's number of the write, in its session */
	/* Where the write was a plain set: of which key, and how long. */
	unsigned set_key;
	size_t set_len; /* 0: it was something else */
};

struct model {
	struct model_state *v;
	size_t n, cap;
	size_t acked; /* index of the last state that was acknowledged */
};

MUST_CHECK int model_init(struct model *m);
void model_release(struct model *m);

/* "a-00", "b-01", "c-02", "a-03", ...: three prefixes. */
void model_key(unsigned key, char text[MODEL_KEY_MAX]);
uint64_t model_hash(struct slice value);

/* A new state, a copy of the last one, to be changed; NULL: no memory. */
struct model_state *model_next(struct model *m);
static inline struct model_state *model_last(const struct model *m)
{
	return &m->v[m->n - 1];
}

/* Everything up to this sequence number is durable. */
void model_ack(struct model *m, uint64_t durable);

/* Reads a store whole. KV_EDAMAGED: it holds a key that nobody wrote, or tells
 * an error. */
int model_read(struct store *s, struct model_state *found);

/* The last allowed state that is equal to what was found; false: none. */
bool model_match(const struct model *m, const struct model_state *found,
		 size_t *which);

/* State `which` turned out to be the one: forgets later ones, and everything is
 * durable. */
void model_settle(struct model *m, size_t which);

/* What is wrong with it, key by key, next to the acknowledged state. */
void model_explain(const struct model *m, const struct model_state *found,
		   struct buf *out);

#endif

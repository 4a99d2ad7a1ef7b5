/*
 * power_log_model.h - what a replicated store may hold, entry by entry.
 *
 * After a crash the log must be one that was there, whole, at least up to what
 * was durable, and the contents must follow from what of it is committed.
 */
#ifndef CHECK_POWER_LOG_MODEL_H
#define CHECK_POWER_LOG_MODEL_H

#include "base/buf.h"
#include "base/err.h"
#include "check/power_model.h"
#include "store/store_log.h"

/* What an entry is, and what the store holds when it has taken effect. */
struct log_state {
	uint64_t term;
	uint64_t content; /* hash of the entry; 0: not looked at yet */
	uint64_t value[MODEL_KEYS];
};

/* Entry i is v[i]; v[0] is the empty store. */
struct log_states {
	struct log_state *v;
	size_t n, cap; /* n - 1 is the last entry */
};

struct log_model {
	struct log_states log;
	struct log_states before; /* a truncation, that nothing followed; n 0:
				     none did */
	uint64_t durable;	  /* entries that must be there */
	uint64_t committed;	  /* the highest that was committed ever */
	uint64_t switching;	  /* to a snapshot of this index; 0: not */
};

/* Of an empty store. */
MUST_CHECK int log_model_init(struct log_model *m);
void log_model_release(struct log_model *m);

/* The last entry was appended to s; `values` is what it led to. KV_EDAMAGED: it
 * is not the next one of this term. */
MUST_CHECK int log_model_append(struct log_model *m, struct store *s,
				uint64_t term, const uint64_t *values);
/* Its entries from index on are about to be others. */
MUST_CHECK int log_model_truncate(struct log_model *m, uint64_t index);
/* A snapshot of what was committed at index took the log's place. */
void log_model_switch(struct log_model *m, uint64_t index);
/* Up to this entry, all are on disk; what is beyond the last does not count. */
void log_model_ack(struct log_model *m, uint64_t durable);

static inline struct log_state *log_model_last(const struct log_model *m)
{
	return &m->log.v[m->log.n - 1];
}

/* Whether the store shows just what this state holds; false, and why. */
bool log_model_shows(struct store *s, const struct log_state *state,
		     const char *when, struct buf *failure);
/* The store was opened: what it has is the truth now. False, and why. */
bool log_model_settle(struct log_model *m, struct store *s, const char *when,
		      struct buf *failure);
/*
 * Compares an opened store with the model, committing its entries one by one
 * and leading for a while, and leaves it following. False, and why in `failure`
 * (an empty buffer).
 */
bool log_model_matches(const struct log_model *m, struct store *s,
		       struct buf *failure);

/* A hash of an entry as others would be sent it, and its term; 0: it cannot be
 * read. */
uint64_t log_model_content(struct store *s, uint64_t index, uint64_t *term);

#endif

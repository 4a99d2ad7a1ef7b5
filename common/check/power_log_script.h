/*
 * power_log_script.h - what a node does whose power is cut; see power_log.h.
 */
#ifndef CHECK_POWER_LOG_SCRIPT_H
#define CHECK_POWER_LOG_SCRIPT_H

#include "check/power_script.h"
#include "store/store_log.h"

/* What an entry is, and what the store holds when it has taken effect. */
struct log_state {
	uint64_t term;
	uint64_t content; /* hash of the entry; 0: not looked at yet */
	uint64_t value[MODEL_KEYS];
};

/* Entry i is v[i]; v[0] is the empty store. */
struct log_model {
	struct log_state *v;
	size_t n, cap; /* n - 1 is the last entry */
};

struct log_script {
	struct simfs *sim;
	struct store *store; /* NULL: not open */
	struct log_model log;
	struct log_model before; /* a truncation, that nothing followed; n 0:
				    none did */
	uint64_t durable;	 /* entries that must be there */
	uint64_t committed;	 /* the highest that was committed ever */
	uint64_t term;
	bool leading;
	uint64_t switching; /* to a snapshot of this index; 0: not */
	uint64_t random, writes;
	bool faulty;
	struct buf value, failure;
};

MUST_CHECK int log_script_open(struct simfs *sim, struct store **out);
MUST_CHECK int log_script_begin(struct log_script *sc, struct simfs *sim,
				uint64_t seed);
/* false: it is over. */
bool log_script_step(struct log_script *sc);
void log_script_end(struct log_script *sc);

/*
 * Compares an opened store with the model, committing its entries one by one
 * and leading at last, and leaves it following. False, and why in `failure`
 * (an empty buffer).
 */
bool log_script_matches(const struct log_script *sc, struct store *s,
			struct buf *failure);
/* A hash of an entry as others would be sent it, and its term; 0: it cannot be
 * read. */
uint64_t log_script_content(struct store *s, uint64_t index, uint64_t *term);
/* Appends an entry to a follower's log. 0 or the store's error. */
MUST_CHECK int log_script_append(struct store *s, uint64_t term, unsigned key,
				 struct slice value);

#endif

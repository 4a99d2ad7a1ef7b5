/*
 * power_script.h - the workload whose power is cut. See power.h.
 */
#ifndef CHECK_POWER_SCRIPT_H
#define CHECK_POWER_SCRIPT_H

#include "check/power_model.h"
#include "check/simfs.h"

struct script {
	struct simfs *sim;
	struct store *store; /* NULL: could not be opened */
	struct model model;
	uint64_t random;
	uint64_t writes; /* so far: what the values are made of */
	bool faulty;	 /* operations fail: errors are no failure */
	struct buf value;
	struct buf failure; /* empty: none */
};

#define SCRIPT_DIR "/db"

/* Opens the store in sim as the script does: small segments, a clock that
 * stands still. */
MUST_CHECK int script_open(struct simfs *sim, struct store **out);

/* Prepares a script on an empty `sim`, which stays the caller's. */
MUST_CHECK int script_begin(struct script *sc, struct simfs *sim,
			    uint64_t seed);
/* One step; the first one creates the store. false: it is over (see failure, or
 * the store does not open). */
bool script_step(struct script *sc);
/* Closes the store. */
void script_end(struct script *sc);

/*
 * One write more on a store that was recovered into state `which` of the model:
 * as long as the write that was lost next, so that it fills that one's place
 * exactly and would make what the crash left behind it look like the next
 * record. `state` follows. 0 or the store's error.
 */
MUST_CHECK int script_write_once(struct store *s, const struct model *m,
				 size_t which, struct model_state *state);

#endif

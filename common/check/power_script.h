/*
 * power_script.h - the workload whose power is cut. See power.h.
 */
#ifndef CHECK_POWER_SCRIPT_H
#define CHECK_POWER_SCRIPT_H

#include "check/power_model.h"
#include "check/power_workload.h"

struct script {
	struct workload work; /* its kind: script_kind */
	struct model model;
	/* What the store that was compared last shows, and which state of the
	 * model that is. */
	struct model_state found;
	size_t which;
};

extern const struct workload_kind script_kind;

/*
 * One write more on a store that was recovered into state `which` of the model:
 * as long as the write that was lost next, so that it fills that one's place
 * exactly and would make what the crash left behind it look like the next
 * record. `state` follows. 0 or the store's error.
 */
MUST_CHECK int script_write_once(struct store *s, const struct model *m,
				 size_t which, struct model_state *state);

#endif

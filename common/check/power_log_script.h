/*
 * power_log_script.h - what a node does whose power is cut; see power_log.h.
 */
#ifndef CHECK_POWER_LOG_SCRIPT_H
#define CHECK_POWER_LOG_SCRIPT_H

#include "check/power_log_model.h"
#include "check/power_workload.h"

struct log_script {
	struct workload work; /* its kind: log_script_kind */
	struct log_model model;
	uint64_t term;
	bool leading;
};

extern const struct workload_kind log_script_kind;

/* Appends to a follower's log an entry that sets a key, or deletes it if the
 * value is empty. 0 or the store's error. */
MUST_CHECK int log_script_append(struct store *s, uint64_t term, unsigned key,
				 struct slice value);

#endif

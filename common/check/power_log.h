/*
 * power_log.h - cuts the power of a replicated store, everywhere.
 *
 * As power.h, with a script of what a node of a cluster does: entries appended
 * as a follower and as a leader, commits, truncations with other entries in
 * their place, changes of role, seals, compaction, and being replaced by a
 * snapshot. In each state that a cut can leave the store must open; its log
 * must be one that was there, whole, at least up to what was durable (a
 * truncation that nothing has followed may not have happened), each entry with
 * its term and content; nothing counts as committed that was not; and the
 * contents must be those of the model as of what is committed, of every entry
 * that is committed after, and, leading, of the last.
 */
#ifndef CHECK_POWER_LOG_H
#define CHECK_POWER_LOG_H

#include "check/power.h"

int power_explore_log(const struct power_options *options,
		      struct power_report *report);

#endif

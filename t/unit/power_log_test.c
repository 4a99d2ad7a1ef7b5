/*
 * power_log_test.c - a replicated store survives power cuts at every point and
 * failures of every operation.
 */
#include "check/power_log.h"
#include "power_test.h"

static void no_entry_is_lost_at_any_cut_of_the_power(void)
{
	explore(power_explore_log,
		(struct power_options){.seed = 1,
				       .states = states_wanted(80000, 12000),
				       .no_faults = true});
}

static void no_entry_is_lost_when_any_operation_fails(void)
{
	explore(power_explore_log, (struct power_options){.seed = 1,
							  .steps = 120,
							  .no_cuts = true});
}

TEST_MAIN(T(no_entry_is_lost_at_any_cut_of_the_power),
	  T(no_entry_is_lost_when_any_operation_fails))

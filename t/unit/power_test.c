/*
 * power_test.c - the store survives power cuts at every point and failures of
 * every operation.
 */
#include "power_test.h"

static void nothing_is_lost_at_any_cut_of_the_power(void)
{
	explore(power_explore,
		(struct power_options){.seed = 1,
				       .states = states_wanted(100000, 30000),
				       .no_faults = true});
}

static void nothing_is_lost_when_any_operation_fails(void)
{
	explore(power_explore, (struct power_options){.seed = 1,
						      .steps = 80,
						      .no_cuts = true});
}

TEST_MAIN(T(nothing_is_lost_at_any_cut_of_the_power),
	  T(nothing_is_lost_when_any_operation_fails))

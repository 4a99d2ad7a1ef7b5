/*
 * power_test.c - the store survives power cuts at every point and failures of
 * every operation.
 *
 * KV_POWER_STATES in the environment asks for more crash states.
 */
#include "check/power.h"
#include "test.h"

#include <stdlib.h>

static void explore(struct power_options options)
{
	struct power_report report;
	int r = power_explore(&options, &report);

	printf("# seed %llu: %llu crash states at %llu cuts (%llu of them in "
	       "every state), %llu of them during recovery; %llu runs with a "
	       "failing operation\n",
	       (unsigned long long)options.seed,
	       (unsigned long long)report.states,
	       (unsigned long long)report.cuts,
	       (unsigned long long)report.exhaustive,
	       (unsigned long long)report.recoveries,
	       (unsigned long long)report.faults);
	if (r != 0)
		printf("%.*s", (int)report.failure.len, report.failure.data);
	power_report_release(&report);
	CHECK_INT(r, 0);
}

/* Sanitizers take ten times as long. */
#ifdef __SANITIZE_ADDRESS__
#define STATES 30000
#else
#define STATES 100000
#endif

static uint64_t wanted(uint64_t normally)
{
	const char *text = getenv("KV_POWER_STATES");

	return text != NULL ? strtoull(text, NULL, 10) : normally;
}

static void nothing_is_lost_at_any_cut_of_the_power(void)
{
	explore((struct power_options){
		.seed = 1, .states = wanted(STATES), .no_faults = true});
}

static void nothing_is_lost_when_any_operation_fails(void)
{
	explore((struct power_options){
		.seed = 1, .steps = 80, .no_cuts = true});
}

TEST_MAIN(T(nothing_is_lost_at_any_cut_of_the_power),
	  T(nothing_is_lost_when_any_operation_fails))

/*
 * power_log_test.c - a replicated store survives power cuts at every point and
 * failures of every operation.
 *
 * KV_POWER_STATES in the environment asks for more crash states.
 */
#include "check/power_log.h"
#include "test.h"

#include <stdlib.h>

static void explore(struct power_options options)
{
	struct power_report report;
	int r = power_explore_log(&options, &report);

	printf("# seed %llu: %llu crash states at %llu cuts of %llu scripts, "
	       "%llu of them during recovery; %llu runs with a failing "
	       "operation\n",
	       (unsigned long long)options.seed,
	       (unsigned long long)report.states,
	       (unsigned long long)report.cuts,
	       (unsigned long long)report.scripts,
	       (unsigned long long)report.recoveries,
	       (unsigned long long)report.faults);
	if (r != 0)
		printf("%.*s", (int)report.failure.len, report.failure.data);
	power_report_release(&report);
	CHECK_INT(r, 0);
}

/* Sanitizers take ten times as long. */
#ifdef __SANITIZE_ADDRESS__
#define STATES 10000
#else
#define STATES 60000
#endif

static uint64_t wanted(uint64_t normally)
{
	const char *text = getenv("KV_POWER_STATES");

	return text != NULL ? strtoull(text, NULL, 10) : normally;
}

static void no_entry_is_lost_at_any_cut_of_the_power(void)
{
	explore((struct power_options){
		.seed = 1, .states = wanted(STATES), .no_faults = true});
}

static void no_entry_is_lost_when_any_operation_fails(void)
{
	explore((struct power_options){
		.seed = 1, .steps = 120, .no_cuts = true});
}

TEST_MAIN(T(no_entry_is_lost_at_any_cut_of_the_power),
	  T(no_entry_is_lost_when_any_operation_fails))

/*
 * power_test.h - for the tests that cut the power of a store: explores, and
 * says how much was seen.
 *
 * KV_POWER_STATES in the environment asks for more crash states.
 */
#ifndef UNIT_POWER_TEST_H
#define UNIT_POWER_TEST_H

#include "check/power.h"
#include "test.h"

#include <stdlib.h>

static void explore(int (*explorer)(const struct power_options *options,
				    struct power_report *report),
		    struct power_options options)
{
	struct power_report report;
	int r = explorer(&options, &report);

	printf("# seed %llu: %llu crash states at %llu cuts of %llu scripts "
	       "(%llu of them in every state), %llu of them during recovery; "
	       "%llu runs with a failing operation\n",
	       (unsigned long long)options.seed,
	       (unsigned long long)report.states,
	       (unsigned long long)report.cuts,
	       (unsigned long long)report.scripts,
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
#define SANITIZED true
#else
#define SANITIZED false
#endif

/* How many states to verify. */
static uint64_t states_wanted(uint64_t normally, uint64_t sanitized)
{
	const char *text = getenv("KV_POWER_STATES");

	if (text != NULL)
		return strtoull(text, NULL, 10);
	return SANITIZED ? sanitized : normally;
}

#endif

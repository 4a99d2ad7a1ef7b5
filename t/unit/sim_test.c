/*
 * sim_test.c - simulated clusters in bad weather, one seed each: see
 * check/sim_run.h.
 *
 * KV_SIM_SEEDS says how many seeds, KV_SIM_FIRST with which to begin.
 */
#include "check/sim_run.h"
#include "test.h"

#include <stdlib.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SEEDS 100u
#else
#define SEEDS 2000u
#endif

static uint64_t number_from(const char *name, uint64_t otherwise)
{
	const char *text = getenv(name);

	return text != NULL ? strtoull(text, NULL, 10) : otherwise;
}

static void clusters_in_bad_weather_keep_what_they_promised(void)
{
	uint64_t first = number_from("KV_SIM_FIRST", 1);
	uint64_t n = number_from("KV_SIM_SEEDS", SEEDS), broken = 0;

	for (uint64_t seed = first; seed < first + n; seed++) {
		struct sim_run_options options = {.seed = seed};
		struct sim_run_report report;

		CHECK_INT(sim_run(&options, &report), 0);
		if (report.broken[0] != '\0') {
			printf("# seed %llu: %s\n", (unsigned long long)seed,
			       report.broken);
			broken++;
		}
		sim_run_report_release(&report);
	}
	CHECK_INT(broken, 0);
}

static void the_same_seed_gives_the_same_run(void)
{
	for (uint64_t seed = 1; seed <= 12; seed++) {
		struct sim_run_options options = {.seed = seed};
		struct sim_run_report once, again;

		CHECK_INT(sim_run(&options, &once), 0);
		CHECK_INT(sim_run(&options, &again), 0);
		CHECK(once.trace_hash == again.trace_hash);
		CHECK(once.steps == again.steps);
		CHECK(once.acked == again.acked);
		sim_run_report_release(&once);
		sim_run_report_release(&again);
	}
}

static void another_seed_gives_another_run(void)
{
	struct sim_run_options a = {.seed = 1}, b = {.seed = 7};
	struct sim_run_report one, other;

	CHECK_INT(sim_run(&a, &one), 0);
	CHECK_INT(sim_run(&b, &other), 0);
	CHECK(one.trace_hash != other.trace_hash);
	sim_run_report_release(&one);
	sim_run_report_release(&other);
}

TEST_MAIN(T(the_same_seed_gives_the_same_run),
	  T(another_seed_gives_another_run),
	  T(clusters_in_bad_weather_keep_what_they_promised))

/*
 * bench_hist_test.c - histograms against sorted lists, and the distributions
 * of keys against what they promise.
 */
#include "base/err.h"
#include "bench/hist.h"
#include "bench/mix.h"
#include "base/random.h"
#include "bench/zipf.h"
#include "test.h"

#include <math.h>
#include <stdlib.h>

static struct hist *fresh(void)
{
	static struct hist h;

	h = (struct hist){.count = 0};
	return &h;
}

static void each_bucket_ends_where_the_next_begins(void)
{
	for (unsigned i = 0; i + 1 < HIST_BUCKETS; i++) {
		uint64_t top = hist_bucket_top(i);

		CHECK_INT(hist_bucket(top), i);
		CHECK_INT(hist_bucket(top + 1), i + 1);
	}
	CHECK(hist_bucket_top(HIST_BUCKETS - 1) == UINT64_MAX);
}

static void no_bucket_is_wider_than_one_part_in_128(void)
{
	for (unsigned i = 1; i < HIST_BUCKETS; i++) {
		uint64_t bottom = hist_bucket_top(i - 1) + 1;

		CHECK(hist_bucket_top(i) - bottom <= bottom / HIST_SUB);
	}
}

static void small_values_are_exact(void)
{
	struct hist *h = fresh();

	for (uint64_t v = 1; v <= 100; v++)
		hist_record(h, v);
	CHECK_INT(hist_percentile(h, 50), 50);
	CHECK_INT(hist_percentile(h, 99), 99);
	CHECK_INT(hist_percentile(h, 99.9), 100);
	CHECK_INT(hist_percentile(h, 0), 1);
	CHECK(fabs(hist_mean(h) - 50.5) < 1e-9);
	CHECK(fabs(hist_deviation(h) - 28.866) < 1e-3);
}

static void an_empty_histogram_is_all_zeros(void)
{
	struct hist *h = fresh();

	CHECK_INT(hist_percentile(h, 99.99), 0);
	CHECK(hist_mean(h) == 0 && hist_deviation(h) == 0);
}

static int by_value(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static void percentiles_are_those_of_the_sorted_list(void)
{
	static const double percents[] = {1, 25, 50, 90, 99, 99.9, 99.99, 100};
	enum { N = 100000 };
	uint64_t *all = calloc(N, sizeof(*all)), random = 7;
	struct hist *h = fresh();

	CHECK(all != NULL);
	for (size_t i = 0; i < N; i++) {
		/* Over nine decades, as latencies are. */
		all[i] = (uint64_t)exp(random_unit(&random) * 20);
		hist_record(h, all[i]);
	}
	qsort(all, N, sizeof(*all), by_value);
	for (size_t i = 0; i < sizeof(percents) / sizeof(*percents); i++) {
		double rank = ceil(N * percents[i] / 100 - 1e-9);
		uint64_t exact = all[(size_t)rank - 1];
		uint64_t told = hist_percentile(h, percents[i]);

		CHECK(told >= exact);
		CHECK(told - exact <= exact / HIST_SUB + 1);
	}
	CHECK_INT(hist_percentile(h, 100), all[N - 1]);
	free(all);
}

static void histograms_add_up(void)
{
	static struct hist a, b, both;
	uint64_t random = 3;

	for (int i = 0; i < 1000; i++) {
		uint64_t v = random_next(&random) >> (i % 50);

		hist_record(i % 3 == 0 ? &a : &b, v);
		hist_record(&both, v);
	}
	hist_add(&a, &b);
	CHECK_INT(a.count, both.count);
	CHECK(a.min == both.min && a.max == both.max);
	CHECK(memcmp(a.buckets, both.buckets, sizeof(a.buckets)) == 0);
}

static void popularity_falls_as_zipf_says(void)
{
	enum { KEYS = 1000, DRAWS = 1000000 };
	static const unsigned ranks[] = {0, 1, 2, 9, 99};
	unsigned *counts = calloc(KEYS, sizeof(*counts));
	uint64_t random = 11;
	double sum = 0;
	struct zipf z;

	CHECK(counts != NULL);
	for (unsigned k = 1; k <= KEYS; k++)
		sum += pow(k, -0.99);
	zipf_init(&z, KEYS);
	for (unsigned i = 0; i < DRAWS; i++) {
		uint64_t rank = zipf_next(&z, &random);

		CHECK(rank < KEYS);
		counts[rank]++;
	}
	for (size_t i = 0; i < sizeof(ranks) / sizeof(*ranks); i++) {
		double expected = DRAWS * pow(ranks[i] + 1, -0.99) / sum;

		/* Six standard deviations. */
		CHECK(fabs(counts[ranks[i]] - expected) < 6 * sqrt(expected));
	}
	free(counts);
}

static void one_key_is_drawn_always(void)
{
	uint64_t random = 5;
	struct zipf z;

	zipf_init(&z, 1);
	for (int i = 0; i < 1000; i++)
		CHECK_INT(zipf_next(&z, &random), 0);
}

static void the_same_seed_draws_the_same(void)
{
	uint64_t a = 42, b = 42;
	struct zipf z;

	zipf_init(&z, 12345);
	for (int i = 0; i < 1000; i++)
		CHECK_INT(zipf_next(&z, &a), zipf_next(&z, &b));
}

static const char *written(const struct bench_mix *mix)
{
	static char text[200];
	struct buf b;

	buf_init(&b);
	mix_write(&b, mix);
	snprintf(text, sizeof(text), "%.*s", (int)b.len, b.data);
	buf_release(&b);
	return text;
}

static void a_mix_is_written_as_it_is_read(void)
{
	struct bench_mix mix;

	CHECK_INT(mix_parse(&mix, "get:90,set:10"), 0);
	CHECK_INT(mix.total, 100);
	CHECK_STR(written(&mix), "get:90,set:10");
	CHECK_INT(mix_parse(&mix, "scan,rmw:3,delete:2"), 0);
	CHECK_STR(written(&mix), "rmw:3,delete:2,scan:1");
}

static void what_is_no_mix_is_refused(void)
{
	static const char *const bad[] = {
		"",	  "get:",   "get:0",  "get:x",	     "get:-1",
		"read:1", "get:1,", ",get:1", "get:1,get:2", "get:1;set:1",
		"get:1 ", "GET:1",  ":5",     "get:1000001", "get::1",
	};
	struct bench_mix mix;

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		CHECK_INT(mix_parse(&mix, bad[i]), KV_EUSAGE);
}

static void shares_are_kept(void)
{
	unsigned counts[BENCH_OPS] = {0};
	struct bench_mix mix;
	uint64_t random = 9;

	CHECK_INT(mix_parse(&mix, "get:95,rmw:4,scan:1"), 0);
	for (int i = 0; i < 100000; i++)
		counts[mix_pick(&mix, random_next(&random))]++;
	CHECK(counts[BENCH_GET] > 94500 && counts[BENCH_GET] < 95500);
	CHECK(counts[BENCH_RMW] > 3600 && counts[BENCH_RMW] < 4400);
	CHECK(counts[BENCH_SCAN] > 800 && counts[BENCH_SCAN] < 1200);
	CHECK_INT(counts[BENCH_SET], 0);
}

static void the_workloads_are_those_of_ycsb(void)
{
	static const char *const names[] = {"A", "b", "C", "d", "F"};
	static const char *const mixes[] = {"get:50,set:50", "get:95,set:5",
					    "get:100", "get:95,insert:5",
					    "get:50,rmw:50"};
	enum bench_dist dist;
	struct bench_mix mix;

	for (size_t i = 0; i < 5; i++) {
		CHECK_INT(mix_workload(&mix, &dist, names[i]), 0);
		CHECK_STR(written(&mix), mixes[i]);
		CHECK_INT(dist, i == 3 ? BENCH_LATEST : BENCH_ZIPF);
	}
	CHECK_INT(mix_workload(&mix, &dist, "E"), KV_EUSAGE);
	CHECK_INT(mix_workload(&mix, &dist, ""), KV_EUSAGE);
}

TEST_MAIN(T(each_bucket_ends_where_the_next_begins),
	  T(no_bucket_is_wider_than_one_part_in_128), T(small_values_are_exact),
	  T(an_empty_histogram_is_all_zeros),
	  T(percentiles_are_those_of_the_sorted_list), T(histograms_add_up),
	  T(popularity_falls_as_zipf_says), T(one_key_is_drawn_always),
	  T(the_same_seed_draws_the_same), T(a_mix_is_written_as_it_is_read),
	  T(what_is_no_mix_is_refused), T(shares_are_kept),
	  T(the_workloads_are_those_of_ycsb))

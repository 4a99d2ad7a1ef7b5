/*
 * gather_test.c - which groups wait, for whom, and how long.
 */
#include "serve/gather.h"
#include "test.h"

#define CLIENTS 8
#define SYNC_NS 200000u

static struct gather g;
static uint64_t last[CLIENTS];
static uint64_t now = 1000;

static void begin(void)
{
	gather_init(&g);
	memset(last, 0, sizeof(last));
}

static void join(unsigned from, unsigned to)
{
	for (unsigned i = from; i < to; i++)
		gather_join(&g, &last[i]);
}

static bool waits(void)
{
	return gather_waits(&g, now, SYNC_NS);
}

static void a_lone_client_waits_for_nobody(void)
{
	begin();
	for (int i = 0; i < 10; i++) {
		join(0, 1);
		CHECK(!waits());
		gather_next(&g);
	}
}

static void a_group_that_nobody_waits_for_begins_at_once(void)
{
	begin();
	join(0, 2);
	gather_next(&g);
	CHECK(!waits());
}

static void two_halves_become_one_group(void)
{
	begin();
	join(0, 4);
	CHECK(!waits());
	gather_next(&g);
	join(4, 8);
	CHECK(waits());
	now += SYNC_NS / 4;
	join(0, 3);
	CHECK(waits());
	join(3, 4);
	CHECK(!waits());
	gather_next(&g);
	join(0, 7);
	CHECK(waits());
	join(7, 8);
	CHECK(!waits());
}

static void a_client_counts_once(void)
{
	begin();
	join(0, 2);
	join(0, 2);
	gather_next(&g);
	join(0, 1);
	join(0, 1);
	CHECK(waits());
	join(1, 2);
	CHECK(!waits());
}

static void it_waits_half_as_long_as_a_sync_takes(void)
{
	begin();
	join(0, 8);
	gather_next(&g);
	for (unsigned i = 0; i < 4; i++) {
		join(i, i + 1);
		CHECK(waits());
		now += SYNC_NS / 8;
	}
	CHECK(!waits());
}

static void who_stays_away_for_two_groups_is_not_missed(void)
{
	begin();
	join(0, 2);
	gather_next(&g);
	join(0, 1);
	CHECK(waits());
	gather_next(&g);
	join(0, 1);
	CHECK(waits());
	gather_next(&g);
	join(0, 1);
	CHECK(!waits());
}

/* Writes of clients that come at their own pace, two groups apart. */
static unsigned groups_that_wait(unsigned groups)
{
	unsigned waited = 0;

	for (unsigned i = 0; i < groups; i++) {
		join(i % 3, i % 3 + 1);
		if (waits())
			waited++;
		now += SYNC_NS;
		gather_next(&g);
	}
	return waited;
}

static void waiting_in_vain_is_given_up_for_a_while(void)
{
	begin();
	groups_that_wait(8);
	CHECK_INT(groups_that_wait(320), 10);
	/* They gather again as soon as a try brings all of them. */
	while (!gather_hopes(&g)) {
		join(0, 3);
		gather_next(&g);
		join(0, 2);
	}
	CHECK(waits());
	join(2, 3);
	CHECK(!waits());
	gather_next(&g);
	join(0, 1);
	CHECK(waits());
}

TEST_MAIN(T(a_lone_client_waits_for_nobody),
	  T(a_group_that_nobody_waits_for_begins_at_once),
	  T(two_halves_become_one_group), T(a_client_counts_once),
	  T(it_waits_half_as_long_as_a_sync_takes),
	  T(who_stays_away_for_two_groups_is_not_missed),
	  T(waiting_in_vain_is_given_up_for_a_while))

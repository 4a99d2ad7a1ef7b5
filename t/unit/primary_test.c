/*
 * primary_test.c - whole nodes of a cluster in one process: coordinator, core
 * and store, on simulated disks and links (check/sim_net.h).
 */
#include "primary_cluster.h"

/* ---- the ordinary day ---- */

static void a_new_cluster_elects_one_of_its_members(void)
{
	begin(3);
	CHECK(leader() != 0);
	sim_run_ms(net, 2000);
	CHECK(leader() != 0);
	finish();
}

static void a_write_reaches_all_nodes(void)
{
	begin(3);
	set(leader(), "a", "1");
	CHECK(has(leader(), "a", "1"));
	check_same(3);
	finish();
}

static void a_follower_forwards_requests(void)
{
	begin(5);
	(void)leader();
	for (unsigned node = 1; node <= 5; node++) {
		char key[8];

		snprintf(key, sizeof(key), "k%u", node);
		set(node, key, "v");
		CHECK(has(6 - node, key, "v"));
	}
	check_same(5);
	finish();
}

static void a_node_alone_is_a_cluster(void)
{
	begin(1);
	set(1, "a", "1");
	CHECK(has(1, "a", "1"));
	sim_crash(net, 1, SIM_POWER);
	CHECK_INT(sim_start(net, 1), 0);
	CHECK(has(1, "a", "1"));
	finish();
}

/* ---- failing over ---- */

static void what_was_acknowledged_outlives_the_leader(enum sim_crash kind)
{
	unsigned dead;

	begin(3);
	set_many("k", 100);
	dead = leader();
	sim_crash(net, dead, kind);
	CHECK(has_many(other_leader(dead), "k", 100));
	set(leader(), "after", "1");
	CHECK_INT(sim_start(net, dead), 0);
	CHECK(has(dead, "after", "1"));
	check_same(3);
	finish();
}

static void a_killed_leader_is_replaced_and_nothing_is_lost(void)
{
	what_was_acknowledged_outlives_the_leader(SIM_KILL);
}

static void a_leader_without_power_is_replaced_and_nothing_is_lost(void)
{
	what_was_acknowledged_outlives_the_leader(SIM_POWER);
}

static void all_nodes_lose_power_and_nothing_is_lost(void)
{
	begin(3);
	set_many("k", 200);
	for (unsigned i = 1; i <= 3; i++)
		sim_crash(net, i, SIM_POWER);
	for (unsigned i = 1; i <= 3; i++)
		CHECK_INT(sim_start(net, i), 0);
	CHECK(has_many(leader(), "k", 200));
	check_same(3);
	finish();
}

static void five_nodes_lose_one_after_the_other(void)
{
	begin(5);
	for (unsigned lost = 0; lost < 2; lost++) {
		set_many(lost == 0 ? "a" : "b", 20);
		sim_crash(net, leader(), SIM_POWER);
	}
	CHECK(has_many(leader(), "a", 20));
	CHECK(has_many(leader(), "b", 20));
	finish();
}

static void a_write_under_way_when_its_leader_dies_is_unknown_or_done(void)
{
	struct sim_op *op;
	unsigned dead, other;

	begin(3);
	dead = leader();
	other = follower();
	op = begin_set(other, "a", "1");
	sim_run_ms(net, 1);
	CHECK(!op->done);
	sim_crash(net, dead, SIM_POWER);
	if (outcome(op) == 0)
		CHECK(has(other, "a", "1"));
	else
		CHECK_INT(op->code, KV_EUNKNOWN);
	finish();
}

/* As a client that gives its writes numbers. */
static struct sim_op *begin_once(unsigned node, const char *key,
				 const char *value, uint64_t number)
{
	struct change c = {.key = slice_str(key), .value = slice_str(value)};
	struct request req = {.op = OP_SET,
			      .changes = &c,
			      .nchanges = 1,
			      .client = slice_str("sixteen bytes ab"),
			      .number = number};

	return sim_submit(net, node, &req);
}

static void a_write_that_is_done_once_is_asked_for_again(void)
{
	struct sim_op *op;
	unsigned dead, other;

	begin(3);
	dead = leader();
	other = follower();
	op = begin_once(other, "a", "1", 1);
	sim_run_ms(net, 1);
	CHECK(!op->done);
	sim_crash(net, dead, SIM_POWER);
	CHECK_INT(outcome(op), 0);
	CHECK(has(other, "a", "1"));
	finish();
}

static void a_write_to_a_leader_that_was_cut_off_goes_to_the_next(void)
{
	struct sim_op *op, *plain;
	unsigned old, other;

	begin(3);
	old = leader();
	other = follower();
	sim_partition(net, 1u << (old - 1));
	op = begin_once(other, "a", "1", 1);
	plain = begin_set(other, "b", "1");
	CHECK_INT(outcome(op), 0);
	CHECK(op->ended_us - op->began_us < 800000);
	CHECK_INT(outcome(plain), KV_EUNKNOWN);
	CHECK(has(other, "a", "1"));
	sim_heal(net);
	check_same(3);
	finish();
}

static void a_write_asked_for_again_in_vain_is_unknown(void)
{
	struct sim_op *op;
	unsigned other;

	begin(3);
	other = follower();
	op = begin_once(other, "a", "1", 1);
	sim_run_ms(net, 1);
	CHECK(!op->done);
	for (unsigned i = 1; i <= 3; i++)
		if (i != other)
			sim_crash(net, i, SIM_POWER);
	CHECK_INT(outcome(op), KV_EUNKNOWN);
	finish();
}

static void a_read_under_way_when_its_leader_dies_is_asked_again(void)
{
	struct sim_op *op;
	unsigned dead, other;

	begin(3);
	set(leader(), "a", "1");
	dead = leader();
	other = follower();
	op = begin_get(other, "a", false);
	sim_crash(net, dead, SIM_POWER);
	CHECK_INT(outcome(op), 0);
	CHECK(op->found);
	finish();
}

static void requests_wait_for_a_leader_in_their_order(void)
{
	struct sim_op *ops[6];

	begin(3);
	/* Nobody leads yet, and one of these will. */
	for (unsigned i = 0; i < 3; i++) {
		ops[i] = begin_set(i + 1, "a", "1");
		ops[i + 3] = begin_get(i + 1, "a", false);
	}
	for (unsigned i = 0; i < 6; i++)
		CHECK_INT(outcome(ops[i]), 0);
	for (unsigned i = 3; i < 6; i++)
		CHECK(ops[i]->found);
	CHECK(ops[0]->ended_us > 100000);
	finish();
}

static void a_minority_says_so_in_time(void)
{
	unsigned lead, other;
	struct sim_op *write, *read;

	begin_with((struct sim_options){.members = 3, .patience_ms = 1000});
	set(leader(), "a", "1");
	lead = leader();
	other = follower();
	for (unsigned i = 1; i <= 3; i++)
		if (i != other)
			sim_crash(net, i, SIM_KILL);
	(void)lead;
	sim_run_ms(net, 500);
	write = begin_set(other, "b", "1");
	read = begin_get(other, "a", false);
	CHECK_INT(outcome(write), KV_EUNAVAILABLE);
	CHECK_INT(outcome(read), KV_EUNAVAILABLE);
	CHECK(write->ended_us - write->began_us >= 1000000);
	CHECK(write->ended_us - write->began_us < 1200000);
	finish();
}

static void a_leader_that_is_cut_off_answers_nothing(void)
{
	unsigned old, new;
	struct sim_op *read, *write;

	begin(5);
	set(leader(), "a", "old");
	old = leader();
	sim_partition(net, 1u << (old - 1));
	/* It still takes itself for the leader. */
	read = begin_get(old, "a", false);
	write = begin_set(old, "a", "lost");
	new = other_leader(old);
	set(new, "a", "new");
	CHECK_INT(outcome(read), KV_EUNAVAILABLE);
	CHECK_INT(outcome(write), KV_EUNKNOWN);
	sim_heal(net);
	CHECK(has(old, "a", "new"));
	check_same(5);
	finish();
}

static void an_old_leaders_tail_is_truncated(void)
{
	unsigned old;

	begin(3);
	set(leader(), "a", "1");
	old = leader();
	sim_partition(net, 1u << (old - 1));
	for (unsigned i = 0; i < 50; i++)
		(void)begin_set(old, "tail", "x");
	sim_run_ms(net, 20);
	set(other_leader(old), "a", "2");
	sim_heal(net);
	check_same(3);
	CHECK(has(old, "tail", NULL));
	CHECK(has(old, "a", "2"));
	/* And so it is after a crash. */
	sim_crash(net, old, SIM_POWER);
	CHECK_INT(sim_start(net, old), 0);
	check_same(3);
	finish();
}

static void a_truncation_waits_for_a_flush_that_is_under_way(void)
{
	struct sim_weather calm = {.delay_min = 100,
				   .delay_max = 400,
				   .flush_min = 200,
				   .flush_max = 2000};
	struct sim_weather slow = calm;
	struct store *store;
	unsigned old;

	begin(3);
	set(leader(), "a", "1");
	old = leader();
	store = sim_store(net, old);
	sim_partition(net, 1u << (old - 1));
	slow.flush_min = slow.flush_max = 3000000;
	sim_weather(net, &slow);
	(void)begin_set(old, "tail", "x");
	sim_run_ms(net, 1);
	sim_weather(net, &calm);
	set(other_leader(old), "a", "2");
	sim_heal(net);
	sim_run_ms(net, 1000);
	/* It knows better by now, but its disk is busy. */
	CHECK(store_durable(store) < store_appended(store));
	CHECK(has(old, "a", "2"));
	check_same(3);
	CHECK_STR(info(old, "state"), "ok");
	CHECK(has(old, "tail", NULL));
	finish();
}

static void a_paused_leader_is_replaced(void)
{
	unsigned old;

	begin(3);
	set(leader(), "a", "1");
	old = leader();
	sim_pause(net, old);
	set(other_leader(old), "a", "2");
	sim_resume(net, old);
	sim_run_ms(net, 100); /* it learns what happened */
	CHECK(has(old, "a", "2"));
	check_same(3);
	finish();
}

/* ---- what replies promise ---- */

static void a_stale_read_needs_no_majority_and_says_how_old_it_is(void)
{
	struct sim_op *op;
	unsigned other;

	begin(3);
	set(leader(), "a", "1");
	other = follower();
	check_same(3);
	sim_partition(net, 1u << (other - 1));
	sim_run_ms(net, 1000);
	op = begin_get(other, "a", true);
	CHECK(op->done);
	CHECK_INT(op->code, 0);
	CHECK(op->found);
	finish();
}

static void a_write_is_not_told_before_a_majority_has_it(void)
{
	struct sim_op *op;
	unsigned lead;

	begin(3);
	lead = leader();
	sim_partition(net, 1u << (lead - 1));
	op = begin_set(lead, "a", "1");
	sim_run_ms(net, 100);
	CHECK(!op->done);
	finish();
}

static struct sim_op *set_once(unsigned node, uint64_t number,
			       const char *value)
{
	static char client[16] = "client of tests";
	struct change c = {.key = slice_str("once"), .value = slice_str(value)};
	struct request req = {
		.op = OP_SET,
		.changes = &c,
		.nchanges = 1,
		.condition = KV_IF_ABSENT,
		.client = slice_of(client, sizeof(client)),
		.number = number,
	};

	return sim_call(net, node, &req, 10000);
}

static void a_retried_write_is_done_once_across_leaders(void)
{
	struct sim_op *first, *again;
	unsigned dead;

	begin(3);
	dead = leader();
	first = set_once(dead, 1, "v");
	CHECK_INT(first->code, 0);
	sim_crash(net, dead, SIM_POWER);
	again = set_once(other_leader(dead), 1, "v");
	CHECK_INT(again->code, 0);
	CHECK_INT(again->version, first->version);
	CHECK_INT(set_once(leader(), 2, "v")->code, KV_ECONDITION);
	finish();
}

static void only_a_leader_lets_keys_expire(void)
{
	struct change c = {.key = slice_str("a"), .value = slice_str("1")};
	struct request req = {.op = OP_SET, .changes = &c, .nchanges = 1};
	unsigned dead, slow;

	begin(3);
	dead = leader();
	slow = follower();
	/* Clocks that disagree by an hour. */
	for (unsigned i = 1; i <= 3; i++)
		sim_skew(net, i, i == dead ? 0 : -3600000);
	c.expires_ms = 1750000000000u + sim_now_us(net) / 1000 + 1000;
	CHECK_INT(sim_call(net, dead, &req, 1000)->code, 0);
	CHECK(has(slow, "a", "1"));
	sim_run_ms(net, 1500);
	CHECK(has(slow, "a", NULL));
	/* The next leader's clock would have it live on. */
	sim_crash(net, dead, SIM_POWER);
	CHECK(has(other_leader(dead), "a", NULL));
	CHECK(has(slow, "a", NULL));
	finish();
}

static void too_much_that_waits_is_refused(void)
{
	unsigned lead, refused = 0;
	struct sim_op *ops[100];

	begin_with((struct sim_options){.members = 3, .uncommitted_max = 4096});
	lead = leader();
	sim_partition(net, 1u << (lead - 1));
	for (unsigned i = 0; i < 100; i++)
		ops[i] = begin_set(lead, "a", "0123456789012345678901234567");
	for (unsigned i = 0; i < 100; i++)
		refused += ops[i]->done && ops[i]->code == KV_EUNAVAILABLE;
	CHECK(refused > 20 && refused < 80);
	finish();
}

/* ---- disks ---- */

static void break_disk(unsigned node)
{
	struct simfs_fault fault = {
		.kind = SIMFS_FAIL,
		.only = SIMFS_ONLY(SIMFS_SYNC) | SIMFS_ONLY(SIMFS_PWRITE) |
			SIMFS_ONLY(SIMFS_CREATE),
		.nth = 1,
		.sticky = true,
		.error = 5,
	};

	simfs_inject(sim_disk(net, node), &fault);
}

static void a_leader_whose_disk_fails_makes_way(void)
{
	unsigned old;
	struct sim_op *op;

	begin(3);
	set(leader(), "a", "1");
	old = leader();
	break_disk(old);
	op = begin_set(old, "b", "1");
	set(other_leader(old), "c", "1");
	(void)outcome(op);
	CHECK(op->code == 0 || op->code == KV_EUNKNOWN);
	/* It forwards on. */
	set(old, "d", "1");
	CHECK(has(old, "a", "1"));
	CHECK_STR(info(old, "state"), "store failed");
	simfs_clear_faults(sim_disk(net, old));
	sim_crash(net, old, SIM_KILL);
	CHECK_INT(sim_start(net, old), 0);
	check_same(3);
	finish();
}

static void a_follower_whose_disk_fails_stops_nobody(void)
{
	unsigned broken;

	begin(3);
	set(leader(), "a", "1");
	broken = follower();
	break_disk(broken);
	set_many("k", 50);
	CHECK(has(broken, "k49", "k49"));
	simfs_clear_faults(sim_disk(net, broken));
	sim_crash(net, broken, SIM_KILL);
	CHECK_INT(sim_start(net, broken), 0);
	check_same(3);
	finish();
}

static void a_node_that_cannot_keep_its_vote_says_nothing(void)
{
	struct simfs_fault fault = {
		.kind = SIMFS_FAIL,
		.only = SIMFS_ONLY(SIMFS_RENAME),
		.nth = 1,
		.sticky = true,
		.error = 5,
	};
	unsigned dead, broken;

	begin(3);
	set(leader(), "a", "1");
	dead = leader();
	broken = follower();
	simfs_inject(sim_disk(net, broken), &fault);
	sim_crash(net, dead, SIM_KILL);
	/* Two of three are left, and one cannot promise anything. */
	sim_run_ms(net, 3000);
	CHECK(sim_leader(net) == 0);
	CHECK_STR(info(broken, "state"), "failed");
	CHECK_INT(outcome(begin_set(broken, "b", "1")), KV_EIO);
	finish();
}

TEST_MAIN(T(a_new_cluster_elects_one_of_its_members),
	  T(a_write_reaches_all_nodes), T(a_follower_forwards_requests),
	  T(a_node_alone_is_a_cluster),
	  T(a_killed_leader_is_replaced_and_nothing_is_lost),
	  T(a_leader_without_power_is_replaced_and_nothing_is_lost),
	  T(all_nodes_lose_power_and_nothing_is_lost),
	  T(five_nodes_lose_one_after_the_other),
	  T(a_write_under_way_when_its_leader_dies_is_unknown_or_done),
	  T(a_write_that_is_done_once_is_asked_for_again),
	  T(a_write_to_a_leader_that_was_cut_off_goes_to_the_next),
	  T(a_write_asked_for_again_in_vain_is_unknown),
	  T(a_read_under_way_when_its_leader_dies_is_asked_again),
	  T(requests_wait_for_a_leader_in_their_order),
	  T(a_minority_says_so_in_time),
	  T(a_leader_that_is_cut_off_answers_nothing),
	  T(an_old_leaders_tail_is_truncated),
	  T(a_truncation_waits_for_a_flush_that_is_under_way),
	  T(a_paused_leader_is_replaced),
	  T(a_stale_read_needs_no_majority_and_says_how_old_it_is),
	  T(a_write_is_not_told_before_a_majority_has_it),
	  T(a_retried_write_is_done_once_across_leaders),
	  T(only_a_leader_lets_keys_expire), T(too_much_that_waits_is_refused),
	  T(a_leader_whose_disk_fails_makes_way),
	  T(a_follower_whose_disk_fails_stops_nobody),
	  T(a_node_that_cannot_keep_its_vote_says_nothing))

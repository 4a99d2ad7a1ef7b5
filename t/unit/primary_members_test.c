/*
 * primary_members_test.c - nodes that come, go, lose their data, lag behind,
 * and hand leadership over, in a simulated cluster.
 */
#include "primary_cluster.h"

static int order(unsigned node, enum cluster_order_kind kind, unsigned about)
{
	struct sim_op *op = sim_order(net, node, kind, about);
	int code = outcome(op);

	if (code != 0)
		printf("# order about n%u: %s\n", about, op->message);
	return code;
}

static void run_compaction(void)
{
	for (unsigned i = 0; i < 40; i++) {
		set_many("same", 200);
		sim_run_ms(net, 200);
	}
}

static bool is_trimmed(unsigned node)
{
	return store_log_first(sim_store(net, node)) > 1;
}

/* ---- snapshots ---- */

static void a_node_that_was_away_too_long_gets_a_snapshot(void)
{
	unsigned away;

	begin(3);
	set_many("k", 50);
	away = follower();
	sim_crash(net, away, SIM_POWER);
	run_compaction();
	CHECK(is_trimmed(leader()));
	CHECK_INT(sim_start(net, away), 0);
	check_same(3);
	CHECK(is_trimmed(away));
	/* And it is a full member again. */
	sim_crash(net, leader(), SIM_POWER);
	CHECK(has_many(leader(), "k", 50));
	set(away, "more", "1");
	finish();
}

static void a_snapshot_survives_lost_links(void)
{
	unsigned away;
	char key[32], *value = malloc(200001);

	begin_with((struct sim_options){.members = 3,
					.segment_size = 1 << 20,
					.log_keep = 1 << 20,
					.file_max = 16 << 20});
	memset(value, 'x', 200000);
	value[200000] = '\0';
	away = follower();
	sim_crash(net, away, SIM_POWER);
	for (unsigned i = 0; i < 60; i++) {
		snprintf(key, sizeof(key), "big%u", i % 30);
		set(leader(), key, value);
		sim_run_ms(net, 100);
	}
	CHECK(is_trimmed(leader()));
	CHECK_INT(sim_start(net, away), 0);
	/* Six pieces, and the link breaks all the time. */
	for (unsigned i = 0; i < 10; i++) {
		sim_run_ms(net, 3);
		sim_break_link(net, away, leader());
	}
	check_same(3);
	CHECK(has(away, "big29", value));
	free(value);
	finish();
}

static void a_node_killed_while_it_fetches_starts_again(void)
{
	unsigned away;

	begin(3);
	set_many("k", 50);
	away = follower();
	sim_crash(net, away, SIM_POWER);
	run_compaction();
	for (unsigned i = 0; i < 20; i++) {
		CHECK_INT(sim_start(net, away), 0);
		sim_run_ms(net, i);
		sim_crash(net, away, SIM_POWER);
	}
	CHECK_INT(sim_start(net, away), 0);
	check_same(3);
	finish();
}

/* ---- coming and going ---- */

static void a_node_is_added_and_votes(void)
{
	begin_with((struct sim_options){.members = 3, .nodes = 4});
	set_many("k", 20);
	CHECK_INT(sim_start(net, 4), 0);
	CHECK_STR(info(4, "state"), "waiting to be added");
	CHECK_INT(order(leader(), CLUSTER_ADD, 4), 0);
	check_same(4);
	CHECK_STR(info(4, "state"), "ok");
	/* Three of four are needed now: with it there are three. */
	sim_crash(net, leader(), SIM_POWER);
	CHECK(has_many(leader(), "k", 20));
	set(4, "new", "1");
	/* It is still one of them after a restart. */
	sim_crash(net, 4, SIM_POWER);
	CHECK_INT(sim_start(net, 4), 0);
	set(4, "newer", "1");
	finish();
}

static void an_addition_that_nobody_follows_is_given_up(void)
{
	begin_with((struct sim_options){.members = 3, .nodes = 5});
	set_many("k", 20);
	CHECK_INT(order(leader(), CLUSTER_ADD, 4), KV_ETIMEOUT);
	/* Others may be given, and it may still come. */
	CHECK_INT(order(leader(), CLUSTER_ADD, 5), KV_ETIMEOUT);
	CHECK_INT(order(leader(), CLUSTER_REMOVE, 5), 0);
	CHECK_INT(sim_start(net, 4), 0);
	check_same(4);
	finish();
}

static void a_new_node_is_filled_by_a_snapshot(void)
{
	begin_with((struct sim_options){.members = 3, .nodes = 4});
	set_many("k", 50);
	run_compaction();
	CHECK(is_trimmed(leader()));
	CHECK_INT(sim_start(net, 4), 0);
	CHECK_INT(order(follower(), CLUSTER_ADD, 4), 0);
	check_same(4);
	CHECK(has_many(4, "k", 50));
	finish();
}

static void a_single_node_grows_to_three(void)
{
	begin_with((struct sim_options){.members = 1, .nodes = 3});
	set_many("k", 20);
	for (unsigned i = 2; i <= 3; i++) {
		CHECK_INT(sim_start(net, i), 0);
		CHECK_INT(order(1, CLUSTER_ADD, i), 0);
	}
	sim_crash(net, 1, SIM_POWER);
	CHECK(has_many(other_leader(1), "k", 20));
	finish();
}

static void a_removed_node_disturbs_nobody(void)
{
	unsigned gone, lead;
	uint64_t term;
	struct raft_status status;

	begin(5);
	set(leader(), "a", "1");
	lead = leader();
	gone = follower();
	CHECK_INT(order(gone, CLUSTER_REMOVE, gone), 0);
	raft_status(primary_core(sim_primary(net, lead)), &status);
	term = status.term;
	sim_run_ms(net, 5000);
	raft_status(primary_core(sim_primary(net, lead)), &status);
	CHECK_INT(status.term, term);
	CHECK_INT(sim_leader(net), lead);
	CHECK_INT(status.npeers, 4);
	set(lead, "b", "1");
	finish();
}

static void a_leader_is_not_removed(void)
{
	begin(3);
	CHECK_INT(order(leader(), CLUSTER_REMOVE, leader()), KV_ECONDITION);
	CHECK_INT(order(leader(), CLUSTER_ADD, 1), KV_ECONDITION);
	finish();
}

static void leadership_is_handed_over(void)
{
	unsigned old, target;
	struct sim_op *ops[20];

	begin(3);
	set(leader(), "a", "1");
	old = leader();
	target = follower();
	for (unsigned i = 0; i < 20; i++)
		ops[i] = begin_set(1 + i % 3, "b", "1");
	CHECK_INT(order(old, CLUSTER_TRANSFER, target), 0);
	CHECK_INT(leader(), target);
	for (unsigned i = 0; i < 20; i++)
		CHECK_INT(outcome(ops[i]), 0);
	/* To itself is no work. */
	CHECK_INT(order(old, CLUSTER_TRANSFER, target), 0);
	finish();
}

static void leadership_is_not_handed_to_a_node_that_is_away(void)
{
	unsigned old, target;

	begin(3);
	old = leader();
	target = follower();
	sim_crash(net, target, SIM_KILL);
	CHECK_INT(order(old, CLUSTER_TRANSFER, target), KV_EUNAVAILABLE);
	CHECK_INT(leader(), old);
	set(old, "a", "1");
	finish();
}

static bool is_free_to_end(struct sim_net *n, void *arg)
{
	const unsigned *node = arg;

	return !primary_resigns(sim_primary(n, *node));
}

static void a_leader_that_is_to_end_hands_over(void)
{
	struct sim_op *ops[20];
	unsigned old;

	begin(3);
	set(leader(), "a", "1");
	old = leader();
	for (unsigned i = 0; i < 20; i++)
		ops[i] = begin_set(1 + i % 3, "b", "1");
	primary_resign(sim_primary(net, old));
	CHECK(primary_resigns(sim_primary(net, old)));
	CHECK(sim_run_until(net, is_free_to_end, &old, 100));
	CHECK(!primary_leads(sim_primary(net, old)));
	/* Sooner than anybody could have missed it. */
	CHECK(sim_run_until(net, there_is_a_leader, &old, 50));
	for (unsigned i = 0; i < 20; i++)
		CHECK_INT(outcome(ops[i]), 0);
	finish();
}

static void a_leader_that_is_to_end_waits_for_nobody_in_vain(void)
{
	unsigned old;

	begin(3);
	set(leader(), "a", "1");
	old = leader();
	/* It has not noticed yet that they are away. */
	for (unsigned i = 1; i <= 3; i++)
		if (i != old)
			sim_crash(net, i, SIM_KILL);
	primary_resign(sim_primary(net, old));
	CHECK(sim_run_until(net, is_free_to_end, &old, 4000));
	/* A follower has nothing to hand over. */
	CHECK_INT(sim_start(net, old % 3 + 1), 0);
	primary_resign(sim_primary(net, old % 3 + 1));
	CHECK(!primary_resigns(sim_primary(net, old % 3 + 1)));
	finish();
}

/* ---- lost data ---- */

static void a_node_that_lost_its_data_does_not_vote(void)
{
	unsigned lead, wiped, third;

	begin(3);
	lead = leader();
	wiped = lead % 3 + 1;
	third = wiped % 3 + 1;
	sim_crash(net, third, SIM_POWER);
	set(lead, "a", "1");
	/* Only two have it, and one of them forgets. */
	sim_crash(net, wiped, SIM_KILL);
	sim_wipe(net, wiped);
	sim_crash(net, lead, SIM_KILL);
	CHECK_INT(sim_start(net, wiped), 0);
	CHECK_INT(sim_start(net, third), 0);
	sim_run_ms(net, 5000);
	CHECK_INT(sim_leader(net), 0);
	/* Those who know are a majority again. */
	CHECK_INT(sim_start(net, lead), 0);
	CHECK(has(leader(), "a", "1"));
	sim_run_ms(net, 1000);
	CHECK_STR(info(wiped, "state"), "lost its data: to be repaired");
	finish();
}

static void a_node_that_lost_its_data_is_repaired(void)
{
	unsigned lead, wiped;

	begin(3);
	set_many("k", 20);
	lead = leader();
	wiped = follower();
	sim_crash(net, wiped, SIM_KILL);
	sim_wipe(net, wiped);
	CHECK_INT(sim_start(net, wiped), 0);
	sim_run_ms(net, 1000);
	CHECK_STR(info(wiped, "state"), "lost its data: to be repaired");
	CHECK_INT(order(wiped, CLUSTER_REPAIR, wiped), 0);
	CHECK_STR(info(wiped, "state"), "ok");
	check_same(3);
	sim_crash(net, lead, SIM_POWER);
	CHECK(has_many(other_leader(lead), "k", 20));
	set(wiped, "b", "1");
	/* For good. */
	sim_crash(net, wiped, SIM_POWER);
	CHECK_INT(sim_start(net, wiped), 0);
	CHECK_INT(sim_start(net, lead), 0);
	check_same(3);
	finish();
}

static void a_sound_node_can_be_repaired_too(void)
{
	unsigned node;

	begin(3);
	set_many("k", 50);
	node = follower();
	run_compaction();
	CHECK_INT(order(leader(), CLUSTER_REPAIR, node), 0);
	check_same(3);
	CHECK_STR(info(node, "state"), "ok");
	finish();
}

static void a_node_killed_while_it_is_emptied_goes_on(void)
{
	for (unsigned ms = 1; ms < 60; ms += 4) {
		struct sim_op *op;
		unsigned node;

		begin_with((struct sim_options){.members = 3, .seed = ms});
		set_many("k", 20);
		node = follower();
		op = sim_order(net, leader(), CLUSTER_REPAIR, node);
		sim_run_ms(net, ms);
		sim_crash(net, node, SIM_POWER);
		CHECK_INT(sim_start(net, node), 0);
		CHECK_INT(outcome(op), 0);
		check_same(3);
		finish();
	}
}

static void a_node_that_fails_to_empty_itself_starts_again(void)
{
	const struct simfs_fault fault = {
		.kind = SIMFS_FAIL,
		.only = SIMFS_ONLY(SIMFS_MKDIR),
		.nth = 1,
		.error = 5,
	};
	struct sim_op *op;
	unsigned node;

	begin(3);
	set_many("k", 20);
	node = follower();
	simfs_inject(sim_disk(net, node), &fault);
	op = sim_order(net, leader(), CLUSTER_REPAIR, node);
	sim_run_ms(net, 500);
	CHECK(simfs_fired(sim_disk(net, node)) == 1);
	CHECK_STR(info(node, "state"), "failed");
	sim_crash(net, node, SIM_KILL);
	CHECK_INT(sim_start(net, node), 0);
	CHECK_INT(outcome(op), 0);
	check_same(3);
	finish();
}

static void an_order_is_answered_when_its_node_stops(void)
{
	struct sim_op *op;
	unsigned lead, other;

	begin(3);
	lead = leader();
	other = follower();
	sim_crash(net, other, SIM_KILL);
	op = sim_order(net, lead, CLUSTER_REPAIR, other);
	sim_run_ms(net, 200);
	CHECK(!op->done);
	sim_crash(net, lead, SIM_KILL);
	CHECK(op->done);
	CHECK_INT(op->code, KV_EUNREACHABLE);
	finish();
}

static void damage_first_segment(unsigned node)
{
	for (uint64_t at = 4096 + 48; at < 4096 + 400; at += 8)
		CHECK_INT(simfs_damage(sim_disk(net, node),
				       "/d/0000000000000001.log", at, 0xff),
			  0);
}

static void a_damaged_store_is_put_aside_and_refilled(void)
{
	char path[64];
	unsigned node;
	int r;

	begin(3);
	set_many("k", 50);
	node = follower();
	check_same(3);
	sim_crash(net, node, SIM_KILL);
	damage_first_segment(node);
	r = sim_start(net, node);
	CHECK_INT(r, KV_EDAMAGED);
	CHECK_INT(primary_set_aside("/d", simfs_fs(sim_disk(net, node)), path,
				    sizeof(path)),
		  0);
	CHECK_STR(path, "/d/damaged-1");
	CHECK_INT(sim_start(net, node), 0);
	CHECK_STR(info(node, "state"), "lost its data: to be repaired");
	/* Not even after it was started again. */
	sim_crash(net, node, SIM_KILL);
	CHECK_INT(sim_start(net, node), 0);
	CHECK_STR(info(node, "state"), "lost its data: to be repaired");
	CHECK_INT(order(leader(), CLUSTER_REPAIR, node), 0);
	CHECK_STR(info(node, "state"), "ok");
	check_same(3);
	finish();
}

/* ---- beginning ---- */

static void a_cluster_begins_when_all_members_have_met(void)
{
	begin(3);
	for (unsigned i = 1; i <= 3; i++)
		sim_crash(net, i, SIM_KILL);
	for (unsigned i = 1; i <= 3; i++)
		sim_wipe(net, i);
	CHECK_INT(sim_start(net, 1), 0);
	CHECK_INT(sim_start(net, 2), 0);
	sim_run_ms(net, 3000);
	CHECK_INT(sim_leader(net), 0);
	CHECK_STR(info(1, "state"), "waiting for the other members");
	CHECK_INT(sim_start(net, 3), 0);
	set(leader(), "a", "1");
	/* From now on two are enough. */
	for (unsigned i = 1; i <= 3; i++)
		sim_crash(net, i, SIM_KILL);
	CHECK_INT(sim_start(net, 1), 0);
	CHECK_INT(sim_start(net, 3), 0);
	CHECK(has(leader(), "a", "1"));
	finish();
}

static struct primary_hello hello_of(unsigned node)
{
	struct primary_hello hello;

	primary_hello(sim_primary(net, node), &hello);
	return hello;
}

static void hellos_of_strangers_are_refused(void)
{
	struct primary_hello hello;
	struct primary *p;

	begin(3);
	p = sim_primary(net, leader());
	hello = hello_of(follower());
	CHECK_INT(primary_meet(p, &hello), 0);
	hello.cluster_id++;
	CHECK_INT(primary_meet(p, &hello), KV_EPERM);
	hello = hello_of(leader());
	CHECK_INT(primary_meet(p, &hello), KV_EPERM); /* its own name */
	hello = hello_of(follower());
	hello.name = "n9";
	CHECK_INT(primary_meet(p, &hello), KV_EPERM);
	hello.name = "no name";
	CHECK_INT(primary_meet(p, &hello), KV_EPERM);
	hello = hello_of(follower());
	hello.id = member_id("n9", 0);
	CHECK_INT(primary_meet(p, &hello), KV_EPERM);
	finish();
}

TEST_MAIN(T(a_node_that_was_away_too_long_gets_a_snapshot),
	  T(a_snapshot_survives_lost_links),
	  T(a_node_killed_while_it_fetches_starts_again),
	  T(a_node_is_added_and_votes),
	  T(an_addition_that_nobody_follows_is_given_up),
	  T(a_new_node_is_filled_by_a_snapshot),
	  T(a_single_node_grows_to_three), T(a_removed_node_disturbs_nobody),
	  T(a_leader_is_not_removed), T(leadership_is_handed_over),
	  T(leadership_is_not_handed_to_a_node_that_is_away),
	  T(a_leader_that_is_to_end_hands_over),
	  T(a_leader_that_is_to_end_waits_for_nobody_in_vain),
	  T(a_node_that_lost_its_data_does_not_vote),
	  T(a_node_that_lost_its_data_is_repaired),
	  T(a_sound_node_can_be_repaired_too),
	  T(a_node_killed_while_it_is_emptied_goes_on),
	  T(a_node_that_fails_to_empty_itself_starts_again),
	  T(an_order_is_answered_when_its_node_stops),
	  T(a_damaged_store_is_put_aside_and_refilled),
	  T(a_cluster_begins_when_all_members_have_met),
	  T(hellos_of_strangers_are_refused))

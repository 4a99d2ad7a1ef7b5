/*
 * raft_cluster_test.c - whole clusters in given misfortunes.
 */
#include "raft_hand.h"

static struct net_node *elect(struct net *net)
{
	net_run(net, 2000);
	CHECK_NET(net);
	CHECK(net_leader(net) != NULL);
	return net_leader(net);
}

static void write_and_commit(struct net *net, struct net_node *leader)
{
	uint64_t commit = net->ncommitted;

	CHECK(net_propose(net, leader));
	net_run(net, 200);
	CHECK_NET(net);
	CHECK(net->ncommitted > commit);
}

static void check_same(struct net *net)
{
	for (unsigned i = 2; i <= net->n; i++)
		CHECK_INT(net->nodes[i].commit, net->nodes[1].commit);
	net_check_logs(net);
	CHECK_NET(net);
}

/* Until then something happens, or it never will. */
static void step_before(struct net *net, uint64_t end)
{
	CHECK(net_step(net, end));
	CHECK_NET(net);
}

static void three_nodes_elect_one_and_agree(void)
{
	struct net *net = net_new(3, 3, 1);
	struct net_node *leader = elect(net);

	for (int i = 0; i < 100; i++)
		CHECK(net_propose(net, leader));
	net_run(net, 200);
	CHECK_INT(net->elections, 1);
	CHECK_INT(leader->commit, 101);
	check_same(net);
	net_free(net);
}

static void an_idle_cluster_sends_heartbeats_only(void)
{
	struct net *net = net_new(3, 3, 1);
	uint64_t sent;

	(void)elect(net);
	sent = net->sent;
	net_run(net, 1000);
	/* Twenty heartbeats to two, and their answers. */
	CHECK_INT(net->sent - sent, 80);
	CHECK_INT(net->elections, 1);
	net_free(net);
}

static void two_voters_with_one_down_do_nothing_and_lose_nothing(void)
{
	struct net *net = net_new(2, 2, 1);
	struct net_node *leader = elect(net);
	uint64_t other = 3 - leader->id, commit, answered;

	write_and_commit(net, leader);
	net_crash(net, other);
	commit = leader->commit;
	answered = leader->answered;
	CHECK(net_propose(net, leader));
	CHECK(net_read(net, leader));
	net_run(net, 5000);
	CHECK_INT(leader->commit, commit);
	CHECK_INT(leader->answered, answered);
	CHECK_INT(leader->role == RAFT_LEADER, false);
	net_start(net, other);
	write_and_commit(net, elect(net));
	check_same(net);
	net_free(net);
}

static void five_nodes_that_fall_one_at_a_time_work_while_three_do(void)
{
	struct net *net = net_new(5, 5, 1);
	struct net_node *leader = elect(net);
	uint64_t gone[3], commit;

	for (int i = 0; i < 2; i++) {
		write_and_commit(net, leader);
		gone[i] = leader->id;
		net_crash(net, leader->id);
		leader = elect(net);
	}
	write_and_commit(net, leader);
	gone[2] = leader->id;
	net_crash(net, leader->id);
	commit = net->ncommitted;
	net_run(net, 5000);
	CHECK(net_leader(net) == NULL);
	CHECK_INT(net->ncommitted, commit);
	for (int i = 0; i < 3; i++) {
		net_start(net, gone[i]);
		write_and_commit(net, elect(net));
	}
	check_same(net);
	net_free(net);
}

static void a_dead_leader_is_replaced_within_a_second(void)
{
	uint64_t longest = 0;

	for (uint64_t seed = 1; seed <= 200; seed++) {
		struct net *net = net_new(3, 3, seed);
		struct net_node *leader = elect(net);
		uint64_t dead = net->now;

		net_crash(net, leader->id);
		while (net_leader(net) == NULL || !net_leader(net)->commit ||
		       net_leader(net)->commit <
			       net_last(&net_leader(net)->log))
			step_before(net, dead + 3000);
		if (net->now - dead > longest)
			longest = net->now - dead;
		CHECK_NET(net);
		net_free(net);
	}
	printf("# %u ms at most\n", (unsigned)longest);
	CHECK(longest < 1000);
}

/* The follower's log ends in what an isolated leader wrote. */
static void a_crash_between_truncation_and_append_loses_nothing(void)
{
	struct net *net = net_new(3, 3, 6);
	struct net_node *old = elect(net), *leader;
	uint64_t end;

	write_and_commit(net, old);
	net_isolate(net, old->id, true);
	for (int i = 0; i < 5; i++)
		CHECK(net_propose(net, old));
	net_run(net, 1000);
	leader = elect(net);
	CHECK(leader != old);
	for (int i = 0; i < 3; i++)
		write_and_commit(net, leader);
	net->crash_node = old->id;
	net->crash_on = RAFT_TRUNCATE;
	net_heal(net);
	end = net->now + 5000;
	while (old->raft != NULL)
		step_before(net, end);
	/* What it removed is on its disk again. */
	CHECK(net_last(&old->log) > net->ncommitted - 3);
	net_start(net, old->id);
	net_run(net, 1000);
	CHECK(net->truncations >= 2);
	check_same(net);
	net_free(net);
}

static void a_snapshot_may_be_replaced_while_it_is_fetched(void)
{
	struct net *net = net_new(3, 3, 8);
	struct net_node *leader = elect(net), *away;
	uint64_t first, end;

	away = &net->nodes[leader->id % 3 + 1];
	net_crash(net, away->id);
	for (int i = 0; i < 50; i++)
		net_propose(net, leader);
	net_run(net, 200);
	net_trim(net, leader, 40);
	net_start(net, away->id);
	end = net->now + 1000;
	while (away->fetch_at == NET_NEVER)
		step_before(net, end);
	first = away->fetch;
	/* It takes its time. */
	away->fetch_at = net->now + 1000;
	for (int i = 0; i < 50; i++)
		net_propose(net, leader);
	net_run(net, 200);
	net_trim(net, leader, 90);
	net_run(net, 200);
	CHECK(away->fetch > first);
	CHECK_INT(away->commit, 0);
	CHECK(net_leader(net) == leader);
	net_run(net, 1500);
	CHECK_INT(net->installs, 1);
	check_same(net);
	net_free(net);
}

static void a_fetch_that_is_abandoned_is_offered_again(void)
{
	struct net *net = net_new(3, 3, 8);
	struct net_node *leader = elect(net), *away;

	away = &net->nodes[leader->id % 3 + 1];
	net_crash(net, away->id);
	for (int i = 0; i < 50; i++)
		net_propose(net, leader);
	net_run(net, 200);
	net_trim(net, leader, 40);
	for (int i = 0; i < 3; i++) {
		uint64_t end = net->now + 1000;

		net_start(net, away->id);
		while (away->fetch_at == NET_NEVER)
			step_before(net, end);
		net_crash(net, away->id);
	}
	net_start(net, away->id);
	net_run(net, 1000);
	CHECK_INT(net->installs, 1);
	check_same(net);
	net_free(net);
}

static void a_node_that_was_cut_off_does_not_depose_the_leader(void)
{
	struct net *net = net_new(3, 3, 2);
	struct net_node *leader = elect(net);
	uint64_t away = leader->id % 3 + 1, term = leader->term;

	net_isolate(net, away, true);
	net_run(net, 10000);
	net_heal(net);
	net_run(net, 2000);
	CHECK_NET(net);
	CHECK_INT(leader->role, RAFT_LEADER);
	CHECK_INT(leader->term, term);
	net_free(net);
}

static void a_leader_that_is_not_heard_by_one_keeps_leading(void)
{
	struct net *net = net_new(3, 3, 2);
	struct net_node *leader = elect(net);
	uint64_t deaf = leader->id % 3 + 1, term = leader->term;

	/* One way only: what it sends still arrives. */
	net->cut[leader->id][deaf] = true;
	net_run(net, 10000);
	CHECK_NET(net);
	CHECK_INT(leader->role, RAFT_LEADER);
	CHECK_INT(leader->term, term);
	net_free(net);
}

static void catching_up_takes_few_round_trips(void)
{
	struct net *net = net_new(3, 3, 2);
	struct net_node *leader = elect(net), *away;
	uint64_t started;

	away = &net->nodes[leader->id % 3 + 1];
	net_crash(net, away->id);
	for (int i = 0; i < 10000; i++)
		net_propose(net, leader);
	net_run(net, 1000);
	net->message_max = 500;
	net_start(net, away->id);
	started = net->now;
	while (away->commit < net_last(&leader->log))
		step_before(net, started + 1000);
	/* A heartbeat to find it, then a window at a time. */
	CHECK(net->now - started <= 50 + 10);
	check_same(net);
	net_free(net);
}

TEST_MAIN(T(three_nodes_elect_one_and_agree),
	  T(an_idle_cluster_sends_heartbeats_only),
	  T(two_voters_with_one_down_do_nothing_and_lose_nothing),
	  T(five_nodes_that_fall_one_at_a_time_work_while_three_do),
	  T(a_dead_leader_is_replaced_within_a_second),
	  T(a_crash_between_truncation_and_append_loses_nothing),
	  T(a_snapshot_may_be_replaced_while_it_is_fetched),
	  T(a_fetch_that_is_abandoned_is_offered_again),
	  T(a_node_that_was_cut_off_does_not_depose_the_leader),
	  T(a_leader_that_is_not_heard_by_one_keeps_leading),
	  T(catching_up_takes_few_round_trips))

/*
 * raft_read_test.c - reads that only a leader may answer, and handing the
 * leadership over.
 */
#include "base/err.h"
#include "raft_hand.h"

static struct net_node *one(struct net *net)
{
	return &net->nodes[1];
}

static uint64_t ask(struct net *net)
{
	uint64_t round = 0;

	CHECK_INT(raft_read(one(net)->raft, net->now, &round), 0);
	one(net)->reads[one(net)->nreads++] =
		(struct net_read){.round = round, .must_see = net->ncommitted};
	return round;
}

static void echo(struct net *net, uint64_t from, uint64_t term, uint64_t round)
{
	hand_give(net, (struct raft_message){.kind = RAFT_APPEND_REPLY,
					     .from = from,
					     .term = term,
					     .index = 1,
					     .index_term = 1,
					     .round = round});
}

static void a_read_needs_a_majority_to_confirm_the_leader(void)
{
	struct net *net = hand_leading(5);
	uint64_t round = ask(net);

	net_drain(net, one(net));
	CHECK_INT(hand_only(net, 2).round, round);
	echo(net, 2, 2, round);
	CHECK_INT(one(net)->answered, 0);
	echo(net, 2, 2, round);
	CHECK_INT(one(net)->answered, 0);
	echo(net, 3, 2, round - 1);
	CHECK_INT(one(net)->answered, 0);
	echo(net, 4, 2, round);
	CHECK_INT(one(net)->answered, 1);
	net_free(net);
}

static void waiting_reads_share_an_exchange(void)
{
	struct net *net = hand_leading(3);
	struct raft_message m;

	for (int i = 0; i < 20; i++)
		CHECK_INT(ask(net), 1);
	/* A write takes the question along. */
	net_append(net, one(net), ++net->payload, NULL);
	net_drain(net, one(net));
	m = hand_only(net, 2);
	CHECK_INT(m.round, 1);
	CHECK_INT(m.count, 1);
	/* Who comes after that needs another. */
	CHECK_INT(ask(net), 2);
	net_drain(net, one(net));
	CHECK_INT(hand_only(net, 2).round, 2);
	echo(net, 2, 2, 1);
	CHECK_INT(one(net)->answered, 20);
	echo(net, 3, 2, 2);
	CHECK_INT(one(net)->answered, 21);
	net_free(net);
}

static void a_refusal_of_the_same_term_confirms_too(void)
{
	struct net *net = hand_leading(3);
	uint64_t round = ask(net);

	net_drain(net, one(net));
	hand_give(net, (struct raft_message){.kind = RAFT_APPEND_REPLY,
					     .from = 2,
					     .term = 2,
					     .round = round,
					     .refused = true,
					     .asked = 2});
	CHECK_INT(one(net)->answered, 1);
	net_free(net);
}

static void a_new_leader_answers_no_read_before_its_floor(void)
{
	/* Entry 1 may be committed; this node does not know yet. */
	struct net *net = hand_new(3, 1, 0, 0, "1");
	uint64_t round;

	hand_elect(net);
	CHECK(!hand_status(net).can_read);
	round = ask(net);
	net_drain(net, one(net));
	echo(net, 2, 2, round);
	echo(net, 3, 2, round);
	CHECK_INT(one(net)->answered, 0);
	hand_flush(net);
	CHECK_INT(one(net)->answered, 0);
	hand_store_and_ack(net, 2, 2);
	CHECK_INT(one(net)->answered, 1);
	net_free(net);
}

static void echoes_of_an_older_term_do_not_count(void)
{
	struct net *net = hand_leading(3);
	uint64_t round = ask(net);

	net_drain(net, one(net));
	echo(net, 2, 1, round);
	echo(net, 3, 1, round);
	CHECK_INT(one(net)->answered, 0);
	/* Nor of rounds that were never asked. */
	echo(net, 2, 2, round + 1);
	CHECK_INT(one(net)->answered, 0);
	net_free(net);
}

static void a_follower_refuses_reads(void)
{
	struct net *net = hand_new(3, 1, 0, 0, "1");
	uint64_t round;

	CHECK_INT(raft_read(one(net)->raft, net->now, &round), KV_EUNAVAILABLE);
	net_free(net);
}

static struct net_node *elect(struct net *net)
{
	net_run(net, 2000);
	CHECK_NET(net);
	CHECK(net_leader(net) != NULL);
	return net_leader(net);
}

static void a_deposed_leaders_read_is_never_answered(void)
{
	struct net *net = net_new(3, 3, 3);
	struct net_node *old = elect(net), *leader;

	net_isolate(net, old->id, true);
	old->paused = true;
	leader = elect(net);
	CHECK(leader != old);
	CHECK(net_propose(net, leader));
	net_run(net, 100);
	CHECK_INT(leader->commit, net_last(&leader->log));
	/* It wakes up and still takes itself for the leader. */
	old->paused = false;
	CHECK_INT(old->role, RAFT_LEADER);
	old->answered = 0;
	CHECK(net_read(net, old));
	net_drain(net, old);
	net_run(net, 5000);
	net_heal(net);
	net_run(net, 5000);
	CHECK_NET(net);
	CHECK_INT(old->answered, 0);
	net_free(net);
}

/* ---- handing over ---- */

static void a_lagging_node_is_brought_up_before_it_takes_over(void)
{
	struct net *net = net_new(3, 3, 4);
	struct net_node *old = elect(net), *target;
	uint64_t started;

	target = &net->nodes[old->id % 3 + 1];
	net_isolate(net, target->id, true);
	for (int i = 0; i < 300; i++)
		net_propose(net, old);
	net_run(net, 1000);
	net_heal(net);
	CHECK(net_last(&target->log) + 300 <= net_last(&old->log));
	started = net->now;
	CHECK_INT(raft_transfer(old->raft, net->now, target->id), 0);
	CHECK(raft_transferring(old->raft));
	CHECK(!net_propose(net, old));
	net_drain(net, old);
	while (target->role != RAFT_LEADER && net_step(net, started + 150))
		;
	CHECK_NET(net);
	CHECK_INT(target->role, RAFT_LEADER);
	net_run(net, 100);
	CHECK_INT(target->commit, net_last(&target->log));
	CHECK_INT(old->leader, target->id);
	net_free(net);
}

static void a_transfer_to_a_dead_node_is_given_up(void)
{
	struct net *net = net_new(3, 3, 4);
	struct net_node *leader = elect(net);
	uint64_t target = leader->id % 3 + 1, commit;

	net_crash(net, target);
	CHECK(net_propose(net, leader));
	CHECK_INT(raft_transfer(leader->raft, net->now, target), 0);
	net_drain(net, leader);
	net_run(net, 149);
	CHECK(raft_transferring(leader->raft));
	net_run(net, 2);
	CHECK(!raft_transferring(leader->raft));
	CHECK_INT(leader->role, RAFT_LEADER);
	commit = leader->commit;
	CHECK(net_propose(net, leader));
	net_run(net, 50);
	CHECK_INT(leader->commit, commit + 1);
	CHECK_NET(net);
	net_free(net);
}

static void a_refused_transfer_leaves_nothing(void)
{
	struct net *net = hand_leading(3);
	struct raft_message m;

	CHECK_INT(raft_transfer(one(net)->raft, net->now, 1), KV_ECONDITION);
	CHECK_INT(raft_transfer(one(net)->raft, net->now, 9), KV_ECONDITION);
	CHECK(!raft_transferring(one(net)->raft));
	CHECK_INT(raft_transfer(one(net)->raft, net->now, 2), 0);
	CHECK_INT(raft_transfer(one(net)->raft, net->now, 2), 0);
	CHECK_INT(raft_transfer(one(net)->raft, net->now, 3), KV_EUNAVAILABLE);
	net_drain(net, one(net));
	CHECK_INT(hand_only(net, 2).kind, RAFT_TIMEOUT_NOW);
	CHECK(!hand_take(net, 3, &m));
	net_free(net);
}

TEST_MAIN(T(a_read_needs_a_majority_to_confirm_the_leader),
	  T(waiting_reads_share_an_exchange),
	  T(a_refusal_of_the_same_term_confirms_too),
	  T(a_new_leader_answers_no_read_before_its_floor),
	  T(echoes_of_an_older_term_do_not_count), T(a_follower_refuses_reads),
	  T(a_deposed_leaders_read_is_never_answered),
	  T(a_lagging_node_is_brought_up_before_it_takes_over),
	  T(a_transfer_to_a_dead_node_is_given_up),
	  T(a_refused_transfer_leaves_nothing))

/*
 * raft_follow_test.c - a follower, one message at a time.
 */
#include "raft_hand.h"

static void a_stale_tail_is_not_acknowledged(void)
{
	/* 3 and 4 came from a leader of term 1 that nobody else heard. */
	struct net *net = hand_new(3, 1, 0, 0, "1111");
	struct raft_message m;

	hand_give(net, (struct raft_message){.kind = RAFT_APPEND,
					     .from = 2,
					     .term = 2,
					     .index = 2,
					     .index_term = 1});
	m = hand_only(net, 2);
	CHECK(!m.refused);
	CHECK_INT(m.index, 2);
	/* Not even when more of it comes to the disk. */
	raft_persisted(net->nodes[1].raft, net->now, 4);
	net_drain(net, &net->nodes[1]);
	CHECK(!hand_take(net, 2, &m));
	net_free(net);
}

static void what_is_not_on_disk_is_not_acknowledged(void)
{
	struct net *net = hand_new(3, 1, 0, 0, "1");
	struct raft_message m = {.kind = RAFT_APPEND,
				 .from = 2,
				 .term = 1,
				 .index = 1,
				 .index_term = 1,
				 .count = 2,
				 .nspans = 1,
				 .spans = {{2, 1}}};

	hand_give(net, m);
	CHECK(!hand_take(net, 2, &m));
	hand_give(net, (struct raft_message){.kind = RAFT_APPEND,
					     .from = 2,
					     .term = 1,
					     .index = 3,
					     .index_term = 1});
	CHECK_INT(hand_only(net, 2).index, 1);
	hand_flush(net);
	CHECK_INT(hand_only(net, 2).index, 3);
	net_free(net);
}

static void a_truncated_entry_is_not_acknowledged(void)
{
	struct net *net = hand_new(3, 1, 0, 0, "1");
	struct raft_message m;

	hand_give(net, (struct raft_message){.kind = RAFT_APPEND,
					     .from = 2,
					     .term = 1,
					     .index = 1,
					     .index_term = 1,
					     .count = 3,
					     .nspans = 1,
					     .spans = {{2, 1}}});
	CHECK_INT(hand_status(net).last, 4);
	/* The write of 2..4 is under way when another leader replaces 2. */
	hand_give(net, (struct raft_message){.kind = RAFT_APPEND,
					     .from = 3,
					     .term = 2,
					     .index = 1,
					     .index_term = 1,
					     .count = 1,
					     .nspans = 1,
					     .spans = {{2, 2}}});
	CHECK(!hand_take(net, 2, &m));
	CHECK_INT(hand_status(net).persisted, 1);
	CHECK_INT(hand_status(net).last, 2);
	while (hand_take(net, 3, &m))
		CHECK_INT(m.index, 1);
	hand_flush(net);
	CHECK_INT(hand_only(net, 3).index, 2);
	net_free(net);
}

static void it_commits_no_more_than_the_message_vouches_for(void)
{
	struct net *net = hand_new(3, 1, 0, 0, "1111");

	hand_give(net, (struct raft_message){.kind = RAFT_APPEND,
					     .from = 2,
					     .term = 2,
					     .index = 2,
					     .index_term = 1,
					     .commit = 4});
	CHECK_INT(hand_status(net).commit, 2);
	CHECK_INT(hand_only(net, 2).commit, 2);
	net_free(net);
}

static void an_append_with_prev_0_to_a_compacted_log_skips_what_it_covers(void)
{
	struct net *net = hand_new(3, 2, 5, 1, "11");
	struct raft_message m = {.kind = RAFT_APPEND,
				 .from = 2,
				 .term = 2,
				 .count = 8,
				 .nspans = 2,
				 .spans = {{1, 1}, {8, 2}}};

	hand_give(net, m);
	CHECK_INT(net->truncations, 0);
	CHECK_INT(hand_status(net).last, 8);
	hand_flush(net);
	CHECK_INT(hand_only(net, 2).index, 8);
	/* All of it behind the beginning of the log. */
	m.count = 3;
	m.nspans = 1;
	hand_give(net, m);
	CHECK_INT(hand_status(net).last, 8);
	CHECK_INT(hand_only(net, 2).index, 8);
	CHECK_INT(net->truncations, 0);
	net_free(net);
}

static void a_compacted_log_is_acknowledged_to_a_new_leader(void)
{
	struct net *net = hand_new(3, 2, 5, 1, "11");

	hand_give(net, (struct raft_message){.kind = RAFT_APPEND,
					     .from = 3,
					     .term = 3,
					     .count = 2,
					     .nspans = 1,
					     .spans = {{1, 1}}});
	CHECK_INT(hand_only(net, 3).index, 5);
	net_free(net);
}

static void a_stale_term_reply_is_complete(void)
{
	struct net *net = hand_new(3, 5, 0, 0, "13");
	struct raft_message m;

	hand_give(net, (struct raft_message){.kind = RAFT_APPEND,
					     .from = 2,
					     .term = 4,
					     .index = 7,
					     .index_term = 4});
	m = hand_only(net, 2);
	CHECK_INT(m.kind, RAFT_APPEND_REPLY);
	CHECK(m.refused);
	CHECK_INT(m.from, 1);
	CHECK_INT(m.term, 5);
	CHECK_INT(m.asked, 7);
	CHECK_INT(m.index, 2);
	CHECK_INT(m.index_term, 3);
	CHECK_INT(hand_status(net).leader, 0);
	/* An old candidate learns the term as well. */
	hand_give(net, (struct raft_message){
			       .kind = RAFT_VOTE, .from = 3, .term = 2});
	m = hand_only(net, 3);
	CHECK(m.refused);
	CHECK_INT(m.term, 5);
	net_free(net);
}

static void a_refusal_skips_a_whole_term(void)
{
	struct net *net = hand_new(3, 5, 0, 0, "122223333");
	struct raft_message m;

	hand_give(net, (struct raft_message){.kind = RAFT_APPEND,
					     .from = 2,
					     .term = 5,
					     .index = 9,
					     .index_term = 2});
	m = hand_only(net, 2);
	CHECK(m.refused);
	CHECK_INT(m.asked, 9);
	CHECK_INT(m.index, 5);
	CHECK_INT(m.index_term, 2);
	/* Further than the log: to its end. */
	hand_give(net, (struct raft_message){.kind = RAFT_APPEND,
					     .from = 2,
					     .term = 5,
					     .index = 40,
					     .index_term = 5});
	m = hand_only(net, 2);
	CHECK_INT(m.index, 9);
	CHECK_INT(m.index_term, 3);
	net_free(net);
}

static void a_change_that_is_not_first_in_its_message_counts(void)
{
	struct net *net = hand_new(3, 1, 0, 0, "1");
	struct raft_message m = {.kind = RAFT_APPEND,
				 .from = 2,
				 .term = 1,
				 .index = 1,
				 .index_term = 1,
				 .count = 3,
				 .nspans = 1,
				 .spans = {{2, 1}},
				 .nchanges = 1};

	m.changes[0] = *raft_membership(net->nodes[1].raft);
	m.changes[0].index = 3;
	m.changes[0].list[m.changes[0].n++] = (struct raft_member){.id = 7};
	hand_give(net, m);
	CHECK_INT(raft_membership(net->nodes[1].raft)->n, 4);
	CHECK_INT(raft_membership(net->nodes[1].raft)->index, 3);
	/* The same once more changes nothing. */
	hand_give(net, m);
	CHECK_INT(raft_membership(net->nodes[1].raft)->n, 4);
	net_free(net);
}

/* Two changes that are not committed here, at 2 and 4. */
static struct net *with_two_changes(void)
{
	struct net *net = hand_new(3, 1, 0, 0, "1");
	struct raft_message m = {.kind = RAFT_APPEND,
				 .from = 2,
				 .term = 1,
				 .index = 1,
				 .index_term = 1,
				 .count = 4,
				 .nspans = 1,
				 .spans = {{2, 1}},
				 .nchanges = 2};

	m.changes[0] = *raft_membership(net->nodes[1].raft);
	m.changes[0].index = 2;
	m.changes[0].list[m.changes[0].n++] = (struct raft_member){.id = 4};
	m.changes[1] = m.changes[0];
	m.changes[1].index = 4;
	m.changes[1].list[3].voter = true;
	hand_give(net, m);
	CHECK_INT(raft_membership(net->nodes[1].raft)->index, 4);
	return net;
}

static void replace_from(struct net *net, uint64_t prev)
{
	hand_give(net, (struct raft_message){.kind = RAFT_APPEND,
					     .from = 3,
					     .term = 2,
					     .index = prev,
					     .index_term = 1,
					     .count = 1,
					     .nspans = 1,
					     .spans = {{prev + 1, 2}}});
}

static void truncation_rolls_back_over_two_memberships(void)
{
	struct net *net = with_two_changes();

	replace_from(net, 1);
	CHECK_INT(raft_membership(net->nodes[1].raft)->index, 0);
	CHECK_INT(raft_membership(net->nodes[1].raft)->n, 3);
	net_free(net);
}

static void truncation_rolls_back_exactly(void)
{
	struct net *net = with_two_changes();

	replace_from(net, 3);
	CHECK_INT(raft_membership(net->nodes[1].raft)->index, 2);
	CHECK_INT(raft_membership(net->nodes[1].raft)->n, 4);
	CHECK(!raft_membership(net->nodes[1].raft)->list[3].voter);
	net_free(net);
}

static void a_second_leader_of_one_term_is_not_heeded(void)
{
	struct net *net = hand_new(3, 2, 0, 0, "1");
	struct raft_message m = {.kind = RAFT_APPEND,
				 .from = 2,
				 .term = 2,
				 .index = 1,
				 .index_term = 1};

	hand_give(net, m);
	CHECK_INT(hand_only(net, 2).index, 1);
	m.from = 3;
	m.count = 1;
	m.nspans = 1;
	m.spans[0] = (struct raft_span){2, 2};
	hand_give(net, m);
	CHECK(!hand_take(net, 3, &m));
	CHECK_INT(hand_status(net).leader, 2);
	CHECK_INT(hand_status(net).last, 1);
	net_free(net);
}

static void an_offer_of_what_it_has_is_declined(void)
{
	struct net *net = hand_new(3, 1, 0, 0, "111");
	struct raft_message m = {.kind = RAFT_SNAPSHOT,
				 .from = 2,
				 .term = 2,
				 .index = 2,
				 .index_term = 1,
				 .nchanges = 1};

	m.changes[0] = *raft_membership(net->nodes[1].raft);
	hand_give(net, m);
	CHECK(net->nodes[1].fetch_at == NET_NEVER);
	CHECK_INT(hand_only(net, 2).index, 2);
	/* The third may have been acknowledged: no snapshot may remove it. */
	CHECK(!raft_wants(net->nodes[1].raft, 2, 1));
	CHECK(raft_wants(net->nodes[1].raft, 3, 2));
	CHECK(raft_wants(net->nodes[1].raft, 9, 2));
	m.index = 9;
	m.index_term = 2;
	hand_give(net, m);
	CHECK(net->nodes[1].fetch_at != NET_NEVER);
	CHECK_INT(net->nodes[1].fetch, 9);
	net_free(net);
}

static void a_retired_node_listens_and_keeps_silent(void)
{
	struct net *net = hand_new(3, 1, 0, 0, "11");
	struct raft_message m;

	net->nodes[1].lame = true;
	raft_retire(net->nodes[1].raft, net->now);
	hand_give(net, (struct raft_message){
			       .kind = RAFT_PREVOTE, .from = 2, .term = 9});
	hand_give(net, (struct raft_message){.kind = RAFT_VOTE,
					     .from = 2,
					     .term = 9,
					     .index = 9,
					     .index_term = 8});
	hand_give(net, (struct raft_message){
			       .kind = RAFT_TIMEOUT_NOW, .from = 2, .term = 9});
	hand_give(net, (struct raft_message){.kind = RAFT_APPEND,
					     .from = 3,
					     .term = 9,
					     .index = 1,
					     .index_term = 1,
					     .count = 2,
					     .nspans = 2,
					     .spans = {{2, 1}, {3, 9}},
					     .commit = 3});
	CHECK(!hand_take(net, 2, &m));
	CHECK(!hand_take(net, 3, &m));
	CHECK_INT(hand_status(net).leader, 3);
	CHECK_INT(hand_status(net).commit, 2);
	CHECK_INT(hand_status(net).last, 2);
	for (int i = 0; i < 10; i++) {
		net->now = raft_deadline(net->nodes[1].raft);
		raft_tick(net->nodes[1].raft, net->now);
		net_drain(net, &net->nodes[1]);
	}
	CHECK_INT(hand_status(net).role, RAFT_FOLLOWER);
	CHECK_INT(hand_status(net).leader, 0);
	CHECK(!hand_take(net, 2, &m));
	net_free(net);
}

TEST_MAIN(T(a_stale_tail_is_not_acknowledged),
	  T(what_is_not_on_disk_is_not_acknowledged),
	  T(a_truncated_entry_is_not_acknowledged),
	  T(it_commits_no_more_than_the_message_vouches_for),
	  T(an_append_with_prev_0_to_a_compacted_log_skips_what_it_covers),
	  T(a_compacted_log_is_acknowledged_to_a_new_leader),
	  T(a_stale_term_reply_is_complete), T(a_refusal_skips_a_whole_term),
	  T(a_change_that_is_not_first_in_its_message_counts),
	  T(truncation_rolls_back_over_two_memberships),
	  T(truncation_rolls_back_exactly),
	  T(a_second_leader_of_one_term_is_not_heeded),
	  T(an_offer_of_what_it_has_is_declined),
	  T(a_retired_node_listens_and_keeps_silent))

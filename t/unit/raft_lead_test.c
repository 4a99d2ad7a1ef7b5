/*
 * raft_lead_test.c - a leader, one message at a time: what it sends to whom,
 * and what it takes for committed.
 */
#include "raft_hand.h"

static struct net_node *one(struct net *net)
{
	return &net->nodes[1];
}

static void propose(struct net *net, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		net_append(net, one(net), ++net->payload, NULL);
	net_drain(net, one(net));
	CHECK_NET(net);
}

static void refuse(struct net *net, uint64_t from, uint64_t asked,
		   uint64_t index, uint64_t index_term)
{
	hand_give(net, (struct raft_message){.kind = RAFT_APPEND_REPLY,
					     .from = from,
					     .term = one(net)->term,
					     .refused = true,
					     .asked = asked,
					     .index = index,
					     .index_term = index_term});
}

static void tick(struct net *net)
{
	net->now = raft_deadline(one(net)->raft);
	raft_tick(one(net)->raft, net->now);
	net_drain(net, one(net));
	CHECK_NET(net);
}

static void figure_8_an_older_term_is_not_committed_by_counting(void)
{
	struct net *net = hand_new(5, 3, 0, 0, "12");

	hand_elect(net);
	hand_store_and_ack(net, 2, 2);
	hand_store_and_ack(net, 3, 2);
	hand_store_and_ack(net, 4, 2);
	CHECK_INT(hand_status(net).commit, 0);
	hand_store_and_ack(net, 2, 3);
	hand_flush(net);
	CHECK_INT(hand_status(net).commit, 0);
	hand_store_and_ack(net, 3, 3);
	CHECK_INT(hand_status(net).commit, 3);
	CHECK_INT(net->ncommitted, 3);
	CHECK_NET(net);
	net_free(net);
}

static void its_own_disk_counts_when_it_is_written(void)
{
	struct net *net = hand_new(3, 1, 0, 0, "1");

	hand_elect(net);
	/* It does not wait for its disk to send, nor they for it to commit. */
	hand_store_and_ack(net, 2, 2);
	CHECK_INT(hand_status(net).commit, 0);
	hand_flush(net);
	CHECK_INT(hand_status(net).commit, 2);
	propose(net, 1);
	hand_store_and_ack(net, 2, 3);
	hand_store_and_ack(net, 3, 3);
	CHECK_INT(hand_status(net).persisted, 2);
	CHECK_INT(hand_status(net).commit, 3);
	CHECK_NET(net);
	net_free(net);
}

static void a_single_voter_commits_and_confirms_at_once(void)
{
	struct net *net = hand_new(1, 0, 0, 0, "");
	uint64_t answered;

	tick(net);
	CHECK_INT(one(net)->role, RAFT_LEADER);
	hand_flush(net);
	CHECK_INT(hand_status(net).commit, 1);
	CHECK(hand_status(net).can_read);
	answered = one(net)->answered;
	CHECK(net_read(net, one(net)));
	net_drain(net, one(net));
	CHECK_INT(one(net)->answered, answered + 1);
	CHECK_INT(net->sent, 0);
	net_free(net);
}

static void appends_follow_one_another_up_to_the_window(void)
{
	struct net *net = hand_new(3, 1, 0, 0, "1");
	struct raft_message m;
	uint64_t next = 3;
	unsigned n = 0;

	hand_elect(net);
	for (int i = 0; i < 100; i++)
		propose(net, 1);
	while (hand_take(net, 2, &m)) {
		CHECK_INT(m.index, next - 1);
		CHECK_INT(m.count, 1);
		next += m.count;
		n++;
	}
	CHECK_INT(n, 31); /* and the empty entry's */
	/* An acknowledgement opens it for what has gathered since. */
	hand_store_and_ack(net, 2, 3);
	CHECK(hand_take(net, 2, &m));
	CHECK_INT(m.index, next - 1);
	CHECK_INT(m.count, net->message_max);
	CHECK_NET(net);
	net_free(net);
}

static void a_silent_peer_is_probed_once_a_heartbeat(void)
{
	struct net *net = hand_new(3, 1, 0, 0, "1");
	struct raft_message m;

	hand_elect(net);
	for (int i = 0; i < 4; i++) {
		tick(net);
		hand_ack(net, 3, 1);
	}
	while (hand_take(net, 2, &m))
		;
	for (int i = 0; i < 10; i++) {
		propose(net, 3);
		hand_ack(net, 3, 1);
		CHECK(!hand_take(net, 2, &m));
		tick(net);
		m = hand_only(net, 2);
		CHECK_INT(m.kind, RAFT_APPEND);
		CHECK_INT(m.count, 0);
		CHECK_INT(m.index, 0);
		net_lose_packets(net);
	}
	net_free(net);
}

static void a_reordered_refusal_is_ignored(void)
{
	struct net *net = hand_new(3, 1, 0, 0, "1111");
	struct raft_message m;

	hand_elect(net);
	hand_store_and_ack(net, 2, 5);
	while (hand_take(net, 2, &m))
		;
	refuse(net, 2, 4, 1, 1);
	refuse(net, 2, 5, 0, 0);
	CHECK(!hand_take(net, 2, &m));
	propose(net, 1);
	m = hand_only(net, 2);
	CHECK_INT(m.index, 5);
	CHECK_INT(m.count, 1);
	/* Nor does one count that answers what was never sent. */
	refuse(net, 2, 60, 0, 0);
	CHECK(!hand_take(net, 2, &m));
	CHECK_NET(net);
	net_free(net);
}

static void a_stale_reply_is_not_counted(void)
{
	struct net *net = hand_new(3, 4, 0, 0, "11");

	hand_elect(net);
	hand_give(net, (struct raft_message){.kind = RAFT_APPEND_REPLY,
					     .from = 2,
					     .term = 4,
					     .index = 3,
					     .index_term = 4});
	hand_flush(net);
	CHECK_INT(hand_status(net).commit, 0);
	/* Nor one of more than there is. */
	hand_give(net, (struct raft_message){.kind = RAFT_APPEND_REPLY,
					     .from = 2,
					     .term = 5,
					     .index = 30,
					     .index_term = 5});
	CHECK_INT(hand_status(net).commit, 0);
	/* One of a later term ends it. */
	hand_give(net, (struct raft_message){.kind = RAFT_APPEND_REPLY,
					     .from = 2,
					     .term = 6,
					     .refused = true});
	CHECK_INT(one(net)->role, RAFT_FOLLOWER);
	CHECK_INT(one(net)->term, 6);
	net_free(net);
}

static void backtracking_skips_a_term_a_time(void)
{
	/* A thousand entries of their own on each side, of two terms. */
	struct net *net = hand_new(3, 8, 0, 0, "1111222233335555");
	struct raft_message m;

	hand_elect(net);
	/* The other: 1111, then 4444 4444 4444 of a lost leader. */
	refuse(net, 2, 16, 16, 4);
	m = hand_only(net, 2);
	CHECK_INT(m.count, 0);
	CHECK_INT(m.index, 12);
	CHECK_INT(m.index_term, 3);
	refuse(net, 2, 12, 4, 1);
	m = hand_only(net, 2);
	CHECK_INT(m.index, 4);
	hand_ack(net, 2, 4);
	m = hand_only(net, 2);
	CHECK_INT(m.index, 4);
	CHECK_INT(m.count, 13);
	CHECK_INT(m.nspans, 4);
	CHECK_NET(net);
	net_free(net);
}

static void what_is_committed_is_told_at_once(void)
{
	struct net *net = hand_new(3, 1, 0, 0, "1");
	struct raft_message m;

	hand_elect(net);
	hand_store_and_ack(net, 3, 1);
	while (hand_take(net, 2, &m) || hand_take(net, 3, &m))
		;
	hand_flush(net);
	hand_store_and_ack(net, 2, 2);
	m = hand_only(net, 2);
	CHECK_INT(m.commit, 2);
	CHECK_INT(m.count, 0);
	CHECK_INT(hand_only(net, 3).commit, 2);
	/* With the next entries, if there are any. */
	net_append(net, one(net), ++net->payload, NULL);
	net_drain(net, one(net));
	m = hand_only(net, 2);
	CHECK_INT(m.count, 1);
	CHECK_INT(m.commit, 2);
	CHECK_NET(net);
	net_free(net);
}

static void a_message_has_no_more_terms_than_fit(void)
{
	struct net *net = hand_new(3, 100, 0, 0, "");
	struct raft_message m;
	uint64_t next = 1;

	for (unsigned i = 1; i <= 70; i++) {
		struct net_entry e = {.term = i, .payload = i};

		net_push(&one(net)->disk, &e);
	}
	hand_restart(net, 1);
	net->message_max = 64;
	hand_elect(net);
	refuse(net, 2, 70, 0, 0);
	(void)hand_only(net, 2);
	hand_ack(net, 2, 0);
	while (hand_take(net, 2, &m)) {
		CHECK(raft_message_valid(&m));
		CHECK_INT(m.index, next - 1);
		next += m.count;
	}
	CHECK_INT(next, 72);
	net_free(net);
}

static void a_message_has_no_more_memberships_than_fit(void)
{
	struct net *net = hand_new(3, 1, 0, 0, "1");
	struct raft_message m;
	uint64_t next = 1;

	for (unsigned i = 0; i < 9; i++) {
		struct net_entry e = {
			.term = 1, .payload = i + 10, .change = true};

		e.members = one(net)->log.base_members;
		e.members.list[2].voter = i % 2 == 0;
		net_push(&one(net)->disk, &e);
	}
	hand_restart(net, 1);
	hand_elect(net);
	refuse(net, 2, 10, 0, 0);
	while (hand_take(net, 2, &m))
		;
	hand_ack(net, 2, 0);
	while (hand_take(net, 2, &m)) {
		CHECK(raft_message_valid(&m));
		CHECK_INT(m.index, next - 1);
		next += m.count;
	}
	CHECK_INT(next, 12);
	CHECK_NET(net);
	net_free(net);
}

static void who_needs_what_is_gone_is_offered_a_snapshot(void)
{
	struct net *net = hand_new(3, 2, 5, 1, "22");
	struct raft_message m;

	hand_elect(net);
	hand_flush(net);
	hand_store_and_ack(net, 3, 8);
	net_lose_packets(net);
	refuse(net, 2, 7, 2, 1);
	m = hand_only(net, 2);
	CHECK_INT(m.kind, RAFT_SNAPSHOT);
	CHECK_INT(m.index, 8);
	CHECK_INT(m.index_term, 3);
	CHECK_INT(m.nchanges, 1);
	CHECK_INT(m.changes[0].n, 3);
	/* While it fetches, one message a heartbeat. */
	hand_give(net, (struct raft_message){.kind = RAFT_APPEND_REPLY,
					     .from = 2,
					     .term = 3,
					     .index = 2,
					     .index_term = 1});
	refuse(net, 2, 8, 2, 1);
	propose(net, 5);
	CHECK(!hand_take(net, 2, &m));
	tick(net);
	CHECK_INT(hand_only(net, 2).kind, RAFT_SNAPSHOT);
	hand_store_and_ack(net, 2, 8);
	m = hand_only(net, 2);
	CHECK_INT(m.kind, RAFT_APPEND);
	CHECK_INT(m.index, 8);
	CHECK_INT(m.count, 5);
	CHECK_NET(net);
	net_free(net);
}

static void a_stranger_has_no_say(void)
{
	struct net *net = hand_new(3, 1, 0, 0, "1");
	struct raft_message m;

	hand_elect(net);
	hand_flush(net);
	for (uint64_t from = 4; from < 20; from++) {
		hand_give(net, (struct raft_message){.kind = RAFT_APPEND_REPLY,
						     .from = from,
						     .term = 2,
						     .index = 2,
						     .index_term = 2});
		hand_give(net, (struct raft_message){.kind = RAFT_APPEND_REPLY,
						     .from = from,
						     .term = 50,
						     .refused = true});
	}
	CHECK_INT(hand_status(net).commit, 0);
	CHECK_INT(one(net)->role, RAFT_LEADER);
	CHECK(!hand_take(net, 4, &m));
	net_free(net);
}

static void a_failing_disk_ends_its_leading(void)
{
	struct net *net = hand_new(3, 1, 0, 0, "1");
	struct raft_message m;

	hand_elect(net);
	raft_retire(one(net)->raft, net->now);
	net_drain(net, one(net));
	CHECK_INT(one(net)->role, RAFT_FOLLOWER);
	CHECK(hand_status(net).retired);
	tick(net);
	tick(net);
	CHECK(!hand_take(net, 2, &m));
	net_free(net);
}

TEST_MAIN(T(figure_8_an_older_term_is_not_committed_by_counting),
	  T(its_own_disk_counts_when_it_is_written),
	  T(a_single_voter_commits_and_confirms_at_once),
	  T(appends_follow_one_another_up_to_the_window),
	  T(a_silent_peer_is_probed_once_a_heartbeat),
	  T(a_reordered_refusal_is_ignored), T(a_stale_reply_is_not_counted),
	  T(backtracking_skips_a_term_a_time),
	  T(what_is_committed_is_told_at_once),
	  T(a_message_has_no_more_terms_than_fit),
	  T(a_message_has_no_more_memberships_than_fit),
	  T(who_needs_what_is_gone_is_offered_a_snapshot),
	  T(a_stranger_has_no_say), T(a_failing_disk_ends_its_leading))

/*
 * raft_elect_test.c - terms and votes.
 */
#include "base/err.h"
#include "raft_hand.h"

static struct raft_message vote_request(uint64_t from, uint64_t term,
					uint64_t index, uint64_t index_term)
{
	return (struct raft_message){.kind = RAFT_VOTE,
				     .from = from,
				     .term = term,
				     .index = index,
				     .index_term = index_term};
}

static void tick(struct net *net)
{
	net->now = raft_deadline(net->nodes[1].raft);
	raft_tick(net->nodes[1].raft, net->now);
	net_drain(net, &net->nodes[1]);
	CHECK_NET(net);
}

/* After so long, part of a message to or from that member passes. */
static void hear(struct net *net, uint64_t ms, uint64_t id)
{
	net->now += ms;
	raft_hear(net->nodes[1].raft, net->now, id);
	raft_tick(net->nodes[1].raft, net->now);
	net_drain(net, &net->nodes[1]);
}

static void it_votes_once_a_term(void)
{
	struct net *net = hand_new(3, 1, 0, 0, "1");

	hand_give(net, vote_request(2, 2, 1, 1));
	CHECK(!hand_only(net, 2).refused);
	CHECK_INT(net->nodes[1].vote, 2);
	hand_give(net, vote_request(3, 2, 9, 1));
	CHECK(hand_only(net, 3).refused);
	hand_give(net, vote_request(2, 2, 1, 1));
	CHECK(!hand_only(net, 2).refused);
	net_free(net);
}

static void it_votes_for_no_shorter_log(void)
{
	struct net *net = hand_new(3, 3, 0, 0, "112");

	hand_give(net, vote_request(2, 4, 2, 2));
	CHECK(hand_only(net, 2).refused);
	hand_give(net, vote_request(2, 5, 9, 1));
	CHECK(hand_only(net, 2).refused);
	hand_give(net, vote_request(3, 5, 3, 2));
	CHECK(!hand_only(net, 3).refused);
	hand_give(net, vote_request(2, 6, 1, 3));
	CHECK(!hand_only(net, 2).refused);
	net_free(net);
}

static void a_crash_between_persisting_the_vote_and_answering_keeps_it(void)
{
	struct net *net = hand_new(3, 1, 0, 0, "1");
	struct raft_message m;

	net->crash_node = 1;
	net->crash_on = RAFT_SAVE;
	hand_give(net, vote_request(2, 2, 1, 1));
	CHECK(net->nodes[1].raft == NULL);
	CHECK(!hand_take(net, 2, &m));
	net_start(net, 1);
	hand_give(net, vote_request(3, 2, 1, 1));
	CHECK(hand_only(net, 3).refused);
	hand_give(net, vote_request(2, 2, 1, 1));
	CHECK(!hand_only(net, 2).refused);
	net_free(net);
}

static void who_hears_a_leader_lets_nobody_campaign(void)
{
	struct net *net = hand_new(3, 1, 0, 0, "1");
	struct raft_message m = {
		.kind = RAFT_PREVOTE, .from = 3, .term = 9, .index = 9};

	m.index_term = 8;
	hand_give(net, (struct raft_message){
			       .kind = RAFT_APPEND, .from = 2, .term = 1});
	hand_give(net, m);
	CHECK(hand_only(net, 3).refused);
	hand_give(net, vote_request(3, 9, 9, 8));
	m = hand_only(net, 3);
	CHECK(m.refused);
	CHECK_INT(m.term, 1);
	CHECK_INT(hand_status(net).leader, 2);
	CHECK_INT(net->nodes[1].term, 1);
	/* But when the leader itself wants it. */
	m = vote_request(3, 9, 9, 8);
	m.handover = true;
	hand_give(net, m);
	CHECK(!hand_only(net, 3).refused);
	net_free(net);
}

static void who_heard_no_leader_for_long_does(void)
{
	struct net *net = hand_new(3, 1, 0, 0, "1");
	struct raft_message m = {.kind = RAFT_PREVOTE,
				 .from = 3,
				 .term = 2,
				 .index = 1,
				 .index_term = 1};

	hand_give(net, (struct raft_message){
			       .kind = RAFT_APPEND, .from = 2, .term = 1});
	net->now += 150;
	hand_give(net, m);
	m = hand_only(net, 3);
	CHECK(!m.refused);
	CHECK_INT(m.term, 2);
	/* It was only asked whether. */
	CHECK_INT(net->nodes[1].term, 1);
	net_free(net);
}

static void asking_whether_raises_no_term(void)
{
	struct net *net = hand_new(3, 4, 0, 0, "1");
	struct raft_message m;

	for (int i = 0; i < 10; i++) {
		tick(net);
		m = hand_only(net, 2);
		CHECK_INT(m.kind, RAFT_PREVOTE);
		CHECK_INT(m.term, 5);
		CHECK_INT(hand_only(net, 3).term, 5);
	}
	CHECK_INT(net->nodes[1].term, 4);
	net_free(net);
}

static void a_refusal_of_a_later_term_teaches_it(void)
{
	struct net *net = hand_new(3, 1, 0, 0, "111");

	tick(net);
	hand_give(net, (struct raft_message){.kind = RAFT_PREVOTE_REPLY,
					     .from = 2,
					     .term = 7,
					     .refused = true});
	CHECK_INT(net->nodes[1].term, 7);
	net_lose_packets(net);
	tick(net);
	CHECK_INT(hand_only(net, 2).term, 8);
	net_free(net);
}

static void the_longest_log_is_not_locked_out_by_an_old_term(void)
{
	struct net *net = net_new(3, 3, 5);
	struct net_node *longest = &net->nodes[1];
	struct net_entry e = {.term = 1, .payload = 1};

	/* 2 has been through many elections, 1 has what is committed. */
	for (unsigned i = 1; i <= 3; i++)
		net_crash(net, i);
	for (int i = 0; i < 3; i++)
		net_push(&longest->disk, &e);
	net_copy_log(&longest->log, &longest->disk, 3);
	longest->term = 1;
	net->nodes[2].term = 9;
	net_start(net, 1);
	net_start(net, 2);
	net_run(net, 3000);
	CHECK_NET(net);
	CHECK_INT(longest->role, RAFT_LEADER);
	CHECK(longest->term > 9);
	net_free(net);
}

static void votes_of_others_than_voters_do_not_count(void)
{
	struct net *net = hand_new(5, 1, 0, 0, "1");
	struct net_node *node = &net->nodes[1];
	uint64_t from[] = {2, 9, 1000, 2};

	tick(net);
	for (unsigned i = 0; i < 4; i++)
		hand_give(net, (struct raft_message){.kind = RAFT_PREVOTE_REPLY,
						     .from = from[i],
						     .term = 2});
	CHECK_INT(node->term, 1);
	hand_give(net, (struct raft_message){.kind = RAFT_PREVOTE_REPLY,
					     .from = 3,
					     .term = 2});
	CHECK_INT(node->term, 2);
	for (unsigned i = 0; i < 4; i++)
		hand_give(net, (struct raft_message){.kind = RAFT_VOTE_REPLY,
						     .from = from[i],
						     .term = 2});
	/* An answer to the question before is none to this one. */
	hand_give(net, (struct raft_message){.kind = RAFT_PREVOTE_REPLY,
					     .from = 4,
					     .term = 2});
	hand_give(net, (struct raft_message){
			       .kind = RAFT_VOTE_REPLY, .from = 4, .term = 1});
	CHECK_INT(node->role, RAFT_CANDIDATE);
	hand_give(net, (struct raft_message){
			       .kind = RAFT_VOTE_REPLY, .from = 3, .term = 2});
	CHECK_INT(node->role, RAFT_LEADER);
	net_free(net);
}

static void a_leader_that_hears_no_majority_steps_down(void)
{
	struct net *net = hand_new(5, 1, 0, 0, "1");
	uint64_t started;

	hand_elect(net);
	for (int i = 0; i < 20; i++) {
		tick(net);
		hand_ack(net, 2, 1);
		hand_ack(net, 3, 1);
	}
	CHECK_INT(net->nodes[1].role, RAFT_LEADER);
	started = net->now;
	while (net->nodes[1].role == RAFT_LEADER) {
		tick(net);
		hand_ack(net, 2, 1);
		CHECK(net->now <= started + 400);
	}
	CHECK(net->now >= started + 150);
	CHECK_INT(hand_status(net).leader, 0);
	CHECK_INT(net->nodes[1].term, 2);
	net_free(net);
}

static void a_message_on_its_way_keeps_a_leader_alive(void)
{
	struct net *net = hand_new(3, 1, 0, 0, "1");
	struct raft_message m;

	hand_give(net, (struct raft_message){
			       .kind = RAFT_APPEND, .from = 2, .term = 1});
	net_lose_packets(net);
	for (int i = 0; i < 20; i++) {
		hear(net, NET_ELECTION_MS - 1, 2);
		CHECK_INT(hand_status(net).leader, 2);
		CHECK(!hand_take(net, 3, &m));
	}
	/* Not that of anybody else. */
	for (int i = 0; hand_status(net).leader == 2; i++) {
		CHECK(i < 3);
		hear(net, NET_ELECTION_MS - 1, 3);
	}
	CHECK_INT(hand_take(net, 3, &m) ? (int)m.kind : -1, RAFT_PREVOTE);
	net_free(net);
}

static void a_leader_counts_who_takes_in_a_message(void)
{
	struct net *net = hand_new(3, 1, 0, 0, "1");

	hand_elect(net);
	for (int i = 0; i < 20; i++) {
		hear(net, NET_ELECTION_MS, 3);
		hear(net, 0, 9);
		CHECK_INT(net->nodes[1].role, RAFT_LEADER);
	}
	/* A tick that is late is excused, but only once in a row. */
	for (int i = 0; i < 2; i++)
		hear(net, 3 * (uint64_t)NET_ELECTION_MS, 1);
	CHECK(net->nodes[1].role != RAFT_LEADER);
	net_free(net);
}

static void a_handover_skips_the_question(void)
{
	struct net *net = hand_new(3, 1, 0, 0, "1");
	struct raft_message m;

	hand_give(net, (struct raft_message){
			       .kind = RAFT_APPEND, .from = 2, .term = 1});
	net_lose_packets(net);
	/* Not from somebody else, nor out of the past. */
	hand_give(net, (struct raft_message){
			       .kind = RAFT_TIMEOUT_NOW, .from = 3, .term = 1});
	CHECK_INT(net->nodes[1].term, 1);
	hand_give(net, (struct raft_message){
			       .kind = RAFT_TIMEOUT_NOW, .from = 2, .term = 1});
	m = hand_only(net, 3);
	CHECK_INT(m.kind, RAFT_VOTE);
	CHECK(m.handover);
	CHECK_INT(m.term, 2);
	CHECK_INT(net->nodes[1].term, 2);
	net_free(net);
}

static void a_node_without_members_waits(void)
{
	struct net *net = net_new(2, 1, 1);

	net_crash(net, 1);
	net_run(net, 5000);
	CHECK_INT(net->nodes[2].term, 0);
	CHECK_INT(net->sent, 0);
	CHECK_NET(net);
	net_free(net);
}

static void a_node_without_a_name_learns_it(void)
{
	struct raft_options options = {.seed = 1};
	struct raft_state state = {.first = 1};
	struct raft_message m = {
		.kind = RAFT_APPEND, .from = 2, .to = 5, .term = 1};
	struct raft_action action;
	struct raft *r;

	CHECK_INT(raft_new(&r, &options, &state, 0), 0);
	raft_tick(r, 1000);
	raft_receive(r, 1000, &m);
	CHECK(!raft_next(r, &action));
	raft_name(r, 5);
	raft_receive(r, 1000, &m);
	CHECK(raft_next(r, &action));
	CHECK_INT(action.kind, RAFT_SAVE);
	CHECK(raft_next(r, &action));
	CHECK_INT(action.kind, RAFT_ROLE);
	CHECK(raft_next(r, &action));
	CHECK_INT(action.kind, RAFT_SEND);
	CHECK_INT(action.message->from, 5);
	CHECK(!raft_next(r, &action));
	raft_free(r);
}

static int start(const struct raft_state *state)
{
	struct raft_options options = {.id = 1};
	struct raft *r = NULL;
	int e = raft_new(&r, &options, state, 0);

	raft_free(e == 0 ? r : NULL);
	return e;
}

/* Somebody said so; there is none behind it to stand in. */
static void nobody_stands_after_the_last_term(void)
{
	struct net *net = hand_new(3, 1, 0, 0, "1");
	struct raft_message m;

	hand_give(net, (struct raft_message){.kind = RAFT_VOTE_REPLY,
					     .from = 2,
					     .term = UINT64_C(1) << 62,
					     .refused = true});
	CHECK(net->nodes[1].term == UINT64_C(1) << 62);
	tick(net);
	CHECK(!hand_take(net, 2, &m));
	net_free(net);
}

static void a_state_that_cannot_be_is_damage(void)
{
	struct raft_span spans[] = {{5, 2}, {7, 3}};
	struct raft_members members = {.n = 1,
				       .list = {{.id = 1, .voter = true}}};
	struct raft_state good = {.term = 3,
				  .first = 5,
				  .last = 8,
				  .base_term = 2,
				  .spans = spans,
				  .nspans = 2,
				  .commit = 6,
				  .members = &members,
				  .nmembers = 1};
	struct raft_state state = good;

	CHECK_INT(start(&good), 0);
	state.term = 2;
	CHECK_INT(start(&state), KV_EDAMAGED);
	state = good;
	state.commit = 9;
	CHECK_INT(start(&state), KV_EDAMAGED);
	state.commit = 3;
	CHECK_INT(start(&state), KV_EDAMAGED);
	state = good;
	state.base_term = 3;
	CHECK_INT(start(&state), KV_EDAMAGED);
	state = good;
	state.first = 4;
	CHECK_INT(start(&state), KV_EDAMAGED);
	state = good;
	state.last = 6;
	CHECK_INT(start(&state), KV_EDAMAGED);
	state = good;
	state.nspans = 0;
	CHECK_INT(start(&state), KV_EDAMAGED);
	state = good;
	members.index = 9;
	CHECK_INT(start(&state), KV_EDAMAGED);
	members.index = 5;
	CHECK_INT(start(&state), 0);
	members.list[0].id = 0;
	CHECK_INT(start(&state), KV_EDAMAGED);
}

TEST_MAIN(T(it_votes_once_a_term), T(it_votes_for_no_shorter_log),
	  T(a_crash_between_persisting_the_vote_and_answering_keeps_it),
	  T(who_hears_a_leader_lets_nobody_campaign),
	  T(who_heard_no_leader_for_long_does),
	  T(asking_whether_raises_no_term),
	  T(a_refusal_of_a_later_term_teaches_it),
	  T(the_longest_log_is_not_locked_out_by_an_old_term),
	  T(votes_of_others_than_voters_do_not_count),
	  T(a_leader_that_hears_no_majority_steps_down),
	  T(a_message_on_its_way_keeps_a_leader_alive),
	  T(a_leader_counts_who_takes_in_a_message),
	  T(a_handover_skips_the_question), T(a_node_without_members_waits),
	  T(a_node_without_a_name_learns_it),
	  T(nobody_stands_after_the_last_term),
	  T(a_state_that_cannot_be_is_damage))

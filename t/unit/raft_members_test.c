/*
 * raft_members_test.c - changes of membership.
 */
#include "base/err.h"
#include "raft_hand.h"

static struct net_node *one(struct net *net)
{
	return &net->nodes[1];
}

static int may(struct net *net, enum raft_change change, uint64_t id)
{
	struct raft_members members;

	return raft_change(one(net)->raft, change, id, &members);
}

static void no_change_before_the_first_commit_of_the_term(void)
{
	struct net *net = hand_new(3, 1, 0, 0, "1");

	CHECK_INT(may(net, RAFT_ADD, 4), KV_EUNAVAILABLE);
	hand_elect(net);
	CHECK_INT(may(net, RAFT_ADD, 4), KV_EUNAVAILABLE);
	hand_flush(net);
	hand_ack(net, 2, 1);
	CHECK_INT(may(net, RAFT_ADD, 4), KV_EUNAVAILABLE);
	hand_store_and_ack(net, 2, 2);
	CHECK_INT(may(net, RAFT_ADD, 4), 0);
	net_free(net);
}

static void one_change_at_a_time(void)
{
	struct net *net = hand_leading(3);

	net->n = 4;
	net->nodes[4].id = 4;
	CHECK_INT(net_change(net, one(net), RAFT_ADD, 4), 0);
	CHECK_INT(raft_membership(one(net)->raft)->n, 4);
	CHECK_INT(raft_membership(one(net)->raft)->index, 3);
	CHECK_INT(may(net, RAFT_ADD, 5), KV_EUNAVAILABLE);
	CHECK_INT(may(net, RAFT_REMOVE, 2), KV_EUNAVAILABLE);
	hand_flush(net);
	hand_store_and_ack(net, 2, 3);
	CHECK_INT(hand_status(net).commit, 3);
	CHECK_INT(may(net, RAFT_ADD, 5), 0);
	CHECK_NET(net);
	net_free(net);
}

static void changes_that_make_no_sense_are_refused(void)
{
	struct net *net = hand_leading(3);
	struct raft_status before = hand_status(net), after;

	CHECK_INT(may(net, RAFT_ADD, 2), KV_ECONDITION);
	CHECK_INT(may(net, RAFT_ADD, 0), KV_EUSAGE);
	CHECK_INT(may(net, RAFT_PROMOTE, 2), KV_ECONDITION);
	CHECK_INT(may(net, RAFT_PROMOTE, 9), KV_ECONDITION);
	CHECK_INT(may(net, RAFT_REMOVE, 1), KV_ECONDITION);
	CHECK_INT(may(net, RAFT_REMOVE, 9), KV_ECONDITION);
	/* And leave nothing behind: a batch of writes is as ever. */
	after = hand_status(net);
	CHECK(memcmp(&before, &after, sizeof(before)) == 0);
	for (int i = 0; i < 5; i++)
		net_append(net, one(net), ++net->payload, NULL);
	net_drain(net, one(net));
	hand_flush(net);
	hand_store_and_ack(net, 2, 7);
	CHECK_INT(hand_status(net).commit, 7);
	CHECK_INT(raft_membership(one(net)->raft)->n, 3);
	CHECK_NET(net);
	net_free(net);
}

static void a_cluster_has_at_most_so_many_members(void)
{
	struct raft_span span = {1, 1};
	struct raft_members members = {.n = RAFT_MEMBERS_MAX};
	struct raft_options options = {.id = 1};
	struct raft_state state = {.term = 1,
				   .first = 1,
				   .last = 1,
				   .spans = &span,
				   .nspans = 1,
				   .members = &members,
				   .nmembers = 1};
	struct raft_action action;
	struct raft *r;

	for (unsigned i = 0; i < RAFT_MEMBERS_MAX; i++)
		members.list[i] =
			(struct raft_member){.id = i + 1, .voter = i == 0};
	CHECK_INT(raft_new(&r, &options, &state, 0), 0);
	raft_tick(r, raft_deadline(r));
	while (raft_next(r, &action))
		if (action.kind == RAFT_ROLE)
			raft_appended(r, 1000, 2, NULL);
	raft_persisted(r, 1000, 2);
	while (raft_next(r, &action))
		;
	CHECK_INT(raft_change(r, RAFT_ADD, 16, &members), KV_ETOOBIG);
	CHECK_INT(raft_change(r, RAFT_REMOVE, 15, &members), 0);
	raft_free(r);
}

static void a_learner_neither_counts_nor_confirms(void)
{
	struct net *net = hand_leading(2);
	uint64_t commit, round;

	net->n = 4;
	net->nodes[3].id = 3;
	net->nodes[4].id = 4;
	CHECK_INT(net_change(net, one(net), RAFT_ADD, 3), 0);
	hand_flush(net);
	hand_store_and_ack(net, 2, 3);
	CHECK_INT(net_change(net, one(net), RAFT_ADD, 4), 0);
	hand_flush(net);
	commit = hand_status(net).commit;
	hand_store_and_ack(net, 3, 4);
	hand_store_and_ack(net, 4, 4);
	CHECK_INT(hand_status(net).commit, commit);
	CHECK_INT(raft_read(one(net)->raft, net->now, &round), 0);
	one(net)->reads[one(net)->nreads++].round = round;
	net_drain(net, one(net));
	for (uint64_t from = 3; from <= 4; from++)
		hand_give(net, (struct raft_message){.kind = RAFT_APPEND_REPLY,
						     .from = from,
						     .term = 2,
						     .index = 1,
						     .index_term = 1,
						     .round = round});
	CHECK_INT(one(net)->answered, 0);
	hand_store_and_ack(net, 2, 4);
	CHECK_INT(hand_status(net).commit, 4);
	CHECK_NET(net);
	net_free(net);
}

/* Or it could refuse its vote, once it has one, for what no voter has. */
static void a_learner_gets_what_is_committed_only(void)
{
	struct net *net = hand_leading(3);
	struct raft_message m;
	uint64_t sent = 0;

	net->n = 4;
	net->nodes[4].id = 4;
	CHECK_INT(net_change(net, one(net), RAFT_ADD, 4), 0);
	hand_flush(net);
	while (hand_take(net, 4, &m))
		CHECK(m.index + m.count <= 2);
	hand_store_and_ack(net, 2, 3);
	while (hand_take(net, 4, &m))
		sent = m.index + m.count;
	CHECK_INT(sent, 3);
	CHECK_NET(net);
	net_free(net);
}

static void a_learner_is_promoted_when_it_has_caught_up(void)
{
	struct net *net = hand_leading(2);
	struct raft_members members;

	hand_add_learner(net);
	for (int i = 0; i < 1500; i++)
		net_append(net, one(net), ++net->payload, NULL);
	net_drain(net, one(net));
	hand_flush(net);
	hand_store_and_ack(net, 2, 1503);
	CHECK_INT(may(net, RAFT_PROMOTE, 3), KV_EUNAVAILABLE);
	hand_store_and_ack(net, 3, 400);
	CHECK_INT(may(net, RAFT_PROMOTE, 3), KV_EUNAVAILABLE);
	hand_store_and_ack(net, 3, 600);
	CHECK_INT(raft_change(one(net)->raft, RAFT_PROMOTE, 3, &members), 0);
	CHECK_INT(members.n, 3);
	CHECK(members.list[2].voter);
	CHECK_NET(net);
	net_free(net);
}

static void a_removed_voter_is_asked_no_more(void)
{
	struct net *net = hand_leading(3);
	struct raft_message m;

	CHECK_INT(net_change(net, one(net), RAFT_REMOVE, 3), 0);
	CHECK(!hand_take(net, 3, &m));
	hand_flush(net);
	/* In force from its entry on: 1 and 2 are all. */
	hand_store_and_ack(net, 3, 3);
	CHECK_INT(hand_status(net).commit, 2);
	hand_store_and_ack(net, 2, 3);
	CHECK_INT(hand_status(net).commit, 3);
	CHECK_INT(net_change(net, one(net), RAFT_REMOVE, 2), 0);
	hand_flush(net);
	CHECK_INT(hand_status(net).commit, 4);
	CHECK_NET(net);
	net_free(net);
}

static struct net_node *elect(struct net *net)
{
	net_run(net, 2000);
	CHECK_NET(net);
	CHECK(net_leader(net) != NULL);
	return net_leader(net);
}

static int eventually(struct net *net, enum raft_change change, uint64_t id)
{
	int e = KV_EUNAVAILABLE;

	for (int i = 0; i < 100 && e == KV_EUNAVAILABLE; i++) {
		e = net_change(net, elect(net), change, id);
		net_run(net, 100);
	}
	CHECK_NET(net);
	return e;
}

static void a_new_node_is_filled_and_takes_over(void)
{
	struct net *net = net_new(4, 3, 9);
	struct net_node *leader = elect(net);

	for (int i = 0; i < 500; i++)
		net_propose(net, leader);
	net_run(net, 1000);
	for (unsigned i = 1; i <= 3; i++)
		net_trim(net, &net->nodes[i], 400);
	CHECK_INT(eventually(net, RAFT_ADD, 4), 0);
	net_run(net, 1000);
	CHECK_INT(net->installs, 1);
	CHECK_INT(eventually(net, RAFT_PROMOTE, 4), 0);
	CHECK_INT(net->nodes[4].commit, net_last(&leader->log));
	CHECK_INT(raft_transfer(leader->raft, net->now, 4), 0);
	net_drain(net, leader);
	net_run(net, 500);
	CHECK_INT(net->nodes[4].role, RAFT_LEADER);
	CHECK_INT(eventually(net, RAFT_REMOVE, leader->id), 0);
	CHECK_INT(raft_membership(net->nodes[4].raft)->n, 3);
	CHECK_NET(net);
	net_free(net);
}

static void a_removed_node_disturbs_nobody(void)
{
	struct net *net = net_new(3, 3, 2);
	struct net_node *leader = elect(net);
	uint64_t gone = leader->id % 3 + 1, term = leader->term;

	CHECK_INT(eventually(net, RAFT_REMOVE, gone), 0);
	net_run(net, 20000);
	CHECK_NET(net);
	CHECK_INT(leader->role, RAFT_LEADER);
	CHECK_INT(leader->term, term);
	net_free(net);
}

/* A node that restarts knows only the membership in force: what lies before it
 * can be had as a snapshot only. */
static void entries_from_before_the_known_memberships_are_not_sent(void)
{
	struct raft_span span = {1, 1};
	struct raft_members members = {
		.index = 5,
		.n = 2,
		.list = {{.id = 1, .voter = true}, {.id = 2}}};
	struct raft_options options = {.id = 1};
	struct raft_state state = {.term = 1,
				   .first = 1,
				   .last = 8,
				   .spans = &span,
				   .nspans = 1,
				   .commit = 6,
				   .members = &members,
				   .nmembers = 1};
	struct raft_message m = {.kind = RAFT_APPEND_REPLY,
				 .from = 2,
				 .to = 1,
				 .term = 2,
				 .refused = true,
				 .asked = 6,
				 .index = 3,
				 .index_term = 1};
	struct raft_action action;
	enum raft_kind last = RAFT_VOTE;
	struct raft *r;

	CHECK_INT(raft_new(&r, &options, &state, 0), 0);
	raft_tick(r, raft_deadline(r));
	while (raft_next(r, &action))
		if (action.kind == RAFT_ROLE)
			raft_appended(r, 1000, 9, NULL);
	raft_receive(r, 1000, &m);
	while (raft_next(r, &action))
		if (action.kind == RAFT_SEND)
			last = action.message->kind;
	CHECK_INT(last, RAFT_SNAPSHOT);
	/* Right before it is fine: the message says what 5 is. */
	m.refused = false;
	m.index = 4;
	raft_receive(r, 1000, &m);
	last = RAFT_VOTE;
	while (raft_next(r, &action))
		if (action.kind == RAFT_SEND && action.message->count != 0) {
			last = action.message->kind;
			CHECK_INT(action.message->index, 4);
			CHECK_INT(action.message->nchanges, 1);
		}
	CHECK_INT(last, RAFT_APPEND);
	raft_free(r);
}

TEST_MAIN(T(no_change_before_the_first_commit_of_the_term),
	  T(one_change_at_a_time), T(changes_that_make_no_sense_are_refused),
	  T(a_cluster_has_at_most_so_many_members),
	  T(a_learner_neither_counts_nor_confirms),
	  T(a_learner_gets_what_is_committed_only),
	  T(a_learner_is_promoted_when_it_has_caught_up),
	  T(a_removed_voter_is_asked_no_more),
	  T(a_new_node_is_filled_and_takes_over),
	  T(a_removed_node_disturbs_nobody),
	  T(entries_from_before_the_known_memberships_are_not_sent))

/*
 * raft_birth_test.c - a node that lost its disk, and comes back under its id
 * with another birth: what it says is not the word of the one who is listed.
 */
#include "base/err.h"
#include "raft_hand.h"

#define OTHER_BIRTH 7u

static struct net_node *one(struct net *net)
{
	return &net->nodes[1];
}

static void tick(struct net *net)
{
	net->now = raft_deadline(one(net)->raft);
	raft_tick(one(net)->raft, net->now);
	net_drain(net, one(net));
	CHECK_NET(net);
}

static void reply(struct net *net, enum raft_kind kind, uint64_t from,
		  uint64_t birth)
{
	hand_give(net, (struct raft_message){.kind = kind,
					     .from = from,
					     .birth = birth,
					     .term = 2});
}

static void acknowledge(struct net *net, uint64_t from, uint64_t birth,
			uint64_t index)
{
	hand_give(net, (struct raft_message){.kind = RAFT_APPEND_REPLY,
					     .from = from,
					     .birth = birth,
					     .term = 2,
					     .index = index,
					     .index_term = 2});
}

static void a_vote_of_another_birth_does_not_count(void)
{
	struct net *net = hand_new(3, 1, 0, 0, "1");

	tick(net);
	reply(net, RAFT_PREVOTE_REPLY, 2, OTHER_BIRTH);
	CHECK_INT(one(net)->term, 1);
	reply(net, RAFT_PREVOTE_REPLY, 2, 102);
	CHECK_INT(one(net)->term, 2);
	reply(net, RAFT_VOTE_REPLY, 2, OTHER_BIRTH);
	CHECK_INT(one(net)->role, RAFT_CANDIDATE);
	reply(net, RAFT_VOTE_REPLY, 2, 102);
	CHECK_INT(one(net)->role, RAFT_LEADER);
	net_free(net);
}

static void an_acknowledgement_of_another_birth_does_not_count(void)
{
	struct net *net = hand_leading(3);

	net_append(net, one(net), ++net->payload, NULL);
	net_drain(net, one(net));
	hand_flush(net);
	acknowledge(net, 2, OTHER_BIRTH, 3);
	CHECK_INT(hand_status(net).commit, 2);
	CHECK_INT(hand_status(net).peers[1].match, 2);
	hand_store_and_ack(net, 2, 3);
	CHECK_INT(hand_status(net).commit, 3);
	net_free(net);
}

/* It may have promised another leader what it does not know any more. */
static void another_birth_does_not_confirm_the_leadership(void)
{
	struct net *net = hand_leading(3);
	struct raft_message m = {.kind = RAFT_APPEND_REPLY,
				 .from = 2,
				 .term = 2,
				 .index = 2,
				 .index_term = 2};

	CHECK(net_read(net, one(net)));
	net_drain(net, one(net));
	m.round = one(net)->reads[0].round;
	m.birth = OTHER_BIRTH;
	hand_give(net, m);
	CHECK_INT(one(net)->answered, 0);
	m.birth = 102;
	hand_give(net, m);
	CHECK_INT(one(net)->answered, 1);
	net_free(net);
}

static void a_leader_that_hears_another_birth_only_steps_down(void)
{
	struct net *net = hand_leading(3);
	uint64_t started = net->now;

	while (one(net)->role == RAFT_LEADER) {
		tick(net);
		acknowledge(net, 2, OTHER_BIRTH, 2);
		CHECK(net->now <= started + 400);
	}
	CHECK(net->now >= started + 150);
	net_free(net);
}

static void leadership_is_not_handed_to_another_birth(void)
{
	struct net *net = hand_leading(3);
	struct raft_message m;

	net_append(net, one(net), ++net->payload, NULL);
	net_drain(net, one(net));
	CHECK_INT(raft_transfer(one(net)->raft, net->now, 2), 0);
	net_drain(net, one(net));
	acknowledge(net, 2, OTHER_BIRTH, 3);
	while (hand_take(net, 2, &m))
		CHECK(m.kind != RAFT_TIMEOUT_NOW);
	hand_store_and_ack(net, 2, 3);
	CHECK(hand_take(net, 2, &m));
	CHECK_INT(m.kind, RAFT_TIMEOUT_NOW);
	net_free(net);
}

/* The one who asked first may have been elected before it lost all. */
static void a_vote_is_given_to_one_birth(void)
{
	struct net *net = hand_new(3, 1, 0, 0, "1");
	struct raft_message m = {.kind = RAFT_VOTE,
				 .from = 2,
				 .term = 2,
				 .index = 1,
				 .index_term = 1};

	for (unsigned i = 0; i < 2; i++) {
		m.birth = 102;
		hand_give(net, m);
		CHECK(!hand_only(net, 2).refused);
		m.birth = OTHER_BIRTH;
		hand_give(net, m);
		CHECK(hand_only(net, 2).refused);
		hand_restart(net, 1);
	}
	net_free(net);
}

static void who_is_listed_with_another_birth_does_not_campaign(void)
{
	struct net *net = hand_new(3, 1, 0, 0, "1");
	struct raft_message m;

	one(net)->birth = OTHER_BIRTH;
	hand_restart(net, 1);
	for (unsigned i = 0; i < 10; i++)
		tick(net);
	CHECK(!hand_take(net, 2, &m));
	hand_give(net, (struct raft_message){
			       .kind = RAFT_APPEND, .from = 2, .term = 1});
	hand_give(net, (struct raft_message){
			       .kind = RAFT_TIMEOUT_NOW, .from = 2, .term = 1});
	CHECK_INT(one(net)->term, 1);
	net_free(net);
}

/* It may be one in the membership of who asks. */
static void who_is_no_voter_in_his_own_log_votes(void)
{
	struct net *net = hand_new(3, 1, 0, 0, "1");
	struct raft_message m = {.kind = RAFT_VOTE,
				 .from = 2,
				 .term = 2,
				 .index = 1,
				 .index_term = 1};

	one(net)->log.base_members.list[0].voter = false;
	one(net)->disk.base_members.list[0].voter = false;
	hand_restart(net, 1);
	hand_give(net, m);
	m = hand_only(net, 2);
	CHECK(!m.refused);
	CHECK_INT(m.birth, 101);
	net_free(net);
}

static void a_learner_of_another_birth_starts_again(void)
{
	struct net *net = hand_leading(2);
	struct raft_members members;

	hand_add_learner(net);
	hand_flush(net);
	hand_store_and_ack(net, 2, 3);
	acknowledge(net, 3, 103, 3);
	CHECK_INT(raft_change(one(net)->raft, RAFT_PROMOTE, 3, &members), 0);
	CHECK_INT(members.list[2].birth, 103);
	/* It has nothing now, and says so. */
	hand_give(net, (struct raft_message){.kind = RAFT_APPEND_REPLY,
					     .from = 3,
					     .birth = OTHER_BIRTH,
					     .term = 2,
					     .refused = true,
					     .asked = 3});
	CHECK_INT(hand_status(net).peers[2].match, 0);
	CHECK_INT(raft_change(one(net)->raft, RAFT_PROMOTE, 3, &members),
		  KV_EUNAVAILABLE);
	acknowledge(net, 3, OTHER_BIRTH, 3);
	CHECK_INT(net_change(net, one(net), RAFT_PROMOTE, 3), 0);
	CHECK_INT(raft_membership(one(net)->raft)->list[2].birth, OTHER_BIRTH);
	/* What it had acknowledged as a learner is still so. */
	CHECK_INT(hand_status(net).peers[2].match, 3);
	net_free(net);
}

/* A late word of the dead one does not make it a voter with what the living
 * one has, nor the other way. */
static void a_learner_is_promoted_as_whom_it_acknowledged(void)
{
	struct net *net = hand_leading(2);
	struct raft_members members;

	hand_add_learner(net);
	hand_flush(net);
	hand_store_and_ack(net, 2, 3);
	acknowledge(net, 3, OTHER_BIRTH, 2);
	acknowledge(net, 3, 103, 3);
	CHECK_INT(raft_change(one(net)->raft, RAFT_PROMOTE, 3, &members), 0);
	CHECK_INT(members.list[2].birth, 103);
	acknowledge(net, 3, OTHER_BIRTH, 2);
	CHECK_INT(hand_status(net).peers[2].match, 2);
	CHECK_INT(raft_change(one(net)->raft, RAFT_PROMOTE, 3, &members), 0);
	CHECK_INT(members.list[2].birth, OTHER_BIRTH);
	net_free(net);
}

TEST_MAIN(T(a_vote_of_another_birth_does_not_count),
	  T(an_acknowledgement_of_another_birth_does_not_count),
	  T(another_birth_does_not_confirm_the_leadership),
	  T(a_leader_that_hears_another_birth_only_steps_down),
	  T(leadership_is_not_handed_to_another_birth),
	  T(a_vote_is_given_to_one_birth),
	  T(who_is_listed_with_another_birth_does_not_campaign),
	  T(who_is_no_voter_in_his_own_log_votes),
	  T(a_learner_of_another_birth_starts_again),
	  T(a_learner_is_promoted_as_whom_it_acknowledged))

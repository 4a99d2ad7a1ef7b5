/*
 * sim_promise.c - what a node of a simulated cluster tells others of its term,
 * its vote and its disk, and whether it keeps to it.
 *
 * Every message is looked at as it is sent. Votes are remembered for ever and
 * by the node's id and birth, so that one who forgot, for whatever reason, is
 * found when it votes again. One that lost its disk has another birth, and may
 * vote; should that vote count, there are two leaders in a term or one who
 * lacks something (sim_check.c).
 */
#include "check/sim_impl.h"

#include "replica/raft_wire.h"

#include <stdlib.h>

static void check_vote(struct sim_net *net, const struct raft_message *m,
		       uint64_t candidate)
{
	for (size_t i = net->nvotes; i-- > 0;) {
		const struct sim_vote *v = &net->votes[i];

		if (v->term != m->term || v->voter != m->from ||
		    v->birth != m->birth)
			continue;
		if (v->candidate != candidate)
			sim_break(net, "a node voted twice in term %llu",
				  (unsigned long long)m->term);
		return;
	}
	net->votes = sim_grow(net->votes, &net->votes_cap, net->nvotes + 1,
			      sizeof(*net->votes));
	net->votes[net->nvotes++] = (struct sim_vote){
		.term = m->term,
		.voter = m->from,
		.birth = m->birth,
		.candidate = candidate,
	};
}

/* Whom the sender says that it voted for; 0: it does not say. */
static uint64_t vote_in(const struct raft_message *m)
{
	if (m->kind == RAFT_VOTE)
		return m->from;
	return m->kind == RAFT_VOTE_REPLY && !m->refused ? m->to : 0;
}

static void note(struct sim_node *n, const struct raft_message *m)
{
	uint64_t vote = vote_in(m);

	if (n->told_id != m->from || m->term > n->told_term) {
		n->told_id = m->from;
		n->told_term = m->term;
		n->told_vote = 0;
	} else if (m->term < n->told_term) {
		sim_break(n->net, "%s went back from term %llu to %llu",
			  n->name, (unsigned long long)n->told_term,
			  (unsigned long long)m->term);
	}
	if (vote == 0)
		return;
	n->told_vote = vote;
	check_vote(n->net, m, vote);
}

static void check_acknowledgement(struct sim_node *n,
				  const struct raft_message *m)
{
	if (n->store != NULL && m->index > store_durable(n->store))
		sim_break(n->net,
			  "%s acknowledges entry %llu, but has %llu on disk",
			  n->name, (unsigned long long)m->index,
			  (unsigned long long)store_durable(n->store));
}

void sim_promise(struct sim_node *from, struct slice frame)
{
	struct slice bytes = slice_of(frame.data + 1, frame.len - 1);
	struct raft_message m;

	if (frame.data[0] != FRAME_RAFT || raft_wire_get(&bytes, &m) != 0)
		return;
	/* These ask what would be. */
	if (m.kind == RAFT_PREVOTE || m.kind == RAFT_PREVOTE_REPLY)
		return;
	note(from, &m);
	if (m.kind == RAFT_APPEND_REPLY && !m.refused)
		check_acknowledgement(from, &m);
}

void sim_check_promises(struct sim_node *n)
{
	struct raft_status status;

	raft_status(primary_core(n->primary), &status);
	if (status.id != n->told_id)
		return;
	if (status.term < n->told_term)
		sim_break(n->net, "%s forgot term %llu", n->name,
			  (unsigned long long)n->told_term);
	else if (status.term == n->told_term && n->told_vote != 0 &&
		 status.vote != n->told_vote)
		sim_break(n->net, "%s forgot its vote in term %llu", n->name,
			  (unsigned long long)n->told_term);
}

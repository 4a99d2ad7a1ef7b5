/*
 * raft_elect.c - terms and votes.
 *
 * Before it raises its term a node asks whether it would be elected
 * (pre-vote), and those who hear a live leader say no, so that a node that was
 * cut off does not disturb the others when it comes back. A refusal carries the
 * refuser's term: the one node whose log is long enough may be the one that
 * lags in terms, and must be able to catch up.
 *
 * Who asks need not be a member in our eyes, nor we ourselves: our membership
 * may be an old one. Whom we asked must be one in the membership that we count
 * with, with the birth that it has there (raft_internal.h).
 */
#include "replica/raft_internal.h"

#include "base/err.h"

#include <assert.h>

/* xorshift64*: Vigna, "An experimental exploration of Marsaglia's xorshift
 * generators, scrambled" (2016). */
static uint64_t draw(struct raft *r, uint64_t below)
{
	r->random ^= r->random >> 12;
	r->random ^= r->random << 25;
	r->random ^= r->random >> 27;
	return (r->random * UINT64_C(0x2545F4914F6CDD1D) >> 33) % below;
}

void election_rearm(struct raft *r)
{
	r->election_ms = r->now + r->options.election_ms +
			 draw(r, (uint64_t)r->options.election_ms + 1);
}

/* A leader that was heard so lately that nobody's patience can have ended. */
bool leader_is_live(const struct raft *r)
{
	return r->role == RAFT_LEADER ||
	       (r->leader != 0 &&
		r->now - r->leader_ms < r->options.election_ms);
}

/* What a leader's log has in common with ours is not known, save what is
 * committed, until it has said so. */
static void forget_leader(struct raft *r)
{
	r->leader = 0;
	r->matched = 0;
	r->acked = 0;
	r->round_seen = 0;
	r->round_replied = 0;
}

void become_follower(struct raft *r, uint64_t term, uint64_t leader)
{
	assert(term >= r->term);
	if (term > r->term) {
		r->term = term;
		r->vote = r->vote_birth = 0;
	}
	forget_leader(r);
	if (r->role != RAFT_FOLLOWER)
		election_rearm(r);
	r->role = RAFT_FOLLOWER;
	r->leader = leader;
	r->prevoting = false;
	r->handover = false;
	r->transferee = 0;
}

static void become_leader(struct raft *r)
{
	r->role = RAFT_LEADER;
	r->leader = r->options.id;
	r->prevoting = false;
	r->handover = false;
	r->transferee = 0;
	/* What an earlier leader promised is committed in this log, but how far
	 * that goes shows only when an entry of this term is committed. */
	r->floor = r->log.last + 1;
	r->confirmed = r->round;
	r->told.round = r->round;
	r->round_open = false;
	for (unsigned i = 0; i < r->npeers; i++)
		peer_start(r, &r->peers[i]);
	heartbeat(r);
}

static uint64_t has_granted(const struct raft *r, const struct peer *p)
{
	return p->granted || p->id == r->options.id;
}

static void ask_voters(struct raft *r)
{
	for (unsigned i = 0; i < r->npeers; i++) {
		struct peer *p = &r->peers[i];

		p->granted = false;
		p->ask = p->voter && p->id != r->options.id;
	}
}

static void tally(struct raft *r);

static void stand(struct raft *r, bool handover)
{
	r->role = RAFT_CANDIDATE;
	r->prevoting = false;
	r->handover = handover;
	r->term++;
	r->vote = r->options.id;
	r->vote_birth = r->options.birth;
	forget_leader(r);
	election_rearm(r);
	ask_voters(r);
	tally(r);
}

static void tally(struct raft *r)
{
	if (majority(r, has_granted) == 0)
		return;
	if (r->prevoting)
		stand(r, false);
	else
		become_leader(r);
}

/* Whether it can be elected, and has what it takes to lead at once. */
static bool may_stand(struct raft *r)
{
	return !r->retired && is_voter_itself(r) && r->term < NUMBER_MAX &&
	       raft_log_reserve(&r->log, 1);
}

/* Time to campaign has come: nothing was heard from a leader. */
void election_tick(struct raft *r, bool excused)
{
	if (excused) {
		r->election_ms = r->now + r->options.heartbeat_ms;
		return;
	}
	election_rearm(r);
	forget_leader(r);
	if (!may_stand(r))
		return;
	r->role = RAFT_CANDIDATE;
	r->prevoting = true;
	r->handover = false;
	ask_voters(r);
	tally(r);
}

static uint64_t heard_ms(const struct raft *r, const struct peer *p)
{
	return p->id == r->options.id ? r->now : p->heard_ms;
}

/* A leader that hears too few of the others makes way: after the longest time
 * that they might wait, they have another one. */
bool quorum_is_heard(const struct raft *r)
{
	return r->now - majority(r, heard_ms) <=
	       2 * (uint64_t)r->options.election_ms;
}

static bool is_up_to_date(const struct raft *r, const struct raft_message *m)
{
	uint64_t term = log_last_term(&r->log);

	return m->index_term > term ||
	       (m->index_term == term && m->index >= r->log.last);
}

static void answer_vote(struct raft *r, enum raft_kind kind, uint64_t to,
			bool granted, uint64_t term)
{
	r->vote_reply.kind = kind;
	r->vote_reply.to = to;
	r->vote_reply.refused = !granted;
	r->vote_reply.term = term;
}

static bool may_have_vote(const struct raft *r, const struct raft_message *m)
{
	if (r->vote == 0)
		return r->leader == 0;
	return r->vote == m->from && r->vote_birth == m->birth;
}

/* Its term is ours by now, unless a live leader made us deaf to it. */
void on_vote(struct raft *r, const struct raft_message *m)
{
	bool granted = m->term == r->term && may_have_vote(r, m) &&
		       is_up_to_date(r, m);

	if (granted) {
		r->vote = m->from;
		r->vote_birth = m->birth;
		election_rearm(r);
	}
	answer_vote(r, RAFT_VOTE_REPLY, m->from, granted, r->term);
}

/* The term is the one that it would stand in; ours stays what it is. */
void on_prevote(struct raft *r, const struct raft_message *m)
{
	bool granted =
		m->term > r->term && !leader_is_live(r) && is_up_to_date(r, m);

	answer_vote(r, RAFT_PREVOTE_REPLY, m->from, granted,
		    granted ? m->term : r->term);
}

void on_vote_reply(struct raft *r, struct peer *p, const struct raft_message *m)
{
	bool prevote = m->kind == RAFT_PREVOTE_REPLY;

	if (r->role != RAFT_CANDIDATE || r->prevoting != prevote ||
	    m->refused || m->term != r->term + prevote)
		return;
	p->granted = true;
	tally(r);
}

void on_timeout_now(struct raft *r, const struct raft_message *m)
{
	if (m->term != r->term || r->role == RAFT_LEADER ||
	    (r->leader != 0 && r->leader != m->from) || !may_stand(r))
		return;
	stand(r, true);
}

bool next_vote_request(struct raft *r, struct raft_action *action)
{
	if (r->role != RAFT_CANDIDATE)
		return false;
	for (unsigned i = 0; i < r->npeers; i++) {
		struct peer *p = &r->peers[i];

		if (!p->ask)
			continue;
		p->ask = false;
		begin_message(r, r->prevoting ? RAFT_PREVOTE : RAFT_VOTE, p->id,
			      action);
		r->out.term = r->term + r->prevoting;
		r->out.index = r->log.last;
		r->out.index_term = log_last_term(&r->log);
		r->out.handover = r->handover;
		return true;
	}
	return false;
}

bool next_vote_reply(struct raft *r, struct raft_action *action)
{
	if (r->vote_reply.to == 0)
		return false;
	begin_message(r, r->vote_reply.kind, r->vote_reply.to, action);
	r->out.term = r->vote_reply.term;
	r->out.refused = r->vote_reply.refused;
	r->out.index = r->log.last;
	r->out.index_term = log_last_term(&r->log);
	r->vote_reply.to = 0;
	return true;
}

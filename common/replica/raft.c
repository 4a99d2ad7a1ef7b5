/*
 * raft.c - events in, actions out. See raft.h for the use, raft_internal.h for
 * the parts.
 */
#include "replica/raft_internal.h"

#include <assert.h>

/* Time never goes back, whatever the caller's clock does. */
void raft_clock(struct raft *r, uint64_t now_ms)
{
	if (now_ms > r->now)
		r->now = now_ms;
}

/* What was asked of the caller for the event before this one is done. */
static void begin_event(struct raft *r, uint64_t now_ms)
{
	assert(r->truncate == 0 && r->store == 0);
	raft_clock(r, now_ms);
}

/* ---- events ---- */

/* Called long after it was due, this node was held up itself, and what others
 * sent meanwhile may still wait to be received: it is too early to judge that
 * they are silent. But only once in a row. */
static bool is_excused(struct raft *r)
{
	bool late = r->now > raft_deadline(r) + r->options.heartbeat_ms;

	r->excused = late && !r->excused;
	return r->excused;
}

void raft_tick(struct raft *r, uint64_t now_ms)
{
	bool excused;

	raft_clock(r, now_ms);
	if (r->now < raft_deadline(r))
		return;
	excused = is_excused(r);
	if (r->role != RAFT_LEADER) {
		election_tick(r, excused);
		return;
	}
	transfer_tick(r);
	if (r->now < r->heartbeat_ms)
		return;
	if (excused || quorum_is_heard(r))
		heartbeat(r);
	else
		become_follower(r, r->term, 0);
}

void raft_hear(struct raft *r, uint64_t now_ms, uint64_t id)
{
	struct peer *p = peer_find(r, id);

	raft_clock(r, now_ms);
	if (r->role == RAFT_LEADER && p != NULL) {
		p->heard_ms = r->now;
	} else if (id != 0 && id == r->leader) {
		r->leader_ms = r->now;
		election_rearm(r);
	}
}

uint64_t raft_deadline(const struct raft *r)
{
	if (r->role != RAFT_LEADER)
		return r->election_ms;
	if (r->transferee != 0 && r->transfer_ms < r->heartbeat_ms)
		return r->transfer_ms;
	return r->heartbeat_ms;
}

static bool is_reply(const struct raft_message *m)
{
	return m->kind == RAFT_PREVOTE_REPLY || m->kind == RAFT_VOTE_REPLY ||
	       m->kind == RAFT_APPEND_REPLY;
}

/* Whether a reply is that of the member who was asked. */
static bool counts(const struct peer *p, const struct raft_message *m)
{
	return p != NULL && (!p->voter || m->birth == p->birth);
}

/* A term that somebody has reached, not one that he asks about. */
static bool is_later_term(const struct raft *r, const struct raft_message *m)
{
	if (m->term <= r->term || m->kind == RAFT_PREVOTE ||
	    (m->kind == RAFT_PREVOTE_REPLY && !m->refused))
		return false;
	return m->kind != RAFT_VOTE || m->handover || !leader_is_live(r);
}

static void receive_request(struct raft *r, const struct raft_message *m)
{
	switch (m->kind) {
	case RAFT_PREVOTE:
		on_prevote(r, m);
		break;
	case RAFT_VOTE:
		on_vote(r, m);
		break;
	case RAFT_APPEND:
	case RAFT_SNAPSHOT:
		if (m->term < r->term)
			refuse_append(r, m);
		else if (m->kind == RAFT_APPEND)
			on_append(r, m);
		else
			on_snapshot(r, m);
		break;
	case RAFT_TIMEOUT_NOW:
		on_timeout_now(r, m);
		break;
	default:
		break;
	}
}

void raft_receive(struct raft *r, uint64_t now_ms, const struct raft_message *m)
{
	struct peer *p;

	begin_event(r, now_ms);
	if (!raft_message_valid(m) || r->options.id == 0 ||
	    m->to != r->options.id)
		return;
	if (r->retired) {
		hear_retired(r, m);
		return;
	}
	p = peer_find(r, m->from);
	if (is_reply(m) && !counts(p, m))
		return;
	if (is_later_term(r, m))
		become_follower(r, m->term, 0);
	if (!is_reply(m))
		receive_request(r, m);
	else if (m->kind != RAFT_APPEND_REPLY)
		on_vote_reply(r, p, m);
	else if (m->term == r->term)
		on_append_reply(r, p, m);
}

void raft_appended(struct raft *r, uint64_t now_ms, uint64_t last,
		   const struct raft_members *members)
{
	struct raft_members m;
	bool room;

	raft_clock(r, now_ms);
	assert(r->role == RAFT_LEADER && last > r->log.last);
	log_extend(&r->log, last, r->term);
	if (members == NULL)
		return;
	m = *members;
	m.index = last;
	assert(members_valid(&m) && raft_membership(r)->index <= r->commit);
	room = configs_room(r, 1);
	assert(room);
	configs_push(r, &m);
	peers_update(r);
	leader_commit(r);
}

void raft_persisted(struct raft *r, uint64_t now_ms, uint64_t index)
{
	raft_clock(r, now_ms);
	if (index > r->log.last)
		index = r->log.last;
	if (index <= r->persisted)
		return;
	r->persisted = index;
	if (r->role == RAFT_LEADER)
		leader_commit(r);
	else if (!r->retired)
		follower_persisted(r);
}

void raft_trimmed(struct raft *r, uint64_t first)
{
	assert(first > log_base(&r->log) && first - 1 <= r->commit &&
	       first - 1 <= r->persisted);
	log_trim(&r->log, first - 1);
	configs_trim(r, first - 1);
}

bool raft_wants(const struct raft *r, uint64_t index, uint64_t term)
{
	uint64_t ours;

	return index > r->commit &&
	       !(log_term(&r->log, index, &ours) && ours == term);
}

void raft_installed(struct raft *r, uint64_t now_ms, uint64_t index,
		    uint64_t term, const struct raft_members *members)
{
	begin_event(r, now_ms);
	assert(raft_wants(r, index, term) && members_valid(members));
	if (term > r->term)
		become_follower(r, term, 0);
	log_reset(&r->log, index, term);
	r->persisted = index;
	r->commit = index;
	r->told.commit = index;
	r->matched = index;
	configs_reset(r, members);
	if (!r->retired)
		follower_persisted(r);
}

void raft_retire(struct raft *r, uint64_t now_ms)
{
	raft_clock(r, now_ms);
	if (r->role != RAFT_FOLLOWER)
		become_follower(r, r->term, 0);
	r->retired = true;
	r->reply.to = 0;
	r->vote_reply.to = 0;
}

/* ---- actions ---- */

void begin_message(struct raft *r, enum raft_kind kind, uint64_t to,
		   struct raft_action *action)
{
	struct raft_message *m = &r->out;

	m->kind = kind;
	m->from = r->options.id;
	m->birth = r->options.birth;
	m->to = to;
	m->term = r->term;
	m->index = m->index_term = 0;
	m->count = 0;
	m->commit = 0;
	m->round = 0;
	m->refused = m->handover = false;
	m->asked = 0;
	m->nspans = m->nchanges = 0;
	action->kind = RAFT_SEND;
	action->message = m;
}

static bool next_save(struct raft *r, struct raft_action *action)
{
	if (r->retired ||
	    (r->saved.term == r->term && r->saved.vote == r->vote))
		return false;
	r->saved.term = r->term;
	r->saved.vote = r->vote;
	action->kind = RAFT_SAVE;
	action->term = r->term;
	action->vote = r->vote;
	action->vote_birth = r->vote_birth;
	return true;
}

static bool next_role(struct raft *r, struct raft_action *action)
{
	if (r->told.role == r->role && r->told.term == r->term &&
	    r->told.leader == r->leader)
		return false;
	r->told.role = r->role;
	r->told.term = r->term;
	r->told.leader = r->leader;
	action->kind = RAFT_ROLE;
	action->role = r->role;
	action->term = r->term;
	action->vote = r->vote;
	action->leader = r->leader;
	return true;
}

static bool next_log(struct raft *r, struct raft_action *action)
{
	if (r->truncate != 0) {
		action->kind = RAFT_TRUNCATE;
		action->index = r->truncate;
		r->truncate = 0;
		return true;
	}
	if (r->store != 0) {
		action->kind = RAFT_STORE;
		action->index = r->store;
		action->count = r->store_count;
		r->store = 0;
		return true;
	}
	return false;
}

static bool next_fact(struct raft *r, struct raft_action *action)
{
	if (r->tell_members) {
		r->tell_members = false;
		action->kind = RAFT_MEMBERS;
		action->members = raft_membership(r);
		return true;
	}
	if (r->told.commit < r->commit) {
		r->told.commit = r->commit;
		action->kind = RAFT_COMMIT;
		action->index = r->commit;
		return true;
	}
	return false;
}

static bool next_fetch(struct raft *r, struct raft_action *action)
{
	if (r->fetch == 0)
		return false;
	action->kind = RAFT_FETCH;
	action->index = r->fetch;
	action->leader = r->fetch_from;
	r->fetch = 0;
	return true;
}

/* In this order: first what a message vouches for, then the message. */
bool raft_next(struct raft *r, struct raft_action *action)
{
	*action = (struct raft_action){0};
	return next_save(r, action) || next_role(r, action) ||
	       next_log(r, action) || next_fact(r, action) ||
	       next_confirm(r, action) || next_fetch(r, action) ||
	       next_append_reply(r, action) || next_vote_reply(r, action) ||
	       next_vote_request(r, action) || next_timeout_now(r, action) ||
	       next_append(r, action);
}

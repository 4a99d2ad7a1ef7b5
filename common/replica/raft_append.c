/*
 * raft_append.c - the leader's side of replication, and what is committed.
 *
 * To a peer whose log is known to go along with ours, appends are sent one
 * after the other, without waiting for answers, up to a window. When one is
 * refused, or the peer falls silent, it is asked with one small message at a
 * time where the logs meet. When they meet before our log begins, it is offered
 * a snapshot instead.
 *
 * A learner gets what is committed only. What it has is then in every log that
 * can be elected with, so that it never refuses its vote to who made it a voter
 * for entries that no voter has any more.
 */
#include "replica/raft_internal.h"

#include <assert.h>

/* ---- the window of messages on their way ---- */

static bool window_is_full(const struct raft *r, const struct peer *p)
{
	return p->window_n == r->options.inflight_max;
}

static void window_clear(struct peer *p)
{
	p->window_n = 0;
}

static void window_push(struct peer *p, uint64_t last)
{
	p->window[(p->window_at + p->window_n++) % INFLIGHT_MAX] = last;
}

static void window_free(struct peer *p, uint64_t upto)
{
	while (p->window_n != 0 && p->window[p->window_at] <= upto) {
		p->window_at = (p->window_at + 1) % INFLIGHT_MAX;
		p->window_n--;
	}
}

/* ---- a peer's progress ---- */

static void peer_stream(struct peer *p, uint64_t next)
{
	p->mode = PEER_STREAM;
	p->next = next;
	window_clear(p);
}

static void peer_probe(struct peer *p, uint64_t next)
{
	p->mode = PEER_PROBE;
	p->next = next;
	p->probed = false;
	window_clear(p);
}

/* The last entry that it may have. */
static uint64_t last_for(const struct raft *r, const struct peer *p)
{
	return p->voter ? r->log.last : r->commit;
}

/* A new leader takes everybody for being up to date; those who are not will
 * say so. */
void peer_start(struct raft *r, struct peer *p)
{
	*p = (struct peer){
		.id = p->id,
		.voter = p->voter,
		.birth = p->birth,
		.heard_ms = r->now,
		.match = 0,
		.due = true,
		.round_sent = r->round,
		.round_acked = r->confirmed,
	};
	peer_stream(p, last_for(r, p) + 1);
}

bool is_active(const struct raft *r, const struct peer *p)
{
	return p->heard && r->now - p->heard_ms <= r->options.election_ms;
}

/* Every peer gets something now, and those from whom nothing comes back get
 * nothing else from now on. */
void heartbeat(struct raft *r)
{
	r->heartbeat_ms = r->now + r->options.heartbeat_ms;
	r->transfer_told = false;
	for (unsigned i = 0; i < r->npeers; i++) {
		struct peer *p = &r->peers[i];

		p->due = true;
		if (p->mode == PEER_STREAM &&
		    r->now - p->heard_ms > r->options.election_ms)
			peer_probe(p, p->match + 1);
	}
}

static uint64_t on_disk(const struct raft *r, const struct peer *p)
{
	return p->id == r->options.id ? r->persisted : p->match;
}

/* Only an entry of the own term may be committed by counting; it takes with it
 * all that is before it. */
void leader_commit(struct raft *r)
{
	uint64_t index = majority(r, on_disk), term;

	if (index > r->commit && log_term(&r->log, index, &term) &&
	    term == r->term)
		r->commit = index;
}

/* The entry before the first that can be sent: it must be known, and so must
 * every membership behind it. */
static uint64_t lowest_prev(const struct raft *r)
{
	uint64_t base = log_base(&r->log);
	uint64_t known = r->nconfigs != 0 ? r->configs[0].index : 0;

	return known > base ? known - 1 : base;
}

static void on_accepted(struct raft *r, struct peer *p, uint64_t index)
{
	if (index > p->match)
		p->match = index;
	switch (p->mode) {
	case PEER_STREAM:
		window_free(p, p->match);
		break;
	case PEER_PROBE:
		peer_stream(p, p->next);
		break;
	case PEER_OFFER:
		if (p->match >= lowest_prev(r))
			peer_stream(p, p->match + 1);
		return;
	}
	if (p->next <= p->match)
		p->next = p->match + 1;
}

/* Where to try next: at most where the receiver's log could still agree with
 * ours, by its terms and by our own. */
static void on_refused(struct raft *r, struct peer *p,
		       const struct raft_message *m)
{
	uint64_t at = m->index;

	if (m->asked <= p->match || m->asked >= p->next ||
	    p->mode == PEER_OFFER ||
	    (p->mode == PEER_PROBE && m->asked != p->next - 1))
		return;
	if (at >= m->asked)
		at = m->asked - 1;
	at = log_at_most(&r->log, at, m->index_term);
	if (at < p->match)
		at = p->match;
	peer_probe(p, at + 1);
}

/* A learner of another birth than before has nothing of what that one had. */
static void note_birth(struct raft *r, struct peer *p, uint64_t birth)
{
	if (p->birth == birth)
		return;
	p->birth = birth;
	if (p->heard)
		peer_start(r, p);
}

void on_append_reply(struct raft *r, struct peer *p,
		     const struct raft_message *m)
{
	if (r->role != RAFT_LEADER || m->round > p->round_sent)
		return;
	if (!m->refused && m->index > r->log.last)
		return;
	note_birth(r, p, m->birth);
	p->heard = true;
	p->heard_ms = r->now;
	if (m->round > p->round_acked)
		p->round_acked = m->round;
	if (m->refused)
		on_refused(r, p, m);
	else
		on_accepted(r, p, m->index);
	leader_commit(r);
	confirm(r);
}

/* ---- what a peer is to be sent next ---- */

static bool has_entries(const struct raft *r, const struct peer *p)
{
	return p->mode == PEER_STREAM && p->next <= last_for(r, p) &&
	       !window_is_full(r, p);
}

static bool wants_message(const struct raft *r, const struct peer *p)
{
	if (p->id == r->options.id)
		return false;
	if (p->due || has_entries(r, p))
		return true;
	if (p->voter && p->round_sent < r->round &&
	    (p->mode == PEER_STREAM || is_active(r, p)))
		return true;
	return p->mode == PEER_STREAM ? p->commit_sent < r->commit
				      : p->mode == PEER_PROBE && !p->probed;
}

/* The memberships of the entries; returns how far they fit. */
static uint64_t add_changes(struct raft *r, uint64_t from, uint64_t to)
{
	r->out.nchanges = 0;
	for (size_t i = 0; i < r->nconfigs; i++) {
		const struct raft_members *c = &r->configs[i];

		if (c->index < from)
			continue;
		if (c->index > to)
			break;
		if (r->out.nchanges == RAFT_CHANGES_MAX)
			return c->index - 1;
		r->out.changes[r->out.nchanges++] = *c;
	}
	return to;
}

static void add_entries(struct raft *r, struct peer *p)
{
	uint64_t from = p->next, last;

	last = r->options.fit(r->options.fit_arg, from, last_for(r, p));
	assert(last >= from && last <= last_for(r, p));
	last = add_changes(r, from, last);
	last = log_spans(&r->log, from, last, &r->out);
	while (r->out.nchanges != 0 &&
	       r->out.changes[r->out.nchanges - 1].index > last)
		r->out.nchanges--;
	r->out.count = last - from + 1;
	p->next = last + 1;
	window_push(p, last);
}

static void build_append(struct raft *r, struct peer *p,
			 struct raft_action *action)
{
	bool known;

	begin_message(r, RAFT_APPEND, p->id, action);
	r->out.index = p->next - 1;
	known = log_term(&r->log, r->out.index, &r->out.index_term);
	assert(known);
	r->out.commit = r->commit;
	r->out.round = r->round;
	if (has_entries(r, p))
		add_entries(r, p);
	if (p->mode == PEER_STREAM)
		p->commit_sent = r->commit;
}

/* What is committed here, and the membership of that time. A new leader may
 * know only a later one yet, and then says only that it is there. */
static void build_offer(struct raft *r, struct peer *p,
			struct raft_action *action)
{
	const struct raft_members *members = configs_at(r, r->commit);
	bool known;

	if (members->n == 0) {
		begin_message(r, RAFT_APPEND, p->id, action);
		r->out.index = lowest_prev(r);
		known = log_term(&r->log, r->out.index, &r->out.index_term);
		assert(known);
		r->out.round = r->round;
		return;
	}
	begin_message(r, RAFT_SNAPSHOT, p->id, action);
	r->out.index = r->commit;
	known = log_term(&r->log, r->commit, &r->out.index_term);
	assert(known);
	r->out.commit = r->commit;
	r->out.round = r->round;
	r->out.nchanges = 1;
	r->out.changes[0] = *members;
}

bool next_append(struct raft *r, struct raft_action *action)
{
	if (r->role != RAFT_LEADER)
		return false;
	for (unsigned i = 0; i < r->npeers; i++) {
		struct peer *p = &r->peers[i];

		if (!wants_message(r, p))
			continue;
		if (p->mode != PEER_OFFER && p->next - 1 < lowest_prev(r)) {
			p->mode = PEER_OFFER;
			window_clear(p);
		}
		if (p->mode == PEER_OFFER)
			build_offer(r, p, action);
		else
			build_append(r, p, action);
		p->due = false;
		p->probed = true;
		p->round_sent = r->round;
		return true;
	}
	return false;
}

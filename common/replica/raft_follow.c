/*
 * raft_follow.c - what a follower makes of its leader's messages.
 *
 * An acknowledgement says: on my disk, and the same as yours. The first is
 * `persisted`; the second is `matched`, raised by the ends of the messages that
 * this leader sent in this term, or what is committed, which every leader has.
 * What a follower holds beyond that may be anybody's.
 */
#include "replica/raft_internal.h"

#include "base/err.h"

#include <assert.h>

static uint64_t acknowledged(const struct raft *r)
{
	uint64_t matched = r->matched > r->commit ? r->matched : r->commit;

	return matched < r->persisted ? matched : r->persisted;
}

static void accept(struct raft *r)
{
	r->reply.to = r->leader;
	r->reply.refused = false;
	r->reply.asked = 0;
	r->reply.asked_term = 0;
}

/* A leader of the past learns the term from this. */
void refuse_append(struct raft *r, const struct raft_message *m)
{
	r->reply.to = m->from;
	r->reply.refused = true;
	r->reply.asked = m->index;
	r->reply.asked_term = m->index_term;
}

/* The message is from the leader of this term. False: from somebody else who
 * says so, which cannot be. */
static bool heed(struct raft *r, const struct raft_message *m)
{
	if (r->role == RAFT_LEADER || (r->leader != 0 && r->leader != m->from))
		return false;
	if (r->role != RAFT_FOLLOWER || r->leader == 0)
		become_follower(r, m->term, m->from);
	r->leader_ms = r->now;
	election_rearm(r);
	if (m->round > r->round_seen)
		r->round_seen = m->round;
	return true;
}

static void commit_to(struct raft *r, uint64_t index)
{
	if (index > r->commit) {
		assert(index <= r->log.last);
		r->commit = index;
	}
}

static void truncate_from(struct raft *r, uint64_t from)
{
	assert(from > r->commit && r->truncate == 0);
	log_truncate(&r->log, from);
	if (r->persisted >= from)
		r->persisted = from - 1;
	if (r->matched >= from)
		r->matched = from - 1;
	r->acked = 0;
	configs_truncate(r, from);
	r->truncate = from;
}

/* Takes the message's entries from `from` on into the log. False: no room for
 * their terms or memberships, and nothing has changed. */
static bool store_from(struct raft *r, const struct raft_message *m,
		       uint64_t from)
{
	uint64_t end = m->index + m->count;
	unsigned change = 0;

	while (change < m->nchanges && m->changes[change].index < from)
		change++;
	if (!log_reserve(&r->log, m->nspans) ||
	    !configs_room(r, m->nchanges - change))
		return false;
	if (from <= r->log.last)
		truncate_from(r, from);
	for (unsigned i = 0; i < m->nspans; i++) {
		uint64_t last =
			i + 1 < m->nspans ? m->spans[i + 1].first - 1 : end;

		if (last >= from)
			log_extend(&r->log, last, m->spans[i].term);
	}
	if (change < m->nchanges) {
		for (; change < m->nchanges; change++)
			configs_push(r, &m->changes[change]);
		peers_update(r);
	}
	r->store = from;
	r->store_count = end - from + 1;
	return true;
}

/* What is committed is the leader's too, so comparing begins behind it. */
static bool meets(const struct raft *r, const struct raft_message *m)
{
	uint64_t term;

	return m->index <= r->commit ||
	       (log_term(&r->log, m->index, &term) && term == m->index_term);
}

/* Terms never fall; a message in which they would behind what is committed is
 * no leader's. */
static bool continues(const struct raft *r, const struct raft_message *m,
		      uint64_t from)
{
	unsigned span = m->nspans - 1;
	uint64_t term;

	while (m->spans[span].first > from)
		span--;
	return log_term(&r->log, from - 1, &term) &&
	       term <= m->spans[span].term;
}

void on_append(struct raft *r, const struct raft_message *m)
{
	uint64_t end = m->index + m->count;
	uint64_t from = m->index < r->commit ? r->commit + 1 : m->index + 1;

	if (!heed(r, m))
		return;
	if (!meets(r, m)) {
		refuse_append(r, m);
		return;
	}
	if (from <= end)
		from = log_differs(&r->log, from, m);
	if (from <= end && !(continues(r, m, from) && store_from(r, m, from)))
		return;
	if (end > r->matched)
		r->matched = end;
	commit_to(r, m->commit < end ? m->commit : end);
	/* What is on its way to the disk is acknowledged from there, unless
	 * somebody waits for a word now. */
	if (r->store == 0 || r->round_seen > r->round_replied)
		accept(r);
}

void on_snapshot(struct raft *r, const struct raft_message *m)
{
	uint64_t term;

	if (!heed(r, m))
		return;
	if (m->index > r->commit && log_term(&r->log, m->index, &term) &&
	    term == m->index_term) {
		if (m->index > r->matched)
			r->matched = m->index;
		commit_to(r, m->index);
	}
	if (m->index > r->commit) {
		r->fetch = m->index;
		r->fetch_from = m->from;
	}
	accept(r);
}

/* It learns who leads and what is committed, for those who ask it, and keeps
 * silent: its term is not on disk, and its log does not grow. */
void hear_retired(struct raft *r, const struct raft_message *m)
{
	uint64_t end = m->index + m->count;
	uint64_t from = m->index < r->commit ? r->commit + 1 : m->index + 1;

	if ((m->kind != RAFT_APPEND && m->kind != RAFT_SNAPSHOT) ||
	    m->term < r->term)
		return;
	if (m->term > r->term)
		become_follower(r, m->term, 0);
	if (!heed(r, m) || m->kind != RAFT_APPEND || !meets(r, m))
		return;
	if (from <= end)
		end = log_differs(&r->log, from, m) - 1;
	commit_to(r, m->commit < end ? m->commit : end);
}

void follower_persisted(struct raft *r)
{
	if (r->leader != 0 && acknowledged(r) > r->acked && r->reply.to == 0)
		accept(r);
}

/* Where the leader should look: the last entry here, up to the one that it
 * asked for, whose term is no later than that one's. All that is committed is
 * the same there. */
static uint64_t hint(const struct raft *r)
{
	uint64_t index =
		log_at_most(&r->log, r->reply.asked, r->reply.asked_term);

	return index > r->commit ? index : r->commit;
}

bool next_append_reply(struct raft *r, struct raft_action *action)
{
	bool known;

	if (r->reply.to == 0)
		return false;
	begin_message(r, RAFT_APPEND_REPLY, r->reply.to, action);
	r->out.refused = r->reply.refused;
	r->out.asked = r->reply.asked;
	r->out.index = r->reply.refused ? hint(r) : acknowledged(r);
	known = log_term(&r->log, r->out.index, &r->out.index_term);
	assert(known);
	r->out.commit = r->commit;
	r->out.round = r->round_seen;
	if (!r->reply.refused && r->reply.to == r->leader) {
		r->acked = r->out.index;
		r->round_replied = r->round_seen;
	}
	r->reply.to = 0;
	return true;
}

/*
 * raft_message.c - what a message may say, whoever sent it.
 *
 * Checked once, on its way in, so that the rest of the core can rely on it:
 * spans and memberships lie in order and within the entries, and no number is
 * so large that adding to it could wrap.
 */
#include "replica/raft_internal.h"

bool members_valid(const struct raft_members *m)
{
	unsigned voters = 0;

	if (m->n == 0 || m->n > RAFT_MEMBERS_MAX || m->index > NUMBER_MAX)
		return false;
	for (unsigned i = 0; i < m->n; i++) {
		if (m->list[i].id == 0)
			return false;
		voters += m->list[i].voter;
		for (unsigned j = 0; j < i; j++)
			if (m->list[j].id == m->list[i].id)
				return false;
	}
	return voters != 0;
}

static bool spans_valid(const struct raft_message *m)
{
	uint64_t term = m->index_term;

	if (m->count == 0)
		return m->nspans == 0;
	if (m->nspans == 0 || m->spans[0].first != m->index + 1)
		return false;
	for (unsigned i = 0; i < m->nspans; i++) {
		const struct raft_span *s = &m->spans[i];

		if (s->term < term || s->term == 0 || s->term > m->term ||
		    s->first > m->index + m->count ||
		    (i > 0 && s->first <= s[-1].first))
			return false;
		term = s->term;
	}
	return true;
}

static bool changes_valid(const struct raft_message *m)
{
	uint64_t after = m->index;

	for (unsigned i = 0; i < m->nchanges; i++) {
		const struct raft_members *c = &m->changes[i];

		if (!members_valid(c) || c->index <= after ||
		    c->index > m->index + m->count)
			return false;
		after = c->index;
	}
	return true;
}

static bool append_valid(const struct raft_message *m)
{
	return m->index_term <= m->term && spans_valid(m) && changes_valid(m);
}

static bool snapshot_valid(const struct raft_message *m)
{
	return m->nspans == 0 && m->count == 0 && m->nchanges == 1 &&
	       m->index != 0 && m->index_term <= m->term &&
	       members_valid(&m->changes[0]) && m->changes[0].index <= m->index;
}

bool raft_message_valid(const struct raft_message *m)
{
	if (m->from == 0 || m->to == 0 || m->from == m->to || m->term == 0 ||
	    m->term > NUMBER_MAX || m->index > NUMBER_MAX ||
	    m->index_term > NUMBER_MAX || m->count > NUMBER_MAX ||
	    m->commit > NUMBER_MAX || m->round > NUMBER_MAX ||
	    m->asked > NUMBER_MAX || m->nspans > RAFT_SPANS_MAX ||
	    m->nchanges > RAFT_CHANGES_MAX ||
	    (m->index == 0) != (m->index_term == 0))
		return false;
	switch (m->kind) {
	case RAFT_APPEND:
		return append_valid(m);
	case RAFT_SNAPSHOT:
		return snapshot_valid(m);
	case RAFT_PREVOTE:
	case RAFT_PREVOTE_REPLY:
	case RAFT_VOTE:
	case RAFT_VOTE_REPLY:
	case RAFT_APPEND_REPLY:
	case RAFT_TIMEOUT_NOW:
		return m->nspans == 0 && m->nchanges == 0 && m->count == 0;
	}
	return false;
}

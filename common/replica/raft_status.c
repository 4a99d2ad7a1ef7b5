/*
 * raft_status.c - what others may know of the core.
 */
#include "replica/raft_internal.h"

static void peer_status(const struct raft *r, const struct peer *p,
			struct raft_peer_status *s)
{
	bool self = p->id == r->options.id;

	s->id = p->id;
	s->voter = p->voter;
	s->active = self || (p->id == r->leader && leader_is_live(r)) ||
		    (r->role == RAFT_LEADER && is_active(r, p));
	s->match = 0;
	if (r->role == RAFT_LEADER)
		s->match = self ? r->persisted : p->match;
}

void raft_status(const struct raft *r, struct raft_status *status)
{
	*status = (struct raft_status){
		.role = r->role,
		.id = r->options.id,
		.term = r->term,
		.vote = r->vote,
		.leader = r->leader,
		.first = log_base(&r->log) + 1,
		.last = r->log.last,
		.commit = r->commit,
		.persisted = r->persisted,
		.can_read = r->role == RAFT_LEADER && r->commit >= r->floor,
		.retired = r->retired,
		.npeers = r->npeers,
	};
	for (unsigned i = 0; i < r->npeers; i++)
		peer_status(r, &r->peers[i], &status->peers[i]);
}

bool raft_term_at(const struct raft *r, uint64_t index, uint64_t *term)
{
	return log_term(&r->log, index, term);
}

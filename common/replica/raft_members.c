/*
 * raft_members.c - the memberships that the log holds, and the table of peers.
 *
 * A membership is in force from the moment its entry is in the log. Older ones
 * are kept as long as the log reaches back to them: truncation brings the one
 * before back, and a peer that lags must be told of each at its own entry, or
 * it could count a majority of a membership that is long gone.
 */
#include "replica/raft_internal.h"

#include "base/err.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>

const struct raft_members *raft_membership(const struct raft *r)
{
	return r->nconfigs != 0 ? &r->configs[r->nconfigs - 1] : &r->nobody;
}

const struct raft_members *configs_at(const struct raft *r, uint64_t index)
{
	for (size_t i = r->nconfigs; i-- > 0;)
		if (r->configs[i].index <= index)
			return &r->configs[i];
	return &r->nobody;
}

static void drop_oldest(struct raft *r, size_t n)
{
	r->nconfigs -= n;
	memmove(r->configs, r->configs + n, r->nconfigs * sizeof(*r->configs));
}

/* Makes room by forgetting what can neither be in force nor come back. */
bool configs_room(struct raft *r, size_t n)
{
	while (r->configs_cap - r->nconfigs < n) {
		if (r->nconfigs < 2 || r->configs[1].index > r->commit)
			return false;
		drop_oldest(r, 1);
	}
	return true;
}

void configs_push(struct raft *r, const struct raft_members *m)
{
	assert(r->nconfigs < r->configs_cap);
	assert(m->index > raft_membership(r)->index || r->nconfigs == 0);
	r->configs[r->nconfigs++] = *m;
}

void configs_truncate(struct raft *r, uint64_t from)
{
	size_t n = r->nconfigs;

	while (r->nconfigs != 0 && raft_membership(r)->index >= from)
		r->nconfigs--;
	if (r->nconfigs != n)
		peers_update(r);
}

void configs_trim(struct raft *r, uint64_t base)
{
	size_t n = 0;

	while (n + 1 < r->nconfigs && r->configs[n + 1].index <= base)
		n++;
	drop_oldest(r, n);
}

void configs_reset(struct raft *r, const struct raft_members *m)
{
	r->configs[0] = *m;
	r->nconfigs = 1;
	peers_update(r);
}

struct peer *peer_find(struct raft *r, uint64_t id)
{
	for (unsigned i = 0; i < r->npeers; i++)
		if (r->peers[i].id == id)
			return &r->peers[i];
	return NULL;
}

static const struct raft_member *member(const struct raft_members *m,
					uint64_t id)
{
	for (unsigned i = 0; i < m->n; i++)
		if (m->list[i].id == id)
			return &m->list[i];
	return NULL;
}

bool is_voter(const struct raft *r, uint64_t id)
{
	const struct raft_member *m = member(raft_membership(r), id);

	return m != NULL && m->voter;
}

bool is_voter_itself(const struct raft *r)
{
	const struct raft_member *m = member(raft_membership(r), r->options.id);

	return m != NULL && m->voter && m->birth == r->options.birth;
}

/* One who was promoted with the birth that we heard it under is the same. */
static void peer_update(struct raft *r, struct peer *p,
			const struct raft_member *m)
{
	p->voter = m->voter;
	if (!m->voter || p->birth == m->birth)
		return;
	p->birth = m->birth;
	peer_start(r, p);
}

void peers_update(struct raft *r)
{
	const struct raft_members *m = raft_membership(r);
	unsigned kept = 0;

	for (unsigned i = 0; i < r->npeers; i++)
		if (member(m, r->peers[i].id) != NULL)
			r->peers[kept++] = r->peers[i];
	r->npeers = kept;
	for (unsigned i = 0; i < m->n; i++) {
		struct peer *p = peer_find(r, m->list[i].id);

		if (p == NULL) {
			p = &r->peers[r->npeers++];
			*p = (struct peer){.id = m->list[i].id};
			peer_start(r, p);
		}
		peer_update(r, p, &m->list[i]);
	}
	r->tell_members = true;
}

uint64_t majority(const struct raft *r, peer_value_fn *value)
{
	uint64_t sorted[RAFT_MEMBERS_MAX];
	unsigned n = 0;

	for (unsigned i = 0; i < r->npeers; i++) {
		uint64_t v;
		unsigned at = n;

		if (!r->peers[i].voter)
			continue;
		v = value(r, &r->peers[i]);
		for (; at > 0 && sorted[at - 1] < v; at--)
			sorted[at] = sorted[at - 1];
		sorted[at] = v;
		n++;
	}
	return n != 0 ? sorted[n / 2] : 0;
}

/* ---- changes ---- */

static int may_change(const struct raft *r)
{
	if (r->role != RAFT_LEADER)
		return err_set(KV_EUNAVAILABLE, "this node does not lead");
	if (r->commit < r->floor)
		return err_set(KV_EUNAVAILABLE,
			       "the leader is new and has committed nothing "
			       "yet; try again");
	if (raft_membership(r)->index > r->commit)
		return err_set(KV_EUNAVAILABLE,
			       "the last change of membership is not "
			       "committed yet; try again");
	return 0;
}

static int add_member(struct raft_members *m, uint64_t id)
{
	if (id == 0)
		return err_set(KV_EUSAGE, "no node has the number 0");
	if (member(m, id) != NULL)
		return err_set(KV_ECONDITION,
			       "node %" PRIu64 " is a member already", id);
	if (m->n == RAFT_MEMBERS_MAX)
		return err_set(KV_ETOOBIG, "a cluster has at most %u members",
			       RAFT_MEMBERS_MAX);
	m->list[m->n++] = (struct raft_member){.id = id};
	return 0;
}

static int promote_member(const struct raft *r, struct raft_members *m,
			  uint64_t id)
{
	const struct peer *p = NULL;

	for (unsigned i = 0; i < r->npeers; i++)
		if (r->peers[i].id == id)
			p = &r->peers[i];
	if (p == NULL || p->voter)
		return err_set(KV_ECONDITION,
			       "node %" PRIu64 " is not a learner", id);
	if (p->mode != PEER_STREAM || p->match == 0 ||
	    r->log.last - p->match > PROMOTE_LAG)
		return err_set(KV_EUNAVAILABLE,
			       "node %" PRIu64 " has not caught up yet", id);
	for (unsigned i = 0; i < m->n; i++)
		if (m->list[i].id == id)
			m->list[i] = (struct raft_member){
				.id = id, .voter = true, .birth = p->birth};
	return 0;
}

static int remove_member(const struct raft *r, struct raft_members *m,
			 uint64_t id)
{
	unsigned kept = 0;

	if (member(m, id) == NULL)
		return err_set(KV_ECONDITION, "node %" PRIu64 " is no member",
			       id);
	if (id == r->options.id)
		return err_set(KV_ECONDITION,
			       "the leader does not remove itself: hand the "
			       "leadership over first");
	for (unsigned i = 0; i < m->n; i++)
		if (m->list[i].id != id)
			m->list[kept++] = m->list[i];
	m->n = kept;
	return 0;
}

int raft_change(const struct raft *r, enum raft_change change, uint64_t id,
		struct raft_members *members)
{
	struct raft_members m = *raft_membership(r);
	int e = may_change(r);

	if (e != 0)
		return e;
	switch (change) {
	case RAFT_ADD:
		e = add_member(&m, id);
		break;
	case RAFT_PROMOTE:
		e = promote_member(r, &m, id);
		break;
	case RAFT_REMOVE:
		e = remove_member(r, &m, id);
		break;
	}
	if (e == 0)
		*members = m;
	return e;
}

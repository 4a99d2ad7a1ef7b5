/*
 * raft_net_check.h - what must hold in the clusters of raft_net.h.
 */
#ifndef UNIT_RAFT_NET_CHECK_H
#define UNIT_RAFT_NET_CHECK_H

#include "raft_net_log.h"

static inline bool net_has(const struct net_log *l, uint64_t index,
			   const struct net_entry *e)
{
	const struct net_entry *mine = net_entry(l, index);

	return index <= l->base || (mine != NULL && mine->term == e->term &&
				    mine->payload == e->payload);
}

static inline void net_check_leader(struct net *net, struct net_node *node,
				    uint64_t term)
{
	size_t cap = net->leaders_cap;

	net->leaders = net_grow(net->leaders, &net->leaders_cap, term + 1,
				sizeof(*net->leaders));
	for (; cap < net->leaders_cap; cap++)
		net->leaders[cap] = 0;
	NET_DEMAND(net,
		   net->leaders[term] == 0 || net->leaders[term] == node->id,
		   "term %u has two leaders", (unsigned)term);
	net->leaders[term] = node->id;
	net->elections++;
	for (uint64_t i = 1; i <= net->ncommitted; i++)
		NET_DEMAND(
			net,
			net->committed[i - 1].commit_term >= term ||
				net_has(&node->log, i, &net->committed[i - 1]),
			"leader %u of term %u lacks committed entry %u",
			(unsigned)node->id, (unsigned)term, (unsigned)i);
}

/* A leader may commit only what a majority of its voters has on disk. */
static inline void net_check_majority(struct net *net, struct net_node *node,
				      uint64_t index)
{
	const struct raft_members *m = raft_membership(node->raft);
	const struct net_entry *e = net_entry(&node->log, index);
	unsigned have = 0, voters = 0;

	for (unsigned i = 0; i < m->n; i++) {
		if (!m->list[i].voter)
			continue;
		voters++;
		have += m->list[i].id <= net->n &&
			net_has(&net->nodes[m->list[i].id].disk, index, e);
	}
	NET_DEMAND(net, have > voters / 2,
		   "node %u committed entry %u, which %u of %u have on disk",
		   (unsigned)node->id, (unsigned)index, have, voters);
}

static inline void net_check_commit(struct net *net, struct net_node *node,
				    uint64_t index)
{
	NET_DEMAND(net, index > node->commit && index <= net_last(&node->log),
		   "node %u commits %u of %u", (unsigned)node->id,
		   (unsigned)index, (unsigned)net_last(&node->log));
	if (net->broken[0] != '\0')
		return;
	if (node->role == RAFT_LEADER)
		net_check_majority(net, node, index);
	for (uint64_t i = node->commit + 1; i <= index; i++) {
		const struct net_entry *e = net_entry(&node->log, i);

		if (i > net->ncommitted) {
			net->committed =
				net_grow(net->committed, &net->committed_cap, i,
					 sizeof(*net->committed));
			net->committed[i - 1] = *e;
			net->committed[i - 1].commit_term = node->role_term;
			net->ncommitted = i;
		}
		NET_DEMAND(net, net_has(&node->log, i, &net->committed[i - 1]),
			   "node %u committed another entry %u",
			   (unsigned)node->id, (unsigned)i);
	}
	node->commit = index;
}

static inline void net_check_core(struct net *net, struct net_node *node)
{
	const struct raft_members *m = raft_membership(node->raft);
	struct raft_members mine =
		net_members(&node->log, net_last(&node->log));
	struct raft_status status;
	bool same = m->n == mine.n && m->index == mine.index;

	for (unsigned i = 0; same && i < m->n; i++)
		same = m->list[i].id == mine.list[i].id &&
		       m->list[i].voter == mine.list[i].voter;
	NET_DEMAND(net, same, "node %u: membership %u is not that of its log",
		   (unsigned)node->id, (unsigned)m->index);
	raft_status(node->raft, &status);
	NET_DEMAND(net,
		   status.last == net_last(&node->log) &&
			   status.first == node->log.base + 1,
		   "node %u: the log is %u..%u, the core's %u..%u",
		   (unsigned)node->id, (unsigned)node->log.base + 1,
		   (unsigned)net_last(&node->log), (unsigned)status.first,
		   (unsigned)status.last);
	NET_DEMAND(net,
		   node->lame || (status.term == node->term &&
				  status.vote == node->vote),
		   "node %u: term or vote not saved", (unsigned)node->id);
}

/* Costly: not after each step. */
static inline void net_check_logs(struct net *net)
{
	for (unsigned a = 1; a <= net->n; a++) {
		const struct net_log *x = &net->nodes[a].log;

		for (uint64_t i = x->base + 1;
		     net->nodes[a].raft != NULL && i <= net_last(x); i++) {
			uint64_t term = 0;

			NET_DEMAND(net,
				   raft_term_at(net->nodes[a].raft, i, &term) &&
					   term == net_entry(x, i)->term,
				   "node %u: term of entry %u is not %u", a,
				   (unsigned)i, (unsigned)term);
		}
		for (unsigned b = a + 1; b <= net->n; b++) {
			const struct net_log *y = &net->nodes[b].log;
			bool agree = false;

			for (uint64_t i = net_last(x); i > x->base; i--) {
				const struct net_entry *e = net_entry(x, i);
				const struct net_entry *f = net_entry(y, i);

				if (f == NULL)
					continue;
				agree = agree || e->term == f->term;
				NET_DEMAND(net,
					   !agree || (e->term == f->term &&
						      e->payload == f->payload),
					   "logs of %u and %u: entry %u", a, b,
					   (unsigned)i);
			}
		}
	}
}

#endif

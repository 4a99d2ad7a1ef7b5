/*
 * raft_net.h - a cluster of consensus cores in one process, determined by one
 * seed: their logs and disks, the network between them, and what must be true
 * after every step.
 *
 * Each node has a log in memory and one on disk; a flush copies the first to
 * the second, a crash the second to the first. A truncation reaches the disk
 * with the next entry that does. Messages take their time, get lost, doubled
 * and overtake each other as told.
 *
 * What must hold (net->broken says what did not):
 *	one leader a term; a new leader has all that was ever committed
 *	nodes commit the same entries; a leader only what a majority has on disk
 *	two logs that agree at an index agree before it
 *	the core's terms and membership are those of the log
 *	term and vote are on disk before a message that follows from them
 *	a read sees all that was committed anywhere when it was asked
 */
#ifndef UNIT_RAFT_NET_H
#define UNIT_RAFT_NET_H

#include "raft_net_node.h"

/* ---- requests ---- */

static inline struct net_node *net_leader(struct net *net)
{
	struct net_node *best = NULL;

	for (unsigned i = 1; i <= net->n; i++) {
		struct net_node *node = &net->nodes[i];

		if (node->raft != NULL && !node->paused &&
		    node->role == RAFT_LEADER &&
		    (best == NULL || node->role_term > best->role_term))
			best = node;
	}
	return best;
}

static inline bool net_propose(struct net *net, struct net_node *node)
{
	if (node->raft == NULL || node->role != RAFT_LEADER ||
	    raft_transferring(node->raft))
		return false;
	net_append(net, node, ++net->payload, NULL);
	net_drain(net, node);
	return true;
}

static inline bool net_read(struct net *net, struct net_node *node)
{
	struct net_read *read = &node->reads[node->nreads];

	if (node->raft == NULL || node->nreads == NET_READS ||
	    raft_read(node->raft, net->now, &read->round) != 0)
		return false;
	read->must_see = net->ncommitted;
	node->nreads++;
	if (net_chance(net, 70))
		net_drain(net, node);
	return true;
}

static inline int net_change(struct net *net, struct net_node *node,
			     enum raft_change change, uint64_t id)
{
	struct raft_members members;
	int e = raft_change(node->raft, change, id, &members);

	if (e == 0) {
		net_append(net, node, ++net->payload, &members);
		net_drain(net, node);
	}
	return e;
}

static inline void net_trim(struct net *net, struct net_node *node,
			    uint64_t first)
{
	struct net_log *logs[] = {&node->log, &node->disk};
	uint64_t term = 0;

	(void)net;
	if (node->raft == NULL || first <= node->log.base + 1 ||
	    first - 1 > node->commit || first - 1 > net_last(&node->disk) ||
	    (node->truncated != 0 && first >= node->truncated))
		return;
	raft_term_at(node->raft, first - 1, &term);
	for (unsigned i = 0; i < 2; i++) {
		struct net_log *l = logs[i];
		struct raft_members m = net_members(l, first - 1);
		size_t gone = first - 1 - l->base;

		l->n -= gone;
		memmove(l->list, l->list + gone, l->n * sizeof(*l->list));
		l->base = first - 1;
		l->base_term = term;
		l->base_members = m;
	}
	raft_trimmed(node->raft, first);
}

/* ---- time ---- */

static inline void net_receive(struct net *net, const struct raft_message *m,
			       const struct net_entry *entries)
{
	struct net_node *node = &net->nodes[m->to];

	if (node->raft == NULL)
		return;
	node->receiving = m;
	node->received = entries;
	raft_receive(node->raft, net->now, m);
	net_drain(net, node);
	node->receiving = NULL;
}

static inline void net_deliver(struct net *net, size_t at)
{
	struct net_packet p = net->packets[at];

	net->packets[at] = net->packets[--net->npackets];
	net_receive(net, &p.message, p.entries);
	free(p.entries);
}

/* The next thing to happen, at *at; false: nothing ever. */
enum net_what { NET_PACKET, NET_TICK, NET_FLUSH, NET_FETCH };

static inline uint64_t net_next(const struct net *net, enum net_what *what,
				size_t *which)
{
	uint64_t at = NET_NEVER, serial = 0;

	for (size_t i = 0; i < net->npackets; i++) {
		const struct net_packet *p = &net->packets[i];

		if (net->nodes[p->message.to].paused)
			continue;
		if (p->at < at || (p->at == at && p->serial < serial)) {
			at = p->at;
			serial = p->serial;
			*what = NET_PACKET;
			*which = i;
		}
	}
	for (unsigned i = 1; i <= net->n; i++) {
		const struct net_node *node = &net->nodes[i];

		if (node->raft == NULL || node->paused)
			continue;
		if (raft_deadline(node->raft) < at) {
			at = raft_deadline(node->raft);
			*what = NET_TICK;
			*which = i;
		}
		if (node->flush_at < at) {
			at = node->flush_at;
			*what = NET_FLUSH;
			*which = i;
		}
		if (node->fetch_at < at) {
			at = node->fetch_at;
			*what = NET_FETCH;
			*which = i;
		}
	}
	return at;
}

/* One event, if there is one until then. */
static inline bool net_step(struct net *net, uint64_t until)
{
	enum net_what what = NET_TICK;
	size_t which = 0;
	uint64_t at = net_next(net, &what, &which);

	if (net->broken[0] != '\0' || at > until) {
		if (until > net->now)
			net->now = until;
		return false;
	}
	if (at > net->now)
		net->now = at;
	switch (what) {
	case NET_PACKET:
		net_deliver(net, which);
		break;
	case NET_TICK:
		raft_tick(net->nodes[which].raft, net->now);
		net_drain(net, &net->nodes[which]);
		break;
	case NET_FLUSH:
		net_flush(net, &net->nodes[which]);
		break;
	case NET_FETCH:
		net_fetched(net, &net->nodes[which]);
		break;
	}
	return true;
}

static inline void net_run(struct net *net, uint64_t ms)
{
	uint64_t until = net->now + ms;

	while (net_step(net, until))
		;
}

/* ---- faults ---- */

static inline void net_isolate(struct net *net, uint64_t id, bool cut)
{
	for (unsigned i = 1; i <= net->n; i++)
		net->cut[id][i] = net->cut[i][id] = cut && i != id;
}

static inline void net_heal(struct net *net)
{
	memset(net->cut, 0, sizeof(net->cut));
}

static inline void net_lose_packets(struct net *net)
{
	while (net->npackets != 0)
		free(net->packets[--net->npackets].entries);
}

#endif

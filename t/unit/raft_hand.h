/*
 * raft_hand.h - one node of a cluster played by hand: give it a message, look
 * at what it sends. Time stands still but where a test lets it pass.
 */
#ifndef UNIT_RAFT_HAND_H
#define UNIT_RAFT_HAND_H

#include "test.h"

#include "raft_net.h"

#define CHECK_NET(net) CHECK_STR((net)->broken, "")

static inline void hand_restart(struct net *net, uint64_t id)
{
	net_crash(net, id);
	net_start(net, id);
}

/* A node that starts in `term` with entries of these terms behind `base`,
 * whose term is base_term. The others are down. */
static inline struct net *hand_new(unsigned n, uint64_t term, uint64_t base,
				   uint64_t base_term, const char *terms)
{
	struct net *net = net_new(n, n, 1);
	struct net_node *node = &net->nodes[1];

	for (unsigned i = 2; i <= n; i++)
		net_crash(net, i);
	node->term = term;
	node->log.base = node->disk.base = node->commit = base;
	node->log.base_term = node->disk.base_term = base_term;
	for (; *terms != '\0'; terms++) {
		struct net_entry e = {.term = (uint64_t)(*terms - '0'),
				      .payload = ++net->payload};

		net_push(&node->disk, &e);
	}
	net_copy_log(&node->log, &node->disk, net_last(&node->disk));
	raft_free(node->raft);
	net_start(net, 1);
	return net;
}

/* Hands over a message to node 1; new entries get payloads from 1000 on. Who
 * sends it is whom the first membership has, unless the message says. */
static inline void hand_give(struct net *net, struct raft_message m)
{
	struct net_entry entries[64] = {0};
	unsigned span = 0, change = 0;

	m.to = 1;
	if (m.birth == 0)
		m.birth = 100 + m.from;
	CHECK(m.count <= 64);
	for (uint64_t i = 0; i < m.count; i++) {
		uint64_t index = m.index + 1 + i;

		while (span + 1 < m.nspans && m.spans[span + 1].first <= index)
			span++;
		entries[i].term = m.spans[span].term;
		entries[i].payload = 1000 + index * 100 + entries[i].term;
		if (change < m.nchanges && m.changes[change].index == index) {
			entries[i].change = true;
			entries[i].members = m.changes[change++];
		}
	}
	net_receive(net, &m, entries);
	CHECK_NET(net);
}

/* The next message that node 1 sent to `to`, in order; false: none. */
static inline bool hand_take(struct net *net, uint64_t to,
			     struct raft_message *m)
{
	size_t first = net->npackets;

	for (size_t i = 0; i < net->npackets; i++)
		if (net->packets[i].message.to == to &&
		    (first == net->npackets ||
		     net->packets[i].serial < net->packets[first].serial))
			first = i;
	if (first == net->npackets)
		return false;
	*m = net->packets[first].message;
	free(net->packets[first].entries);
	net->packets[first] = net->packets[--net->npackets];
	return true;
}

/* The only message that it sent to `to`. */
static inline struct raft_message hand_only(struct net *net, uint64_t to)
{
	struct raft_message m, more;

	CHECK(hand_take(net, to, &m));
	CHECK(!hand_take(net, to, &more));
	return m;
}

static inline struct raft_status hand_status(const struct net *net)
{
	struct raft_status status;

	raft_status(net->nodes[1].raft, &status);
	return status;
}

/* What node 1 has begun to write is on its disk. */
static inline void hand_flush(struct net *net)
{
	struct net_node *node = &net->nodes[1];

	while (node->flush_at != NET_NEVER)
		net_flush(net, node);
	CHECK_NET(net);
}

/* Node 1 campaigns and is elected by the others; its empty entry is appended,
 * not on disk, and what it sent is forgotten. */
static inline void hand_elect(struct net *net)
{
	struct net_node *node = &net->nodes[1];
	uint64_t term = node->term + 1;

	net->now = raft_deadline(node->raft);
	raft_tick(node->raft, net->now);
	net_drain(net, node);
	for (uint64_t from = 2; from <= net->n; from++)
		hand_give(net, (struct raft_message){.kind = RAFT_PREVOTE_REPLY,
						     .from = from,
						     .term = term});
	for (uint64_t from = 2; from <= net->n; from++)
		hand_give(net, (struct raft_message){.kind = RAFT_VOTE_REPLY,
						     .from = from,
						     .term = term});
	CHECK_INT(node->role, RAFT_LEADER);
	net_lose_packets(net);
	CHECK_NET(net);
}

/* A peer acknowledges all up to the index. */
static inline void hand_ack(struct net *net, uint64_t from, uint64_t index)
{
	uint64_t term = 0;

	CHECK(raft_term_at(net->nodes[1].raft, index, &term));
	hand_give(net, (struct raft_message){.kind = RAFT_APPEND_REPLY,
					     .from = from,
					     .term = net->nodes[1].term,
					     .index = index,
					     .index_term = term});
}

/* The same, having stored it too, as a real one would have. */
static inline void hand_store_and_ack(struct net *net, uint64_t from,
				      uint64_t index)
{
	net_copy_log(&net->nodes[from].disk, &net->nodes[1].log, index);
	hand_ack(net, from, index);
}

/* Node 1 leads n nodes in term 2; all have its empty entry, 2. */
static inline struct net *hand_leading(unsigned n)
{
	struct net *net = hand_new(n, 1, 0, 0, "1");

	hand_elect(net);
	hand_flush(net);
	for (uint64_t from = 2; from <= n; from++)
		hand_store_and_ack(net, from, 2);
	CHECK(hand_status(net).can_read);
	net_lose_packets(net);
	return net;
}

/* One more node, which learns. */
static inline void hand_add_learner(struct net *net)
{
	uint64_t id = ++net->n;

	net->nodes[id].id = id;
	CHECK_INT(net_change(net, &net->nodes[1], RAFT_ADD, id), 0);
}

#endif

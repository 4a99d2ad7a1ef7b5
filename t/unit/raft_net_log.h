/*
 * raft_net_log.h - the parts of raft_net.h: nodes, their logs, and chance.
 */
#ifndef UNIT_RAFT_NET_LOG_H
#define UNIT_RAFT_NET_LOG_H

#include "replica/raft.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NET_NODES 7u
#define NET_READS 64u
#define NET_NEVER UINT64_MAX

struct net_entry {
	uint64_t term;
	uint64_t payload;     /* unique; 0: the empty entry of a new leader */
	uint64_t commit_term; /* of net->committed: in which it was so */
	bool change;
	struct raft_members members; /* if it is a change */
};

/* Entries base+1 .. base+n. */
struct net_log {
	uint64_t base, base_term;
	struct raft_members base_members;
	struct net_entry *list;
	size_t n, cap;
};

struct net_read {
	uint64_t round, term;
	uint64_t must_see;
};

struct net_node {
	uint64_t id;
	uint64_t birth;
	struct raft *raft; /* NULL: down */
	bool paused;
	bool lame; /* nothing reaches its disk */
	struct raft_state disk_state;
	uint64_t term, vote, vote_birth; /* on disk */
	struct net_log log, disk;
	uint64_t commit;
	uint64_t truncated; /* lowest since the last flush; 0: none */
	uint64_t flush_to, flush_at;
	enum raft_role role;
	uint64_t leader, role_term;
	uint64_t fetch, fetch_from, fetch_at;
	struct net_read reads[NET_READS];
	unsigned nreads;
	uint64_t answered;
	const struct raft_message *receiving;
	const struct net_entry *received;
};

struct net_packet {
	uint64_t at, serial;
	struct raft_message message;
	struct net_entry *entries;
};

struct net {
	uint64_t now, random, serial, payload;
	unsigned n;
	struct net_node nodes[NET_NODES + 1]; /* [id]; [0] is not used */
	struct net_packet *packets;
	size_t npackets, packets_cap;
	/* In percent. */
	unsigned drop, duplicate;
	uint64_t delay_min, delay_max; /* of messages; and of flushes */
	uint64_t flush_min, flush_max;
	bool cut[NET_NODES + 1][NET_NODES + 1]; /* from, to */
	unsigned crash_ppm;  /* after an action, in millionths */
	uint64_t crash_node; /* after the next action of this kind; 0: none */
	enum raft_action_kind crash_on;
	uint64_t message_max; /* entries in one message */
	uint64_t sent, installs, changes, truncations, handovers;
	/* What was ever committed, by anybody; [index - 1]. */
	struct net_entry *committed;
	size_t ncommitted, committed_cap;
	uint64_t *leaders; /* [term] */
	size_t leaders_cap;
	uint64_t elections;
	bool trace; /* print each action */
	char broken[200];
};

/* ---- small things ---- */

static inline uint64_t net_draw(struct net *net, uint64_t below)
{
	net->random ^= net->random << 13;
	net->random ^= net->random >> 7;
	net->random ^= net->random << 17;
	return below ? (net->random >> 11) % below : 0;
}

static inline bool net_chance(struct net *net, unsigned percent)
{
	return net_draw(net, 100) < percent;
}

__attribute__((format(printf, 2, 3))) static inline void net_break(
	struct net *net, const char *fmt, ...)
{
	va_list ap;

	if (net->broken[0] != '\0')
		return;
	va_start(ap, fmt);
	vsnprintf(net->broken, sizeof(net->broken), fmt, ap);
	va_end(ap);
}

#define NET_DEMAND(net, condition, ...)              \
	do {                                         \
		if (!(condition))                    \
			net_break(net, __VA_ARGS__); \
	} while (0)

static inline void *net_grow(void *list, size_t *cap, size_t need, size_t size)
{
	size_t to = *cap ? *cap : 64;

	if (need <= *cap)
		return list;
	while (to < need)
		to *= 2;
	list = realloc(list, to * size);
	if (list == NULL)
		abort();
	*cap = to;
	return list;
}

static inline uint64_t net_last(const struct net_log *l)
{
	return l->base + l->n;
}

static inline struct net_entry *net_entry(const struct net_log *l,
					  uint64_t index)
{
	return index > l->base && index <= net_last(l)
		       ? &l->list[index - l->base - 1]
		       : NULL;
}

static inline void net_push(struct net_log *l, const struct net_entry *e)
{
	l->list = net_grow(l->list, &l->cap, l->n + 1, sizeof(*l->list));
	l->list[l->n++] = *e;
}

static inline void net_copy_log(struct net_log *to, const struct net_log *from,
				uint64_t upto)
{
	to->base = from->base;
	to->base_term = from->base_term;
	to->base_members = from->base_members;
	to->n = 0;
	for (uint64_t i = from->base + 1; i <= upto; i++)
		net_push(to, net_entry(from, i));
}

/* The membership of the log up to `index`. */
static inline struct raft_members net_members(const struct net_log *l,
					      uint64_t index)
{
	for (uint64_t i = index; i > l->base; i--) {
		const struct net_entry *e = net_entry(l, i);

		if (e != NULL && e->change) {
			struct raft_members m = e->members;

			m.index = i;
			return m;
		}
	}
	return l->base_members;
}

#endif

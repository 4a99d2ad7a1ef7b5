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

#include "replica/raft.h"

#include <stdio.h>
#include <stdlib.h>

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
	struct raft *raft; /* NULL: down */
	bool paused;
	bool lame; /* nothing reaches its disk */
	struct raft_state disk_state;
	uint64_t term, vote; /* on disk */
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

/* ---- what must hold ---- */

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

/* ---- the network ---- */

static inline void net_post(struct net *net, const struct raft_message *m,
			    const struct net_entry *entries, uint64_t delay)
{
	struct net_packet *p;

	net->packets = net_grow(net->packets, &net->packets_cap,
				net->npackets + 1, sizeof(*net->packets));
	p = &net->packets[net->npackets++];
	p->at = net->now + delay;
	p->serial = net->serial++;
	p->message = *m;
	p->entries = NULL;
	if (m->kind == RAFT_APPEND && m->count != 0) {
		p->entries = malloc(m->count * sizeof(*entries));
		if (p->entries == NULL)
			abort();
		memcpy(p->entries, entries, m->count * sizeof(*entries));
	}
}

static inline void net_send(struct net *net, struct net_node *node,
			    const struct raft_message *m)
{
	struct net_entry *first = NULL;

	net->sent++;
	net->handovers += m->kind == RAFT_TIMEOUT_NOW;
	NET_DEMAND(net, raft_message_valid(m), "node %u sends nonsense",
		   (unsigned)node->id);
	NET_DEMAND(net, m->to <= net->n && m->from == node->id,
		   "a message to nobody");
	NET_DEMAND(net,
		   m->term <= node->term ||
			   (m->kind == RAFT_PREVOTE ||
			    (m->kind == RAFT_PREVOTE_REPLY && !m->refused)),
		   "node %u sent a term that is not on its disk",
		   (unsigned)node->id);
	NET_DEMAND(net,
		   m->kind != RAFT_VOTE_REPLY || m->refused ||
			   (node->term == m->term && node->vote == m->to),
		   "node %u granted a vote that is not on its disk",
		   (unsigned)node->id);
	if (m->kind == RAFT_APPEND && m->count != 0) {
		unsigned changes = 0;

		first = net_entry(&node->log, m->index + 1);
		for (uint64_t i = 0; i < m->count; i++) {
			NET_DEMAND(net, net_entry(&node->log, m->index + 1 + i),
				   "an entry that is not there");
			changes += first[i].change;
		}
		NET_DEMAND(net, changes == m->nchanges,
			   "node %u sent %u of %u memberships",
			   (unsigned)node->id, m->nchanges, changes);
	}
	if (net->broken[0] != '\0' || net->cut[node->id][m->to])
		return;
	for (unsigned copies = net_chance(net, net->duplicate) ? 2 : 1;
	     copies > 0; copies--)
		if (!net_chance(net, net->drop))
			net_post(net, m, first,
				 net->delay_min +
					 net_draw(net, net->delay_max -
							       net->delay_min +
							       1));
}

/* ---- the disk ---- */

static inline void net_start_flush(struct net *net, struct net_node *node)
{
	if (node->flush_at != NET_NEVER || node->lame || node->raft == NULL)
		return;
	node->flush_to = net_last(&node->log);
	node->flush_at = net->now + net->flush_min +
			 net_draw(net, net->flush_max - net->flush_min + 1);
}

/* Copies the log up to `index` to the disk. */
static inline void net_write(struct net_node *node, uint64_t index)
{
	struct net_log old = node->disk;

	if (index <= net_last(&old) &&
	    (node->truncated == 0 || index < node->truncated))
		return;
	node->disk = (struct net_log){0};
	net_copy_log(&node->disk, &node->log, index);
	node->truncated = 0;
	free(old.list);
}

static inline void net_drain(struct net *net, struct net_node *node);

static inline void net_flush(struct net *net, struct net_node *node)
{
	uint64_t to = node->flush_to;

	node->flush_at = NET_NEVER;
	net_write(node, to);
	raft_persisted(node->raft, net->now, to);
	net_drain(net, node);
	if (node->raft != NULL && net_last(&node->log) > to)
		net_start_flush(net, node);
}

/* ---- a node ---- */

static inline uint64_t net_fit(void *arg, uint64_t from, uint64_t to)
{
	const struct net *net = arg;

	return to - from < net->message_max ? to : from + net->message_max - 1;
}

static inline void net_crash(struct net *net, uint64_t id)
{
	struct net_node *node = &net->nodes[id];
	struct raft_status status;

	if (net->trace)
		printf("# %5u n%u crashes\n", (unsigned)net->now, (unsigned)id);
	/* The disk may have other entries where what was committed is not on
	 * it yet. */
	raft_status(node->raft, &status);
	if (node->commit > status.persisted)
		node->commit = status.persisted;
	raft_free(node->raft);
	node->raft = NULL;
	node->role = RAFT_FOLLOWER;
	node->leader = 0;
	node->nreads = 0;
	node->flush_at = node->fetch_at = NET_NEVER;
	node->truncated = 0;
	net_copy_log(&node->log, &node->disk, net_last(&node->disk));
}

/* All memberships of the log, as the disk would show them. */
static inline size_t net_list_members(const struct net_log *l,
				      struct raft_members *list, size_t max)
{
	size_t n = 0;

	if (l->base_members.n != 0)
		list[n++] = l->base_members;
	for (uint64_t i = l->base + 1; i <= net_last(l); i++) {
		const struct net_entry *e = net_entry(l, i);

		if (!e->change)
			continue;
		if (n == max) {
			memmove(list, list + 1, (n - 1) * sizeof(*list));
			n--;
		}
		list[n] = e->members;
		list[n++].index = i;
	}
	return n;
}

static inline void net_start(struct net *net, uint64_t id)
{
	struct net_node *node = &net->nodes[id];
	struct net_log *l = &node->log;
	struct raft_span *spans = calloc(l->n + 1, sizeof(*spans));
	struct raft_members *members = calloc(256, sizeof(*members));
	struct raft_options options = {
		.id = id,
		.seed = net_draw(net, UINT64_MAX),
		.fit = net_fit,
		.fit_arg = net,
	};
	struct raft_state state = {
		.term = node->term,
		.vote = node->vote,
		.first = l->base + 1,
		.last = net_last(l),
		.base_term = l->base_term,
		.spans = spans,
		.members = members,
	};

	if (spans == NULL || members == NULL)
		abort();
	for (uint64_t i = state.first; i <= state.last; i++)
		if (i == state.first ||
		    net_entry(l, i)->term != net_entry(l, i - 1)->term)
			spans[state.nspans++] =
				(struct raft_span){i, net_entry(l, i)->term};
	/* The disk may know less of what was committed. */
	node->commit -= net_draw(net, node->commit - l->base + 1);
	state.commit = node->commit;
	state.nmembers = net_list_members(l, members, 256);
	/* Those from before what is committed need not be known any more. */
	if (net_chance(net, 50))
		while (state.nmembers > 1 &&
		       state.members[1].index <= state.commit) {
			state.members++;
			state.nmembers--;
		}
	if (raft_new(&node->raft, &options, &state, net->now) != 0)
		net_break(net, "node %u does not start", (unsigned)id);
	node->role_term = node->term;
	free(spans);
	free(members);
}

static inline struct net *net_new(unsigned n, unsigned voters, uint64_t seed)
{
	struct net *net = calloc(1, sizeof(*net));
	struct raft_members members = {.n = voters};

	if (net == NULL)
		abort();
	net->random = seed * UINT64_C(0x9E3779B97F4A7C15) + 1;
	net->now = 1000;
	net->n = n;
	net->delay_min = net->delay_max = 1;
	net->flush_min = net->flush_max = 1;
	net->message_max = 16;
	for (unsigned i = 0; i < voters; i++)
		members.list[i] = (struct raft_member){i + 1, true};
	for (unsigned i = 1; i <= n; i++) {
		struct net_node *node = &net->nodes[i];

		node->id = i;
		node->flush_at = node->fetch_at = NET_NEVER;
		if (i <= voters)
			node->log.base_members = members;
		node->disk.base_members = node->log.base_members;
		net_start(net, i);
	}
	return net;
}

static inline void net_free(struct net *net)
{
	for (unsigned i = 1; i <= net->n; i++) {
		raft_free(net->nodes[i].raft);
		free(net->nodes[i].log.list);
		free(net->nodes[i].disk.list);
	}
	for (size_t i = 0; i < net->npackets; i++)
		free(net->packets[i].entries);
	free(net->packets);
	free(net->committed);
	free(net->leaders);
	free(net);
}

/* ---- actions ---- */

static inline void net_append(struct net *net, struct net_node *node,
			      uint64_t payload,
			      const struct raft_members *members)
{
	struct net_entry e = {.term = node->role_term, .payload = payload};

	if (members != NULL) {
		net->changes++;
		e.change = true;
		e.members = *members;
	}
	net_push(&node->log, &e);
	raft_appended(node->raft, net->now, net_last(&node->log), members);
	net_start_flush(net, node);
}

static inline void net_truncate(struct net *net, struct net_node *node,
				uint64_t index)
{
	bool flushing = node->flush_at != NET_NEVER;

	net->truncations++;
	NET_DEMAND(net, index > node->commit && index > node->log.base,
		   "node %u removes committed entry %u", (unsigned)node->id,
		   (unsigned)index);
	if (net->broken[0] != '\0')
		return;
	/* A write under way is waited for. */
	if (flushing) {
		node->flush_at = NET_NEVER;
		net_write(node, node->flush_to);
	}
	node->log.n = index - node->log.base - 1;
	if (node->truncated == 0 || index < node->truncated)
		node->truncated = index;
	if (flushing)
		raft_persisted(node->raft, net->now,
			       node->flush_to < index ? node->flush_to
						      : index - 1);
}

static inline void net_store(struct net *net, struct net_node *node,
			     uint64_t index, uint64_t count)
{
	const struct raft_message *m = node->receiving;

	NET_DEMAND(net,
		   m != NULL && index == net_last(&node->log) + 1 &&
			   index > m->index &&
			   index + count == m->index + m->count + 1,
		   "node %u stores %u entries at %u", (unsigned)node->id,
		   (unsigned)count, (unsigned)index);
	if (net->broken[0] != '\0')
		return;
	for (uint64_t i = index; i < index + count; i++)
		net_push(&node->log, &node->received[i - m->index - 1]);
	net_start_flush(net, node);
}

static inline void net_confirm(struct net *net, struct net_node *node,
			       uint64_t round)
{
	unsigned kept = 0;

	for (unsigned i = 0; i < node->nreads; i++) {
		const struct net_read *read = &node->reads[i];

		if (read->round > round) {
			node->reads[kept++] = *read;
			continue;
		}
		node->answered++;
		NET_DEMAND(net, node->commit >= read->must_see,
			   "node %u read up to %u what was %u when asked",
			   (unsigned)node->id, (unsigned)node->commit,
			   (unsigned)read->must_see);
	}
	node->nreads = kept;
}

static inline void net_role(struct net *net, struct net_node *node,
			    const struct raft_action *a)
{
	if (a->role != RAFT_LEADER || a->term != node->role_term)
		node->nreads = 0;
	node->role = a->role;
	node->role_term = a->term;
	node->leader = a->leader;
	if (a->role == RAFT_LEADER) {
		net_check_leader(net, node, a->term);
		net_append(net, node, 0, NULL);
	}
}

static inline void net_print(const struct net *net, const struct net_node *node,
			     const struct raft_action *a)
{
	static const char *const actions[] = {"save", "truncate", "store",
					      "send", "commit",	  "confirm",
					      "role", "fetch",	  "members"};
	static const char *const messages[] = {
		"prevote", "prevote-reply", "vote",	"vote-reply",
		"append",  "append-reply",  "snapshot", "timeout-now"};
	const struct raft_message *m = a->message;

	if (a->kind == RAFT_SEND)
		printf("# %5u n%u -> n%u %s%s term %u index %u/%u +%u commit "
		       "%u round %u asked %u\n",
		       (unsigned)net->now, (unsigned)m->from, (unsigned)m->to,
		       messages[m->kind], m->refused ? " refused" : "",
		       (unsigned)m->term, (unsigned)m->index,
		       (unsigned)m->index_term, (unsigned)m->count,
		       (unsigned)m->commit, (unsigned)m->round,
		       (unsigned)m->asked);
	else
		printf("# %5u n%u %s index %u +%u term %u vote %u leader %u "
		       "role %d round %u members %u\n",
		       (unsigned)net->now, (unsigned)node->id, actions[a->kind],
		       (unsigned)a->index, (unsigned)a->count,
		       (unsigned)a->term, (unsigned)a->vote,
		       (unsigned)a->leader, (int)a->role, (unsigned)a->round,
		       a->members ? a->members->n : 0);
}

static inline void net_perform(struct net *net, struct net_node *node,
			       const struct raft_action *a)
{
	switch (a->kind) {
	case RAFT_SAVE:
		NET_DEMAND(net,
			   a->term > node->term ||
				   (a->term == node->term && node->vote == 0),
			   "node %u takes back its term or vote",
			   (unsigned)node->id);
		node->term = a->term;
		node->vote = a->vote;
		break;
	case RAFT_TRUNCATE:
		net_truncate(net, node, a->index);
		break;
	case RAFT_STORE:
		net_store(net, node, a->index, a->count);
		break;
	case RAFT_SEND:
		net_send(net, node, a->message);
		break;
	case RAFT_COMMIT:
		net_check_commit(net, node, a->index);
		break;
	case RAFT_CONFIRM:
		net_confirm(net, node, a->round);
		break;
	case RAFT_ROLE:
		net_role(net, node, a);
		break;
	case RAFT_FETCH:
		node->fetch = a->index;
		node->fetch_from = a->leader;
		if (node->fetch_at == NET_NEVER)
			node->fetch_at = net->now + 5 + net_draw(net, 50);
		break;
	case RAFT_MEMBERS:
		break;
	}
}

static inline bool net_chance_of_crash(struct net *net,
				       const struct net_node *node,
				       enum raft_action_kind kind)
{
	if (net->crash_node == node->id && net->crash_on == kind) {
		net->crash_node = 0;
		return true;
	}
	return net->crash_ppm != 0 && net_draw(net, 1000000) < net->crash_ppm;
}

static inline void net_drain(struct net *net, struct net_node *node)
{
	struct raft_action action;

	while (net->broken[0] == '\0' && raft_next(node->raft, &action)) {
		if (net->trace)
			net_print(net, node, &action);
		net_perform(net, node, &action);
		if (net_chance_of_crash(net, node, action.kind)) {
			net_crash(net, node->id);
			return;
		}
	}
	if (net->broken[0] == '\0')
		net_check_core(net, node);
}

static inline void net_fetched(struct net *net, struct net_node *node)
{
	const struct net_node *from = &net->nodes[node->fetch_from];
	struct raft_members members;
	uint64_t term = 0;

	node->fetch_at = NET_NEVER;
	if (from->raft == NULL || net->cut[from->id][node->id] ||
	    from->commit < node->fetch)
		return;
	raft_term_at(from->raft, from->commit, &term);
	members = net_members(&from->log, from->commit);
	if (members.n == 0 || !raft_wants(node->raft, from->commit, term))
		return;
	node->flush_at = NET_NEVER;
	node->truncated = 0;
	node->log.n = node->disk.n = 0;
	node->log.base = node->disk.base = from->commit;
	node->log.base_term = node->disk.base_term = term;
	node->log.base_members = node->disk.base_members = members;
	node->commit = from->commit;
	net->installs++;
	raft_installed(node->raft, net->now, from->commit, term, &members);
	net_drain(net, node);
}

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

/*
 * raft_net_node.h - a node of raft_net.h: its disk, what it sends, and how it
 * performs what its core asks for.
 */
#ifndef UNIT_RAFT_NET_NODE_H
#define UNIT_RAFT_NET_NODE_H

#include "raft_net_check.h"

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

#define NET_ELECTION_MS 150u

static inline void net_start(struct net *net, uint64_t id)
{
	struct net_node *node = &net->nodes[id];
	struct net_log *l = &node->log;
	struct raft_span *spans = calloc(l->n + 1, sizeof(*spans));
	struct raft_members *members = calloc(256, sizeof(*members));
	struct raft_options options = {
		.id = id,
		.birth = node->birth,
		.seed = net_draw(net, UINT64_MAX),
		.election_ms = NET_ELECTION_MS,
		.fit = net_fit,
		.fit_arg = net,
	};
	struct raft_state state = {
		.term = node->term,
		.vote = node->vote,
		.vote_birth = node->vote_birth,
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
		members.list[i] = (struct raft_member){i + 1, true, 101 + i};
	for (unsigned i = 1; i <= n; i++) {
		struct net_node *node = &net->nodes[i];

		node->id = i;
		node->birth = 100 + i;
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
		node->vote_birth = a->vote_birth;
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

#endif

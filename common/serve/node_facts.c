/*
 * node_facts.c - what a node tells clients of its cluster.
 */
#include "serve/node_impl.h"

#include <stdio.h>

static unsigned majority(const struct members *members)
{
	unsigned voters = 0;

	for (unsigned i = 0; i < members->n; i++)
		voters += members->list[i].voter;
	return voters / 2 + 1;
}

static void list_others(const struct members *members,
			const struct raft_status *status,
			struct resp_cluster_facts *facts)
{
	for (unsigned i = 0; i < status->npeers; i++) {
		const struct raft_peer_status *peer = &status->peers[i];
		const struct member *m = members_find(members, peer->id);

		if (m == NULL || peer->id == status->id ||
		    facts->nothers == MEMBERS_MAX)
			continue;
		snprintf(facts->others[facts->nothers].address,
			 sizeof(facts->others[0].address), "%s", m->address);
		facts->others[facts->nothers].offset = peer->match;
		facts->others[facts->nothers].online = peer->active;
		facts->nothers++;
	}
}

void node_facts(struct node *node, struct resp_cluster_facts *facts)
{
	const struct members *members = primary_members(node->primary);
	const struct member *leader;
	struct raft_status status;
	struct peer_link *link;

	raft_status(primary_core(node->primary), &status);
	*facts = (struct resp_cluster_facts){
		.clustered = true,
		.leads = primary_leads(node->primary),
		.offset = status.commit,
		.majority = majority(members),
	};
	if (facts->leads) {
		list_others(members, &status, facts);
		return;
	}
	leader = members_find(members, status.leader);
	if (leader == NULL)
		return;
	snprintf(facts->leader, sizeof(facts->leader), "%s", leader->address);
	link = node_find_link(node, leader->name);
	facts->linked = link != NULL && peer_link_is_up(link) &&
			!node_is_cut(node, leader->name);
}

/*
 * raft_seeds_test.c - clusters under whatever a seed comes up with: messages
 * lost, doubled and out of order, cuts, pauses, crashes in the middle of
 * anything, slow disks, trimmed logs, changes of membership, transfers.
 *
 * KV_RAFT_SEEDS: how many (default 6000); KV_RAFT_SEED: only this one;
 * KV_RAFT_TRACE: print what happens.
 */
#include "test.h"

#include "raft_net.h"

#define STEPS 1500

static void shake_links(struct net *net)
{
	unsigned a = 1 + (unsigned)net_draw(net, net->n);
	unsigned b = 1 + (unsigned)net_draw(net, net->n);

	switch (net_draw(net, 4)) {
	case 0:
		net_isolate(net, a, true);
		break;
	case 1:
		net->cut[a][b] = a != b;
		break;
	default:
		net_heal(net);
	}
}

static void shake_node(struct net *net, struct net_node *node)
{
	switch (net_draw(net, 6)) {
	case 0:
		if (node->raft != NULL)
			net_crash(net, node->id);
		break;
	case 1:
		node->paused = node->raft != NULL && net_chance(net, 50);
		break;
	case 2:
		if (node->raft != NULL)
			net_trim(net, node,
				 node->log.base + 1 +
					 net_draw(net, node->log.n + 1));
		break;
	default:
		node->paused = false;
		if (node->raft == NULL)
			net_start(net, node->id);
	}
}

static void shake_members(struct net *net, struct net_node *leader)
{
	uint64_t id = 1 + net_draw(net, net->n);

	switch (net_draw(net, 4)) {
	case 0:
		net_change(net, leader, RAFT_ADD, id);
		break;
	case 1:
		if (raft_membership(leader->raft)->n > 2)
			net_change(net, leader, RAFT_REMOVE, id);
		break;
	default:
		net_change(net, leader, RAFT_PROMOTE, id);
	}
}

static void shake(struct net *net, bool members)
{
	struct net_node *node = &net->nodes[1 + net_draw(net, net->n)];
	struct net_node *leader = net_leader(net);
	uint64_t what = net_draw(net, 1000);

	if (what < 10)
		shake_links(net);
	else if (what < 25)
		shake_node(net, node);
	else if (what < 200)
		net_propose(net, node);
	else if (what < 300)
		net_read(net, node);
	else if (what < 330 && members && leader != NULL)
		shake_members(net, leader);
	else if (what < 335 && leader != NULL &&
		 raft_transfer(leader->raft, net->now, node->id) == 0)
		net_drain(net, leader);
}

static void calm(struct net *net)
{
	net_heal(net);
	net->drop = net->duplicate = 0;
	net->delay_min = net->delay_max = 1;
	net->flush_max = net->flush_min;
	net->crash_ppm = 0;
	for (unsigned i = 1; i <= net->n; i++) {
		net->nodes[i].paused = false;
		if (net->nodes[i].raft == NULL)
			net_start(net, i);
	}
}

/* Faults over, the cluster works: it takes a write, answers a read, and all
 * members come to the same. */
static void check_recovery(struct net *net)
{
	struct net_node *leader;
	uint64_t last, answered;

	calm(net);
	net_run(net, 5000);
	leader = net_leader(net);
	NET_DEMAND(net, leader != NULL, "no leader in the end");
	if (net->broken[0] != '\0')
		return;
	answered = leader->answered + leader->nreads;
	NET_DEMAND(net, net_read(net, leader), "no read in the end");
	NET_DEMAND(net, net_propose(net, leader), "no write in the end");
	last = net_last(&leader->log);
	net_run(net, 500);
	NET_DEMAND(net, leader->answered == answered + 1,
		   "the last read is not answered");
	for (unsigned i = 0; i < raft_membership(leader->raft)->n; i++) {
		uint64_t id = raft_membership(leader->raft)->list[i].id;

		NET_DEMAND(net, net->nodes[id].commit == last,
			   "node %u lags behind in the end: %u of %u",
			   (unsigned)id, (unsigned)net->nodes[id].commit,
			   (unsigned)last);
	}
}

struct totals {
	uint64_t elections, commits, reads, sent;
	uint64_t installs, changes, truncations, handovers;
};

static bool run_seed(uint64_t seed, struct totals *totals)
{
	static const unsigned sizes[] = {3, 3, 5, 2, 1, 4};
	unsigned voters = sizes[seed % 6];
	bool members = seed % 3 == 2 || seed % 5 == 0;
	struct net *net = net_new(members ? voters + 2 : voters, voters, seed);
	bool good;

	net->trace = getenv("KV_RAFT_TRACE") != NULL;
	net->drop = (unsigned)net_draw(net, 4) * 5;
	net->duplicate = (unsigned)net_draw(net, 3) * 10;
	net->delay_max = 1 + net_draw(net, 3) * 20;
	net->flush_max = 1 + net_draw(net, 3) * 15;
	net->message_max = 1 + net_draw(net, 20);
	net->crash_ppm = (unsigned)net_draw(net, 3) * 300;
	for (int i = 0; i < STEPS && net->broken[0] == '\0'; i++) {
		shake(net, members);
		net_step(net, net->now + 20);
		if (i % 50 == 0)
			net_check_logs(net);
	}
	if (net->broken[0] == '\0')
		check_recovery(net);
	net_check_logs(net);
	good = net->broken[0] == '\0';
	if (!good)
		printf("# seed %llu: %s\n", (unsigned long long)seed,
		       net->broken);
	totals->elections += net->elections;
	totals->commits += net->ncommitted;
	totals->sent += net->sent;
	totals->installs += net->installs;
	totals->changes += net->changes;
	totals->truncations += net->truncations;
	totals->handovers += net->handovers;
	for (unsigned i = 1; i <= net->n; i++)
		totals->reads += net->nodes[i].answered;
	net_free(net);
	return good;
}

static uint64_t number_of(const char *name, uint64_t otherwise)
{
	const char *text = getenv(name);

	return text != NULL ? strtoull(text, NULL, 10) : otherwise;
}

static void random_faults_lose_nothing_and_end_in_a_working_cluster(void)
{
	uint64_t only = number_of("KV_RAFT_SEED", 0);
	uint64_t seeds = number_of("KV_RAFT_SEEDS", 6000);
	uint64_t first = only != 0 ? only : 1, end = only != 0 ? only : seeds;
	struct totals totals = {0};
	unsigned bad = 0;

	for (uint64_t seed = first; seed <= end && bad < 5; seed++)
		bad += !run_seed(seed, &totals);
	printf("# %llu elections, %llu entries, %llu reads, %llu messages\n",
	       (unsigned long long)totals.elections,
	       (unsigned long long)totals.commits,
	       (unsigned long long)totals.reads,
	       (unsigned long long)totals.sent);
	printf("# %llu snapshots, %llu changes of membership, %llu "
	       "truncations, %llu handovers\n",
	       (unsigned long long)totals.installs,
	       (unsigned long long)totals.changes,
	       (unsigned long long)totals.truncations,
	       (unsigned long long)totals.handovers);
	CHECK_INT(bad, 0);
	CHECK(only != 0 || (totals.elections != 0 && totals.commits != 0 &&
			    totals.reads != 0 && totals.installs != 0 &&
			    totals.changes != 0 && totals.truncations != 0 &&
			    totals.handovers != 0));
}

TEST_MAIN(T(random_faults_lose_nothing_and_end_in_a_working_cluster))

/*
 * primary_test.c - whole nodes of a cluster in one process: coordinator, core
 * and store, on simulated disks and links (check/sim_net.h).
 */
#include "base/err.h"
#include "check/sim_net.h"
#include "store/store_log.h"
#include "test.h"

#include <stdlib.h>

static struct sim_net *net;

static void begin_with(struct sim_options o)
{
	sim_net_free(net);
	if (o.seed == 0)
		o.seed = 1;
	o.trace = getenv("SIM_TRACE") != NULL;
	net = sim_net_new(&o);
	CHECK(net != NULL);
}

static void begin(unsigned members)
{
	begin_with((struct sim_options){.members = members});
}

static void finish(void)
{
	const char *broken = sim_broken(net);

	if (broken != NULL)
		printf("# %s\n", broken);
	CHECK(broken == NULL);
	sim_net_free(net);
	net = NULL;
}

static bool there_is_a_leader(struct sim_net *n, void *arg)
{
	const unsigned *not_this = arg;
	unsigned leader = sim_leader(n);
	struct raft_status status;

	if (leader == 0 || (not_this != NULL && leader == *not_this))
		return false;
	raft_status(primary_core(sim_primary(n, leader)), &status);
	return status.can_read;
}

static unsigned leader(void)
{
	CHECK(sim_run_until(net, there_is_a_leader, NULL, 5000));
	return sim_leader(net);
}

static unsigned other_leader(unsigned than)
{
	CHECK(sim_run_until(net, there_is_a_leader, &than, 5000));
	return sim_leader(net);
}

static unsigned follower(void)
{
	return leader() == 1 ? 2 : 1;
}

static void set(unsigned node, const char *key, const char *value)
{
	struct sim_op *op = sim_set(net, node, key, value);

	if (op->code != 0 || !op->done)
		printf("# set %s at n%u: %d %s\n", key, node, op->code,
		       op->message);
	CHECK(op->done);
	CHECK_INT(op->code, 0);
}

static bool has(unsigned node, const char *key, const char *value)
{
	struct sim_op *op = sim_get(net, node, key);

	if (!op->done || op->code != 0) {
		printf("# get %s at n%u: %d %s\n", key, node, op->code,
		       op->message);
		return false;
	}
	return value == NULL
		       ? !op->found
		       : op->found && slice_eq(buf_slice(&op->value),
					       slice_str(value));
}

static bool all_agree(struct sim_net *n, void *arg)
{
	const unsigned *nodes = arg;
	unsigned lead = sim_leader(n);
	uint64_t last;

	if (lead == 0)
		return false;
	last = store_appended(sim_store(n, lead));
	for (unsigned i = 1; i <= *nodes; i++)
		if (sim_is_up(n, i) &&
		    (sim_store(n, i) == NULL ||
		     store_log_committed(sim_store(n, i)) != last))
			return false;
	return true;
}

/* Everywhere the same, once it is quiet. */
static void check_same(unsigned nodes)
{
	unsigned lead = leader();

	CHECK(sim_run_until(net, all_agree, &nodes, 10000));
	for (unsigned i = 1; i <= nodes; i++)
		if (sim_is_up(net, i))
			CHECK(sim_digest(net, i) == sim_digest(net, lead));
}

/* ---- the ordinary day ---- */

static void a_new_cluster_elects_one_of_its_members(void)
{
	begin(3);
	CHECK(leader() != 0);
	sim_run_ms(net, 2000);
	CHECK(leader() != 0);
	finish();
}

static void a_write_reaches_all_nodes(void)
{
	begin(3);
	set(leader(), "a", "1");
	CHECK(has(leader(), "a", "1"));
	check_same(3);
	finish();
}

static void a_follower_forwards_requests(void)
{
	begin(5);
	(void)leader();
	for (unsigned node = 1; node <= 5; node++) {
		char key[8];

		snprintf(key, sizeof(key), "k%u", node);
		set(node, key, "v");
		CHECK(has(6 - node, key, "v"));
	}
	check_same(5);
	finish();
}

TEST_MAIN(T(a_new_cluster_elects_one_of_its_members),
	  T(a_write_reaches_all_nodes), T(a_follower_forwards_requests))

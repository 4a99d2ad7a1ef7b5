/*
 * primary_cluster.h - what the tests of the primary coordinator share: a
 * simulated cluster, and sentences about it.
 */
#ifndef UNIT_PRIMARY_CLUSTER_H
#define UNIT_PRIMARY_CLUSTER_H

#include "base/err.h"
#include "check/sim_net.h"
#include "store/store_log.h"
#include "test.h"

#include <stdlib.h>

static struct sim_net *net;

static inline void print_line(void *arg, const char *line)
{
	(void)arg;
	printf("# %s\n", line);
}

static inline void begin_with(struct sim_options o)
{
	sim_net_free(net);
	if (o.seed == 0)
		o.seed = 1;
	if (getenv("SIM_TRACE") != NULL)
		o.log = print_line;
	net = sim_net_new(&o);
	CHECK(net != NULL);
}

static inline void begin(unsigned members)
{
	begin_with((struct sim_options){.members = members});
}

static inline void finish(void)
{
	const char *broken = sim_broken(net);

	if (broken != NULL)
		printf("# %s\n", broken);
	CHECK(broken == NULL);
	sim_net_free(net);
	net = NULL;
}

static inline bool there_is_a_leader(struct sim_net *n, void *arg)
{
	const unsigned *not_this = arg;
	unsigned leader = sim_leader(n);
	struct raft_status status;

	if (leader == 0 || (not_this != NULL && leader == *not_this))
		return false;
	raft_status(primary_core(sim_primary(n, leader)), &status);
	return status.can_read;
}

static inline unsigned leader(void)
{
	CHECK(sim_run_until(net, there_is_a_leader, NULL, 5000));
	return sim_leader(net);
}

static inline unsigned other_leader(unsigned than)
{
	CHECK(sim_run_until(net, there_is_a_leader, &than, 5000));
	return sim_leader(net);
}

/* Any node that does not lead. */
static inline unsigned follower(void)
{
	return leader() == 1 ? 2 : 1;
}

static inline struct sim_op *begin_set(unsigned node, const char *key,
				       const char *value)
{
	struct change c = {.key = slice_str(key), .value = slice_str(value)};
	struct request req = {.op = OP_SET, .changes = &c, .nchanges = 1};

	return sim_submit(net, node, &req);
}

static inline struct sim_op *begin_get(unsigned node, const char *key,
				       bool stale_ok)
{
	struct slice k = slice_str(key);
	struct request req = {
		.op = OP_GET, .keys = &k, .nkeys = 1, .stale_ok = stale_ok};

	return sim_submit(net, node, &req);
}

static inline bool op_is_done(struct sim_net *n, void *arg)
{
	(void)n;
	return ((struct sim_op *)arg)->done;
}

/* Waits for it; its code. */
static inline int outcome(struct sim_op *op)
{
	CHECK(sim_run_until(net, op_is_done, op, 20000));
	return op->code;
}

static inline void set(unsigned node, const char *key, const char *value)
{
	struct sim_op *op = sim_set(net, node, key, value);

	if (op->code != 0 || !op->done)
		printf("# set %s at n%u: %d %s\n", key, node, op->code,
		       op->message);
	CHECK(op->done);
	CHECK_INT(op->code, 0);
}

static inline bool has(unsigned node, const char *key, const char *value)
{
	struct sim_op *op = sim_get(net, node, key);

	if (!op->done || op->code != 0) {
		printf("# get %s at n%u: %d %s\n", key, node, op->code,
		       op->message);
		return false;
	}
	return value == NULL ? !op->found
			     : op->found && slice_eq(buf_slice(&op->value),
						     slice_str(value));
}

static inline bool all_agree(struct sim_net *n, void *arg)
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
static inline void check_same(unsigned nodes)
{
	unsigned lead = leader();

	CHECK(sim_run_until(net, all_agree, &nodes, 10000));
	for (unsigned i = 1; i <= nodes; i++)
		if (sim_is_up(net, i))
			CHECK(sim_digest(net, i) == sim_digest(net, lead));
}

/* Many small entries. */
static inline void set_many(const char *prefix, unsigned n)
{
	char key[32];
	struct sim_op *op = NULL;
	unsigned at = leader();

	for (unsigned i = 0; i < n; i++) {
		snprintf(key, sizeof(key), "%s%u", prefix, i);
		op = begin_set(at, key, key);
	}
	CHECK_INT(outcome(op), 0);
}

static inline bool has_many(unsigned node, const char *prefix, unsigned n)
{
	char key[32];

	for (unsigned i = 0; i < n; i++) {
		snprintf(key, sizeof(key), "%s%u", prefix, i);
		if (!has(node, key, key))
			return false;
	}
	return true;
}

/* The line of info with that name: its text, till the next call. */
static inline const char *info(unsigned node, const char *name)
{
	static char text[256];
	struct request req = {.op = OP_INFO};
	struct sim_op *op = sim_call(net, node, &req, 1000);
	char field[64];
	const char *at, *end;

	CHECK_INT(op->code, 0);
	snprintf(field, sizeof(field), "\"%s\":", name);
	at = strstr(op->text.data, field);
	if (at == NULL)
		return "";
	at += strlen(field);
	at += *at == '"';
	end = at + strcspn(at, "\",}");
	snprintf(text, sizeof(text), "%.*s", (int)(end - at), at);
	return text;
}

#endif

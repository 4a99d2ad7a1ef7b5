/*
 * kv-cluster_order.c - the commands that change a running cluster.
 */
#include "kv-cluster_parts.h"

#include "base/err.h"
#include "cluster/order.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

int cluster_partition(struct cluster_job *job, struct out *out)
{
	int r = order_partition(&job->members, job->operand, job->timeout_ms);

	if (r == 0)
		buf_printf(&out->buf, "partitioned %s\n", job->operand);
	return r;
}

int cluster_heal(struct cluster_job *job, struct out *out)
{
	int r = order_partition(&job->members, NULL, job->timeout_ms);

	if (r == 0)
		buf_append_str(&out->buf, "healed\n");
	return r;
}

static int need_node(const struct cluster_job *job)
{
	if (members_find_name(&job->members, job->operand) != NULL)
		return 0;
	return err_set(KV_EUSAGE, "there is no node '%s' in this cluster",
		       job->operand);
}

static int order_node(struct cluster_job *job, enum cluster_order_kind kind)
{
	struct cluster_order order = {
		.kind = kind,
		.node = slice_str(job->operand),
	};
	int r = need_node(job);

	return r != 0 ? r : order_send(job->addresses, job->timeout_ms, &order);
}

/* NODE=HOST:PORT */
static int read_node(const char *text, struct members *one)
{
	int r = members_parse(one, text);

	if (r == 0 && one->n != 1)
		r = err_set(KV_EUSAGE, "'%s': one node at a time", text);
	return r;
}

/* A local node is started first, and waits to be added. */
static int start_local(struct cluster_job *job, const struct member *node)
{
	int r = local_add(&job->local, node->name, node->address);

	return r != 0 ? r : cluster_start_node(job, node->name);
}

int cluster_add(struct cluster_job *job, struct out *out)
{
	struct members one;
	struct cluster_order order = {.kind = CLUSTER_ADD};
	int r = read_node(job->operand, &one);

	if (r == 0 && job->address == NULL)
		r = start_local(job, &one.list[0]);
	if (r != 0)
		return r;
	order.node = slice_str(one.list[0].name);
	order.address = slice_str(one.list[0].address);
	r = order_send(job->addresses, job->timeout_ms, &order);
	if (r != 0)
		return r;
	if (members_find_name(&job->members, one.list[0].name) == NULL)
		job->members.list[job->members.n++] = one.list[0];
	r = cluster_await_node(job, one.list[0].name);
	if (r == 0)
		buf_printf(&out->buf, "%s added\n", one.list[0].name);
	return r;
}

int cluster_remove(struct cluster_job *job, struct out *out)
{
	const struct member *node;
	int r = order_node(job, CLUSTER_REMOVE);

	if (r == 0 && job->address == NULL) {
		r = local_find(&job->local, job->operand, &node);
		if (r == 0 && local_signal(&job->local, node, SIGTERM) == 0)
			r = local_await_end(&job->local, node, job->timeout_ms);
		if (r == 0)
			r = local_remove(&job->local, job->operand);
	}
	if (r == 0)
		buf_printf(&out->buf, "%s removed\n", job->operand);
	return r;
}

int cluster_transfer(struct cluster_job *job, struct out *out)
{
	int r = order_node(job, CLUSTER_TRANSFER);

	if (r == 0)
		buf_printf(&out->buf, "%s leads\n", job->operand);
	return r;
}

int cluster_repair(struct cluster_job *job, struct out *out)
{
	int r = order_node(job, CLUSTER_REPAIR);

	if (r == 0)
		r = cluster_await_node(job, job->operand);
	if (r == 0)
		buf_printf(&out->buf, "%s repaired\n", job->operand);
	return r;
}

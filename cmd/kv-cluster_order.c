/*
 * kv-cluster_order.c - the commands that change a running cluster.
 */
#include "kv-cluster_parts.h"

#include "base/clock.h"
#include "base/err.h"
#include "cluster/order.h"
#include "cluster/status.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define AGAIN_MS 50

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

/* Those that answer, the leader first: one that is silent would use up the time
 * that there is. All of them if none does. NULL: out of memory. */
static char *pick_addresses(const struct cluster_job *job,
			    const struct cluster_status *status)
{
	struct members up = {0};

	for (unsigned i = 0; i < status->n; i++)
		if (&status->nodes[i] == status->leader)
			up.list[up.n++] = job->members.list[i];
	for (unsigned i = 0; i < status->n; i++)
		if (status->nodes[i].state == NODE_UP &&
		    &status->nodes[i] != status->leader)
			up.list[up.n++] = job->members.list[i];
	return order_addresses(up.n != 0 ? &up : &job->members);
}

/* The cluster carries out one order at a time: that of a kv-cluster which was
 * interrupted may not be done yet, and is waited for. `filled`: the node that
 * the order has filled, if any. */
static int give_order(const struct cluster_job *job,
		      const struct cluster_order *order,
		      const struct member *filled)
{
	uint64_t deadline = clock_monotonic_ms() + job->timeout_ms;
	struct cluster_status status;
	char *addresses;
	int r;

	for (;;) {
		status_gather(&status, &job->members, CLUSTER_ASK_MS);
		addresses = pick_addresses(job, &status);
		if (addresses == NULL)
			return KV_ENOMEM;
		r = cluster_send_order(job, addresses, order, filled);
		free(addresses);
		if (r != KV_EUNAVAILABLE || order->kind == CLUSTER_TRANSFER ||
		    status.leader == NULL || !status.leader->quorum ||
		    clock_monotonic_ms() > deadline)
			return r;
		poll(NULL, 0, AGAIN_MS);
	}
}

static int need_node(const struct cluster_job *job)
{
	struct buf names;
	int r;

	if (members_find_name(&job->members, job->operand) != NULL)
		return 0;
	buf_init(&names);
	for (unsigned i = 0; i < job->members.n; i++)
		buf_printf(&names, "%s%s", i != 0 ? ", " : "",
			   job->members.list[i].name);
	buf_append_char(&names, '\0');
	r = err_set(KV_EUSAGE,
		    "there is no node '%s' in this cluster; there are: %s",
		    job->operand, buf_failed(&names) ? "others" : names.data);
	buf_release(&names);
	return r;
}

/* One that is only silent may be back before the order is given up. */
static int need_process(const struct cluster_job *job)
{
	struct members one = {.n = 1};
	struct cluster_status status;

	one.list[0] = *members_find_name(&job->members, job->operand);
	status_gather(&status, &one, CLUSTER_ASK_MS);
	if (status.nodes[0].state != NODE_DOWN)
		return 0;
	return err_set(KV_EUNAVAILABLE,
		       "node '%s' is down: it must run for that", job->operand);
}

/* The node as the others have it now; its address is "" if it is no member.
 * What it says itself does not count: it may not have heard. */
static int ask_others(const struct cluster_job *job, const char *name,
		      struct member *node)
{
	struct members others = {0}, now;
	const struct member *found;
	char *addresses;
	int r;

	*node = (struct member){0};
	for (unsigned i = 0; i < job->members.n; i++)
		if (strcmp(job->members.list[i].name, name) != 0)
			others.list[others.n++] = job->members.list[i];
	if (others.n == 0)
		return err_set(KV_ECONDITION, "'%s' is the only node", name);
	addresses = order_addresses(&others);
	if (addresses == NULL)
		return KV_ENOMEM;
	r = status_members(addresses, job->timeout_ms, &now);
	free(addresses);
	found = r == 0 ? members_find_name(&now, name) : NULL;
	if (found != NULL)
		*node = *found;
	return r;
}

/* An order was refused because of a state that it does not find. 0: an earlier
 * try has brought the node there, to that address ("": it is no member), before
 * it was interrupted; else the refusal as it was. */
static int is_there_already(const struct cluster_job *job, const char *name,
			    const char *address, int refusal)
{
	char why[ERR_TEXT_MAX];
	struct member node;

	if (refusal != KV_ECONDITION)
		return refusal;
	snprintf(why, sizeof(why), "%s", err_text());
	if (ask_others(job, name, &node) == 0 &&
	    strcmp(node.address, address) == 0)
		return 0;
	return err_set(refusal, "%s", why);
}

static int order_node(struct cluster_job *job, enum cluster_order_kind kind)
{
	struct cluster_order order = {
		.kind = kind,
		.node = slice_str(job->operand),
	};
	bool fills = kind == CLUSTER_REPAIR;
	int r = need_node(job);

	if (r == 0 && kind != CLUSTER_REMOVE)
		r = need_process(job);
	if (r != 0)
		return r;
	return give_order(job, &order,
			  fills ? members_find_name(&job->members, job->operand)
				: NULL);
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
	bool is_new = members_find_name(&job->local.nodes, node->name) == NULL;
	char why[ERR_TEXT_MAX];
	bool ran;
	int r = local_add(&job->local, node->name, node->address);

	if (r != 0)
		return r;
	r = cluster_start_node(job, node->name, &ran);
	if (r == 0 || !is_new)
		return r;
	/* The next try may be with another port. */
	snprintf(why, sizeof(why), "%s", err_text());
	(void)local_remove(&job->local, node->name);
	return err_set(r, "%s", why);
}

static int order_add(const struct cluster_job *job, const struct member *node)
{
	struct cluster_order order = {
		.kind = CLUSTER_ADD,
		.node = slice_str(node->name),
		.address = slice_str(node->address),
	};
	int r = give_order(job, &order, node);

	return is_there_already(job, node->name, node->address, r);
}

int cluster_add(struct cluster_job *job, struct out *out)
{
	struct members one;
	int r = read_node(job->operand, &one);

	if (r == 0 && job->address == NULL)
		r = start_local(job, &one.list[0]);
	if (r == 0)
		r = order_add(job, &one.list[0]);
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

	if (job->address == NULL)
		r = is_there_already(job, job->operand, "", r);
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

	/* Interrupted after the first half: what is left is to add it. */
	if (r == KV_ECONDITION &&
	    is_there_already(job, job->operand, "", r) == 0)
		r = order_add(job,
			      members_find_name(&job->members, job->operand));
	if (r == 0)
		r = cluster_await_node(job, job->operand);
	if (r == 0)
		buf_printf(&out->buf, "%s repaired\n", job->operand);
	return r;
}

/*
 * kv-cluster_local.c - the commands that start and end processes.
 */
#include "kv-cluster_parts.h"

#include "base/err.h"
#include "cluster/order.h"
#include "cluster/server_path.h"
#include "cluster/status.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ALL UINT32_MAX

static int start_nodes(struct cluster_job *job, unsigned which)
{
	char *server;
	int r = server_path(&server);

	if (r != 0)
		return r;
	r = local_start(&job->local, server, which);
	free(server);
	return r;
}

int cluster_start(struct cluster_job *job, struct out *out)
{
	int r = local_open(&job->local, job->dir);

	if (r == KV_ENOTFOUND) {
		r = local_create(job->dir, (unsigned)job->nodes,
				 (unsigned)job->port);
		if (r == 0)
			r = local_open(&job->local, job->dir);
	}
	if (r == 0) {
		job->members = job->local.nodes;
		job->addresses = order_addresses(&job->members);
		r = job->addresses == NULL ? KV_ENOMEM : start_nodes(job, ALL);
	}
	if (r == 0)
		r = cluster_await_leader(job);
	return r == 0 ? cluster_print_table(job, out) : r;
}

/* Ends a node in good order, also one that is paused. */
static int stop_node(struct cluster_job *job, const struct member *node)
{
	int r = local_signal(&job->local, node, SIGTERM);

	if (r == KV_ECONDITION)
		return 0;
	if (r == 0)
		r = local_signal(&job->local, node, SIGCONT);
	if (r == 0 || r == KV_ECONDITION)
		r = local_await_end(&job->local, node, job->timeout_ms);
	return r;
}

int cluster_stop(struct cluster_job *job, struct out *out)
{
	const struct members *m = &job->local.nodes;
	int r = 0, one;

	/* All at once: one after the other would elect leaders for nothing. */
	for (unsigned i = 0; i < m->n; i++) {
		if (local_signal(&job->local, &m->list[i], SIGTERM) == 0)
			(void)local_signal(&job->local, &m->list[i], SIGCONT);
	}
	for (unsigned i = 0; i < m->n; i++) {
		one = local_await_end(&job->local, &m->list[i],
				      job->timeout_ms);
		if (one == 0)
			buf_printf(&out->buf, "%s stopped\n", m->list[i].name);
		else
			r = one;
	}
	return r;
}

static int restart_node(struct cluster_job *job, const struct member *node,
			struct out *out)
{
	int r = stop_node(job, node);

	if (r == 0)
		r = start_nodes(job, 1u << (node - job->local.nodes.list));
	if (r == 0)
		r = cluster_await_node(job, node->name);
	if (r != 0)
		return r;
	buf_printf(&out->buf, "%s restarted\n", node->name);
	return out_flush(out);
}

int cluster_restart(struct cluster_job *job, struct out *out)
{
	const struct members *m = &job->local.nodes;
	const struct member *node;
	struct cluster_status status;
	int r;

	if (job->operand != NULL) {
		r = local_find(&job->local, job->operand, &node);
		return r == 0 ? restart_node(job, node, out) : r;
	}
	status_gather(&status, m, CLUSTER_ASK_MS);
	if (m->n > 1 && status.up < m->n)
		return err_set(
			KV_EUNAVAILABLE,
			"only %u of %u nodes are up: restarting one "
			"more could cost the quorum; bring them up first",
			status.up, m->n);
	r = 0;
	for (unsigned i = 0; i < m->n && r == 0; i++)
		r = restart_node(job, &m->list[i], out);
	return r;
}

int cluster_down(struct cluster_job *job, struct out *out)
{
	const struct member *node;
	int r = local_find(&job->local, job->operand, &node);

	if (r != 0)
		return r;
	if (job->isolate) {
		r = order_isolate(&job->local.nodes, node, true,
				  job->timeout_ms);
	} else {
		r = local_signal(&job->local, node,
				 job->pause ? SIGSTOP : SIGKILL);
		if (r == 0 && !job->pause)
			r = local_await_end(&job->local, node, job->timeout_ms);
	}
	if (r == 0)
		buf_printf(&out->buf, "%s %s\n", node->name,
			   job->isolate ? "isolated"
			   : job->pause ? "paused"
					: "killed");
	return r;
}

int cluster_start_node(struct cluster_job *job, const char *name, bool *ran)
{
	const struct member *node;
	int r = local_find(&job->local, name, &node);

	if (r != 0)
		return r;
	*ran = local_pid(&job->local, node) != 0 &&
	       !local_is_paused(&job->local, node);
	if (local_pid(&job->local, node) == 0)
		return start_nodes(job, 1u << (node - job->local.nodes.list));
	r = local_signal(&job->local, node, SIGCONT);
	if (r == 0)
		r = order_isolate(&job->local.nodes, node, false,
				  job->timeout_ms);
	return r;
}

int cluster_up(struct cluster_job *job, struct out *out)
{
	bool ran = false;
	int r = cluster_start_node(job, job->operand, &ran);

	/* Whether it was isolated it does not say. */
	if (r == 0)
		buf_printf(&out->buf, "%s %s\n", job->operand,
			   ran ? "was running already; none of its links is cut"
			       : "up");
	return r;
}

/*
 * kv-cluster_status.c - kv-cluster status, and waiting for a state.
 */
#include "kv-cluster_parts.h"

#include "base/clock.h"
#include "base/err.h"
#include "cluster/status.h"
#include "kv.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define AWAIT_MS 50

int cluster_print_table(const struct cluster_job *job, struct out *out)
{
	struct cluster_status status;

	status_gather(&status, &job->members, CLUSTER_ASK_MS);
	status_table(&status, &out->buf);
	return out_flush(out);
}

int cluster_show(struct cluster_job *job, struct out *out)
{
	struct cluster_status status;

	if (job->watch)
		return cluster_watch(job, out);
	status_gather(&status, &job->members, CLUSTER_ASK_MS);
	if (job->json)
		status_json(&status, &out->buf);
	else
		status_table(&status, &out->buf);
	return status.up != 0 ? 0
			      : err_set(KV_EUNREACHABLE,
					"no node of the cluster answers");
}

int cluster_await_leader(const struct cluster_job *job)
{
	struct kv_options o = {.address = job->addresses,
			       .timeout_ms = job->timeout_ms};
	void *value = NULL;
	size_t len;
	kv *db;
	int r = kv_open(&db, &o);

	if (r != 0)
		return r;
	r = kv_get(db, "ready?", 6, &value, &len, NULL);
	kv_free(value);
	kv_close(db);
	return r == KV_ENOTFOUND ? 0 : r;
}

static const struct node_status *find(const struct cluster_status *status,
				      const char *name)
{
	for (unsigned i = 0; i < status->n; i++)
		if (strcmp(status->nodes[i].name, name) == 0)
			return &status->nodes[i];
	return NULL;
}

/* A node that follows and has all, or leads. */
static bool has_caught_up(const struct cluster_status *status,
			  const struct node_status *node)
{
	return status->leader != NULL && node != NULL &&
	       node->state == NODE_UP && node->term == status->leader->term &&
	       strcmp(node->role, "learner") != 0 &&
	       status_lag(status, node) == 0;
}

int cluster_await_node(const struct cluster_job *job, const char *name)
{
	uint64_t deadline = clock_monotonic_ms() + job->timeout_ms;
	bool terminal = isatty(STDERR_FILENO), shown = false;
	struct cluster_status status;
	const struct node_status *node;

	for (;;) {
		status_gather(&status, &job->members, CLUSTER_ASK_MS);
		node = find(&status, name);
		if (has_caught_up(&status, node))
			break;
		if (clock_monotonic_ms() > deadline)
			return err_set(KV_ETIMEOUT,
				       "node '%s' has not caught up after %u "
				       "seconds; it goes on by itself: see "
				       "'kv-cluster status'",
				       name, job->timeout_ms / 1000);
		if (terminal && node != NULL && node->state == NODE_UP) {
			fprintf(stderr, "\r%s: %llu entries to go\033[K", name,
				(unsigned long long)status_lag(&status, node));
			shown = true;
		}
		poll(NULL, 0, AWAIT_MS);
	}
	if (shown)
		fprintf(stderr, "\r\033[K");
	return 0;
}

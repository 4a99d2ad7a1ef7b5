/*
 * kv-cluster_await.c - waiting: for a leader, for a node that is being filled,
 * for the end of an order; with a progress line where there is a terminal.
 */
#include "kv-cluster_parts.h"

#include "base/clock.h"
#include "base/err.h"
#include "cluster/order.h"
#include "cluster/status.h"
#include "kv.h"

#include <inttypes.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define AWAIT_MS 50

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

/* A node that follows and has all, or leads. */
static bool has_caught_up(const struct cluster_status *status,
			  const struct node_status *node)
{
	return status->leader != NULL && node != NULL &&
	       node->state == NODE_UP && node->term == status->leader->term &&
	       strcmp(node->role, "learner") != 0 &&
	       status_lag(status, node) == 0;
}

/* False: there was nothing to show. */
static bool show_lag(const struct cluster_status *status,
		     const struct node_status *node)
{
	if (status->leader == NULL || node == NULL || node->state != NODE_UP)
		return false;
	fprintf(stderr, "\r%s: %" PRIu64 " of %" PRIu64 " entries to go\033[K",
		node->name, status_lag(status, node),
		status->leader->committed);
	return true;
}

static void hide_lag(bool shown)
{
	if (shown)
		fputs("\r\033[K", stderr);
}

int cluster_await_node(const struct cluster_job *job, const char *name)
{
	uint64_t deadline = clock_monotonic_ms() + job->timeout_ms;
	bool terminal = isatty(STDERR_FILENO), shown = false;
	struct cluster_status status;
	const struct node_status *node;
	int r = 0;

	for (;;) {
		status_gather(&status, &job->members, CLUSTER_ASK_MS);
		node = status_find(&status, name);
		if (has_caught_up(&status, node))
			break;
		if (clock_monotonic_ms() > deadline) {
			r = err_set(KV_ETIMEOUT,
				    "node '%s' has not caught up after %u "
				    "seconds; it goes on by itself: see "
				    "'kv-cluster status'",
				    name, job->timeout_ms / 1000);
			break;
		}
		if (terminal && show_lag(&status, node))
			shown = true;
		poll(NULL, 0, AWAIT_MS);
	}
	hide_lag(shown);
	return r;
}

/* An order on its way: it is answered when all is done. */
struct sending {
	const char *addresses;
	unsigned timeout_ms;
	const struct cluster_order *order;
	int result;
	char why[ERR_TEXT_MAX];
};

static void *send_it(void *arg)
{
	struct sending *s = arg;

	s->result = order_send(s->addresses, s->timeout_ms, s->order);
	snprintf(s->why, sizeof(s->why), "%s", err_text());
	return NULL;
}

int cluster_send_order(const struct cluster_job *job, const char *addresses,
		       const struct cluster_order *order,
		       const struct member *filled)
{
	struct sending s = {addresses, job->timeout_ms, order, 0, ""};
	struct members members = job->members;
	struct cluster_status status;
	bool shown = false;
	pthread_t thread;

	if (filled == NULL || !isatty(STDERR_FILENO) ||
	    pthread_create(&thread, NULL, send_it, &s) != 0)
		return order_send(addresses, job->timeout_ms, order);
	if (members_find_name(&members, filled->name) == NULL &&
	    members.n < MEMBERS_MAX)
		members.list[members.n++] = *filled;
	while (pthread_tryjoin_np(thread, NULL) != 0) {
		status_gather(&status, &members, CLUSTER_ASK_MS);
		if (show_lag(&status, status_find(&status, filled->name)))
			shown = true;
		poll(NULL, 0, AWAIT_MS);
	}
	hide_lag(shown);
	return s.result == 0 ? 0 : err_set(s.result, "%s", s.why);
}

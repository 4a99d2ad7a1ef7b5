/*
 * kv-cluster_parts.h - the parts of kv-cluster: what the command line asked
 * for, and the commands.
 */
#ifndef CMD_KV_CLUSTER_PARTS_H
#define CMD_KV_CLUSTER_PARTS_H

#include "base/out.h"
#include "base/request.h"
#include "cluster/local.h"

/* How long one node may take to answer before it counts as silent. */
#define CLUSTER_ASK_MS 500u

struct cluster_job {
	const char *address; /* NULL: the cluster in dir */
	const char *dir;
	unsigned timeout_ms;
	uint64_t nodes, port;
	bool json, watch, pause, isolate;
	const char *operand; /* NULL: none */

	/* Filled in before the command runs. */
	struct local local;	/* without an address */
	struct members members; /* those that there are */
	char *addresses;	/* of all of them, or as given */
};

typedef int cluster_command(struct cluster_job *job, struct out *out);

/* kv-cluster_local.c */
cluster_command cluster_start, cluster_stop, cluster_restart, cluster_down,
	cluster_up;
/* Starts the node's process, or lets it go on if it is paused or isolated.
 * *ran: it was neither ended nor paused. */
int cluster_start_node(struct cluster_job *job, const char *name, bool *ran);

/* kv-cluster_order.c */
cluster_command cluster_partition, cluster_heal, cluster_add, cluster_remove,
	cluster_transfer, cluster_repair;

/* kv-cluster_status.c */
cluster_command cluster_show;
/* Prints the table. */
int cluster_print_table(const struct cluster_job *job, struct out *out);

/* kv-cluster_watch.c: the table again and again, until q or a signal. */
int cluster_watch(struct cluster_job *job, struct out *out);

/* kv-cluster_await.c */

/* Waits until the cluster answers a read, and so would take a write. */
int cluster_await_leader(const struct cluster_job *job);

/* Waits until the node has applied all that the leader has committed, with a
 * progress line on a terminal. */
int cluster_await_node(const struct cluster_job *job, const char *name);

/* As order_send(); if the order has a node filled (not NULL), with a progress
 * line on a terminal. */
int cluster_send_order(const struct cluster_job *job, const char *addresses,
		       const struct cluster_order *order,
		       const struct member *filled);

#endif

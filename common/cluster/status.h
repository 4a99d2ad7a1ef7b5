/*
 * status.h - what the nodes of a cluster say of themselves and of each other.
 *
 * Each node is asked on its own, because a cluster without a leader, or one
 * that is cut in two, is just what one looks at.
 */
#ifndef CLUSTER_STATUS_H
#define CLUSTER_STATUS_H

#include "base/buf.h"
#include "base/members.h"

enum node_state {
	NODE_DOWN,   /* nobody listens */
	NODE_SILENT, /* somebody does, but does not answer */
	NODE_UP,
	NODE_OTHER, /* what answers is not a node of this cluster */
};

#define STATUS_ROLE_MAX 16
#define STATUS_CONDITION_MAX 64

struct node_status {
	char name[MEMBER_NAME_MAX + 1];
	char address[MEMBER_ADDRESS_MAX + 1];
	enum node_state state;
	/* What follows is there if it is up. */
	char role[STATUS_ROLE_MAX];
	char leader[MEMBER_NAME_MAX + 1];     /* whom it follows; "" none */
	char condition[STATUS_CONDITION_MAX]; /* "ok", or what keeps it from
						 taking part fully */
	uint64_t pid, term, last, applied, committed;
	uint64_t uptime_seconds, disk_bytes, keys;
	bool quorum; /* it leads, and a majority answers it */
};

struct cluster_status {
	unsigned n;
	struct node_status nodes[MEMBERS_MAX];
	const struct node_status *leader; /* NULL: none is known */
	unsigned up;
};

/* Asks them all, each at most timeout_ms. */
void status_gather(struct cluster_status *status, const struct members *members,
		   unsigned timeout_ms);

/* The members as the node at one of the addresses has them; the first that
 * answers is believed. KV_E... as kv_open(); KV_ECONDITION: what answers is no
 * node of a cluster. */
int status_members(const char *addresses, unsigned timeout_ms,
		   struct members *members);

/* NULL: there is none of that name. */
const struct node_status *status_find(const struct cluster_status *status,
				      const char *name);

/* Entries that the node has yet to apply, as far as the leader knows. */
uint64_t status_lag(const struct cluster_status *status,
		    const struct node_status *node);

/* A table for people; one JSON object on a line for programs. */
void status_table(const struct cluster_status *status, struct buf *out);
void status_json(const struct cluster_status *status, struct buf *out);

#endif

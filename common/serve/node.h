/*
 * node.h - what makes a server a node of a cluster: the coordinator of
 * replica/primary.h with the loop, the clock, the links to the other members
 * and the store that it needs around it.
 *
 * The server calls node_turn() once a turn of its loop, before what was written
 * is flushed, and node_flush() when it has done all that there is to do.
 *
 * Threads: that of the loop, which also owns the store.
 */
#ifndef SERVE_NODE_H
#define SERVE_NODE_H

#include "base/members.h"
#include "proto/peer.h"
#include "proto/resp.h"
#include "replica/coord.h"

#include <uv.h>

struct committer;
struct hub;
struct node;
struct store;
struct store_options;

struct node_options {
	const char *name;
	const char *address;	       /* where the others reach it */
	const struct members *members; /* the first ones; NULL: it joins */
	const char *secret_file;       /* NULL: "secret" in the directory */
	bool allow_faults;	       /* CLUSTER_CUT is obeyed */
	unsigned heartbeat_ms, election_ms; /* 0: as primary.h has it */
};

/* What a node works with, all of it the server's. */
struct node_host {
	uv_loop_t *loop;
	struct hub *hub;
	const char *dir;
	struct store **store; /* replaced when a snapshot came */
	const struct store_options *store_options;
	void (*log)(void *arg, const char *line);
	void *log_arg;
};

/* The hub's fields need not be filled yet. 0 or KV_E... with err_text(). The
 * loop must be run after node_close(). */
int node_open(struct node **out, const struct node_options *options,
	      const struct node_host *host);
void node_close(struct node *node);

/* Its coordinator, which is freed with it. */
struct coord *node_coord(struct node *node);

/* The server is to stop: see primary_resign(). */
void node_resign(struct node *node);
bool node_resigns(const struct node *node);

void node_turn(struct node *node);
void node_flush(struct node *node);

/* Input has come: the coordinator learns the time before requests do, and what
 * is due leaves at once, however much input is still to be handled in this
 * turn: a leader that is busy must not seem to be dead. */
void node_wake(struct node *node);

/* An order of an administrator: true if it is for this node itself, or if
 * there is no node (NULL), and has been answered. */
bool node_takes_order(struct node *node, const struct request *req,
		      coord_reply_fn *fn, void *arg);

/* For what commands ask. */
void node_facts(struct node *node, struct resp_cluster_facts *facts);

/* ---- for peer_session.c ---- */

const struct peer_shake_ops *node_shake_ops(void); /* their arg is the node */

/* A connection has begun a handshake, which must end in time; and has ended
 * it. */
void node_greeted(struct node *node, uint64_t connection);
void node_met(struct node *node, uint64_t connection);

/* Why there can be no link with it (NULL: it has not said who it is). */
void node_refused(struct node *node, const struct peer_hello *who,
		  const char *why);

/* Links to and from the node of that name are cut. */
bool node_is_cut(const struct node *node, const char *name);

void node_receive(struct node *node, const struct peer_hello *from,
		  struct slice frame);
/* A part of a frame has come from it. */
void node_hear(struct node *node, const struct peer_hello *from);

#endif

/*
 * node_impl.h - the inside of a node (only for node*.c).
 */
#ifndef SERVE_NODE_IMPL_H
#define SERVE_NODE_IMPL_H

#include "replica/primary.h"
#include "serve/hub.h"
#include "serve/node.h"
#include "serve/peer_link.h"
#include "serve/peer_secret.h"

/* Handshakes of those who dialled must end within this time. */
#define NODE_SHAKE_MS 5000u

/* The same complaint is written to the log once in so long a time. */
#define NODE_COMPLAIN_MS 60000u
#define NODE_COMPLAINTS 16u

struct greeting {
	TAILQ_ENTRY(greeting) link;
	uint64_t connection, began_ms;
};

struct complaint {
	uint64_t hash, at_ms;
};

struct node_self; /* what the node forwards to itself */

struct node {
	struct node_host host;
	struct primary *primary;
	struct peer_secret secret;
	char name[MEMBER_NAME_MAX + 1];
	char address[MEMBER_ADDRESS_MAX + 1];
	bool allow_faults;
	uv_timer_t timer;
	uint64_t armed_for; /* what the timer is set to; 0: it is not */
	uint64_t woke_ms;   /* when input came last */
	struct peer_link *links[MEMBERS_MAX];
	unsigned nlinks;
	TAILQ_HEAD(, greeting) greetings; /* the first to come first */
	struct complaint complaints[NODE_COMPLAINTS];
	unsigned next_complaint;
	struct node_self *self;
	/* A store that waits to be put in the place of ours. */
	int (*swap)(void *swap_arg);
	void *swap_arg;
	/* Names that are cut off, parted and ended by commas; "": none. */
	char cut[MEMBERS_MAX * (MEMBER_NAME_MAX + 1) + 2];
};

__attribute__((format(printf, 2, 3))) void node_say(struct node *node,
						    const char *fmt, ...);

/* node_peers.c */
void node_keep_links(struct node *node, const struct members *members);
void node_close_links(struct node *node);
struct peer_link *node_find_link(struct node *node, const char *name);
/* Ends handshakes that take too long; returns when to look again. */
uint64_t node_end_greetings(struct node *node, uint64_t now);

/* node_self.c */
struct node_self *node_self_new(struct node *node); /* NULL: out of memory */
void node_self_free(struct node_self *self);
bool node_self_submit(struct node_self *self, struct slice head,
		      struct slice body);
/* Takes in the replies that may leave. */
void node_self_turn(struct node_self *self);
void node_self_lost(struct node_self *self);

#endif

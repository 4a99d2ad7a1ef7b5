/*
 * kv-serve_node.h - the options of kv-serve that make it a node of a cluster.
 */
#ifndef CMD_KV_SERVE_NODE_H
#define CMD_KV_SERVE_NODE_H

#include "serve/node.h"
#include "serve/server.h"

enum node_option {
	OPT_NODE = 512,
	OPT_MODE,
	OPT_MEMBERS,
	OPT_CLUSTER,
	OPT_JOIN,
	OPT_SECRET_FILE,
	OPT_ALLOW_FAULTS,
	OPT_HEARTBEAT,
	OPT_ELECTION_TIMEOUT,
};

struct node_choice {
	const char *mode;    /* NULL: not given */
	const char *members; /* text */
	const char *cluster; /* file */
	bool join;
	bool given; /* any option that only nodes have */
	struct node_options options;
	struct members list;
	char host[MEMBER_ADDRESS_MAX + 1];
	char address[MEMBER_ADDRESS_MAX + 1];
};

/* One of the options above. 0 or KV_EUSAGE. */
int node_option_take(struct node_choice *c, int option, const char *arg);

/* Checks them all, and fills what the server needs: server->node, and the
 * address to listen on where `host` and `port` were not given (NULL, -1). What
 * is odd but allowed is said through server->log. KV_EUSAGE, KV_EIO. */
int node_options_apply(struct node_choice *c, struct server_options *server,
		       const char *host, int port);

#endif

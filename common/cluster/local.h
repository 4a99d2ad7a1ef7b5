/*
 * local.h - a cluster whose nodes are processes of this machine, in one
 * directory:
 *
 *	DIR/cluster	the first members, as each node is told (--cluster)
 *	DIR/nodes	the members now, also those that joined later
 *	DIR/secret	what the nodes know each other by (--secret-file)
 *	DIR/n1 ...	the stores
 *
 * The members of a node that runs are what the cluster says; these files only
 * remember which processes to start, and how.
 */
#ifndef CLUSTER_LOCAL_H
#define CLUSTER_LOCAL_H

#include "base/members.h"

#include <sys/types.h>

struct local {
	const char *dir;
	struct members first; /* DIR/cluster */
	struct members nodes; /* DIR/nodes */
};

/* Makes the directory with its files for n1, n2, ... on 127.0.0.1 and as many
 * ports from `port` on. Refuses one that is a cluster's already (KV_ECONDITION)
 * or something else's (KV_EUSAGE). */
int local_create(const char *dir, unsigned nodes, unsigned port);

/* Reads it; `dir` must live as long as *l. KV_ENOTFOUND: there is none. */
int local_open(struct local *l, const char *dir);

/* Adds a node to DIR/nodes, or takes it out. KV_EUSAGE, KV_EIO. */
int local_add(struct local *l, const char *name, const char *address);
int local_remove(struct local *l, const char *name);

/* The node of that name; KV_EUSAGE names those that there are. */
int local_find(const struct local *l, const char *name,
	       const struct member **node);

/* "DIR/name"; NULL: out of memory. */
char *local_path(const struct local *l, const char *name);

/* The process of a node; 0: it does not run. */
pid_t local_pid(const struct local *l, const struct member *node);

/* It is stopped by a signal and says nothing. */
bool local_is_paused(const struct local *l, const struct member *node);

/* Starts those nodes of `which` (by their place in l->nodes, a bit each) that
 * do not run, all at once, and returns when each serves. An error says which
 * node failed and why; others may run then. */
int local_start(const struct local *l, const char *server, unsigned which);

/* Sends the signal to the node's process; KV_ECONDITION: it does not run. */
int local_signal(const struct local *l, const struct member *node, int sig);

/* Waits until the process is gone, at most so long. KV_ETIMEOUT. */
int local_await_end(const struct local *l, const struct member *node,
		    unsigned timeout_ms);

#endif

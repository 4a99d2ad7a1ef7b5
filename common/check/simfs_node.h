/*
 * simfs_node.h - the inside of simfs: files with their un-synced past, and the
 * two tables of names. Only simfs*.c includes it.
 *
 * A file has one buffer, which is what readers see and what maps point at. Of
 * its un-synced past only the sectors that differ are kept: their versions,
 * oldest (the one on disk) first, without the newest, which is in the buffer.
 * So a sync is cheap (forget the past), a copy is as small as the file, and a
 * state after a power cut is the buffer with a few sectors replaced.
 */
#ifndef CHECK_SIMFS_NODE_H
#define CHECK_SIMFS_NODE_H

#include "check/simfs.h"

#include <bsd/sys/queue.h>

/* Buffers, shared by a file system and its copies: mapping fresh memory for
 * each of 100,000 crash states would cost more than everything else. */
struct simfs_pool {
	unsigned refs;
	size_t file_max;
	char **idle; /* zeroed */
	size_t nidle, cap;
};

struct simfs_pool *simfs_pool_new(size_t file_max);
void simfs_pool_unref(struct simfs_pool *pool);

struct simfs_sector {
	uint64_t number;
	unsigned nold; /* versions in `old`, at least 1 */
	bool queued;   /* the next sync writes it */
	unsigned char *old;
};

struct simfs_node {
	TAILQ_ENTRY(simfs_node) link;
	unsigned refs; /* names, handles, maps, changes under way */
	unsigned maps;
	bool is_dir;
	uint64_t number;
	struct simfs_pool *pool;
	char *data;
	uint64_t size;
	struct simfs_sector *past; /* by number, ascending */
	size_t npast, cap_past;
	uint64_t *old_sizes; /* oldest first, without the newest */
	size_t nold_sizes, cap_sizes;
	bool size_queued;
};

struct simfs_node *simfs_node_new(struct simfs_pool *pool, uint64_t number,
				  bool is_dir);
void simfs_node_free(struct simfs_node *node);
int simfs_node_write(struct simfs_node *node, const void *buf, size_t len,
		     uint64_t off);
/* Fills a new node; there is no past. */
void simfs_node_load(struct simfs_node *node, const void *data, uint64_t size);
void simfs_node_sync(struct simfs_node *node);
void simfs_node_sync_failed(struct simfs_node *node);
/* A copy with its past, or NULL. */
struct simfs_node *simfs_node_copy(const struct simfs_node *node);

struct simfs_name {
	char *path;
	struct simfs_node *node;
};

struct simfs_names {
	struct simfs_name *v;
	size_t n, cap;
};

struct simfs_node *simfs_names_find(const struct simfs_names *names,
				    const char *path);
/* Hands a node that lost its last name to `unref`. */
typedef void simfs_unref_fn(void *arg, struct simfs_node *node);
/* Makes `path` the one name of node; NULL: takes its name away. Each name is
 * a reference. */
int simfs_names_place(struct simfs_names *names, const char *path,
		      struct simfs_node *node, simfs_unref_fn *unref,
		      void *arg);
void simfs_names_release(struct simfs_names *names, simfs_unref_fn *unref,
			 void *arg);

/* A change to a directory that is not on disk yet: node gets the name `to`, or
 * none. Kept in the order of time. */
struct simfs_change {
	uint64_t number;
	char *dir; /* whose sync covers it */
	char *to;  /* NULL: unlinked */
	struct simfs_node *node;
};

struct simfs_pending_fault {
	struct simfs_fault fault;
	uint64_t seen;
};

TAILQ_HEAD(simfs_node_list, simfs_node);

struct simfs {
	struct fs fs;
	struct simfs_pool *pool;
	struct simfs_node_list nodes;
	struct simfs_names now;	 /* what readers see */
	struct simfs_names disk; /* what is there for sure */
	struct simfs_change *changes;
	size_t nchanges, cap_changes;
	uint64_t next_number; /* of nodes and changes */
	uint64_t steps, fired;
	size_t in_use;
	bool dead; /* the power is cut */
	struct simfs_pending_fault faults[SIMFS_FAULTS_MAX];
	size_t nfaults;
	simfs_hook *hook;
	void *hook_arg;
	bool tracing;
	struct buf trace; /* lines */
};

/* A step under way: what it is, and which faults met it. */
struct simfs_running {
	struct simfs *sim;
	struct simfs_step what;
	size_t written; /* of a pwrite that fails */
	bool flip, cut;
	uint64_t bit;
};

/* 0, or what the step has to fail with. */
int simfs_step_begin(struct simfs_running *st, struct simfs *sim,
		     struct simfs_step what);
void simfs_step_done(struct simfs_running *st, ssize_t result);
int simfs_step_end(struct simfs_running *st, int result); /* returns it */

/* "/a//b/./c/" is "/a/b/c"; "/" and "." are "". The functions below take such
 * paths. NULL: out of memory. */
char *simfs_path_normal(const char *path);
bool simfs_is_dir(const struct simfs *sim, const char *path);
int simfs_dir_add(struct simfs *sim, const char *path, bool dir,
		  struct simfs_node **out);
int simfs_dir_rename(struct simfs *sim, const char *from, const char *to);
int simfs_dir_unlink(struct simfs *sim, const char *path);
int simfs_dir_make(struct simfs *sim, const char *path);
int simfs_dir_sync(struct simfs *sim, const char *dir);
void simfs_dir_list(const struct simfs *sim, const char *dir, fs_list_fn *fn,
		    void *arg);
void simfs_change_release(struct simfs *sim, struct simfs_change *c);

/* An empty one that takes its buffers from `pool`. */
struct simfs *simfs_new_in(struct simfs_pool *pool);
void simfs_unref(void *sim, struct simfs_node *node);
/* realloc() of an array to hold n + 1 elements, doubling; false: no memory. */
bool simfs_grow(void **v, size_t n, size_t *cap, size_t size);

#endif

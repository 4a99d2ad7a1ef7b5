/*
 * kv-crashtest_parts.h - the commands of kv-crashtest: each prints to `out`
 * and on standard error, and returns the exit status.
 */
#ifndef CMD_KV_CRASHTEST_PARTS_H
#define CMD_KV_CRASHTEST_PARTS_H

#include "base/out.h"

#include <stdbool.h>
#include <stdint.h>

struct crashtest {
	uint64_t rounds, threads;    /* kill */
	uint64_t clients, keys;	     /* kill, cluster */
	uint64_t nodes, duration_ms; /* cluster; nodes: sim; 0: not given */
	uint64_t states;	     /* power */
	uint64_t seeds, steps;	     /* sim */
	uint64_t limit;		     /* verify */
	uint64_t seed;
	const char *dir; /* kill, cluster, disk; NULL: not given */
	/* kill, cluster: a file to write, or NULL; verify: the one to read. */
	const char *history;
	bool trace; /* sim */
	bool json;
};

int crashtest_kill(const struct crashtest *job, struct out *out);
int crashtest_cluster(const struct crashtest *job, struct out *out);
int crashtest_sim(const struct crashtest *job, struct out *out);
int crashtest_power(const struct crashtest *job, struct out *out);
int crashtest_disk(const struct crashtest *job, struct out *out);
int crashtest_verify(const struct crashtest *job, struct out *out);

#endif

/*
 * sim_run_impl.h - what the files of a simulated run share.
 *
 *	sim_run.c	a run from its seed to its verdict
 *	sim_faults.c	what breaks, and when
 *	sim_load.c	the clients
 *	sim_count.c	what they counted, as a history
 */
#ifndef CHECK_SIM_RUN_IMPL_H
#define CHECK_SIM_RUN_IMPL_H

#include "check/history.h"
#include "check/sim_net.h"
#include "check/sim_run.h"

#define SIM_CLIENTS 6u
#define SIM_NAME_MAX 24u

enum sim_ask {
	SIM_GET,
	SIM_GET_STALE,
	SIM_MGET,
	SIM_SET,
	SIM_SET_TTL,
	SIM_DELETE,
	SIM_SET_IF_ABSENT,
	SIM_SET_IF_VERSION,
	SIM_BULK,
	SIM_COUNT,
};

struct sim_client {
	enum sim_ask what;
	struct sim_op *op;
	uint64_t next_us; /* when it asks again */
	char key[SIM_NAME_MAX], value[SIM_NAME_MAX];
	struct history_op record;
	/* Once-only writes */
	char name[REQUEST_CLIENT];
	uint64_t number; /* of this write; 0: it is not one of these */
	uint64_t numbers;
	unsigned tries;
	bool doubtful; /* an earlier try may have happened */
	/* What it read last: for conditions. */
	char seen_key[SIM_NAME_MAX], seen_value[SIM_NAME_MAX];
	uint64_t seen_version;
};

/* An increment. */
struct sim_count {
	uint64_t value; /* 0: unknown */
	uint64_t invoke, ret;
};

struct sim_load {
	struct sim_client clients[SIM_CLIENTS];
	struct history *history;
	struct sim_count *counts;
	size_t ncounts, counts_cap;
	uint64_t serial; /* of values: none is written twice */
};

struct sim_faults {
	uint64_t strike_us;			/* when the next thing breaks */
	uint64_t restart_us[SIM_NODES_MAX + 1]; /* 0: not due */
	uint64_t resume_us[SIM_NODES_MAX + 1];	/* 0: not paused */
	unsigned wiped; /* the node that waits for repair; 0: none */
	struct sim_op *repair;
};

struct sim_run {
	struct sim_net *net;
	unsigned members, nodes;
	struct sim_load load;
	struct sim_faults faults;
	struct sim_run_report *report;
};

static inline uint64_t sim_run_draw(struct sim_run *run, uint64_t n)
{
	return sim_draw(run->net, n);
}

static inline unsigned sim_any_node(struct sim_run *run)
{
	return 1 + (unsigned)sim_draw(run->net, run->nodes);
}

/* sim_load.c */
int sim_load_begin(struct sim_run *run); /* KV_ENOMEM */
void sim_load_step(struct sim_run *run);
/* What is still under way counts as unknown; then the history is judged. */
int sim_load_judge(struct sim_run *run);
void sim_load_end(struct sim_run *run);

/* sim_count.c */
void sim_count_add(struct sim_run *run, const struct sim_op *op,
		   uint64_t invoke, enum history_result result);
/* Adds the increments of the key to the history. */
int sim_count_judge(struct sim_run *run, const char *key);

/* sim_faults.c */
void sim_faults_begin(struct sim_run *run);
void sim_faults_step(struct sim_run *run);
/* All is well again, and every node runs. */
void sim_faults_end(struct sim_run *run);
/* Gives and watches over the order to repair a node that was wiped. True: there
 * is none any more. */
bool sim_faults_repair(struct sim_run *run);

#endif

/*
 * sim_impl.h - what the files of the simulated cluster share.
 *
 *	sim_net.c	time, and what happens when
 *	sim_link.c	frames between nodes, hellos
 *	sim_node.c	a node: its store, its coordinator, its flushes
 *	sim_client.c	requests, and the gates that replies wait at
 *	sim_check.c	what must hold
 */
#ifndef CHECK_SIM_IMPL_H
#define CHECK_SIM_IMPL_H

#include "check/sim_net.h"
#include "store/store_log.h"

struct json_arena;

/* A frame on its way. */
struct sim_frame {
	uint64_t at_us, serial;
	unsigned from, to;
	uint64_t link; /* the link's number: of a broken one it is gone */
	struct buf bytes;
};

/* A reply that may not leave yet. */
struct sim_held {
	uint64_t after, confirm;
	bool wrote;
	unsigned origin; /* node that forwarded it; 0: a client of ours */
	uint64_t id;	 /* of the forwarded request */
	struct sim_op *op;
	int code;
	struct buf bytes;
	struct sim_held *next;
};

struct sim_node {
	struct sim_net *net;
	unsigned number; /* from 1 */
	char name[8], address[32];
	bool up, paused, ever_started;
	struct simfs *disk;
	struct store *store;
	struct primary *primary;
	struct coord *coord;
	int64_t skew_ms;
	struct store_flush *flush;
	uint64_t flush_end_us;
	bool flush_has_run;
	uint64_t task_us; /* when background work is done next */
	struct members members;
	struct sim_held *held, **held_tail;
	/* The store is to be replaced when the flush has ended. */
	int (*swap)(void *arg);
	void *swap_arg;
	bool dirty; /* it had input: a turn is due */
	/* Checks */
	uint64_t committed;
	unsigned starts;
};

struct sim_link {
	uint64_t number; /* of the one that stands; 0: none */
	bool cut;	 /* this direction */
	uint64_t cut_us;
	uint64_t last_us; /* arrival of the last frame that keeps order */
};

struct sim_net {
	struct sim_options options;
	struct sim_weather weather;
	uint64_t now_us, random, serial, links_made;
	struct sim_node nodes[SIM_NODES_MAX + 1]; /* [0] is not used */
	struct sim_link links[SIM_NODES_MAX + 1][SIM_NODES_MAX + 1];
	struct sim_frame *frames; /* a heap: the earliest is first */
	size_t nframes, frames_cap;
	uint64_t connect_us;
	struct members first;
	struct sim_op *ops;
	struct json_arena *arena;
	/* Checks */
	uint64_t *committed; /* hashes of entries, [index - 1] */
	size_t ncommitted, committed_cap;
	struct {
		uint64_t term;
		unsigned node;
	} * leaders;
	size_t nleaders, leaders_cap;
	char broken[200];
};

/* sim_net.c */
uint64_t sim_between(struct sim_net *net, uint64_t from, uint64_t to);
bool sim_chance(struct sim_net *net, uint32_t of_ten_thousand);
uint64_t sim_node_ms(const struct sim_node *n);
struct sim_node *sim_find(struct sim_net *net, const char *name);
uint64_t sim_wall_ms(void *node);

/* sim_link.c */
bool sim_send(struct sim_node *from, struct sim_node *to, struct slice head,
	      struct slice body);
void sim_deliver(struct sim_net *net, struct sim_frame *f);
struct sim_frame *sim_next_frame(struct sim_net *net);
void sim_pop_frame(struct sim_net *net, struct sim_frame *out);
void sim_connect(struct sim_net *net);
void sim_lose_link(struct sim_net *net, unsigned a, unsigned b);

/* sim_node.c */
void sim_turn(struct sim_node *n);
void sim_end_flush(struct sim_node *n);
void sim_do_task(struct sim_node *n);

/* sim_client.c */
void sim_carry_out(struct sim_node *n, unsigned origin, struct slice forward);
void sim_progress(struct sim_node *n);
void sim_lost(struct sim_node *n);
void sim_drop_held(struct sim_node *n);
void sim_free_ops(struct sim_net *net);

/* sim_check.c */
void sim_check(struct sim_net *net);
__attribute__((format(printf, 2, 3))) void sim_break(struct sim_net *net,
						     const char *fmt, ...);

#endif

/*
 * sim_impl.h - what the files of the simulated cluster share.
 *
 *	sim_net.c	time, and what happens when
 *	sim_link.c	frames between nodes, hellos
 *	sim_node.c	a node: its store, its coordinator, its flushes
 *	sim_client.c	requests, and the gates that replies wait at
 *	sim_pack.c	how requests travel
 *	sim_command.c	increments, as a protocol's command
 *	sim_check.c	what must hold of leaders and entries
 *	sim_promise.c	what must hold of terms, votes and acknowledgements
 *	sim_model.c	what the entries come to, and whether stores agree
 */
#ifndef CHECK_SIM_IMPL_H
#define CHECK_SIM_IMPL_H

#include "base/txn.h"
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
	uint64_t link;	 /* that it came on */
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
	uint64_t slow_us; /* longer a flush takes */
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
	/* The highest term it told others, and its vote in it (0: none seen),
	 * under which id. */
	uint64_t told_id, told_term, told_vote;
};

struct sim_link {
	uint64_t number; /* of the one that stands; 0: none */
	bool cut;	 /* this direction */
	uint64_t cut_us;
	uint64_t last_us; /* arrival of the last frame that keeps order */
};

/* A committed entry, as the first node had it that committed it. */
struct sim_entry {
	uint64_t hash, term;  /* hash 0: nobody was seen to commit it */
	uint64_t commit_term; /* in which that node was by then */
};

struct sim_reign {
	uint64_t term;
	unsigned node;
};

struct sim_vote {
	uint64_t term, voter, birth, candidate;
};

/* A key, or what an entry did to one. */
struct sim_fact {
	uint64_t index;
	uint64_t key, value; /* hashes; value 0: deleted */
};

struct sim_live {
	struct buf key;
	uint64_t hash; /* of value, version and expiry; 0: it is not there */
};

/* What the entries 1..index come to. */
struct sim_model {
	uint64_t index;
	bool unknown;	       /* nobody was seen to commit one of them */
	struct sim_live *live; /* in order of the keys */
	size_t nlive, live_cap;
	struct sim_fact *facts; /* by index */
	size_t nfacts, facts_cap;
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
	uint64_t steps, hash;
	/* Checks */
	struct sim_entry *committed; /* [index - 1] */
	size_t ncommitted, committed_cap;
	struct sim_reign *leaders;
	size_t nleaders, leaders_cap;
	struct sim_vote *votes;
	size_t nvotes, votes_cap;
	struct sim_model model;
	char broken[200];
};

/* sim_net.c */
uint64_t sim_between(struct sim_net *net, uint64_t from, uint64_t to);
bool sim_chance(struct sim_net *net, uint32_t of_ten_thousand);
uint64_t sim_node_ms(const struct sim_node *n);
struct sim_node *sim_find(struct sim_net *net, const char *name);
uint64_t sim_wall_ms(void *node);
/* What happens becomes part of the trace's hash. */
void sim_mark(struct sim_net *net, uint64_t a, uint64_t b);

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

/* sim_command.c: a call that adds one to a number. */
struct sim_command {
	struct txn_call call;
	struct slice key;
	struct slice raw; /* the request, as it travels */
};
void sim_command_init(struct sim_command *command, struct slice key,
		      struct slice raw);

/* sim_pack.c */

/* A request that was taken apart; it points into what it was, and to the
 * cluster's arena. Release `out`, where its command writes, once it was
 * submitted. */
struct sim_unpacked {
	struct request req;
	struct sim_command command;
	struct buf out;
};

/* Appends to `out` a copy of a request that comes to this node. */
void sim_pack(struct sim_node *n, const struct request *req, struct buf *out);
/* Takes apart what sim_pack() made. */
void sim_unpack(struct sim_node *n, struct slice raw, struct sim_unpacked *u);

/* sim_check.c */
void sim_check(struct sim_net *net);
/* Room for one more of `size` bytes each. */
void *sim_grow(void *list, size_t *cap, size_t need, size_t size);

/* sim_promise.c */
void sim_promise(struct sim_node *from, struct slice frame);
void sim_check_promises(struct sim_node *n); /* it has just started */

/* sim_model.c */
void sim_model_apply(struct sim_net *net, uint64_t index,
		     const struct store_log_entry *e);
void sim_model_release(struct sim_model *m);

#endif

/*
 * sim_net.h - a whole cluster in one process, determined by one seed: nodes
 * (the primary coordinator, the consensus core and a real store on a simulated
 * file system), the links between them, clocks that disagree, and clients.
 *
 * Time is virtual and passes only in sim_run_*(). Frames take their time. What
 * belongs to the core or to snapshots may also be lost, doubled or overtaken
 * (sim_weather); forwarded requests keep the order of their link, as on TCP,
 * and are lost only together with it. Cut links hold frames back, and break
 * after a while.
 *
 * A node's turn is a server's: what came in is handled, coord_turn(), then a
 * flush is begun if none is under way; it ends some time later. A crash takes
 * with it what no sync covered, in any combination (simfs.h).
 *
 * After each step the cluster is checked:
 *
 *	at most one leader a term, and it has all that was committed before
 *	what a node has committed is what any other has at that index, for ever
 *	nobody votes twice in a term, and no term or vote that was told to
 *	others is forgotten by a crash
 *	no acknowledgement is for what is not on disk
 *	no value is written twice that was to be written once
 *
 * and now and then (sim_audit()) what a node has applied is what comes of the
 * committed entries, one after the other. sim_broken() tells.
 *
 * Threads: one at a time; different nets are independent.
 */
#ifndef CHECK_SIM_NET_H
#define CHECK_SIM_NET_H

#include "base/buf.h"
#include "base/request.h"
#include "check/simfs.h"
#include "replica/primary.h"

#define SIM_NODES_MAX 9u

struct sim_net;

struct sim_options {
	uint64_t seed;
	unsigned members;     /* the first ones: n1, n2, ... */
	unsigned nodes;	      /* all that may ever be; the others join */
	unsigned patience_ms; /* as in primary.h */
	size_t uncommitted_max;
	uint64_t segment_size; /* of the stores; 0: 64 KiB */
	uint64_t log_keep;     /* bytes; 0: one segment */
	size_t file_max;       /* of simfs; 0: 4 MiB */
	bool unique_values;    /* no two writes of the clients write the same */
	/* A line of a node's log, and what happens to links and nodes; NULL:
	 * nobody listens. */
	void (*log)(void *arg, const char *line);
	void *log_arg;
};

/* Times in microseconds, chances in ten thousand. */
struct sim_weather {
	uint32_t delay_min, delay_max;
	uint32_t flush_min, flush_max;
	uint32_t drop, duplicate;
	bool reorder; /* frames of the core overtake each other */
};

enum sim_crash {
	SIM_KILL,  /* kill -9: the machine stays up */
	SIM_POWER, /* what was not synced is there, or not */
};

/* A request of a client, and at last its reply. The client's connection to the
 * node breaks when the node crashes: then code is KV_EUNREACHABLE. */
struct sim_op {
	bool done;
	int code;
	char message[160];
	enum op op;
	unsigned node;
	bool found;
	struct buf value;   /* get: of the first item */
	struct buf value_2; /* mget: of the second, if there is one */
	bool found_2;
	uint64_t version, version_2, count;
	struct buf text; /* the reply as a line of JSON; ends in NUL */
	uint64_t began_us, ended_us;
	/* Called when it is done, if not NULL. */
	void (*on_done)(void *arg, struct sim_op *op);
	void *arg;
	struct sim_op *next;
};

/* All members are started. NULL: out of memory or failed to start (see
 * err_text()). */
struct sim_net *sim_net_new(const struct sim_options *options);
void sim_net_free(struct sim_net *net); /* NULL is allowed */

void sim_weather(struct sim_net *net, const struct sim_weather *weather);
/* A generator for whoever drives the net: below n. */
uint64_t sim_draw(struct sim_net *net, uint64_t n);

/* ---- time ---- */

uint64_t sim_now_us(const struct sim_net *net);
/* Steps taken: frames that arrived, flushes that ended, deadlines that came. */
uint64_t sim_steps(const struct sim_net *net);
/* Of all that happened so far: two runs that did the same have the same. */
uint64_t sim_trace_hash(const struct sim_net *net);
/* A line for options.log, with the time in front. */
__attribute__((format(printf, 2, 3))) void sim_log(const struct sim_net *net,
						   const char *fmt, ...);
void sim_run_ms(struct sim_net *net, uint64_t ms);
/* Until it is true, at most so long; whether it became true. */
typedef bool sim_condition(struct sim_net *net, void *arg);
bool sim_run_until(struct sim_net *net, sim_condition *condition, void *arg,
		   uint64_t ms);

/* ---- nodes, from 1 ---- */

/* 0, or why it could not be started (primary_new(), store_open()). */
int sim_start(struct sim_net *net, unsigned node);
void sim_crash(struct sim_net *net, unsigned node, enum sim_crash kind);
/* Told to stop, it hands over leadership; it goes on until it is crashed. */
void sim_resign(struct sim_net *net, unsigned node);
/* Its directory is empty afterwards; it must be down. */
void sim_wipe(struct sim_net *net, unsigned node);
void sim_pause(struct sim_net *net, unsigned node);
void sim_resume(struct sim_net *net, unsigned node);
/* Each flush takes that much longer. */
void sim_slow_down(struct sim_net *net, unsigned node, uint64_t us);
/* The wall clock runs so far ahead (or behind). */
void sim_skew(struct sim_net *net, unsigned node, int64_t ms);

bool sim_is_up(const struct sim_net *net, unsigned node);
struct primary *sim_primary(const struct sim_net *net, unsigned node);
struct store *sim_store(const struct sim_net *net, unsigned node);
struct simfs *sim_disk(const struct sim_net *net, unsigned node);
/* The node that leads with the highest term; 0: none. */
unsigned sim_leader(const struct sim_net *net);

/* ---- links ---- */

/* One direction. */
void sim_cut(struct sim_net *net, unsigned from, unsigned to);
/* The nodes of the set (bit n-1) from all others, both ways. */
void sim_partition(struct sim_net *net, unsigned set);
void sim_heal(struct sim_net *net);
/* It is made again soon. */
void sim_break_link(struct sim_net *net, unsigned a, unsigned b);

/* ---- clients ---- */

/* The op belongs to the net and lives as long. `req` needs op, keys, changes,
 * condition and so on; client and number are passed on too. */
struct sim_op *sim_submit(struct sim_net *net, unsigned node,
			  const struct request *req);
/* The same, and runs until it is done, at most so long. */
struct sim_op *sim_call(struct sim_net *net, unsigned node,
			const struct request *req, uint64_t ms);
struct sim_op *sim_set(struct sim_net *net, unsigned node, const char *key,
		       const char *value);
struct sim_op *sim_get(struct sim_net *net, unsigned node, const char *key);

/* Adds one to the number at the key, as a command of a protocol would; the op's
 * count is what came of it. Not waited for. */
struct sim_op *sim_increment(struct sim_net *net, unsigned node,
			     const char *key);

/* An order about a node, given to another; not waited for. */
struct sim_op *sim_order(struct sim_net *net, unsigned node,
			 enum cluster_order_kind kind, unsigned about);

/* ---- what must hold ---- */

/* NULL: nothing was found wrong so far. */
const char *sim_broken(const struct sim_net *net);
/* Whether each node that has all that is committed has applied it: its state,
 * as a snapshot would hold it, against the entries'. */
void sim_audit(struct sim_net *net);
/* Whether a committed entry, with that index, gave the key that value. */
bool sim_was_written(const struct sim_net *net, struct slice key,
		     struct slice value, uint64_t version);
/* Breaks the net: the first thing that was found wrong stays. */
__attribute__((format(printf, 2, 3))) void sim_break(struct sim_net *net,
						     const char *fmt, ...);
/* Of all keys and values that are committed on the node. */
uint64_t sim_digest(struct sim_net *net, unsigned node);

#endif

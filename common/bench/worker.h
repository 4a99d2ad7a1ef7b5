/*
 * worker.h - a thread of the generator (inside bench/ only): an epoll loop
 * over its share of the clients. Threads share the plan, a counter of keys and
 * nothing else.
 */
#ifndef BENCH_WORKER_H
#define BENCH_WORKER_H

#include "base/buf.h"
#include "base/err.h"
#include "bench/load.h"
#include "bench/zipf.h"

#include <pthread.h>
#include <stdatomic.h>

/* A request whose reply is awaited. */
struct flight {
	uint64_t due_ns, sent_ns;
	uint64_t key; /* the first one */
	uint32_t version;
	enum bench_op op;
	enum wire_kind kind;
};

struct client {
	int fd;		     /* -1: lost */
	struct flight *ring; /* pipeline of them, in the order of sending */
	unsigned head, under_way;
	bool more;	     /* it has requests to send yet */
	bool waits_to_write; /* the socket took less than there is */
	bool dirty;	     /* listed in worker.dirty */
	uint64_t random;
	uint64_t left; /* requests it may send yet */
	size_t sent;   /* bytes of out that are gone */
	struct buf out, in;
};

struct worker_shared {
	const struct load_plan *plan;
	_Atomic uint64_t next_key;	       /* to insert, or in sequence */
	_Atomic uint64_t inserted;	       /* acknowledged */
	uint64_t start_ns, measure_ns, end_ns; /* monotonic */
};

struct worker {
	struct worker_shared *shared;
	const struct load_plan *plan;
	unsigned index; /* of plan->threads */
	int epoll_fd;
	struct client *clients;
	unsigned nclients, alive, with_more, under_way;
	unsigned turn;	      /* the client to look at first for a free place */
	uint64_t slot, slots; /* open loop: the next to send, and their end */
	uint64_t last_ns;     /* of the last reply, or the end of sending */
	bool stopping;	      /* nothing more is sent */
	struct zipf zipf;
	struct client **dirty; /* with bytes to send */
	unsigned ndirty;
	struct load_result *result;
	pthread_t thread;
	int failed; /* KV_E... that ended it, and its text */
	char text[ERR_TEXT_MAX];
};

/* Connects its clients, which number `nclients`. Release it in any case. */
int worker_init(struct worker *w, struct worker_shared *shared, unsigned index,
		unsigned nclients);
void worker_release(struct worker *w);

/* The body of the thread. */
void worker_run(struct worker *w);

/* issue.c: what is sent. */

/* Sends one more operation, which was due then; false if there are no more. */
bool worker_issue(struct worker *w, struct client *c, uint64_t due_ns,
		  uint64_t now_ns);

/* The write of a read-modify-write whose read has been answered. */
void worker_issue_write(struct worker *w, struct client *c,
			const struct flight *read);

/* Any operation of the mix, for one that was never sent. */
enum bench_op worker_pick_op(struct worker *w, struct client *c);

/* settle.c: what comes back. */

/* The reply to the client's oldest request. */
void worker_settle(struct worker *w, struct client *c,
		   const struct wire_reply *reply, uint64_t now_ns);

/* No reply will come to any of its requests. */
void worker_abandon(struct worker *w, struct client *c, const char *word,
		    const char *detail, uint64_t now_ns);

/* An operation that was due and never sent. */
void worker_settle_unsent(struct worker *w, enum bench_op op, uint64_t due_ns,
			  uint64_t now_ns);

void load_errors_count(struct load_errors *errors, struct slice word,
		       struct slice detail, uint64_t count);

#endif

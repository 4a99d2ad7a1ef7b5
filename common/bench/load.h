/*
 * load.h - puts a load on a server and measures what comes back.
 *
 * Closed loop (rate 0): each client keeps `pipeline` requests under way and
 * sends the next when replies have come. Open loop: requests have a schedule,
 * one every 1/rate seconds, whatever the server does; one that cannot be sent
 * in time, because all clients are waiting, is sent late. Two times are kept:
 *
 *   service   from sending to the reply
 *   response  from the moment when it should have been sent to the reply
 *
 * A server that stalls for a second delays thousands of requests of an open
 * loop. Their service times show one slow reply for each client, their
 * response times all of it. In a closed loop the two are the same.
 *
 * Requests that were due and never sent, and those whose reply never came,
 * count with the time that they have waited so far.
 */
#ifndef BENCH_LOAD_H
#define BENCH_LOAD_H

#include "bench/hist.h"
#include "bench/mix.h"
#include "bench/target.h"
#include "bench/wire.h"

#include <signal.h>

#define LOAD_CLIENTS_MAX 10000
#define LOAD_PIPELINE_MAX 10000
#define LOAD_THREADS_MAX 256
#define LOAD_BATCH_MAX 1000
#define LOAD_TIMELINE 32

struct load_plan {
	const struct target *target;
	const struct wire *wire;
	const struct values *values;
	unsigned threads, clients, pipeline; /* each at least 1 */
	struct bench_mix mix;
	enum bench_dist dist;
	double rate;	      /* requests a second; 0: closed loop */
	uint64_t warmup_ms;   /* not measured */
	uint64_t duration_ms; /* measured; 0: until all is done */
	uint64_t requests;    /* send so many, warm-up included; 0: no end */
	uint64_t first_key;
	uint64_t keys;	/* from first_key on; more than 0 */
	unsigned batch; /* keys of a bulk or a delete */
	bool verify;	/* the keys are filled; look at each value read */
	uint64_t seed;
	const volatile sig_atomic_t *stop; /* true: end early; or NULL */
};

struct load_op {
	uint64_t errors;  /* replies that are errors, and lost ones */
	uint64_t missing; /* reads of a key that is not there */
	uint64_t wrong;	  /* reads of a value that nobody wrote */
	/* Nanoseconds of those that succeeded; their count is here, too. */
	struct hist service, response;
};

#define LOAD_ERRORS_MAX 8

struct load_errors {
	struct load_error {
		char word[24]; /* "FULL"; "other" if there are too many */
		char detail[160];
		uint64_t count;
	} items[LOAD_ERRORS_MAX];
	size_t n;
};

struct load_result {
	struct load_op ops[BENCH_OPS];
	struct load_errors errors;
	double seconds;	 /* from the warm-up's end to the last reply, or to the
			  * end of sending if nothing came after it */
	uint64_t done;	 /* operations that succeeded in this time */
	uint64_t unsent; /* open loop: due, but never sent */
	uint64_t lost;	 /* connections that broke */
	uint64_t timeouts; /* no reply within the target's timeout */
	bool stopped;	   /* *stop ended it */
	/* Operations in equal parts of the duration. */
	uint32_t timeline[LOAD_TIMELINE];
};

/* NULL: out of memory. */
struct load_result *load_result_new(void);
void load_result_free(struct load_result *r); /* NULL is allowed */

/* Adds runs up, one after the other: their times, too. */
void load_result_add(struct load_result *to, const struct load_result *from);

uint64_t load_errors_total(const struct load_result *r);
double load_rate(const struct load_result *r); /* operations a second */

/* All operations of a result as one, newly allocated; NULL: no memory. */
struct load_op *load_total(const struct load_result *r);

/*
 * Runs the plan. What the server does wrong is in the result, and so are
 * connections lost on the way; 0 even then. KV_EUNREACHABLE: not all clients
 * could connect. KV_EPROTO: it speaks something else. Or KV_ENOMEM, KV_EIO.
 */
int load_run(const struct load_plan *plan, struct load_result *result);

#endif

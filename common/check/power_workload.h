/*
 * power_workload.h - what the two workloads whose power is cut have in common.
 *
 * A workload runs a store over a simulated file system, a step at a time, and
 * keeps a model of what the store must hold. Its kind says what a step is, how
 * it writes and what the model allows: power_script.h is of a store on its own,
 * power_log_script.h of one whose log is replicated. Both embed a struct
 * workload as their first member. Everything follows from the seed.
 *
 * Functions that return bool: false means that the workload is over, and if
 * something is wrong, `failure` says what. Threads: one at a time.
 */
#ifndef CHECK_POWER_WORKLOAD_H
#define CHECK_POWER_WORKLOAD_H

#include "base/buf.h"
#include "base/err.h"
#include "base/slice.h"
#include "check/simfs.h"
#include "store/store.h"

#include <stdbool.h>
#include <stdint.h>

#define WORKLOAD_DIR "/db"
/* Segments are full after some dozen writes, so that rolls are common. */
#define WORKLOAD_SEGMENT (16u << 10)
#define WORKLOAD_VALUE_MAX 1500u

struct workload {
	const struct workload_kind *kind;
	struct simfs *sim;   /* the caller's */
	struct store *store; /* NULL: not open */
	uint64_t random;
	uint64_t writes; /* so far: what the values are made of */
	bool faulty;	 /* operations fail: errors are no failure */
	struct buf value;
	struct buf failure; /* empty: none */
};

struct workload_kind {
	bool replicated;
	/* The model of an empty store; 0 or KV_ENOMEM. */
	int (*begin)(struct workload *w);
	void (*end)(struct workload *w);
	/* The first step creates the store. */
	bool (*step)(struct workload *w);
	bool (*write)(struct workload *w);
	/* The store made durable what it did up to this number of its own. */
	void (*ack)(struct workload *w, uint64_t durable);
	/* How far the workload was told that things are durable, in numbers of
	 * the model; to see whether it has been told something new. */
	uint64_t (*acked)(const struct workload *w);
	/* What is open shows what the model allows. */
	bool (*shows_allowed)(struct workload *w, const char *when);
	/* It was opened: the same, and what it shows is the truth from now. */
	bool (*settle)(struct workload *w, const char *when);
	/* Whether a store that was recovered from a copy of `sim` holds what
	 * the model allows. A log's role and commit index may be moved to find
	 * out; the model stays as it is. False, and why (empty before). */
	bool (*matches)(struct workload *w, struct store *s, struct buf *why);
};

/* How stores are opened here: with small segments and a clock that stands
 * still. */
struct store_options workload_options(const struct workload_kind *kind,
				      struct simfs *sim);
/* Opens the store that is in `sim`, or makes it. store_close() it. */
MUST_CHECK int workload_open(const struct workload_kind *kind,
			     struct simfs *sim, struct store **out);

MUST_CHECK int workload_begin(struct workload *w,
			      const struct workload_kind *kind,
			      struct simfs *sim, uint64_t seed);
/* Closes the store and releases all but `sim`. */
void workload_end(struct workload *w);

/* A number below n. */
unsigned workload_lot(struct workload *w, unsigned n);
/* Notes a failure, with the text of the last error. Returns false. */
bool workload_fail(struct workload *w, const char *what);

/* A value that tells its write and key, of any length up to
 * WORKLOAD_VALUE_MAX; it lives in `value`. */
struct slice workload_value(struct buf *value, uint64_t write, unsigned key,
			    size_t len);

/* ---- steps ---- */

/* Opens a store that is not open, and settles. */
bool workload_start(struct workload *w, const char *failing, const char *when);
/* Up to `max` writes. */
bool workload_writes(struct workload *w, unsigned max);
bool workload_sync(struct workload *w);
/* A flush as another thread would do it: writes come in between. */
bool workload_flush(struct workload *w);
bool workload_maintain(struct workload *w);
bool workload_reopen(struct workload *w);
/* `what` failed in the store, which may have become read-only by it. */
bool workload_survive(struct workload *w, const char *what);

#endif

/*
 * txn.h - several reads and writes as one: what a command of a protocol does to
 * a store.
 *
 * A command does not know the store. It is a function over a transaction, which
 * whoever executes the request makes, and which ends when the function returns:
 * then all its changes become one atomic record, or none do. Reads see the
 * store as it is, with the transaction's own changes on top, and never an item
 * that has expired.
 *
 * What a transaction hands out (slices of keys and values, memory of
 * txn_alloc()) lives until its end; so must what is given to txn_set().
 *
 * Threads: a transaction belongs to the thread that runs its call.
 */
#ifndef BASE_TXN_H
#define BASE_TXN_H

#include "base/buf.h"
#include "base/request.h"

struct txn;

/* Told a key of a scan; false ends the scan. It must not change anything. */
typedef bool txn_scan_fn(void *arg, struct slice key);

struct txn_stats {
	uint64_t keys, keys_with_ttl;
	uint64_t version;	/* of the last write */
	uint64_t index_bytes;	/* memory */
	uint64_t live_bytes;	/* of the log: what the keys and values take */
	uint64_t used_bytes;	/* of the log: with what compaction will free */
	uint64_t waiting_bytes; /* written, not yet on disk */
	uint64_t syncs, sync_failures;
	uint64_t written_bytes;
	uint64_t expired_keys;
	const char *read_only_reason; /* NULL: writes are taken */
};

struct txn_ops {
	bool (*get)(struct txn *t, struct slice key, struct item *item);
	uint64_t (*mark)(struct txn *t, struct slice key);
	int (*change)(struct txn *t, const struct change *change);
	void (*clear)(struct txn *t);
	void *(*alloc)(struct txn *t, size_t size);
	int (*scan)(struct txn *t, struct slice prefix, struct slice after,
		    txn_scan_fn *fn, void *arg);
	uint64_t (*count)(struct txn *t);
	int (*pick)(struct txn *t, struct slice *key);
	void (*stats)(struct txn *t, struct txn_stats *stats);
	uint64_t (*now_ms)(struct txn *t);
};

struct txn {
	const struct txn_ops *ops;
	uint64_t now_ms; /* 0: nobody has asked yet */
};

/*
 * The work of a request of kind OP_COMMAND; whoever makes one puts this struct
 * in front of what it needs. `run` appends the finished reply to `out`. If it
 * returns an error (with err_text()), or storing the changes fails, nothing is
 * changed and what it appended is dropped; the reply then carries the error.
 *
 * It runs exactly once, while the connection that asked is there.
 */
struct txn_call {
	int (*run)(struct txn_call *call, struct txn *t, struct buf *out);
	/* Appends what another node needs to run the same call for the same
	 * connection: a request in the call's own protocol. 0 or KV_ENOMEM. */
	int (*encode)(const struct txn_call *call, struct buf *out);
	unsigned protocol; /* of what encode() writes: see primary.h */
	bool reads_only;   /* it changes nothing */
	bool local;	   /* it asks a node about itself */
};

/* True and *item if the key is there. */
static inline bool txn_get(struct txn *t, struct slice key, struct item *item)
{
	return t->ops->get(t, key, item);
}

/* What to compare to learn whether the key was written or removed between two
 * transactions: then it is another number, also at another node of a cluster.
 * Rarely, it is another one although nothing happened to the key. What the
 * transaction itself changed does not count. */
static inline uint64_t txn_mark(struct txn *t, struct slice key)
{
	return t->ops->mark(t, key);
}

/* 0 if such a pair can be stored, else KV_EUSAGE (a key without a byte) or
 * KV_ETOOBIG, with err_text(). */
int txn_check(struct slice key, struct slice value);

/* expires_ms 0: never. KV_ENOMEM or as txn_check(); then nothing was changed.
 */
static inline int txn_set(struct txn *t, struct slice key, struct slice value,
			  uint64_t expires_ms)
{
	struct change change = {
		.key = key,
		.value = value,
		.expires_ms = expires_ms,
		.kind = CHANGE_SET,
	};

	return t->ops->change(t, &change);
}

/* Deleting what is not there changes nothing. KV_ENOMEM. */
static inline int txn_delete(struct txn *t, struct slice key)
{
	struct change change = {.key = key, .kind = CHANGE_DELETE};

	return t->ops->change(t, &change);
}

/* Deletes every key. */
static inline void txn_clear(struct txn *t)
{
	t->ops->clear(t);
}

/* NULL: out of memory, or more than one transaction may use. */
static inline void *txn_alloc(struct txn *t, size_t size)
{
	return t->ops->alloc(t, size);
}

/* The keys that begin with prefix and come after `after` (empty: from the
 * first), in order. 0 or KV_ENOMEM. */
static inline int txn_scan(struct txn *t, struct slice prefix,
			   struct slice after, txn_scan_fn *fn, void *arg)
{
	return t->ops->scan(t, prefix, after, fn, arg);
}

static inline uint64_t txn_count(struct txn *t)
{
	return t->ops->count(t);
}

/* Any key, each about as likely as any other; empty if there is none. 0 or
 * KV_ENOMEM. */
static inline int txn_pick(struct txn *t, struct slice *key)
{
	return t->ops->pick(t, key);
}

static inline void txn_stats(struct txn *t, struct txn_stats *stats)
{
	t->ops->stats(t, stats);
}

/* Wall clock: one moment for the whole transaction. */
static inline uint64_t txn_now(struct txn *t)
{
	if (t->now_ms == 0)
		t->now_ms = t->ops->now_ms(t);
	return t->now_ms;
}

#endif

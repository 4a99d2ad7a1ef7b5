/*
 * txn_internal.h - the inside of a transaction: txn.c makes and ends it,
 * txn_scan.c goes through all the keys that it sees.
 */
#ifndef STORE_TXN_INTERNAL_H
#define STORE_TXN_INTERNAL_H

#include "base/txn.h"
#include "store/key_map.h"
#include "store/store_internal.h"

#define TXN_CHANGES_INLINE 4

struct txn_block;

struct store_txn {
	struct txn txn;
	struct store *s;
	struct reply *reply;
	struct change *changes;
	size_t n, cap;
	struct key_map map;  /* of the changes, where they are many */
	struct index *order; /* key -> place in changes; NULL: not yet */
	struct txn_block *blocks;
	size_t memory;
	bool cleared; /* everything below the changes is deleted */
	int failed;   /* what a call without a result of its own met */
	struct change few[TXN_CHANGES_INLINE];
};

static inline struct store_txn *txn_of(struct txn *t)
{
	return (struct store_txn *)t;
}

/* The reply reveals what that sequence number did. */
static inline void txn_depends(struct store_txn *x, uint64_t seq)
{
	if (seq > x->s->revealed && seq > x->reply->after)
		x->reply->after = seq;
}

static inline bool txn_has_expired(struct store_txn *x, uint64_t expires_ms)
{
	return expires_ms != 0 && expires_ms <= txn_now(&x->txn);
}

/* ---- txn.c ---- */

int txn_no_memory(void);
/* Puts the changes in the order of their keys. */
MUST_CHECK int txn_make_order(struct store_txn *x);

/* ---- txn_scan.c: operations of struct txn_ops ---- */

int txn_do_scan(struct txn *t, struct slice prefix, struct slice after,
		txn_scan_fn *fn, void *arg);
uint64_t txn_do_count(struct txn *t);
int txn_do_pick(struct txn *t, struct slice *key);

#endif

/*
 * reply_queue.h - the replies that one connection is still owed, in the order
 * of its requests.
 *
 * Each request takes a slot at the end. Its reply may come at once or later,
 * and in any order; it leaves from the front, in order, once it is complete
 * and what it depends on has happened. Replies are kept encoded.
 *
 *	slot = reply_queue_push(q, tag);
 *	... reply_slot_hold(slot, gate, encoded);  when the reply is there
 *	... reply_queue_take(q, reached, out);     what may go by now
 *
 * Where replies say themselves what they answer, order means nothing: then one
 * that is not complete holds nobody up (`unordered`).
 *
 * A slot outlives its queue while somebody still has to complete it: the queue
 * lets go of it, reply_slot_owner() turns NULL, and the one who completes it
 * drops it. Slots are recycled through a pool, which must be released last.
 *
 * Threads: a pool and its queues belong to one thread.
 */
#ifndef SERVE_REPLY_QUEUE_H
#define SERVE_REPLY_QUEUE_H

#include "base/buf.h"

#include <stdint.h>
#include <sys/queue.h>

struct reply_slot;
STAILQ_HEAD(reply_slots, reply_slot);

struct reply_pool {
	struct reply_slots free;
	size_t nfree;
};

/* What a reply hangs on, or how far things are: see replica/coord.h. */
struct reply_gate {
	uint64_t after, confirm;
	bool wrote;
};

static inline bool reply_gate_open(const struct reply_gate *gate,
				   const struct reply_gate *reached)
{
	return gate->after <= reached->after &&
	       gate->confirm <= reached->confirm;
}

struct reply_queue {
	struct reply_slots slots;
	size_t count; /* slots in the queue */
	size_t bytes; /* of encoded replies held */
	bool unordered;
	struct reply_pool *pool;
	void *owner;
};

/* Encodes an error in the connection's protocol. */
typedef void reply_error_fn(struct buf *out, int code, const char *message,
			    struct slice tag);

void reply_pool_init(struct reply_pool *pool);
void reply_pool_release(struct reply_pool *pool);

void reply_queue_init(struct reply_queue *q, struct reply_pool *pool,
		      void *owner);

/* Drops what is held; slots that wait for their reply are let go of. */
void reply_queue_release(struct reply_queue *q);

/* A new slot at the end, with a copy of `tag` (what the protocol needs to
 * answer this request; for JSON the raw id). NULL: out of memory. */
struct reply_slot *reply_queue_push(struct reply_queue *q, struct slice tag);

void *reply_slot_owner(const struct reply_slot *slot);
struct slice reply_slot_tag(const struct reply_slot *slot);

/* True if nothing stands before it. */
bool reply_slot_is_first(const struct reply_slot *slot);

/* Completes the slot: the reply is `encoded` and may leave when the gate is
 * open. The bytes are copied, or taken if they are many (`encoded` then is
 * empty). False: out of memory; the slot stays incomplete. */
bool reply_slot_hold(struct reply_slot *slot, const struct reply_gate *gate,
		     struct buf *encoded);

/* Ends the slot without a reply from here: it was the first of its queue and
 * has been answered directly, or its queue is gone. */
void reply_slot_drop(struct reply_slot *slot);

/* Moves to `out` what may leave; returns how many replies that were. */
size_t reply_queue_take(struct reply_queue *q, const struct reply_gate *reached,
			struct buf *out);

/* What a reply turns into that must not be given. */
struct reply_failure {
	int code;
	const char *message;
};

/* More than `reached` will never happen: each held reply that hangs on it
 * becomes an error, encoded by `fn`, and may leave: the one for those that
 * wrote, or for the others. */
void reply_queue_fail(struct reply_queue *q, const struct reply_gate *reached,
		      const struct reply_failure *wrote,
		      const struct reply_failure *other, reply_error_fn *fn);

#endif

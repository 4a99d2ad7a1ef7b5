/*
 * reply_queue.c - see reply_queue.h.
 *
 * Slots keep the memory of their buffers while they rest in the pool, so that
 * a steady stream of small replies allocates nothing. A large reply is not
 * copied: its buffer changes hands, here and again on the way out.
 */
#include "serve/reply_queue.h"

#include <stdlib.h>

/* Above this a buffer is handed over instead of copied, and given back to the
 * system instead of resting in the pool. */
#define SLOT_KEEP 512u

/* Slots that rest: enough for the pipelines of a busy loop, 1 MiB at most. */
#define POOL_MAX 2048u

struct reply_slot {
	STAILQ_ENTRY(reply_slot) link;
	struct reply_queue *queue; /* NULL: let go of */
	struct reply_gate gate;
	bool complete;
	struct buf tag;
	struct buf reply;
};

void reply_pool_init(struct reply_pool *pool)
{
	STAILQ_INIT(&pool->free);
	pool->nfree = 0;
}

static void slot_free(struct reply_slot *slot)
{
	buf_release(&slot->tag);
	buf_release(&slot->reply);
	free(slot);
}

void reply_pool_release(struct reply_pool *pool)
{
	struct reply_slot *slot;

	while ((slot = STAILQ_FIRST(&pool->free)) != NULL) {
		STAILQ_REMOVE_HEAD(&pool->free, link);
		slot_free(slot);
	}
	pool->nfree = 0;
}

static struct reply_slot *pool_get(struct reply_pool *pool)
{
	struct reply_slot *slot = STAILQ_FIRST(&pool->free);

	if (slot == NULL)
		return calloc(1, sizeof(*slot));
	STAILQ_REMOVE_HEAD(&pool->free, link);
	pool->nfree--;
	return slot;
}

static void buf_rest(struct buf *b)
{
	buf_clear(b);
	buf_trim(b, SLOT_KEEP);
}

static void pool_put(struct reply_pool *pool, struct reply_slot *slot)
{
	if (pool->nfree >= POOL_MAX) {
		slot_free(slot);
		return;
	}
	buf_rest(&slot->tag);
	buf_rest(&slot->reply);
	STAILQ_INSERT_HEAD(&pool->free, slot, link);
	pool->nfree++;
}

void reply_queue_init(struct reply_queue *q, struct reply_pool *pool,
		      void *owner)
{
	*q = (struct reply_queue){.pool = pool, .owner = owner};
	STAILQ_INIT(&q->slots);
}

static void pop_first(struct reply_queue *q)
{
	struct reply_slot *slot = STAILQ_FIRST(&q->slots);

	STAILQ_REMOVE_HEAD(&q->slots, link);
	q->count--;
	q->bytes -= slot->reply.len;
	pool_put(q->pool, slot);
}

static void pop(struct reply_queue *q, struct reply_slot *slot)
{
	if (slot == STAILQ_FIRST(&q->slots)) {
		pop_first(q);
		return;
	}
	STAILQ_REMOVE(&q->slots, slot, reply_slot, link);
	q->count--;
	q->bytes -= slot->reply.len;
	pool_put(q->pool, slot);
}

void reply_queue_release(struct reply_queue *q)
{
	struct reply_slot *slot;

	while ((slot = STAILQ_FIRST(&q->slots)) != NULL) {
		if (slot->complete) {
			pop_first(q);
			continue;
		}
		STAILQ_REMOVE_HEAD(&q->slots, link);
		q->count--;
		slot->queue = NULL;
	}
}

struct reply_slot *reply_queue_push(struct reply_queue *q, struct slice tag)
{
	struct reply_slot *slot = pool_get(q->pool);

	if (slot == NULL)
		return NULL;
	buf_append_slice(&slot->tag, tag);
	if (buf_failed(&slot->tag)) {
		pool_put(q->pool, slot);
		return NULL;
	}
	slot->queue = q;
	slot->gate = (struct reply_gate){0};
	slot->complete = false;
	STAILQ_INSERT_TAIL(&q->slots, slot, link);
	q->count++;
	return slot;
}

void *reply_slot_owner(const struct reply_slot *slot)
{
	return slot->queue != NULL ? slot->queue->owner : NULL;
}

struct slice reply_slot_tag(const struct reply_slot *slot)
{
	return buf_slice(&slot->tag);
}

bool reply_slot_is_first(const struct reply_slot *slot)
{
	return slot->queue != NULL &&
	       (slot->queue->unordered ||
		STAILQ_FIRST(&slot->queue->slots) == slot);
}

bool reply_slot_hold(struct reply_slot *slot, const struct reply_gate *gate,
		     struct buf *encoded)
{
	struct buf swap;

	if (buf_failed(encoded))
		return false;
	if (encoded->len <= SLOT_KEEP) {
		buf_append_slice(&slot->reply, buf_slice(encoded));
		if (buf_failed(&slot->reply))
			return false;
	} else {
		swap = slot->reply;
		slot->reply = *encoded;
		*encoded = swap;
	}
	slot->gate = *gate;
	slot->complete = true;
	slot->queue->bytes += slot->reply.len;
	return true;
}

void reply_slot_drop(struct reply_slot *slot)
{
	if (slot->queue != NULL)
		pop(slot->queue, slot);
	else
		slot_free(slot);
}

static void move_reply(struct reply_slot *slot, struct buf *out)
{
	struct buf swap;

	out->failed |= slot->reply.failed; /* a gap would shift all others */
	if (out->len != 0 || slot->reply.len <= SLOT_KEEP || out->failed) {
		buf_append_slice(out, buf_slice(&slot->reply));
		return;
	}
	slot->queue->bytes -= slot->reply.len;
	swap = *out;
	*out = slot->reply;
	slot->reply = swap;
}

size_t reply_queue_take(struct reply_queue *q, const struct reply_gate *reached,
			struct buf *out)
{
	struct reply_slot *slot, *next;
	size_t taken = 0;

	for (slot = STAILQ_FIRST(&q->slots); slot != NULL; slot = next) {
		next = STAILQ_NEXT(slot, link);
		if (!slot->complete && q->unordered)
			continue;
		if (!slot->complete || !reply_gate_open(&slot->gate, reached))
			break;
		move_reply(slot, out);
		pop(q, slot);
		taken++;
	}
	return taken;
}

void reply_queue_fail(struct reply_queue *q, const struct reply_gate *reached,
		      const struct reply_failure *wrote,
		      const struct reply_failure *other, reply_error_fn *fn)
{
	const struct reply_failure *failure;
	struct reply_slot *slot;

	STAILQ_FOREACH (slot, &q->slots, link) {
		if (!slot->complete || reply_gate_open(&slot->gate, reached))
			continue;
		failure = slot->gate.wrote ? wrote : other;
		q->bytes -= slot->reply.len;
		buf_rest(&slot->reply);
		fn(&slot->reply, failure->code, failure->message,
		   buf_slice(&slot->tag));
		q->bytes += slot->reply.len;
		slot->gate = (struct reply_gate){0};
	}
}

/*
 * issue.c - chooses operations and keys and puts requests into the buffers of
 * the clients. Every choice comes from the client's own random numbers, so
 * that a client sends the same in each run with the same seed.
 */
#include "base/random.h"
#include "bench/worker.h"

static const enum wire_kind kinds[BENCH_OPS] = {
	[BENCH_GET] = WIRE_GET,	      [BENCH_SET] = WIRE_SET,
	[BENCH_INSERT] = WIRE_SET,    [BENCH_RMW] = WIRE_GET,
	[BENCH_DELETE] = WIRE_DELETE, [BENCH_BULK] = WIRE_BULK,
	[BENCH_SCAN] = WIRE_SCAN,
};

static bool takes_batch(enum bench_op op)
{
	return op == BENCH_BULK || op == BENCH_DELETE;
}

enum bench_op worker_pick_op(struct worker *w, struct client *c)
{
	return mix_pick(&w->plan->mix, random_next(&c->random));
}

/* The popular ranks lie all over the keys, not side by side. */
static uint64_t scatter(uint64_t rank, uint64_t keys)
{
	return random_mix(rank + RANDOM_STEP) % keys;
}

static uint64_t pick_latest(struct worker *w, struct client *c)
{
	uint64_t n = w->plan->keys + atomic_load_explicit(&w->shared->inserted,
							  memory_order_relaxed);

	if (n != w->zipf.n)
		zipf_init(&w->zipf, n);
	return n - 1 - zipf_next(&w->zipf, &c->random);
}

static uint64_t pick_key(struct worker *w, struct client *c)
{
	const struct load_plan *plan = w->plan;

	switch (plan->dist) {
	case BENCH_ZIPF:
		return plan->first_key +
		       scatter(zipf_next(&w->zipf, &c->random), plan->keys);
	case BENCH_LATEST:
		return plan->first_key + pick_latest(w, c);
	default:
		return plan->first_key + random_below(&c->random, plan->keys);
	}
}

/* The next keys in order; how many there still are, up to the batch. */
static size_t take_sequence(struct worker *w, enum bench_op op, uint64_t *keys)
{
	uint64_t batch = takes_batch(op) ? w->plan->batch : 1;
	uint64_t end = w->plan->first_key + w->plan->keys;
	uint64_t at = atomic_fetch_add(&w->shared->next_key, batch);
	size_t n = 0;

	for (; n < batch && at + n < end; n++)
		keys[n] = at + n;
	return n;
}

static size_t take_keys(struct worker *w, struct client *c, enum bench_op op,
			uint64_t *keys)
{
	size_t n = takes_batch(op) ? w->plan->batch : 1;

	if (w->plan->dist == BENCH_SEQUENTIAL)
		return take_sequence(w, op, keys);
	if (op == BENCH_INSERT) {
		keys[0] = atomic_fetch_add(&w->shared->next_key, 1);
		return 1;
	}
	for (size_t i = 0; i < n; i++)
		keys[i] = pick_key(w, c);
	return n;
}

static void mark_dirty(struct worker *w, struct client *c)
{
	if (c->dirty)
		return;
	c->dirty = true;
	w->dirty[w->ndirty++] = c;
}

static void launch(struct worker *w, struct client *c,
		   const struct flight *flight,
		   const struct wire_request *request)
{
	unsigned at = c->head + c->under_way;

	if (at >= w->plan->pipeline)
		at -= w->plan->pipeline;
	c->ring[at] = *flight;
	c->under_way++;
	w->under_way++;
	w->plan->wire->put(&c->out, request);
	mark_dirty(w, c);
}

static void no_more(struct worker *w, struct client *c)
{
	if (c->more)
		w->with_more--;
	c->more = false;
}

bool worker_issue(struct worker *w, struct client *c, uint64_t due_ns,
		  uint64_t now_ns)
{
	uint64_t keys[LOAD_BATCH_MAX];
	enum bench_op op;
	struct wire_request request;
	struct flight flight;

	if (!c->more)
		return false;
	if (c->left == 0) {
		no_more(w, c);
		return false;
	}
	op = worker_pick_op(w, c);
	request = (struct wire_request){
		.kind = kinds[op],
		.keys = keys,
		.nkeys = take_keys(w, c, op, keys),
		.version = (uint32_t)random_next(&c->random),
		.values = w->plan->values,
	};
	if (request.nkeys == 0) {
		no_more(w, c);
		return false;
	}
	c->left--;
	flight = (struct flight){.due_ns = due_ns,
				 .sent_ns = now_ns,
				 .key = keys[0],
				 .version = request.version,
				 .op = op,
				 .kind = request.kind};
	launch(w, c, &flight, &request);
	return true;
}

void worker_issue_write(struct worker *w, struct client *c,
			const struct flight *read)
{
	struct flight flight = *read;
	struct wire_request request = {
		.kind = WIRE_SET,
		.keys = &flight.key,
		.nkeys = 1,
		.version = read->version,
		.values = w->plan->values,
	};

	flight.kind = WIRE_SET;
	launch(w, c, &flight, &request);
}

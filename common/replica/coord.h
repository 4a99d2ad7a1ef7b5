/*
 * coord.h - who decides a request.
 *
 * A session submits a request and is called back with the reply; whether one
 * store answers alone, a leader asks a majority, or a quorum votes is the
 * coordinator's affair. The callback may come before coord_submit() returns.
 *
 * A reply carries `after`: the session may send it once the local store has
 * everything up to that sequence number on disk.
 */
#ifndef REPLICA_COORD_H
#define REPLICA_COORD_H

#include "base/request.h"

struct coord;

/* The reply's slices live only during the call. `req` is what was submitted. */
typedef void coord_reply_fn(void *arg, const struct request *req,
			    const struct reply *reply);

struct coord_ops {
	/* Answers in place, or is false: nothing was done, and the request is
	 * to be submitted. Commands it always answers. NULL: it never does. */
	bool (*answer)(struct coord *c, const struct request *req,
		       struct reply *reply);
	void (*submit)(struct coord *c, const struct request *req,
		       coord_reply_fn *fn, void *arg);
	/* Advice on what will be submitted next: see store_hint(). NULL: no
	 * use for it. */
	void (*hint)(struct coord *c, const struct slice *keys, size_t n,
		     bool values);
	void (*free)(struct coord *c);
};

struct coord {
	const struct coord_ops *ops;
};

static inline bool coord_answers(const struct coord *c)
{
	return c->ops->answer != NULL;
}

/* True: the reply is there; its slices live until the next call. A caller that
 * can do with the reply at once is spared the place where it would wait. */
static inline bool coord_answer(struct coord *c, const struct request *req,
				struct reply *reply)
{
	return coord_answers(c) && c->ops->answer(c, req, reply);
}

static inline void coord_submit(struct coord *c, const struct request *req,
				coord_reply_fn *fn, void *arg)
{
	c->ops->submit(c, req, fn, arg);
}

static inline void coord_hint(struct coord *c, const struct slice *keys,
			      size_t n, bool values)
{
	if (c->ops->hint != NULL)
		c->ops->hint(c, keys, n, values);
}

static inline void coord_free(struct coord *c)
{
	if (c != NULL)
		c->ops->free(c);
}

struct store;

struct solo_options {
	/* A write that asks for it (debug_unreliable) has the sync of its group
	 * fail with this probability, in millionths, drawn from a generator
	 * that the seed determines. Seed and rate are shown by info. */
	uint64_t debug_seed;
	uint32_t debug_rate;
};

/* One store alone: every request is applied locally and answered during the
 * call. The store stays the caller's. NULL: out of memory. */
struct coord *solo_new(struct store *store, const struct solo_options *options);

#endif

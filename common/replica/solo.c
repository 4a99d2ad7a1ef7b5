/*
 * solo.c - see coord.h. The simplest coordinator: the local store decides.
 *
 * Faults on demand are drawn here and not in the store, which knows how a sync
 * fails but has no business with luck, nor in a session, which does not know
 * what a request leads to.
 */
#include "replica/coord.h"
#include "store/store.h"

#include <stdio.h>
#include <stdlib.h>

#define MILLION 1000000u
#define INFO_MAX 64 /* lines of the store's and ours */

struct solo {
	struct coord coord;
	struct store *store;
	struct solo_options options;
	uint64_t random; /* never 0 */
};

/* xorshift64* by Marsaglia and Vigna: few states, but a seed replays it. */
static uint64_t next_random(struct solo *solo)
{
	uint64_t x = solo->random;

	x ^= x >> 12;
	x ^= x << 25;
	x ^= x >> 27;
	solo->random = x;
	return x * 0x2545f4914f6cdd1du;
}

static bool draw(struct solo *solo)
{
	return (next_random(solo) >> 20) % MILLION < solo->options.debug_rate;
}

/* The store's lines and ours, for the duration of the callback. */
static void reply_info(struct solo *solo, const struct request *req,
		       const struct reply *reply, coord_reply_fn *fn, void *arg)
{
	struct reply extended = *reply;
	struct info_line lines[INFO_MAX];
	char seed[24], rate[24];
	size_t n = reply->ninfo < INFO_MAX - 3 ? reply->ninfo : INFO_MAX - 3;

	if (n != 0)
		memcpy(lines, reply->info, n * sizeof(*lines));
	snprintf(seed, sizeof(seed), "%llu",
		 (unsigned long long)solo->options.debug_seed);
	snprintf(rate, sizeof(rate), "%g",
		 solo->options.debug_rate * 100.0 / MILLION);
	/* The seed may be above 2^53: text. */
	lines[n++] = (struct info_line){"mode", slice_str("solo"), false};
	lines[n++] = (struct info_line){"debug_seed", slice_str(seed), false};
	lines[n++] = (struct info_line){"debug_rate", slice_str(rate), true};
	extended.info = lines;
	extended.ninfo = n;
	fn(arg, req, &extended);
}

static void solo_submit(struct coord *c, const struct request *req,
			coord_reply_fn *fn, void *arg)
{
	struct solo *solo = (struct solo *)c;
	struct reply reply;
	uint64_t before = store_appended(solo->store);

	store_execute(solo->store, req, &reply);
	reply.wrote = store_appended(solo->store) != before;
	/* Drawn for each write that asks, so that the n-th one of a run meets
	 * the same fate in the next run with that seed. */
	if (req->debug_unreliable && reply.wrote && draw(solo))
		store_inject_sync_failure(solo->store);
	if (req->op == OP_INFO && reply.code == 0)
		reply_info(solo, req, &reply, fn, arg);
	else
		fn(arg, req, &reply);
}

static void solo_hint(struct coord *c, const struct slice *keys, size_t n,
		      bool values)
{
	store_hint(((struct solo *)c)->store, keys, n, values);
}

static void solo_flushed(struct coord *c, int failed)
{
	/* What was durable before a failure stays so. */
	(void)failed;
	c->revealed = store_durable(((struct solo *)c)->store);
}

static void solo_free(struct coord *c)
{
	free(c);
}

struct coord *solo_new(struct store *store, const struct solo_options *options)
{
	static const struct coord_ops ops = {
		.submit = solo_submit,
		.hint = solo_hint,
		.flushed = solo_flushed,
		.free = solo_free,
	};
	struct solo *solo = malloc(sizeof(*solo));

	if (solo == NULL)
		return NULL;
	*solo = (struct solo){
		.coord.ops = &ops,
		.coord.revealed = store_durable(store),
		.store = store,
		.options = *options,
		/* Any seed, 0 too, must give a state other than 0. */
		.random = options->debug_seed ^ 0x9e3779b97f4a7c15u,
	};
	if (solo->random == 0)
		solo->random = 1;
	return &solo->coord;
}

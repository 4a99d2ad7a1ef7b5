/*
 * raft_new.c - from what was on disk to a follower.
 */
#include "replica/raft_internal.h"

#include "base/err.h"

#include <assert.h>
#include <stdlib.h>

static uint64_t fit_all(void *arg, uint64_t from, uint64_t to)
{
	(void)arg;
	(void)from;
	return to;
}

static void set_options(struct raft *r, const struct raft_options *options)
{
	struct raft_options *o = &r->options;

	*o = *options;
	if (o->heartbeat_ms == 0)
		o->heartbeat_ms = 50;
	if (o->election_ms == 0)
		o->election_ms = 400;
	if (o->inflight_max == 0)
		o->inflight_max = 32;
	if (o->inflight_max > INFLIGHT_MAX)
		o->inflight_max = INFLIGHT_MAX;
	if (o->fit == NULL)
		o->fit = fit_all;
	/* Nodes that are given one seed must not act in step, and the
	 * generator must not start with 0. */
	r->random = (o->seed ^ (o->id * UINT64_C(0x9E3779B97F4A7C15))) | 1;
}

static int check_members(const struct raft_state *state)
{
	for (size_t i = 0; i < state->nmembers; i++) {
		const struct raft_members *m = &state->members[i];

		if (!members_valid(m) || m->index > state->last ||
		    (i > 0 && m->index <= m[-1].index))
			return err_set(KV_EDAMAGED,
				       "the log's memberships are not valid");
	}
	return 0;
}

static int set_members(struct raft *r, const struct raft_state *state)
{
	int e = check_members(state);

	if (e != 0)
		return e;
	r->configs_cap = state->nmembers + CONFIGS_KEPT;
	r->configs = calloc(r->configs_cap, sizeof(*r->configs));
	if (r->configs == NULL)
		return err_set(KV_ENOMEM, "no memory for memberships");
	for (size_t i = 0; i < state->nmembers; i++)
		configs_push(r, &state->members[i]);
	configs_trim(r, log_base(&r->log));
	peers_update(r);
	r->tell_members = false;
	return 0;
}

static int set_state(struct raft *r, const struct raft_state *state)
{
	int e = log_init(&r->log, state);

	if (e != 0)
		return e;
	if (log_last_term(&r->log) > state->term)
		return err_set(KV_EDAMAGED,
			       "the log is of a later term than the node");
	if (state->commit < log_base(&r->log) || state->commit > state->last)
		return err_set(KV_EDAMAGED,
			       "what is committed is not in the log");
	r->term = r->saved.term = r->told.term = state->term;
	r->vote = r->saved.vote = state->vote;
	r->vote_birth = state->vote_birth;
	r->commit = r->told.commit = state->commit;
	r->persisted = state->last;
	return set_members(r, state);
}

int raft_new(struct raft **out, const struct raft_options *options,
	     const struct raft_state *state, uint64_t now_ms)
{
	struct raft *r = calloc(1, sizeof(*r));
	int e;

	if (r == NULL)
		return err_set(KV_ENOMEM, "no memory for the consensus core");
	set_options(r, options);
	r->now = now_ms;
	e = set_state(r, state);
	if (e != 0) {
		raft_free(r);
		return e;
	}
	election_rearm(r);
	*out = r;
	return 0;
}

void raft_free(struct raft *r)
{
	if (r == NULL)
		return;
	log_release(&r->log);
	free(r->configs);
	free(r);
}

void raft_name(struct raft *r, uint64_t id)
{
	assert(id != 0 && (r->options.id == 0 || r->options.id == id));
	r->options.id = id;
}

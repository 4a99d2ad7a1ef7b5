/*
 * raft_read.c - confirming the leadership for reads, and handing it over.
 *
 * A leader that was cut off may not know that there is another one. So a read
 * is given the number of a round; every append carries the newest number, each
 * answer of the same term brings it back, and once a majority has done so the
 * leadership was still ours after the read was asked for. All reads that came
 * before the round's first message share it.
 */
#include "replica/raft_internal.h"

#include "base/err.h"

#include <inttypes.h>

static uint64_t round_of(const struct raft *r, const struct peer *p)
{
	return p->id == r->options.id ? r->round : p->round_acked;
}

void confirm(struct raft *r)
{
	uint64_t round = majority(r, round_of);

	if (round > r->confirmed)
		r->confirmed = round;
}

int raft_read(struct raft *r, uint64_t now_ms, uint64_t *round)
{
	raft_clock(r, now_ms);
	if (r->role != RAFT_LEADER)
		return err_set(KV_EUNAVAILABLE, "this node does not lead");
	if (!r->round_open) {
		r->round++;
		r->round_open = true;
	}
	*round = r->round;
	return 0;
}

/* Before something of this term is committed, the leader does not know all
 * that is committed. */
bool next_confirm(struct raft *r, struct raft_action *action)
{
	if (r->role != RAFT_LEADER)
		return false;
	r->round_open = false;
	confirm(r);
	if (r->commit < r->floor || r->confirmed == r->told.round)
		return false;
	r->told.round = r->confirmed;
	action->kind = RAFT_CONFIRM;
	action->round = r->confirmed;
	return true;
}

/* ---- handing over ---- */

int raft_transfer(struct raft *r, uint64_t now_ms, uint64_t id)
{
	raft_clock(r, now_ms);
	if (r->role != RAFT_LEADER)
		return err_set(KV_EUNAVAILABLE, "this node does not lead");
	if (id == r->options.id)
		return err_set(KV_ECONDITION,
			       "node %" PRIu64 " is the leader already", id);
	if (!is_voter(r, id))
		return err_set(KV_ECONDITION,
			       "node %" PRIu64 " is no voting member", id);
	if (r->transferee != 0 && r->transferee != id)
		return err_set(KV_EUNAVAILABLE,
			       "the leadership is being handed to node %" PRIu64
			       "; try again",
			       r->transferee);
	if (r->transferee == 0) {
		r->transferee = id;
		r->transfer_told = false;
		r->transfer_ms = r->now + r->options.election_ms;
	}
	return 0;
}

bool raft_transferring(const struct raft *r)
{
	return r->transferee != 0;
}

/* Nobody took it: go on. */
void transfer_tick(struct raft *r)
{
	if (r->transferee != 0 &&
	    (r->now >= r->transfer_ms || !is_voter(r, r->transferee)))
		r->transferee = 0;
}

/* Once it has all there is; repeated with each heartbeat. */
bool next_timeout_now(struct raft *r, struct raft_action *action)
{
	const struct peer *p;

	if (r->role != RAFT_LEADER || r->transferee == 0 || r->transfer_told)
		return false;
	p = peer_find(r, r->transferee);
	if (p == NULL || p->match != r->log.last)
		return false;
	r->transfer_told = true;
	begin_message(r, RAFT_TIMEOUT_NOW, p->id, action);
	r->out.index = r->log.last;
	r->out.index_term = log_last_term(&r->log);
	return true;
}

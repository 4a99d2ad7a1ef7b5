/*
 * primary_raft.c - performs what the core wants done.
 *
 * A truncation may have to wait until a flush has ended. Then no further action
 * is taken and the core is told nothing; frames wait in a queue.
 */
#include "replica/primary_impl.h"

#include "base/bytes.h"
#include "base/err.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

void primary_tell_progress(struct primary *p)
{
	if (p->coord.revealed == p->told_revealed &&
	    p->coord.confirmed == p->told_confirmed)
		return;
	p->told_revealed = p->coord.revealed;
	p->told_confirmed = p->coord.confirmed;
	p->events.progress(p->events.arg);
}

void primary_commit(struct primary *p)
{
	uint64_t committed;
	struct fifo_pair pair;

	if (p->store_failed)
		return;
	committed = store_log_committed(p->store);
	if (committed < p->commit_to) {
		if (store_log_commit(p->store, p->commit_to) != 0)
			primary_say(p, "cannot apply what is agreed on: %s",
				    err_text());
		committed = store_log_committed(p->store);
		primary_forget(p, committed);
	}
	if (committed > p->coord.revealed)
		p->coord.revealed = committed;
	while (fifo_take(&p->uncommitted, committed, &pair))
		p->uncommitted_bytes -= pair.value;
}

void primary_note_growth(struct primary *p)
{
	uint64_t last;
	struct fifo_pair *pair;

	if (!p->leads || !primary_takes_part(p))
		return;
	last = store_appended(p->store);
	if (last <= p->reported)
		return;
	pair = fifo_add(&p->uncommitted);
	pair->key = last;
	pair->value += p->unreported_bytes;
	p->uncommitted_bytes += p->unreported_bytes;
	p->unreported_bytes = 0;
	p->reported = last;
	raft_appended(p->raft, p->now, last, NULL);
}

int primary_propose_members(struct primary *p, const struct members *list,
			    struct raft_members *next)
{
	struct change change = {.key = slice_str(PRIMARY_MEMBERS_KEY)};
	struct buf value;
	int r;

	primary_note_growth(p);
	buf_init(&value);
	primary_members_encode(list, p->reported + 1, &value);
	change.value = buf_slice(&value);
	r = buf_failed(&value) ? err_set(KV_ENOMEM, "out of memory")
			       : store_log_propose(p->store, &change, 1);
	buf_release(&value);
	if (r != 0)
		return r;
	next->index = store_appended(p->store);
	p->reported = next->index;
	primary_know(p, next->index, list);
	raft_appended(p->raft, p->now, next->index, next);
	return 0;
}

/* ---- roles ---- */

/* Nothing that waits for this node's leadership will happen. */
static void step_down(struct primary *p)
{
	primary_tell_progress(p);
	p->leads = false;
	p->has_reads = false;
	p->turn++; /* rounds of this leadership confirm nothing any more */
	p->rounds.n = 0;
	p->uncommitted.n = 0;
	p->uncommitted_bytes = 0;
	p->unreported_bytes = 0;
	primary_order_lost(p);
	p->events.lost(p->events.arg);
	store_log_follow(p->store);
	primary_say(p, "leads no more");
}

/* The first leader of all writes down who the members are; any other begins
 * with an empty entry. */
static int begin_term(struct primary *p)
{
	struct members first = *primary_list(p);
	struct raft_members same;
	struct slice value;
	int r;

	r = store_log_lead(p->store, p->term);
	if (r != 0)
		return r;
	p->reported = store_appended(p->store);
	if (!store_own_get(p->store, slice_str(PRIMARY_MEMBERS_KEY), &value)) {
		primary_to_raft(&first, 0, &same);
		return primary_propose_members(p, &first, &same);
	}
	r = store_log_propose(p->store, NULL, 0);
	primary_note_growth(p);
	return r;
}

static void step_up(struct primary *p)
{
	char why[ERR_TEXT_MAX];

	primary_say(p, "leads in term %llu", (unsigned long long)p->term);
	p->leads = true;
	p->nstrangers = 0;
	primary_update_peers(p);
	primary_fetch_end(p);
	p->promote_ms = p->now;
	if (begin_term(p) != 0) {
		snprintf(why, sizeof(why), "%s", err_text());
		primary_retire(p, true, why);
	}
}

static void change_role(struct primary *p, const struct raft_action *action)
{
	uint64_t before = p->leader;

	if (p->leads &&
	    (action->role != RAFT_LEADER || action->term != p->term))
		step_down(p);
	p->role = action->role;
	p->term = action->term;
	p->leader = action->leader;
	if (action->role == RAFT_LEADER && !p->leads && !p->store_failed)
		step_up(p);
	if (p->leader != before) {
		p->leader_moved = true;
		if (before != 0)
			primary_orphan(p, before, false);
	}
}

/* Whoever has most of the log is asked to lead at once, so that the others need
 * not find out for themselves. It is a hint: an election decides. */
static void hand_over(struct primary *p)
{
	struct raft_status status;
	const struct raft_peer_status *best = NULL;
	struct raft_message m = {.kind = RAFT_TIMEOUT_NOW};

	raft_status(p->raft, &status);
	if (status.role != RAFT_LEADER)
		return;
	for (unsigned i = 0; i < status.npeers; i++) {
		const struct raft_peer_status *peer = &status.peers[i];

		if (peer->id != p->state.id && peer->voter && peer->active &&
		    (best == NULL || peer->match > best->match))
			best = peer;
	}
	if (best == NULL)
		return;
	m.from = p->state.id;
	m.birth = p->state.birth;
	m.to = best->id;
	m.term = status.term;
	primary_send_message(p, &m);
}

void primary_retire(struct primary *p, bool failed, const char *why)
{
	bool led = p->leads;

	if (failed && p->store_failed)
		return;
	if (failed) {
		primary_say(p, "the store of this node failed: %s", why);
		p->store_failed = true;
	}
	if (led && primary_takes_part(p))
		hand_over(p);
	if (led)
		step_down(p);
	if (p->leader == p->state.id) {
		p->leader = 0;
		p->leader_moved = true;
	}
	if (p->raft != NULL && !p->swapping)
		raft_retire(p->raft, p->now);
}

/* ---- the log ---- */

static bool all_is_durable(const struct primary *p)
{
	return store_durable(p->store) == store_appended(p->store);
}

static void truncate_log(struct primary *p, uint64_t index)
{
	char why[ERR_TEXT_MAX];

	p->body_to = 0;
	if (store_log_truncate(p->store, index) != 0) {
		snprintf(why, sizeof(why), "%s", err_text());
		primary_retire(p, true, why);
	}
}

static void store_entry(struct primary *p, uint64_t index)
{
	uint64_t at = index - p->incoming.index - 1;
	char why[ERR_TEXT_MAX];

	assert(at < p->nentries);
	assert(store_appended(p->store) + 1 == index);
	if (store_log_append(p->store, &p->entries[at]) != 0) {
		snprintf(why, sizeof(why), "%s", err_text());
		primary_retire(p, true, why);
		return;
	}
	for (unsigned i = 0; i < p->nchanges; i++)
		if (p->changes[i].index == index)
			primary_know(p, index, &p->changes[i].list);
}

static void store_entries(struct primary *p, uint64_t first, uint64_t count)
{
	for (uint64_t i = 0; i < count && !p->store_failed; i++)
		store_entry(p, first + i);
}

static void confirm(struct primary *p, uint64_t round)
{
	struct fifo_pair pair;

	while (fifo_take(&p->rounds, round, &pair))
		p->coord.confirmed = pair.value;
}

static void save(struct primary *p, const struct raft_action *action)
{
	p->state.term = action->term;
	p->state.vote = action->vote;
	p->state.vote_birth = action->vote_birth;
	(void)primary_save(p); /* or it is dead */
}

static void perform(struct primary *p, const struct raft_action *action)
{
	switch (action->kind) {
	case RAFT_SAVE:
		save(p, action);
		break;
	case RAFT_TRUNCATE:
		if (p->store_failed)
			break;
		p->held = !all_is_durable(p);
		p->held_index = action->index;
		if (!p->held)
			truncate_log(p, action->index);
		break;
	case RAFT_STORE:
		store_entries(p, action->index, action->count);
		break;
	case RAFT_SEND:
		primary_send_message(p, action->message);
		break;
	case RAFT_COMMIT:
		p->commit_to = action->index;
		primary_commit(p);
		break;
	case RAFT_CONFIRM:
		confirm(p, action->round);
		break;
	case RAFT_ROLE:
		change_role(p, action);
		break;
	case RAFT_FETCH:
		primary_fetch_begin(p, action->leader, action->index);
		break;
	case RAFT_MEMBERS:
		primary_adopt(p, action->members->index);
		break;
	}
}

void primary_pump(struct primary *p)
{
	struct raft_action action;

	while (primary_takes_part(p) && !p->held && raft_next(p->raft, &action))
		perform(p, &action);
}

/* Frames that waited for the truncation. */
static void receive_queue(struct primary *p)
{
	struct buf frames = p->queue;
	struct slice frame;
	size_t at = 0;

	buf_init(&p->queue);
	while (at < frames.len) {
		frame.len = get_le32(frames.data + at);
		frame.data = frames.data + at + 4;
		primary_receive_message(p, frame);
		at += 4 + frame.len;
	}
	buf_release(&frames);
}

void primary_resume(struct primary *p)
{
	uint64_t durable;

	if (!primary_takes_part(p))
		return;
	if (p->held) {
		if (!all_is_durable(p))
			return;
		p->held = false;
		truncate_log(p, p->held_index);
		primary_pump(p);
		p->nentries = 0;
		buf_clear(&p->kept);
	}
	durable = store_durable(p->store);
	if (durable != 0 && !p->state.stored) {
		p->state.stored = true;
		if (primary_save(p) != 0)
			return;
	}
	if (p->store_failed)
		return;
	raft_persisted(p->raft, p->now, durable);
	primary_pump(p);
	receive_queue(p);
}

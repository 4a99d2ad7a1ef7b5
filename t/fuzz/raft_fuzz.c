/*
 * raft_fuzz.c - feeds a consensus core whatever a peer could send, between
 * ticks, writes and reads of its own. It must never fail an assertion, remove
 * what is committed, take back its term, or send what is not a message.
 *
 * The input is a row of steps, each a letter and what it needs: see step().
 *
 *	make fuzz
 */
#include "base/err.h"
#include "replica/raft_wire.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void demand(bool condition)
{
	if (!condition)
		abort();
}

struct node {
	struct raft *raft;
	uint64_t now, term, vote;
	uint64_t last, commit;
	const struct raft_message *receiving;
};

static void send(const struct raft_message *m)
{
	struct buf out = {0};
	struct raft_message back;
	struct slice in;

	raft_wire_put(&out, m);
	in = buf_slice(&out);
	demand(raft_wire_get(&in, &back) == 0 && in.len == 0);
	buf_release(&out);
}

static void lead(struct node *n)
{
	raft_appended(n->raft, n->now, ++n->last, NULL);
}

static void perform(struct node *n, const struct raft_action *a)
{
	switch (a->kind) {
	case RAFT_SAVE:
		demand(a->term > n->term ||
		       (a->term == n->term && n->vote == 0));
		n->term = a->term;
		n->vote = a->vote;
		break;
	case RAFT_TRUNCATE:
		demand(a->index > n->commit && a->index <= n->last);
		n->last = a->index - 1;
		break;
	case RAFT_STORE:
		demand(n->receiving != NULL && a->index == n->last + 1 &&
		       a->index > n->receiving->index);
		n->last += a->count;
		demand(n->last == n->receiving->index + n->receiving->count);
		break;
	case RAFT_COMMIT:
		demand(a->index > n->commit && a->index <= n->last);
		n->commit = a->index;
		break;
	case RAFT_SEND:
		send(a->message);
		break;
	case RAFT_ROLE:
		if (a->role == RAFT_LEADER)
			lead(n);
		break;
	case RAFT_CONFIRM:
	case RAFT_FETCH:
	case RAFT_MEMBERS:
		break;
	}
}

static void drain(struct node *n)
{
	struct raft_action action;

	while (raft_next(n->raft, &action))
		perform(n, &action);
}

static bool receive(struct node *n, struct slice *in)
{
	struct slice start = *in;
	struct raft_message m;
	struct buf again = {0};

	if (raft_wire_get(in, &m) != 0)
		return false;
	raft_wire_put(&again, &m);
	demand(slice_eq(buf_slice(&again),
			slice_of(start.data, start.len - in->len)));
	buf_release(&again);
	n->receiving = &m;
	raft_receive(n->raft, n->now, &m);
	drain(n);
	n->receiving = NULL;
	return true;
}

static void install(struct node *n)
{
	struct raft_status status;
	struct raft_members members = *raft_membership(n->raft);
	uint64_t index = n->commit + 3;

	raft_status(n->raft, &status);
	if (status.role == RAFT_LEADER || members.n == 0 ||
	    !raft_wants(n->raft, index, status.term))
		return;
	members.index = index;
	n->last = n->commit = index;
	raft_installed(n->raft, n->now, index, status.term, &members);
}

static void ask(struct node *n, char what)
{
	struct raft_members members;
	struct raft_status status;
	uint64_t round;

	raft_status(n->raft, &status);
	if (what == 'r')
		(void)raft_read(n->raft, n->now, &round);
	else if (what == 'h')
		(void)raft_transfer(n->raft, n->now, 2);
	else if (what == 'w' && status.role == RAFT_LEADER)
		lead(n);
	else if (what == 'c' &&
		 raft_change(n->raft, RAFT_ADD, 4, &members) == 0)
		raft_appended(n->raft, n->now, ++n->last, &members);
	else if (what == 'p')
		raft_persisted(n->raft, n->now, n->last);
	else if (what == 'i')
		install(n);
	else if (what == 'x' && status.commit > status.first &&
		 status.commit <= status.persisted)
		raft_trimmed(n->raft, status.commit);
	else if (what == 'z')
		raft_retire(n->raft, n->now);
}

static bool step(struct node *n, struct slice *in)
{
	char what = in->data[0];

	*in = slice_of(in->data + 1, in->len - 1);
	switch (what) {
	case 'm':
		return receive(n, in);
	case 't':
		if (in->len == 0)
			return false;
		n->now += (unsigned char)in->data[0];
		*in = slice_of(in->data + 1, in->len - 1);
		raft_tick(n->raft, n->now);
		break;
	default:
		ask(n, what);
	}
	drain(n);
	return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice in = slice_of(data, size);
	struct node n = {.now = 1000, .term = 3, .last = 6, .commit = 2};
	struct raft_span spans[] = {{3, 1}, {5, 2}};
	struct raft_members members = {
		.n = 3, .list = {{1, true, 1}, {2, true, 2}, {3, true, 3}}};
	struct raft_options options = {.id = 1, .birth = 1, .seed = 1};
	struct raft_state state = {
		.term = 3,
		.first = 3,
		.last = 6,
		.base_term = 1,
		.spans = spans,
		.nspans = 2,
		.commit = 2,
		.members = &members,
		.nmembers = 1,
	};

	demand(raft_new(&n.raft, &options, &state, n.now) == 0);
	while (in.len != 0 && step(&n, &in))
		;
	raft_free(n.raft);
	return 0;
}

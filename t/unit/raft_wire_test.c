/*
 * raft_wire_test.c - messages to bytes and back.
 */
#include "test.h"

#include "base/err.h"
#include "replica/raft_wire.h"

static struct raft_message an_append(void)
{
	struct raft_message m = {
		.kind = RAFT_APPEND,
		.from = 1,
		.to = 2,
		.birth = UINT64_MAX,
		.term = 7,
		.index = 10,
		.index_term = 3,
		.count = 4,
		.commit = 9,
		.round = 5,
		.nspans = 2,
		.spans = {{11, 3}, {13, 7}},
		.nchanges = 1,
	};

	m.changes[0] = (struct raft_members){
		.index = 12,
		.n = 2,
		.list = {{1, true, 5}, {UINT64_MAX, false, UINT64_MAX}}};
	return m;
}

static void check_same(const struct raft_message *a,
		       const struct raft_message *b)
{
	CHECK_INT(a->kind, b->kind);
	CHECK_INT(a->from, b->from);
	CHECK_INT(a->to, b->to);
	CHECK(a->birth == b->birth);
	CHECK_INT(a->term, b->term);
	CHECK_INT(a->index, b->index);
	CHECK_INT(a->index_term, b->index_term);
	CHECK_INT(a->count, b->count);
	CHECK_INT(a->commit, b->commit);
	CHECK_INT(a->round, b->round);
	CHECK_INT(a->asked, b->asked);
	CHECK_INT(a->refused, b->refused);
	CHECK_INT(a->handover, b->handover);
	CHECK_INT(a->nspans, b->nspans);
	CHECK_INT(a->nchanges, b->nchanges);
	for (unsigned i = 0; i < a->nspans; i++) {
		CHECK_INT(a->spans[i].first, b->spans[i].first);
		CHECK_INT(a->spans[i].term, b->spans[i].term);
	}
	for (unsigned i = 0; i < a->nchanges; i++) {
		const struct raft_members *x = &a->changes[i];
		const struct raft_members *y = &b->changes[i];

		CHECK_INT(x->index, y->index);
		CHECK_INT(x->n, y->n);
		for (unsigned j = 0; j < x->n; j++) {
			CHECK(x->list[j].id == y->list[j].id);
			CHECK_INT(x->list[j].voter, y->list[j].voter);
			CHECK(x->list[j].birth == y->list[j].birth);
		}
	}
}

static void check_round_trip(const struct raft_message *m)
{
	struct buf out = {0};
	struct raft_message back;
	struct slice in;

	raft_wire_put(&out, m);
	buf_append_str(&out, "entries");
	CHECK(!buf_failed(&out));
	in = buf_slice(&out);
	CHECK_INT(raft_wire_get(&in, &back), 0);
	CHECK(slice_eq(in, slice_str("entries")));
	check_same(m, &back);
	buf_release(&out);
}

static void every_field_comes_back(void)
{
	struct raft_message m = an_append();

	check_round_trip(&m);
	m = (struct raft_message){.kind = RAFT_APPEND_REPLY,
				  .from = 3,
				  .to = 9,
				  .term = UINT64_C(1) << 62,
				  .index = 1,
				  .index_term = 1,
				  .refused = true,
				  .asked = 77};
	check_round_trip(&m);
	m = (struct raft_message){.kind = RAFT_VOTE,
				  .from = 3,
				  .to = 9,
				  .term = 2,
				  .handover = true};
	check_round_trip(&m);
}

static void the_longest_message_comes_back(void)
{
	struct raft_message m = an_append();

	m.nspans = RAFT_SPANS_MAX;
	m.count = 100;
	m.term = 1000;
	for (unsigned i = 0; i < RAFT_SPANS_MAX; i++)
		m.spans[i] = (struct raft_span){11 + 2 * i, 3 + i};
	m.nchanges = RAFT_CHANGES_MAX;
	for (unsigned i = 0; i < RAFT_CHANGES_MAX; i++) {
		m.changes[i].index = 20 + i;
		m.changes[i].n = RAFT_MEMBERS_MAX;
		for (unsigned j = 0; j < RAFT_MEMBERS_MAX; j++)
			m.changes[i].list[j] =
				(struct raft_member){j + 1, j % 2 == 0, j};
	}
	check_round_trip(&m);
}

static void a_message_that_is_cut_short_is_refused(void)
{
	struct raft_message m = an_append(), back;
	struct buf out = {0};

	raft_wire_put(&out, &m);
	for (size_t len = 0; len < out.len; len++) {
		char *exact = malloc(len + 1);
		struct slice in = slice_of(exact, len);

		CHECK(exact != NULL);
		memcpy(exact, out.data, len);
		CHECK_INT(raft_wire_get(&in, &back), KV_EPROTO);
		CHECK_INT(in.len, len);
		free(exact);
	}
	buf_release(&out);
}

static void refuse_with(size_t at, char byte)
{
	struct raft_message m = an_append(), back;
	struct buf out = {0};
	struct slice in;

	raft_wire_put(&out, &m);
	out.data[at] = byte;
	in = buf_slice(&out);
	CHECK_INT(raft_wire_get(&in, &back), KV_EPROTO);
	buf_release(&out);
}

static void what_no_core_says_is_refused(void)
{
	refuse_with(0, 1);    /* version */
	refuse_with(1, 8);    /* kind */
	refuse_with(2, 4);    /* flags */
	refuse_with(3, 33);   /* spans */
	refuse_with(3, 0);    /* entries of no term */
	refuse_with(4, 5);    /* memberships */
	refuse_with(5, 0);    /* from nobody */
	refuse_with(5, 2);    /* to itself */
	refuse_with(36, 'x'); /* a term of centuries */
	refuse_with(53, 1);   /* fewer entries than spans */
	refuse_with(85, 12);  /* the first span is not the first entry */
}

static void another_version_is_named(void)
{
	struct raft_message back;
	struct slice in = slice_str("\x09rest");

	CHECK_INT(raft_wire_get(&in, &back), KV_EPROTO);
	CHECK_STR(err_text(), "a peer speaks version 9 of the protocol, this "
			      "node version 2");
}

TEST_MAIN(T(every_field_comes_back), T(the_longest_message_comes_back),
	  T(a_message_that_is_cut_short_is_refused),
	  T(what_no_core_says_is_refused), T(another_version_is_named))

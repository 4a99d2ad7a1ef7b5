/*
 * raft_hostile_test.c - whatever valid or invalid message a peer sends, in
 * whatever order, a core fails no assertion, keeps what is committed, and
 * never takes back its term. The fuzzer's own target, fed from a generator.
 */
#include "../fuzz/raft_fuzz.c"

#include "test.h"

static uint64_t state = 88172645463325252u;

static uint64_t draw(uint64_t below)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (state >> 11) % below;
}

static struct raft_members some_members(uint64_t index)
{
	struct raft_members m = {.index = index, .n = 1 + (unsigned)draw(5)};

	for (unsigned i = 0; i < m.n; i++)
		m.list[i] = (struct raft_member){
			1 + i + draw(2) * 10, i == 0 || draw(3) != 0, draw(3)};
	return m;
}

static void add_entries(struct raft_message *m)
{
	uint64_t term = m->index_term + (m->index == 0);

	m->count = 1 + draw(6);
	for (uint64_t i = m->index + 1; i <= m->index + m->count; i++) {
		if (m->nspans != 0 && draw(3) != 0)
			continue;
		m->spans[m->nspans++] = (struct raft_span){i, term};
		term += draw(2);
	}
	for (uint64_t i = m->index + 1; i <= m->index + m->count; i++)
		if (draw(6) == 0 && m->nchanges < RAFT_CHANGES_MAX)
			m->changes[m->nchanges++] = some_members(i);
}

static struct raft_message some_message(void)
{
	struct raft_message m = {
		.kind = (enum raft_kind)draw(8),
		.from = 2 + draw(4),
		.to = 1,
		.birth = draw(3),
		.term = 3 + draw(4),
		.index = draw(12),
		.commit = draw(14),
		.round = draw(4),
		.refused = draw(2) != 0,
		.handover = draw(8) == 0,
		.asked = draw(14),
	};

	m.index_term = m.index == 0 ? 0 : 1 + draw(4);
	if (m.kind == RAFT_APPEND && draw(3) != 0)
		add_entries(&m);
	if (m.kind == RAFT_SNAPSHOT) {
		m.nchanges = 1;
		m.changes[0] = some_members(draw(m.index + 1));
	}
	return m;
}

static void add_step(struct buf *input)
{
	static const char asks[] = "rhwcpppppix";
	struct raft_message m = some_message();

	if (draw(4) == 0) {
		buf_append_char(input, 't');
		buf_append_char(input, (char)draw(256));
	} else if (draw(4) == 0) {
		buf_append_char(input, asks[draw(sizeof(asks) - 1)]);
	} else if (raft_message_valid(&m)) {
		buf_append_char(input, 'm');
		raft_wire_put(input, &m);
	}
}

static void no_row_of_messages_does_harm(void)
{
	struct buf input = {0};

	for (int i = 0; i < 4000; i++) {
		buf_clear(&input);
		for (int j = 0; j < 60; j++)
			add_step(&input);
		LLVMFuzzerTestOneInput((const uint8_t *)input.data, input.len);
	}
	CHECK(!buf_failed(&input));
	buf_release(&input);
}

/* Any byte will do for a number, but not for these. */
static void settle_bools(struct raft_message *m)
{
	m->refused = draw(2) != 0;
	m->handover = draw(2) != 0;
	for (unsigned i = 0; i < RAFT_CHANGES_MAX; i++)
		for (unsigned j = 0; j < RAFT_MEMBERS_MAX; j++)
			m->changes[i].list[j].voter = draw(2) != 0;
}

/* What raft_wire_get() would not let through does none either. */
static void nonsense_is_ignored(void)
{
	struct raft_span span = {1, 1};
	struct raft_members members = {.n = 1, .list = {{2, true, 1}}};
	struct raft_options options = {.id = 1};
	struct raft_state start = {.term = 1,
				   .first = 1,
				   .last = 3,
				   .spans = &span,
				   .nspans = 1,
				   .members = &members,
				   .nmembers = 1};
	struct raft_action action;
	struct raft *r;

	CHECK_INT(raft_new(&r, &options, &start, 0), 0);
	for (int i = 0; i < 200000; i++) {
		struct raft_message m;
		unsigned char *bytes = (unsigned char *)&m;

		m = some_message();
		m.kind = (enum raft_kind)draw(8);
		for (size_t at = 0; at < sizeof(m); at += 1 + draw(200))
			if (at >= sizeof(m.kind))
				bytes[at] = (unsigned char)draw(256);
		settle_bools(&m);
		if (raft_message_valid(&m))
			continue;
		raft_receive(r, 0, &m);
		CHECK(!raft_next(r, &action));
	}
	raft_free(r);
}

TEST_MAIN(T(no_row_of_messages_does_harm), T(nonsense_is_ignored))

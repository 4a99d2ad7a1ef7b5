/*
 * raft_wire.c - see raft_wire.h.
 *
 *	0	version
 *	1	kind
 *	2	flags: 1 refused, 2 handover
 *	3	number of spans
 *	4	number of memberships
 *	5	ten numbers of 8 bytes
 *	85	spans: first, term
 *	...	memberships: index (8), members (1), and of each its id
 *		(8), its birth (8) and whether it votes (1)
 */
#include "replica/raft_wire.h"

#include "base/bytes.h"
#include "base/err.h"

#include <assert.h>

#define FLAG_REFUSED 1u
#define FLAG_HANDOVER 2u
#define HEADER 85u
#define SPAN 16u
#define MEMBERS 9u
#define MEMBER 17u

static void put_u64(struct buf *out, uint64_t v)
{
	char bytes[8];

	put_le64(bytes, v);
	buf_append(out, bytes, sizeof(bytes));
}

static void put_members(struct buf *out, const struct raft_members *m)
{
	put_u64(out, m->index);
	buf_append_char(out, (char)m->n);
	for (unsigned i = 0; i < m->n; i++) {
		put_u64(out, m->list[i].id);
		put_u64(out, m->list[i].birth);
		buf_append_char(out, m->list[i].voter);
	}
}

void raft_wire_put(struct buf *out, const struct raft_message *m)
{
	unsigned flags = (m->refused ? FLAG_REFUSED : 0) |
			 (m->handover ? FLAG_HANDOVER : 0);
	const uint64_t numbers[] = {
		m->from,       m->to,	 m->birth,  m->term,  m->index,
		m->index_term, m->count, m->commit, m->round, m->asked};

	assert(raft_message_valid(m));
	buf_append_char(out, (char)RAFT_WIRE_VERSION);
	buf_append_char(out, (char)m->kind);
	buf_append_char(out, (char)flags);
	buf_append_char(out, (char)m->nspans);
	buf_append_char(out, (char)m->nchanges);
	for (unsigned i = 0; i < sizeof(numbers) / sizeof(*numbers); i++)
		put_u64(out, numbers[i]);
	for (unsigned i = 0; i < m->nspans; i++) {
		put_u64(out, m->spans[i].first);
		put_u64(out, m->spans[i].term);
	}
	for (unsigned i = 0; i < m->nchanges; i++)
		put_members(out, &m->changes[i]);
}

/* Bytes that are known to be there. */
static uint64_t take_u64(struct slice *in)
{
	uint64_t v = get_le64(in->data);

	in->data += 8;
	in->len -= 8;
	return v;
}

static unsigned take_byte(struct slice *in)
{
	unsigned v = (unsigned char)in->data[0];

	in->data++;
	in->len--;
	return v;
}

static bool take_spans(struct slice *in, struct raft_message *m)
{
	if (m->nspans > RAFT_SPANS_MAX || in->len < m->nspans * SPAN)
		return false;
	for (unsigned i = 0; i < m->nspans; i++) {
		m->spans[i].first = take_u64(in);
		m->spans[i].term = take_u64(in);
	}
	return true;
}

static bool take_members(struct slice *in, struct raft_members *m)
{
	if (in->len < MEMBERS)
		return false;
	m->index = take_u64(in);
	m->n = take_byte(in);
	if (m->n > RAFT_MEMBERS_MAX || in->len < m->n * MEMBER)
		return false;
	for (unsigned i = 0; i < m->n; i++) {
		unsigned voter;

		m->list[i].id = take_u64(in);
		m->list[i].birth = take_u64(in);
		voter = take_byte(in);
		if (voter > 1)
			return false;
		m->list[i].voter = voter != 0;
	}
	return true;
}

static bool take_changes(struct slice *in, struct raft_message *m)
{
	if (m->nchanges > RAFT_CHANGES_MAX)
		return false;
	for (unsigned i = 0; i < m->nchanges; i++)
		if (!take_members(in, &m->changes[i]))
			return false;
	return true;
}

static bool take_header(struct slice *in, struct raft_message *m)
{
	unsigned kind, flags;

	if (in->len < HEADER || take_byte(in) != RAFT_WIRE_VERSION)
		return false;
	kind = take_byte(in);
	flags = take_byte(in);
	if (kind > RAFT_TIMEOUT_NOW ||
	    (flags & ~(FLAG_REFUSED | FLAG_HANDOVER)))
		return false;
	m->kind = (enum raft_kind)kind;
	m->refused = flags & FLAG_REFUSED;
	m->handover = flags & FLAG_HANDOVER;
	m->nspans = take_byte(in);
	m->nchanges = take_byte(in);
	m->from = take_u64(in);
	m->to = take_u64(in);
	m->birth = take_u64(in);
	m->term = take_u64(in);
	m->index = take_u64(in);
	m->index_term = take_u64(in);
	m->count = take_u64(in);
	m->commit = take_u64(in);
	m->round = take_u64(in);
	m->asked = take_u64(in);
	return true;
}

int raft_wire_get(struct slice *bytes, struct raft_message *m)
{
	struct slice in = *bytes;

	if (in.len != 0 && (unsigned char)in.data[0] != RAFT_WIRE_VERSION)
		return err_set(KV_EPROTO,
			       "a peer speaks version %u of the protocol, "
			       "this node version %u",
			       (unsigned char)in.data[0], RAFT_WIRE_VERSION);
	if (!take_header(&in, m) || !take_spans(&in, m) ||
	    !take_changes(&in, m) || !raft_message_valid(m))
		return err_set(KV_EPROTO, "a peer sent a message that is none");
	*bytes = in;
	return 0;
}

/*
 * primary_frame.c - messages of the core to frames and back.
 *
 * What a message says of its entries (their terms, and which of them change the
 * members) is taken from the entries themselves; the sender's word is not
 * needed for it.
 */
#include "replica/primary_impl.h"

#include "base/bytes.h"
#include "replica/raft_wire.h"

#include <stdlib.h>

/* Frames that may wait for a truncation; more are lost, which the core can
 * stand. */
#define QUEUE_MAX ((size_t)16 << 20)

/* Memory kept between messages. */
#define KEEP_MAX ((size_t)4 << 20)

/* ---- out ---- */

static bool read_entries(struct primary *p, uint64_t from, uint64_t to)
{
	uint64_t got = 0;
	int r;

	if (p->body_to == to && p->body_from == from)
		return true;
	p->body_to = 0;
	buf_clear(&p->body);
	buf_trim(&p->body, KEEP_MAX);
	r = store_log_read(p->store, from, to, SIZE_MAX / 2, &p->body, &got);
	if (r != 0 || got != to || buf_failed(&p->body))
		return false;
	p->body_from = from;
	p->body_to = to;
	return true;
}

void primary_send_message(struct primary *p, const struct raft_message *m)
{
	const struct member *to = members_find(primary_peers(p), m->to);
	struct slice body = {0};

	if (to == NULL)
		return;
	if (m->kind == RAFT_APPEND && m->count != 0) {
		if (!read_entries(p, m->index + 1, m->index + m->count))
			return; /* no longer there: it gets a snapshot */
		body = buf_slice(&p->body);
	}
	buf_clear(&p->wire);
	buf_append_char(&p->wire, FRAME_RAFT);
	raft_wire_put(&p->wire, m);
	if (buf_failed(&p->wire))
		return;
	(void)p->events.send(p->events.arg, to, buf_slice(&p->wire), body);
}

/* ---- in ---- */

static bool add_entry(struct primary *p, const struct store_log_entry *entry)
{
	struct store_log_entry *more;

	if (p->nentries == p->entries_cap) {
		size_t cap = p->entries_cap != 0 ? 2 * p->entries_cap : 256;

		more = realloc(p->entries, cap * sizeof(*more));
		if (more == NULL)
			return false;
		p->entries = more;
		p->entries_cap = cap;
	}
	p->entries[p->nentries++] = *entry;
	return true;
}

static bool note_term(struct raft_message *m, uint64_t index, uint64_t term)
{
	if (m->nspans != 0 && m->spans[m->nspans - 1].term == term)
		return true;
	if (m->nspans == RAFT_SPANS_MAX)
		return false;
	m->spans[m->nspans++] = (struct raft_span){index, term};
	return true;
}

static bool note_change(struct primary *p, uint64_t index,
			const struct store_log_entry *entry)
{
	struct raft_message *m = &p->incoming;
	struct raft_known *change;
	struct slice value;

	if (!store_log_entry_get(entry, slice_str(PRIMARY_MEMBERS_KEY), &value))
		return true;
	if (p->nchanges == RAFT_CHANGES_MAX)
		return false;
	change = &p->changes[p->nchanges++];
	if (primary_members_decode(value, change) != 0 ||
	    change->index != index)
		return false;
	primary_to_raft(&change->list, index, &m->changes[m->nchanges++]);
	return true;
}

static bool parse_entries(struct primary *p, struct slice bytes)
{
	struct raft_message *m = &p->incoming;
	struct store_log_entry entry;
	uint64_t index = m->index;

	m->nspans = 0;
	m->nchanges = 0;
	while (bytes.len != 0) {
		if (store_log_entry_next(&bytes, &entry) != 0)
			return false;
		index++;
		if (entry.version != 0 && entry.version != index)
			return false;
		if (!add_entry(p, &entry) || !note_term(m, index, entry.term) ||
		    !note_change(p, index, &entry))
			return false;
	}
	return m->count == p->nentries;
}

bool primary_parse_frame(struct primary *p, struct slice frame)
{
	struct slice bytes = slice_of(frame.data + 1, frame.len - 1);

	p->nentries = 0;
	p->nchanges = 0;
	if (raft_wire_get(&bytes, &p->incoming) != 0)
		return false;
	if (p->incoming.kind == RAFT_APPEND)
		return parse_entries(p, bytes);
	return bytes.len == 0;
}

static void enqueue(struct primary *p, struct slice frame)
{
	char head[4];

	if (p->queue.len + frame.len + 4 > QUEUE_MAX)
		return;
	put_le32(head, (uint32_t)frame.len);
	if (buf_reserve(&p->queue, frame.len + 4) == NULL) {
		p->queue.failed = false; /* this one is lost */
		return;
	}
	buf_append(&p->queue, head, sizeof(head));
	buf_append_slice(&p->queue, frame);
}

/* What could make this node vote, for itself or another, who may not. */
static bool asks_too_much(const struct primary *p, const struct raft_message *m)
{
	if (m->kind == RAFT_PREVOTE || m->kind == RAFT_VOTE)
		return !primary_may_vote_for(p, m);
	return m->kind == RAFT_TIMEOUT_NOW && !primary_may_stand(p);
}

/* The entries of the message that is held up stand in the frame. */
static void keep_frame(struct primary *p, struct slice frame)
{
	buf_clear(&p->kept);
	buf_append_slice(&p->kept, frame);
	if (buf_failed(&p->kept) ||
	    !primary_parse_frame(p, buf_slice(&p->kept)))
		primary_die(p, "out of memory");
}

void primary_receive_message(struct primary *p, struct slice frame)
{
	const struct raft_message *m = &p->incoming;

	if (!primary_takes_part(p))
		return;
	if (p->held) {
		enqueue(p, frame);
		return;
	}
	if (!primary_parse_frame(p, frame) || !primary_is_addressed(p, m->to))
		return;
	if (asks_too_much(p, m))
		return;
	primary_note_sender(p, m->from);
	/* It may end this node's leadership: until now it led. */
	if (m->term > p->term) {
		primary_note_growth(p);
		primary_pump(p);
	}
	if (m->kind == RAFT_APPEND && m->term >= p->term) {
		p->heard_ms = p->now;
		if (m->commit > p->heard_commit)
			p->heard_commit = m->commit;
	}
	raft_receive(p->raft, p->now, m);
	primary_pump(p);
	if (p->held)
		keep_frame(p, frame);
	else
		p->nentries = 0;
}

/*
 * history_text.c - a violation as a table for people.
 */
#include "check/history_impl.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>

/* Longer values are cut in the table; they differ early as a rule. */
#define SHOWN_MAX 40

static void show_bytes(struct slice s, struct buf *out)
{
	size_t n = s.len < SHOWN_MAX ? s.len : SHOWN_MAX;

	buf_append_char(out, '\'');
	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)s.data[i];
		if (isprint(c) && c != '\\' && c != '\'')
			buf_append_char(out, (char)c);
		else
			buf_printf(out, "\\x%02x", c);
	}
	buf_append_str(out, s.len > n ? "..." : "");
	buf_append_char(out, '\'');
	if (s.len > n)
		buf_printf(out, " (%zu bytes)", s.len);
}

static void show_value(const struct history *h, uint32_t value, struct buf *out)
{
	if (value == 0)
		buf_append_str(out, "missing");
	else
		show_bytes(h->values.v[value - 1], out);
}

static void show_operation(const struct history *h,
			   const struct history_event *e, struct buf *out)
{
	if (e->in_bulk)
		buf_append_str(out, "bulk: ");
	switch ((enum history_kind)e->kind) {
	case HISTORY_SET:
		buf_append_str(out, "set ");
		show_value(h, e->value, out);
		break;
	case HISTORY_DELETE:
		buf_append_str(out, "delete");
		if (e->found == HISTORY_FOUND)
			buf_append_str(out, " (found)");
		else if (e->found == HISTORY_ABSENT)
			buf_append_str(out, " (not found)");
		break;
	case HISTORY_GET:
		buf_append_str(out, "get -> ");
		show_value(h, e->value, out);
		break;
	case HISTORY_CAS:
		buf_append_str(out, "cas ");
		show_value(h, e->expect, out);
		buf_append_str(out, " to ");
		show_value(h, e->value, out);
		buf_append_str(out, e->result == HISTORY_NO ? ": refused" : "");
		break;
	}
	if (e->result == HISTORY_UNKNOWN)
		buf_append_str(out, " (outcome unknown)");
	buf_append_char(out, '\n');
}

/* What a single read proves by itself; false: it takes several. */
static bool show_plain_reason(const struct history *h,
			      const struct history_key *key,
			      const struct history_event *e, struct buf *out)
{
	bool written = false, in_time = false;

	if (e->kind != HISTORY_GET || e->result != HISTORY_OK || e->value == 0)
		return false;
	for (size_t i = 0; i < key->n; i++) {
		const struct history_event *w = &key->events[i];

		if ((w->kind != HISTORY_SET && w->kind != HISTORY_CAS) ||
		    w->result == HISTORY_FAIL || w->result == HISTORY_NO ||
		    w->value != e->value)
			continue;
		written = true;
		in_time |= w->invoke <= e->ret;
	}
	if (in_time)
		return false;
	buf_append_str(out, "reason: the value ");
	show_value(h, e->value, out);
	buf_append_str(out, written ? " was read before its write was invoked\n"
				    : " was read but never written\n");
	return true;
}

void history_explain(const struct history *h, const struct history_key *key,
		     const size_t *kept, size_t nkept, struct buf *out)
{
	buf_append_str(out, "key ");
	show_bytes(key->name, out);
	buf_printf(out,
		   ": %zu operation%s without an order that explains "
		   "what was seen\n",
		   nkept, nkept == 1 ? "" : "s");
	buf_printf(out, "%10s %17s %17s  operation\n", "client", "invoke ns",
		   "return ns");
	for (size_t i = 0; i < nkept; i++) {
		const struct history_event *e = &key->events[kept[i]];

		buf_printf(out, "%10" PRIu64 " %17" PRIu64, e->client,
			   e->invoke);
		if (e->ret == HISTORY_NEVER)
			buf_printf(out, " %17s  ", "-");
		else
			buf_printf(out, " %17" PRIu64 "  ", e->ret);
		show_operation(h, e, out);
	}
	for (size_t i = 0; i < nkept; i++)
		if (show_plain_reason(h, key, &key->events[kept[i]], out))
			return;
}

/*
 * json_reply.c - the server's side of replies; see json.h. Everything is
 * appended to the buffer as it comes: no tree, no copy, no formatting library.
 */
#include "base/err.h"
#include "proto/json.h"
#include "proto/json_text.h"

#define LITERAL(out, text) buf_append(out, text, sizeof(text) - 1)

/* ,"value":...,"version":...[,"ttl":...] */
static void write_found(struct buf *out, const struct item *item,
			bool keys_only, uint64_t now_ms)
{
	if (!keys_only) {
		buf_append_char(out, ',');
		json_write_bytes(out, "value", item->value);
	}
	buf_append_char(out, ',');
	json_write_version(out, "version", item->version);
	if (item->expires_ms != 0) {
		LITERAL(out, ",\"ttl\":");
		json_write_ttl(out, item->expires_ms, now_ms);
	}
}

static void write_get(struct buf *out, const struct reply *r, uint64_t now_ms)
{
	if (r->nitems != 0 && r->items[0].found) {
		LITERAL(out, ",\"found\":true");
		write_found(out, &r->items[0], false, now_ms);
	} else {
		LITERAL(out, ",\"found\":false");
	}
}

static void write_mget(struct buf *out, const struct reply *r, uint64_t now_ms)
{
	LITERAL(out, ",\"results\":[");
	for (size_t i = 0; i < r->nitems; i++) {
		const struct item *item = &r->items[i];

		if (i != 0)
			buf_append_char(out, ',');
		buf_append_char(out, '{');
		json_write_bytes(out, "key", item->key);
		if (item->found) {
			LITERAL(out, ",\"found\":true");
			write_found(out, item, false, now_ms);
		} else {
			LITERAL(out, ",\"found\":false");
		}
		buf_append_char(out, '}');
	}
	buf_append_char(out, ']');
}

static void write_scan(struct buf *out, const struct reply *r, uint64_t now_ms)
{
	LITERAL(out, ",\"items\":[");
	for (size_t i = 0; i < r->nitems; i++) {
		if (i != 0)
			buf_append_char(out, ',');
		buf_append_char(out, '{');
		json_write_bytes(out, "key", r->items[i].key);
		write_found(out, &r->items[i], r->keys_only, now_ms);
		buf_append_char(out, '}');
	}
	buf_append_char(out, ']');
	if (r->cursor.len != 0) {
		LITERAL(out, ",\"cursor\":");
		json_write_string(out, r->cursor);
	}
}

static void write_info(struct buf *out, const struct reply *r)
{
	LITERAL(out, ",\"info\":{");
	for (size_t i = 0; i < r->ninfo; i++) {
		const struct info_line *line = &r->info[i];

		if (i != 0)
			buf_append_char(out, ',');
		json_write_string(out, slice_str(line->name));
		buf_append_char(out, ':');
		if (line->is_number)
			buf_append_slice(out, line->text);
		else
			json_write_string(out, line->text);
	}
	buf_append_char(out, '}');
}

static void write_version(struct buf *out, const struct reply *r)
{
	if (r->version == 0)
		return;
	buf_append_char(out, ',');
	json_write_version(out, "version", r->version);
}

static void write_done(struct buf *out, const struct reply *r, uint64_t now_ms)
{
	LITERAL(out, "\"ok\":true");
	switch (r->op) {
	case OP_PING:
	case OP_CLUSTER:
	case OP_COMMAND: /* not in JSON */
		break;
	case OP_GET:
		write_get(out, r, now_ms);
		break;
	case OP_MGET:
		write_mget(out, r, now_ms);
		break;
	case OP_SET:
		buf_append_char(out, ',');
		json_write_version(out, "version", r->version);
		break;
	case OP_DELETE:
		LITERAL(out, ",\"deleted\":");
		buf_append_u64(out, r->count);
		write_version(out, r);
		break;
	case OP_BULK_SET:
		LITERAL(out, ",\"stored\":");
		buf_append_u64(out, r->count);
		write_version(out, r);
		break;
	case OP_SCAN:
		write_scan(out, r, now_ms);
		break;
	case OP_COUNT:
		LITERAL(out, ",\"count\":");
		buf_append_u64(out, r->count);
		break;
	case OP_INFO:
		write_info(out, r);
		break;
	}
}

static void write_error(struct buf *out, const struct reply *r)
{
	LITERAL(out, "\"ok\":false,\"error\":\"");
	buf_append_str(out, err_name(r->code));
	LITERAL(out, "\",\"message\":");
	json_write_message(out, r->message != NULL ? r->message
						   : kv_strerror(r->code));
}

/* How far behind the node is that answered by itself. */
static void write_stale(struct buf *out, const struct reply *r)
{
	if (!r->stale)
		return;
	LITERAL(out, ",\"stale\":true");
	if (r->lag_ms == UINT64_MAX)
		return; /* it has never heard of a leader */
	LITERAL(out, ",\"lag\":");
	buf_append_u64(out, r->lag);
	LITERAL(out, ",\"lag_ms\":");
	buf_append_u64(out, r->lag_ms);
}

void json_reply_write(struct buf *out, const struct reply *reply,
		      struct slice id, uint64_t now_ms)
{
	buf_append_char(out, '{');
	if (id.len != 0) {
		LITERAL(out, "\"id\":");
		buf_append_slice(out, id);
		buf_append_char(out, ',');
	}
	if (reply->code == 0) {
		write_done(out, reply, now_ms);
		write_stale(out, reply);
	} else {
		write_error(out, reply);
	}
	LITERAL(out, "}\n");
}

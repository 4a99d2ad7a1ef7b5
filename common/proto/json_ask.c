/*
 * json_ask.c - the client's side of requests; see json.h.
 */
#include "proto/json.h"
#include "proto/json_text.h"

#define LITERAL(out, text) buf_append(out, text, sizeof(text) - 1)

/* ,"name":"..." or ,"name64":"..." */
static void write_member(struct buf *out, const char *name, struct slice s)
{
	buf_append_char(out, ',');
	json_write_bytes(out, name, s);
}

static void write_key_member(struct buf *out, struct slice key)
{
	if (json_is_text(key)) {
		json_write_string(out, key);
		return;
	}
	buf_append_char(out, '{');
	json_write_bytes(out, "key", key);
	buf_append_char(out, '}');
}

static void write_keys(struct buf *out, const struct request *req)
{
	LITERAL(out, ",\"keys\":[");
	for (size_t i = 0; i < req->nkeys; i++) {
		if (i != 0)
			buf_append_char(out, ',');
		write_key_member(out, req->keys[i]);
	}
	buf_append_char(out, ']');
}

static void write_ttl_member(struct buf *out, const struct change *c,
			     uint64_t now_ms)
{
	if (c->expires_ms == 0)
		return;
	LITERAL(out, ",\"ttl\":");
	json_write_ttl(out, c->expires_ms, now_ms);
}

static void write_item(struct buf *out, const struct change *c, uint64_t now_ms)
{
	if (c->expires_ms == 0 && json_is_text(c->key) &&
	    json_is_text(c->value)) {
		buf_append_char(out, '[');
		json_write_string(out, c->key);
		buf_append_char(out, ',');
		json_write_string(out, c->value);
		buf_append_char(out, ']');
		return;
	}
	buf_append_char(out, '{');
	json_write_bytes(out, "key", c->key);
	write_member(out, "value", c->value);
	write_ttl_member(out, c, now_ms);
	buf_append_char(out, '}');
}

static void write_items(struct buf *out, const struct request *req,
			uint64_t now_ms)
{
	LITERAL(out, ",\"items\":[");
	for (size_t i = 0; i < req->nchanges; i++) {
		if (i != 0)
			buf_append_char(out, ',');
		write_item(out, &req->changes[i], now_ms);
	}
	buf_append_char(out, ']');
}

static void write_condition(struct buf *out, const struct request *req)
{
	switch (req->condition) {
	case KV_ALWAYS:
		break;
	case KV_IF_ABSENT:
		LITERAL(out, ",\"if\":\"absent\"");
		break;
	case KV_IF_PRESENT:
		LITERAL(out, ",\"if\":\"present\"");
		break;
	case KV_IF_VERSION:
		buf_append_char(out, ',');
		json_write_version(out, "if_version", req->if_version);
		break;
	}
}

static void write_delete(struct buf *out, const struct request *req)
{
	if (req->has_range) {
		write_member(out, "prefix", req->range.prefix);
		return;
	}
	if (req->nchanges == 1) {
		write_member(out, "key", req->changes[0].key);
		write_condition(out, req);
		return;
	}
	LITERAL(out, ",\"keys\":[");
	for (size_t i = 0; i < req->nchanges; i++) {
		if (i != 0)
			buf_append_char(out, ',');
		write_key_member(out, req->changes[i].key);
	}
	buf_append_char(out, ']');
}

static void write_range(struct buf *out, const struct request *req)
{
	const struct range *r = &req->range;

	if (r->prefix.len != 0)
		write_member(out, "prefix", r->prefix);
	if (r->from.len != 0)
		write_member(out, "from", r->from);
	if (r->to.len != 0)
		write_member(out, "to", r->to);
	if (req->op != OP_SCAN)
		return;
	if (r->limit != 0) {
		LITERAL(out, ",\"limit\":");
		buf_append_u64(out, r->limit);
	}
	if (r->reverse)
		LITERAL(out, ",\"reverse\":true");
	if (r->keys_only)
		LITERAL(out, ",\"keys_only\":true");
	if (req->cursor.len != 0) {
		LITERAL(out, ",\"cursor\":");
		json_write_string(out, req->cursor);
	}
}

static void write_client(struct buf *out, const struct request *req)
{
	static const char digits[] = "0123456789abcdef";

	LITERAL(out, ",\"client\":\"");
	for (size_t i = 0; i < req->client.len; i++) {
		buf_append_char(out, digits[req->client.data[i] >> 4 & 15]);
		buf_append_char(out, digits[req->client.data[i] & 15]);
	}
	LITERAL(out, "\",\"number\":");
	buf_append_u64(out, req->number);
}

static void write_word(struct buf *out, const char *name, struct slice word)
{
	if (word.len == 0)
		return;
	buf_append_char(out, ',');
	json_write_string(out, slice_str(name));
	buf_append_char(out, ':');
	json_write_string(out, word);
}

static void write_order(struct buf *out, const struct cluster_order *order)
{
	write_word(out, "node", order->node);
	write_word(out, "address", order->address);
	if (order->kind != CLUSTER_CUT)
		return;
	LITERAL(out, ",\"nodes\":");
	json_write_string(out, order->nodes);
}

static const char *order_member(enum cluster_order_kind kind)
{
	switch (kind) {
	case CLUSTER_ADD:
		return "\"op\":\"cluster_add\"";
	case CLUSTER_REMOVE:
		return "\"op\":\"cluster_remove\"";
	case CLUSTER_TRANSFER:
		return "\"op\":\"cluster_transfer\"";
	case CLUSTER_REPAIR:
		return "\"op\":\"cluster_repair\"";
	case CLUSTER_CUT:
		break;
	}
	return "\"op\":\"cluster_cut\"";
}

static const char *op_member(const struct request *req)
{
	switch (req->op) {
	case OP_PING:
		return "\"op\":\"ping\"";
	case OP_GET:
		return "\"op\":\"get\"";
	case OP_MGET:
		return "\"op\":\"mget\"";
	case OP_SET:
		return "\"op\":\"set\"";
	case OP_DELETE:
		return "\"op\":\"delete\"";
	case OP_BULK_SET:
		return "\"op\":\"bulk_set\"";
	case OP_SCAN:
		return "\"op\":\"scan\"";
	case OP_COUNT:
		return "\"op\":\"count\"";
	case OP_CLUSTER:
		return order_member(req->order.kind);
	case OP_INFO:
	case OP_COMMAND: /* not in JSON */
		break;
	}
	return "\"op\":\"info\"";
}

void json_request_write(struct buf *out, const struct request *req,
			uint64_t now_ms)
{
	buf_append_char(out, '{');
	buf_append_str(out, op_member(req));
	switch (req->op) {
	case OP_GET:
		write_member(out, "key", req->keys[0]);
		break;
	case OP_MGET:
		write_keys(out, req);
		break;
	case OP_SET:
		write_member(out, "key", req->changes[0].key);
		write_member(out, "value", req->changes[0].value);
		write_ttl_member(out, &req->changes[0], now_ms);
		write_condition(out, req);
		break;
	case OP_DELETE:
		write_delete(out, req);
		break;
	case OP_BULK_SET:
		write_items(out, req, now_ms);
		break;
	case OP_SCAN:
	case OP_COUNT:
		write_range(out, req);
		break;
	case OP_CLUSTER:
		write_order(out, &req->order);
		break;
	case OP_PING:
	case OP_INFO:
	case OP_COMMAND: /* not in JSON */
		break;
	}
	if (req->stale_ok)
		LITERAL(out, ",\"stale\":true");
	if (req->client.len != 0)
		write_client(out, req);
	if (req->debug_unreliable)
		LITERAL(out, ",\"debug_unreliable\":true");
	LITERAL(out, "}\n");
}

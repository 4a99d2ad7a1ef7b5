/*
 * wire_json.c - a load in JSON lines. A reply is told by how kv-serve writes
 * it: "ok" first, "found" next, and the values of a load hold nothing that
 * would be escaped.
 */
#include "bench/wire.h"

#include "base/err.h"

#define PUT(out, literal) buf_append(out, literal, sizeof(literal) - 1)

static void put_key(struct buf *out, uint64_t key)
{
	char text[BENCH_KEY_LEN + 2];

	text[0] = text[sizeof(text) - 1] = '"';
	key_write(text + 1, key);
	buf_append(out, text, sizeof(text));
}

static void put_value(struct buf *out, const struct wire_request *request,
		      uint64_t key)
{
	size_t size = request->values->size;
	char *to = buf_reserve(out, size + 2);

	if (to == NULL)
		return;
	to[0] = to[size + 1] = '"';
	value_write(request->values, to + 1, key, request->version);
	buf_advance(out, size + 2);
}

static void put_bulk(struct buf *out, const struct wire_request *request)
{
	PUT(out, "{\"op\":\"bulk_set\",\"items\":[");
	for (size_t i = 0; i < request->nkeys; i++) {
		if (i > 0)
			buf_append_char(out, ',');
		buf_append_char(out, '[');
		put_key(out, request->keys[i]);
		buf_append_char(out, ',');
		put_value(out, request, request->keys[i]);
		buf_append_char(out, ']');
	}
	PUT(out, "]}\n");
}

static void put_delete(struct buf *out, const struct wire_request *request)
{
	PUT(out, "{\"op\":\"delete\",\"keys\":[");
	for (size_t i = 0; i < request->nkeys; i++) {
		if (i > 0)
			buf_append_char(out, ',');
		put_key(out, request->keys[i]);
	}
	PUT(out, "]}\n");
}

static void put(struct buf *out, const struct wire_request *request)
{
	switch (request->kind) {
	case WIRE_GET:
		PUT(out, "{\"op\":\"get\",\"key\":");
		put_key(out, request->keys[0]);
		PUT(out, "}\n");
		break;
	case WIRE_SET:
		PUT(out, "{\"op\":\"set\",\"key\":");
		put_key(out, request->keys[0]);
		PUT(out, ",\"value\":");
		put_value(out, request, request->keys[0]);
		PUT(out, "}\n");
		break;
	case WIRE_BULK:
		put_bulk(out, request);
		break;
	case WIRE_DELETE:
		put_delete(out, request);
		break;
	case WIRE_SCAN:
		PUT(out, "{\"op\":\"scan\",\"prefix\":\"" BENCH_PREFIX
			 "\",\"from\":");
		put_key(out, request->keys[0]);
		PUT(out, ",\"limit\":100}\n");
		break;
	}
}

/* What stands between `name` and the next quote; empty if it is not there. */
static struct slice text_behind(struct slice line, const char *name)
{
	const char *at = memmem(line.data, line.len, name, strlen(name));
	const char *end;

	if (at == NULL)
		return slice_of(NULL, 0);
	at += strlen(name);
	end = memchr(at, '"', line.len - (size_t)(at - line.data));
	return slice_of(at, end == NULL ? 0 : (size_t)(end - at));
}

static bool begins(struct slice line, const char *text)
{
	return slice_has_prefix(line, slice_str(text));
}

#define OK "{\"ok\":true"
#define FOUND OK ",\"found\":true"
#define VALUE FOUND ",\"value\":\""

static ssize_t take(struct slice in, enum wire_kind kind,
		    struct wire_reply *reply)
{
	const char *end = in.len == 0 ? NULL : memchr(in.data, '\n', in.len);
	struct slice line;

	if (end == NULL)
		return 0;
	line = slice_of(in.data, (size_t)(end - in.data));
	*reply = (struct wire_reply){.ok = begins(line, OK)};
	if (reply->ok) {
		reply->found = kind == WIRE_GET && begins(line, FOUND);
		if (reply->found && begins(line, VALUE))
			reply->value = text_behind(line, VALUE);
	} else if (begins(line, "{\"ok\":false")) {
		reply->error = text_behind(line, "\"error\":\"");
		reply->detail = text_behind(line, "\"message\":\"");
	} else {
		return err_set(KV_EPROTO,
			       "the server's reply is not of JSON lines");
	}
	return (ssize_t)line.len + 1;
}

const struct wire wire_json = {.name = "json", .put = put, .take = take};

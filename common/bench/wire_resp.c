/*
 * wire_resp.c - a load in the protocol of Redis. A scan is SCAN from the
 * beginning with COUNT 100: cursors are the server's own, and it hands out
 * keys without values.
 */
#include "bench/resp_reply.h"
#include "bench/wire.h"

#define KEY_HEAD "$16\r\n"

_Static_assert(BENCH_KEY_LEN == 16, "KEY_HEAD says so");

#define PUT(out, literal) buf_append(out, literal, sizeof(literal) - 1)

static void put_key(struct buf *out, uint64_t key)
{
	char text[sizeof(KEY_HEAD) - 1 + BENCH_KEY_LEN + 2] = KEY_HEAD;

	key_write(text + sizeof(KEY_HEAD) - 1, key);
	memcpy(text + sizeof(text) - 2, "\r\n", 2);
	buf_append(out, text, sizeof(text));
}

static void put_value(struct buf *out, const struct wire_request *request,
		      uint64_t key)
{
	size_t size = request->values->size;
	char *to;

	buf_append_char(out, '$');
	buf_append_u64(out, size);
	PUT(out, "\r\n");
	to = buf_reserve(out, size + 2);
	if (to == NULL)
		return;
	value_write(request->values, to, key, request->version);
	memcpy(to + size, "\r\n", 2);
	buf_advance(out, size + 2);
}

static void put(struct buf *out, const struct wire_request *request)
{
	bool pairs = request->kind == WIRE_BULK;

	switch (request->kind) {
	case WIRE_GET:
		PUT(out, "*2\r\n$3\r\nGET\r\n");
		break;
	case WIRE_SET:
		PUT(out, "*3\r\n$3\r\nSET\r\n");
		pairs = true;
		break;
	case WIRE_BULK:
		buf_printf(out, "*%zu\r\n$4\r\nMSET\r\n",
			   1 + 2 * request->nkeys);
		break;
	case WIRE_DELETE:
		buf_printf(out, "*%zu\r\n$3\r\nDEL\r\n", 1 + request->nkeys);
		break;
	case WIRE_SCAN:
		PUT(out, "*6\r\n$4\r\nSCAN\r\n$1\r\n0\r\n"
			 "$5\r\nMATCH\r\n$7\r\n" BENCH_PREFIX "*\r\n"
			 "$5\r\nCOUNT\r\n$3\r\n100\r\n");
		return;
	}
	for (size_t i = 0; i < request->nkeys; i++) {
		put_key(out, request->keys[i]);
		if (pairs)
			put_value(out, request, request->keys[i]);
	}
}

static ssize_t take(struct slice in, enum wire_kind kind,
		    struct wire_reply *reply)
{
	struct resp_reply r;
	ssize_t len = resp_reply_take(in, &r);

	(void)kind;
	if (len <= 0)
		return len;
	*reply = (struct wire_reply){.ok = r.type != '-' && r.type != '!'};
	if (reply->ok) {
		reply->found = !r.null;
		reply->value = r.text;
	} else {
		const char *blank = memchr(r.text.data, ' ', r.text.len);

		reply->detail = r.text;
		reply->error = r.text;
		if (blank != NULL)
			reply->error.len = (size_t)(blank - r.text.data);
	}
	return len;
}

const struct wire wire_resp = {.name = "resp", .put = put, .take = take};

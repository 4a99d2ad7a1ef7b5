/*
 * json_fuzz.c - feeds any bytes to the JSON lines protocol. What it takes for
 * a request must come back the same after being written and read again; the
 * same bytes are tried as a record and as each kind of reply.
 *
 *	clang -fsanitize=fuzzer,address,undefined ... && ./json_fuzz corpus/json
 */
#include "base/err.h"
#include "proto/json.h"

#include <stdlib.h>

#define NOW 1000000ull

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void demand(bool condition)
{
	if (!condition)
		abort();
}

static void write_request(struct buf *out, const struct request *req)
{
	buf_clear(out);
	json_request_write(out, req, NOW);
	demand(!buf_failed(out));
}

static void try_request(struct json_arena *a, struct slice line)
{
	struct json_arena *second = json_arena_new();
	struct request req, again;
	struct buf once, twice;
	struct slice id;

	buf_init(&once);
	buf_init(&twice);
	if (json_request_parse(a, line, NOW, &req, &id) == 0) {
		write_request(&once, &req);
		demand(memchr(once.data, '\n', once.len) ==
		       once.data + once.len - 1);
		demand(json_request_parse(second,
					  slice_of(once.data, once.len - 1),
					  NOW, &again, &id) == 0);
		demand(again.op == req.op && again.nkeys == req.nkeys &&
		       again.nchanges == req.nchanges &&
		       again.condition == req.condition);
		write_request(&twice, &again);
		demand(slice_eq(buf_slice(&once), buf_slice(&twice)));
	} else {
		demand(err_text()[0] != '\0');
		demand(id.len <= JSON_ID_MAX);
	}
	buf_release(&once);
	buf_release(&twice);
	json_arena_free(second);
}

static void try_reply(struct json_arena *a, struct slice line, enum op op)
{
	struct reply reply;
	struct buf out;

	if (json_reply_parse(a, line, op, NOW, &reply) != 0)
		return;
	buf_init(&out);
	json_reply_write(&out, &reply, (struct slice){0}, NOW);
	demand(!buf_failed(&out));
	demand(json_reply_parse(a, slice_of(out.data, out.len - 1), op, NOW,
				&reply) == 0);
	buf_release(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct json_arena *a = json_arena_new();
	struct slice line = slice_of(data, size);
	struct change change;

	demand(a != NULL);
	try_request(a, line);
	if (json_record_parse(a, line, NOW, &change) == 0)
		demand(change.key.len != 0);
	for (int op = OP_PING; op <= OP_INFO; op++)
		try_reply(a, line, (enum op)op);
	json_arena_free(a);
	return 0;
}

/*
 * json_fuzz.c - feeds any bytes to the JSON lines protocol. What it takes for
 * a request must come back the same after being written and read again, and be
 * the same read ahead; the same bytes are tried as a record and as each kind of
 * reply.
 *
 *	clang -fsanitize=fuzzer,address,undefined ... && ./json_fuzz corpus/json
 */
#include "base/err.h"
#include "proto/json.h"
#include "proto/json_ahead.h"

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

/* What is read ahead is what the parser finds in the line. */
static void try_ahead(struct json_arena *a, struct slice line)
{
	static struct json_ahead ahead;
	char *text = malloc(line.len + 1); /* a byte too far would be seen */
	struct request req, parsed;
	struct json_taken taken = {.req = &req};
	struct buf one, other;
	struct slice id;

	demand(text != NULL);
	if (line.len != 0)
		memcpy(text, line.data, line.len);
	text[line.len] = '\n';
	buf_init(&one);
	buf_init(&other);
	json_ahead_forget(&ahead);
	if (json_ahead_take(&ahead, slice_of(text, line.len + 1), line.len,
			    &taken)) {
		demand(taken.used <= line.len + 1);
		line = req.raw;
		demand(json_request_parse(a, line, NOW, &parsed, &id) == 0);
		demand(slice_eq(id, taken.id));
		write_request(&one, &req);
		write_request(&other, &parsed);
		demand(slice_eq(buf_slice(&one), buf_slice(&other)));
	}
	buf_release(&one);
	buf_release(&other);
	free(text);
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
	try_ahead(a, line);
	if (json_record_parse(a, line, NOW, &change) == 0)
		demand(change.key.len != 0);
	for (int op = OP_PING; op <= OP_INFO; op++)
		try_reply(a, line, (enum op)op);
	json_arena_free(a);
	return 0;
}

/*
 * json_ahead_test.c - requests that are read ahead are those that the parser
 * finds, and only they.
 */
#include "proto/json.h"
#include "proto/json_ahead.h"
#include "test.h"

#define MAX ((size_t)100000)

static struct json_ahead ahead;
static struct request request;

static bool take(struct slice input, size_t max, struct json_taken *taken)
{
	taken->req = &request;
	return json_ahead_take(&ahead, input, max, taken);
}

static void same_change(const struct request *a, const struct request *b)
{
	CHECK_INT(a->nchanges, b->nchanges);
	for (size_t i = 0; i < a->nchanges; i++) {
		CHECK(slice_eq(a->changes[i].key, b->changes[i].key));
		CHECK(slice_eq(a->changes[i].value, b->changes[i].value));
		CHECK(a->changes[i].kind == b->changes[i].kind);
		CHECK(a->changes[i].expires_ms == b->changes[i].expires_ms);
	}
}

/* Reads the line, which ends in LF, in both ways; true if it was taken. */
static bool agrees(const char *line)
{
	struct json_arena *arena = json_arena_new();
	struct slice input = slice_str(line), id;
	struct json_taken taken;
	struct request parsed;
	bool took;

	json_ahead_forget(&ahead);
	took = take(input, MAX, &taken);
	if (took) {
		CHECK_INT(taken.used, input.len);
		input.len--;
		if (input.data[input.len - 1] == '\r')
			input.len--;
		CHECK_INT(json_request_parse(arena, input, 1, &parsed, &id), 0);
		CHECK(slice_eq(id, taken.id));
		CHECK(slice_eq(parsed.raw, request.raw));
		CHECK(parsed.op == request.op);
		CHECK_INT(parsed.nkeys, request.nkeys);
		if (parsed.nkeys == 1)
			CHECK(slice_eq(parsed.keys[0], request.keys[0]));
		same_change(&parsed, &request);
		CHECK(parsed.condition == request.condition);
		CHECK(!request.stale_ok && !request.debug_unreliable);
	}
	json_arena_free(arena);
	return took;
}

static void plain_requests_are_taken(void)
{
	CHECK(agrees("{\"op\":\"get\",\"key\":\"k\"}\n"));
	CHECK(agrees("{\"op\":\"get\",\"key\":\"k\"}\r\n"));
	CHECK(agrees("{ \"key\" : \"k\" , \"op\" : \"get\" }\n"));
	CHECK(agrees("{\"op\":\"get\",\"key\":\"h\xc3\xa9 and more\"}\n"));
	CHECK(agrees("{\"id\":\"x y\",\"op\":\"get\",\"key\":\"k\"}\n"));
	CHECK(agrees("{\"op\":\"get\",\"key\":\"k\",\"id\":120}\n"));
	CHECK(agrees("{\"op\":\"get\",\"key\":\"k\",\"id\":0}\n"));
	CHECK(agrees("{\"op\":\"set\",\"key\":\"k\",\"value\":\"v\"}\n"));
	CHECK(agrees("{\"value\":\"\",\"op\":\"set\",\"key\":\"k\"}\n"));
}

static void all_else_is_left_to_the_parser(void)
{
	static const char *const lines[] = {
		"{\"op\":\"get\",\"key\":\"k\"}",
		"{\"op\":\"get\",\"key\":\"k\"",
		"{\"op\":\"get\",\"key\":\"k\"} \n",
		"{\"op\":\"get\",\"key\":\"k\"}x\n",
		"{\"op\":\"get\",\"key\":\"k\",}\n",
		"{\"op\":\"get\",,\"key\":\"k\"}\n",
		"{\"op\":\"get\" \"key\":\"k\"}\n",
		"{\"op\":\"get\",\"key\"\"k\"}\n",
		"{\"op\":\"get\",\"key\":k}\n",
		"{\"op\":\"get\",\"key\":\"\"}\n",
		"{\"op\":\"get\",\"key\":\"a\\u0062\"}\n",
		"{\"op\":\"get\",\"key\":\"a\tb\"}\n",
		"{\"op\":\"get\",\"key\":\"a\xff\"}\n",
		"{\"op\":\"get\",\"key\":\"k\",\"key\":\"k\"}\n",
		"{\"op\":\"get\",\"key\":\"k\",\"value\":\"v\"}\n",
		"{\"op\":\"get\",\"key\":\"k\",\"stale\":true}\n",
		"{\"op\":\"get\",\"key64\":\"aw==\"}\n",
		"{\"op\":\"GET\",\"key\":\"k\"}\n",
		"{\"op\":\"gets\",\"key\":\"k\"}\n",
		"{\"op\":\"get\"}\n",
		"{\"key\":\"k\"}\n",
		"{\"op\":\"set\",\"key\":\"k\"}\n",
		"{\"op\":\"set\",\"key\":\"k\",\"value\":1}\n",
		"{\"op\":\"set\",\"key\":\"k\",\"value\":\"v\",\"ttl\":1}\n",
		"{\"op\":\"get\",\"key\":\"k\",\"id\":01}\n",
		"{\"op\":\"get\",\"key\":\"k\",\"id\":-1}\n",
		"{\"op\":\"get\",\"key\":\"k\",\"id\":1.5}\n",
		"{\"op\":\"get\",\"key\":\"k\",\"id\":1234567890123456}\n",
		"{\"op\":\"get\",\"key\":\"k\",\"id\":null}\n",
		"{\"op\":\"delete\",\"key\":\"k\"}\n",
		"{\"op\":\"ping\"}\n",
		"{}\n",
		"[]\n",
		"\n",
	};

	for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++)
		CHECK(!agrees(lines[i]));
}

/* A line with a key and an id of that length each. */
static bool takes_lengths(size_t key, size_t id)
{
	struct buf line = {0};
	bool took;

	buf_append_str(&line, "{\"op\":\"get\",\"key\":\"");
	for (size_t i = 0; i < key; i++)
		buf_append_char(&line, 'k');
	buf_append_str(&line, "\",\"id\":\"");
	for (size_t i = 0; i < id; i++)
		buf_append_char(&line, 'i');
	buf_append(&line, "\"}\n", sizeof("\"}\n"));
	CHECK(!buf_failed(&line));
	took = agrees(line.data);
	buf_release(&line);
	return took;
}

static void limits_are_the_parsers(void)
{
	struct slice input = slice_str("{\"op\":\"get\",\"key\":\"k\"}\n");
	struct json_taken taken;

	CHECK(takes_lengths(KV_KEY_MAX, JSON_ID_MAX - 2));
	CHECK(!takes_lengths(KV_KEY_MAX + 1, 1));
	CHECK(!takes_lengths(1, JSON_ID_MAX - 1));
	json_ahead_forget(&ahead);
	CHECK(take(input, input.len - 1, &taken));
	json_ahead_forget(&ahead);
	CHECK(!take(input, input.len - 2, &taken));
}

static void those_at_hand_are_told_of_at_once(void)
{
	struct slice input = slice_str("{\"op\":\"set\",\"key\":\"a\","
				       "\"value\":\"1\"}\n"
				       "{\"op\":\"get\",\"key\":\"b\"}\n"
				       "{\"op\":\"ping\"}\n"
				       "{\"op\":\"get\",\"key\":\"c\"}\n"
				       "{\"op\":\"get\",");
	struct json_taken taken;

	json_ahead_forget(&ahead);
	CHECK(take(input, MAX, &taken));
	CHECK_INT(request.op, OP_SET);
	CHECK(taken.hints != NULL && taken.nhints == 2 && taken.hint_values);
	CHECK(slice_eq(taken.hints[0], slice_str("a")));
	CHECK(slice_eq(taken.hints[1], slice_str("b")));
	input = slice_of(input.data + taken.used, input.len - taken.used);
	CHECK(take(input, MAX, &taken));
	CHECK(request.op == OP_GET && taken.hints == NULL);
	CHECK(slice_eq(request.keys[0], slice_str("b")));
	input = slice_of(input.data + taken.used, input.len - taken.used);
	CHECK(!take(input, MAX, &taken));
	input = slice_of(input.data + 14, input.len - 14);
	CHECK(take(input, MAX, &taken));
	CHECK(slice_eq(request.keys[0], slice_str("c")));
	input = slice_of(input.data + taken.used, input.len - taken.used);
	CHECK(!take(input, MAX, &taken));
}

/* What was read ahead is not believed when something else lies there. */
static void what_was_forgotten_is_read_again(void)
{
	char input[] = "{\"op\":\"get\",\"key\":\"a\"}\n"
		       "{\"op\":\"get\",\"key\":\"b\"}\n";
	struct json_taken taken;
	struct slice rest = slice_str(input);

	json_ahead_forget(&ahead);
	CHECK(take(rest, MAX, &taken));
	rest = slice_of(rest.data + taken.used, rest.len - taken.used);
	*strchr(input, 'b') = 'x';
	json_ahead_forget(&ahead);
	CHECK(take(rest, MAX, &taken));
	CHECK(slice_eq(request.keys[0], slice_str("x")));
}

TEST_MAIN(T(plain_requests_are_taken), T(all_else_is_left_to_the_parser),
	  T(limits_are_the_parsers), T(those_at_hand_are_told_of_at_once),
	  T(what_was_forgotten_is_read_again))

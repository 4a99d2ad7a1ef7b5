/*
 * json_client_test.c - replies in JSON lines, exactly as they are written, and
 * what a client makes of them.
 */
#include "base/err.h"
#include "proto/json.h"
#include "test.h"

#include <stdlib.h>

#define NOW 1000000ull
#define NO_ID ((struct slice){0})
#define CHECK_SLICE(s, text) \
	CHECK(slice_eq(s, slice_of(text, sizeof(text) - 1)))

static const char *written(const struct reply *r, const char *id)
{
	static struct buf b;

	buf_clear(&b);
	json_reply_write(&b, r, slice_str(id), NOW);
	buf_append(&b, "", 1);
	CHECK(!buf_failed(&b));
	return b.data;
}

static const char *asked(const struct request *r)
{
	static struct buf b;

	buf_clear(&b);
	json_request_write(&b, r, NOW);
	buf_append(&b, "", 1);
	CHECK(!buf_failed(&b));
	return b.data;
}

static void replies_are_written_to_the_letter(void)
{
	struct item items[] = {
		{.key = slice_str("a"),
		 .value = slice_str("bar"),
		 .version = 7,
		 .found = true},
		{.key = slice_str("\xff"), .version = 3, .found = false},
		{.key = slice_str("c"),
		 .value = slice_of("\0", 1),
		 .version = UINT64_MAX,
		 .expires_ms = NOW + 2500,
		 .found = true},
	};
	struct reply r = {.op = OP_PING};

	CHECK_STR(written(&r, ""), "{\"ok\":true}\n");
	CHECK_STR(written(&r, "\"x\""), "{\"id\":\"x\",\"ok\":true}\n");
	r = (struct reply){.op = OP_GET, .items = items, .nitems = 1};
	CHECK_STR(written(&r, "-1.5"),
		  "{\"id\":-1.5,\"ok\":true,\"found\":true,\"value\":\"bar\","
		  "\"version\":\"7\"}\n");
	r.items = items + 1;
	CHECK_STR(written(&r, ""), "{\"ok\":true,\"found\":false}\n");
	r = (struct reply){.op = OP_MGET, .items = items, .nitems = 3};
	CHECK_STR(written(&r, ""),
		  "{\"ok\":true,\"results\":[{\"key\":\"a\",\"found\":true,"
		  "\"value\":\"bar\",\"version\":\"7\"},{\"key64\":\"/w==\","
		  "\"found\":false},{\"key\":\"c\",\"found\":true,\"value64\":"
		  "\"AA==\",\"version\":\"18446744073709551615\",\"ttl\":2.5}]}"
		  "\n");
	r = (struct reply){.op = OP_SCAN,
			   .items = items,
			   .nitems = 1,
			   .cursor = slice_str("k61")};
	CHECK_STR(written(&r, ""),
		  "{\"ok\":true,\"items\":[{\"key\":\"a\",\"value\":\"bar\","
		  "\"version\":\"7\"}],\"cursor\":\"k61\"}\n");
	r.keys_only = true;
	r.cursor.len = 0;
	CHECK_STR(written(&r, ""), "{\"ok\":true,\"items\":[{\"key\":\"a\","
				   "\"version\":\"7\"}]}\n");
}

static void counts_are_numbers_and_versions_are_strings(void)
{
	struct info_line info[] = {
		{.name = "keys", .text = slice_str("12"), .is_number = true},
		{.name = "mode", .text = slice_str("so\"lo")},
	};
	struct reply r = {.op = OP_SET, .version = 8};

	CHECK_STR(written(&r, ""), "{\"ok\":true,\"version\":\"8\"}\n");
	r = (struct reply){.op = OP_DELETE, .count = 2, .version = 9};
	CHECK_STR(written(&r, ""),
		  "{\"ok\":true,\"deleted\":2,\"version\":\"9\"}\n");
	r = (struct reply){.op = OP_DELETE};
	CHECK_STR(written(&r, ""), "{\"ok\":true,\"deleted\":0}\n");
	r = (struct reply){.op = OP_BULK_SET, .count = 2, .version = 10};
	CHECK_STR(written(&r, ""),
		  "{\"ok\":true,\"stored\":2,\"version\":\"10\"}\n");
	r = (struct reply){.op = OP_COUNT, .count = 3};
	CHECK_STR(written(&r, ""), "{\"ok\":true,\"count\":3}\n");
	r = (struct reply){.op = OP_INFO, .info = info, .ninfo = 2};
	CHECK_STR(written(&r, ""), "{\"ok\":true,\"info\":{\"keys\":12,"
				   "\"mode\":\"so\\\"lo\"}}\n");
}

static void errors_are_a_code_and_a_sentence_that_is_always_text(void)
{
	struct reply r = {.op = OP_SET,
			  .code = KV_ECONDITION,
			  .message = "key 'a' exists"};

	CHECK_STR(written(&r, "1"),
		  "{\"id\":1,\"ok\":false,\"error\":\"CONDITION\","
		  "\"message\":\"key 'a' exists\"}\n");
	r.message = "\"\xc3\xa9\xff\n\xe2\x82";
	CHECK_STR(written(&r, ""),
		  "{\"ok\":false,\"error\":\"CONDITION\",\"message\":"
		  "\"\\\"\xc3\xa9\xef\xbf\xbd\\n\xef\xbf\xbd\xef\xbf\xbd\"}\n");
	r.message = NULL;
	r.code = KV_EREADONLY;
	CHECK_STR(written(&r, ""),
		  "{\"ok\":false,\"error\":\"READONLY\",\"message\":\"store is "
		  "read-only\"}\n");
}

static void a_ttl_has_milliseconds_and_is_never_zero(void)
{
	static const struct {
		uint64_t left;
		const char *text;
	} table[] = {
		{1, "0.001"}, {10, "0.01"},  {100, "0.1"},     {999, "0.999"},
		{1000, "1"},  {60000, "60"}, {61050, "61.05"}, {0, "0.001"},
	};
	struct item item = {.found = true, .version = 1};
	struct reply r = {.op = OP_GET, .items = &item, .nitems = 1};

	for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++) {
		char want[128];

		item.expires_ms = NOW + table[i].left;
		snprintf(want, sizeof(want),
			 "{\"ok\":true,\"found\":true,\"value\":\"\","
			 "\"version\":\"1\",\"ttl\":%s}\n",
			 table[i].text);
		CHECK_STR(written(&r, ""), want);
	}
	item.expires_ms = NOW - 1;
	CHECK(strstr(written(&r, ""), "\"ttl\":0.001}") != NULL);
}

static void requests_are_written_to_the_letter(void)
{
	struct slice keys[] = {slice_str("a"), slice_of("\0", 1)};
	struct change c[] = {
		{.key = slice_str("a"), .value = slice_str("1")},
		{.key = slice_str("b"),
		 .value = slice_str("2"),
		 .expires_ms = NOW + 60000},
		{.key = slice_str("c"), .value = slice_str("\xff")},
	};
	struct request r = {.op = OP_MGET, .keys = keys, .nkeys = 2};

	CHECK_STR(asked(&r), "{\"op\":\"mget\",\"keys\":[\"a\",{\"key64\":"
			     "\"AA==\"}]}\n");
	r = (struct request){.op = OP_SET,
			     .changes = c + 1,
			     .nchanges = 1,
			     .condition = KV_IF_VERSION,
			     .if_version = 7,
			     .debug_unreliable = true};
	CHECK_STR(asked(&r), "{\"op\":\"set\",\"key\":\"b\",\"value\":\"2\","
			     "\"ttl\":60,\"if_version\":\"7\","
			     "\"debug_unreliable\":true}\n");
	r = (struct request){.op = OP_BULK_SET, .changes = c, .nchanges = 3};
	CHECK_STR(asked(&r),
		  "{\"op\":\"bulk_set\",\"items\":[[\"a\",\"1\"],{\"key\":"
		  "\"b\",\"value\":\"2\",\"ttl\":60},{\"key\":\"c\","
		  "\"value64\":\"/w==\"}]}\n");
	r = (struct request){.op = OP_DELETE, .changes = c, .nchanges = 2};
	CHECK_STR(asked(&r), "{\"op\":\"delete\",\"keys\":[\"a\",\"b\"]}\n");
	r = (struct request){.op = OP_DELETE, .has_range = true};
	CHECK_STR(asked(&r), "{\"op\":\"delete\",\"prefix\":\"\"}\n");
	r = (struct request){.op = OP_SCAN};
	CHECK_STR(asked(&r), "{\"op\":\"scan\"}\n");
}

static int read_reply(struct json_arena *a, const char *line, enum op op,
		      struct reply *r)
{
	return json_reply_parse(a, slice_str(line), op, NOW, r);
}

static void an_error_reply_is_understood(void)
{
	struct json_arena *a = json_arena_new();
	struct reply r;

	CHECK_INT(read_reply(a,
			     "{\"ok\":false,\"error\":\"CONDITION\","
			     "\"message\":\"no\"}",
			     OP_SET, &r),
		  0);
	CHECK_INT(r.code, KV_ECONDITION);
	CHECK_STR(r.message, "no");
	CHECK_INT(read_reply(a,
			     "{\"ok\":false,\"error\":\"NEWCODE\","
			     "\"message\":\"what\"}",
			     OP_SET, &r),
		  0);
	CHECK_INT(r.code, KV_EPROTO);
	json_arena_free(a);
}

static void unknown_fields_of_a_reply_are_ignored(void)
{
	struct json_arena *a = json_arena_new();
	struct reply r;

	CHECK_INT(read_reply(a,
			     "{\"id\":1,\"ok\":true,\"node\":{\"x\":[1]},"
			     "\"keys\":7,\"count\":3,\"took\":0.1}",
			     OP_COUNT, &r),
		  0);
	CHECK_INT(r.count, 3);
	json_arena_free(a);
}

static void what_is_no_reply_is_a_protocol_error(void)
{
	static const struct {
		enum op op;
		const char *line;
		const char *why;
	} table[] = {
		{OP_PING, "", "not valid JSON"},
		{OP_PING, "-ERR what", "not valid JSON at byte 1"},
		{OP_PING, "{}", "'ok' must be true or false"},
		{OP_PING, "{\"ok\":1}", "'ok' must be true or false"},
		{OP_PING, "{\"ok\":false}", "'error' must be"},
		{OP_PING, "{\"ok\":false,\"error\":\"IO\"}", "'message' must"},
		{OP_PING, "{\"ok\":false,\"error\":\"OK\",\"message\":\"\"}",
		 "'error' must be the name of an error"},
		{OP_GET, "{\"ok\":true}", "'found' must be"},
		{OP_GET, "{\"ok\":true,\"found\":true,\"version\":\"1\"}",
		 "'value' must be there"},
		{OP_GET, "{\"ok\":true,\"found\":true,\"value\":\"\"}",
		 "'version' must be a string of digits"},
		{OP_GET,
		 "{\"ok\":true,\"found\":true,\"value\":1,\"version\":\"1\"}",
		 "'value' must be a string"},
		{OP_GET,
		 "{\"ok\":true,\"found\":true,\"value64\":\"x\","
		 "\"version\":\"1\"}",
		 "'value64' must be base64"},
		{OP_GET,
		 "{\"ok\":true,\"found\":true,\"value\":\"\",\"version\":"
		 "\"1\",\"ttl\":-1}",
		 "'ttl' must be a number"},
		{OP_SET, "{\"ok\":true}", "'version' must be"},
		{OP_SET, "{\"ok\":true,\"version\":8}", "'version' must be"},
		{OP_DELETE, "{\"ok\":true}", "'deleted' must be"},
		{OP_BULK_SET, "{\"ok\":true,\"stored\":-1}", "'stored' must"},
		{OP_COUNT, "{\"ok\":true,\"count\":1.5}", "'count' must be"},
		{OP_MGET, "{\"ok\":true,\"items\":[]}", "'results' must be"},
		{OP_MGET, "{\"ok\":true,\"results\":[1]}",
		 "results[0]: must be an object"},
		{OP_MGET, "{\"ok\":true,\"results\":[{\"found\":false}]}",
		 "results[0]: 'key' must be there"},
		{OP_SCAN, "{\"ok\":true,\"items\":{}}", "'items' must be"},
		{OP_SCAN, "{\"ok\":true,\"items\":[],\"cursor\":1}",
		 "'cursor' must be"},
		{OP_SCAN,
		 "{\"ok\":true,\"items\":[{\"key\":\"a\",\"version\":\"1\"},"
		 "{\"key\":\"b\"}]}",
		 "items[1]: 'version' must be"},
		{OP_INFO, "{\"ok\":true}", "'info' must be"},
		{OP_INFO, "{\"ok\":true,\"info\":{\"a\":null}}",
		 "'info' must be of texts and numbers"},
	};
	struct json_arena *a = json_arena_new();
	struct reply r;

	for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++) {
		int code = read_reply(a, table[i].line, table[i].op, &r);

		if (code != KV_EPROTO ||
		    strstr(err_text(), table[i].why) == NULL ||
		    strncmp(err_text(),
			    "reply of the server not understood: ", 36) != 0)
			test_fail(__FILE__, __LINE__, "%s gives %d \"%s\"",
				  table[i].line, code, err_text());
	}
	json_arena_free(a);
}

static void text_is_utf8_without_nul(void)
{
	CHECK(json_is_text(NO_ID));
	CHECK(json_is_text(slice_str("plain, \"quoted\", \x01 and \x7f")));
	CHECK(json_is_text(slice_str(
		      "12345678\xf0\x9f\x98\x80 12345678\xc3")) == false);
	CHECK(json_is_text(slice_str("1234567\xc3\xa9")));
	CHECK(!json_is_text(slice_of("a\0b", 3)));
	CHECK(!json_is_text(slice_of("12345678\0", 9)));
	CHECK(!json_is_text(slice_of("\0", 1)));
	CHECK(!json_is_text(slice_str("\xed\xa0\x80")));
}

static void info_survives_writing_and_reading(void)
{
	struct json_arena *a = json_arena_new();
	struct info_line info[] = {
		{.name = "keys",
		 .text = slice_str("9007199254740992"),
		 .is_number = true},
		{.name = "rate", .text = slice_str("0.5"), .is_number = true},
		{.name = "mode", .text = slice_str("solo")},
	};
	struct reply r = {.op = OP_INFO, .info = info, .ninfo = 3}, back;

	CHECK_INT(read_reply(a, written(&r, ""), OP_INFO, &back), 0);
	CHECK_INT(back.ninfo, 3);
	for (size_t i = 0; i < 3; i++) {
		CHECK_STR(back.info[i].name, info[i].name);
		CHECK(slice_eq(back.info[i].text, info[i].text));
		CHECK(back.info[i].is_number == info[i].is_number);
	}
	json_arena_free(a);
}

TEST_MAIN(T(replies_are_written_to_the_letter),
	  T(counts_are_numbers_and_versions_are_strings),
	  T(errors_are_a_code_and_a_sentence_that_is_always_text),
	  T(a_ttl_has_milliseconds_and_is_never_zero),
	  T(requests_are_written_to_the_letter),
	  T(an_error_reply_is_understood),
	  T(unknown_fields_of_a_reply_are_ignored),
	  T(what_is_no_reply_is_a_protocol_error), T(text_is_utf8_without_nul),
	  T(info_survives_writing_and_reading))

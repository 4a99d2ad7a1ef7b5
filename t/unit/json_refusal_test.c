/*
 * json_refusal_test.c - requests in JSON lines that are refused: with which
 * code, and in which words.
 */
#include "json_parse.h"

struct refusal {
	const char *line;
	int code;
	const char *text;
};

static void check_refusals(const struct refusal *r, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		int code = parse(r[i].line);

		if (code != r[i].code || strcmp(err_text(), r[i].text) != 0)
			test_fail(__FILE__, __LINE__,
				  "%s gives %d \"%s\", not %d \"%s\"",
				  r[i].line, code, code ? err_text() : "",
				  r[i].code, r[i].text);
	}
}

#define CHECK_REFUSALS(table) \
	check_refusals(table, sizeof(table) / sizeof((table)[0]))

static void what_is_not_json_is_refused_with_the_place(void)
{
	static const struct refusal table[] = {
		{"", KV_EDATA,
		 "not valid JSON: the line ends where a value is missing"},
		{"  \r", KV_EDATA,
		 "not valid JSON: the line ends where a value is missing"},
		{"[]", KV_EDATA,
		 "not valid JSON at byte 1: the line must be an object, "
		 "'{...}'"},
		{"\"op\"", KV_EDATA,
		 "not valid JSON at byte 1: the line must be an object, "
		 "'{...}'"},
		{"\xef\xbb\xbf{}", KV_EDATA,
		 "not valid JSON at byte 1: the line must be an object, "
		 "'{...}'"},
		{"{", KV_EDATA,
		 "not valid JSON: the line ends where a member's name is "
		 "missing"},
		{"{op:1}", KV_EDATA,
		 "not valid JSON at byte 2: a member's name is missing"},
		{"{\"op\" 1}", KV_EDATA,
		 "not valid JSON at byte 7: a ':' is missing"},
		{"{\"op\":}", KV_EDATA,
		 "not valid JSON at byte 7: a value is missing"},
		{"{\"op\":1,}", KV_EDATA,
		 "not valid JSON at byte 9: a member's name is missing"},
		{"{\"op\":[1,]}", KV_EDATA,
		 "not valid JSON at byte 10: a value is missing"},
		{"{\"op\":[1 2]}", KV_EDATA,
		 "not valid JSON at byte 10: a ',' or ']' is missing"},
		{"{\"op\":[1}", KV_EDATA,
		 "not valid JSON at byte 9: a ',' or ']' is missing"},
		{"{\"op\":1]", KV_EDATA,
		 "not valid JSON at byte 8: a ',' or '}' is missing"},
		{"{\"op\":\"ping\"} {", KV_EDATA,
		 "not valid JSON at byte 15: something stands behind the "
		 "object"},
		{"{\"op\":\"ping", KV_EDATA,
		 "not valid JSON: the line ends where a string is not closed"},
		{"{\"op\":\"pi\\x\"}", KV_EDATA,
		 "not valid JSON at byte 10: an escape is not valid"},
		{"{\"op\":\"\\u12g4\"}", KV_EDATA,
		 "not valid JSON at byte 8: four hexadecimal digits must "
		 "follow '\\u'"},
		{"{\"op\":\"a\tb\"}", KV_EDATA,
		 "not valid JSON at byte 9: a control character in a string "
		 "must be escaped"},
		{"{\"op\":\v1}", KV_EDATA,
		 "not valid JSON at byte 7: a value is missing"},
		{"{\"op\":nul}", KV_EDATA,
		 "not valid JSON at byte 7: a value is missing"},
		{"{\"op\":True}", KV_EDATA,
		 "not valid JSON at byte 7: a value is missing"},
		{"{\"op\":'ping'}", KV_EDATA,
		 "not valid JSON at byte 7: a value is missing"},
	};

	CHECK_REFUSALS(table);
}

static void numbers_keep_to_the_grammar(void)
{
	static const struct refusal table[] = {
		{"{\"limit\":01}", KV_EDATA,
		 "not valid JSON at byte 11: a ',' or '}' is missing"},
		{"{\"limit\":1.}", KV_EDATA,
		 "not valid JSON at byte 12: a digit is missing"},
		{"{\"limit\":.5}", KV_EDATA,
		 "not valid JSON at byte 10: a value is missing"},
		{"{\"limit\":-}", KV_EDATA,
		 "not valid JSON at byte 11: a digit is missing"},
		{"{\"limit\":+1}", KV_EDATA,
		 "not valid JSON at byte 10: a value is missing"},
		{"{\"limit\":1e}", KV_EDATA,
		 "not valid JSON at byte 12: a digit is missing"},
		{"{\"limit\":0x10}", KV_EDATA,
		 "not valid JSON at byte 11: a ',' or '}' is missing"},
		{"{\"limit\":NaN}", KV_EDATA,
		 "not valid JSON at byte 10: a value is missing"},
		{"{\"limit\":1000000000000000000000000000000000000000000000000"
		 "000000000000000}",
		 KV_EDATA,
		 "not valid JSON at byte 10: a number has more than 63 "
		 "characters"},
	};

	CHECK_REFUSALS(table);
	CHECK_OK("{\"id\":1000000000000000000000000000000000000000000000000000"
		 "00000000000,\"op\":\"ping\"}");
}

static void text_that_is_no_text_is_refused_by_name(void)
{
#define NO_UTF8(n)                                                           \
	"holds bytes that are not UTF-8: send them as base64 in 'key64' or " \
	"'value64' (byte " n ")"
#define LONE(n) \
	"holds half of a surrogate pair, which is no character (byte " n ")"
	static const struct refusal table[] = {
		{"{\"key\":\"a\\u0000b\"}", KV_EDATA,
		 "'key' holds \\u0000, which text cannot: send it as base64 "
		 "in 'key64' or 'value64' (byte 10)"},
		{"{\"value\":\"\x80\"}", KV_EDATA, "'value' " NO_UTF8("11")},
		{"{\"value\":\"\xc0\x80\"}", KV_EDATA,
		 "'value' " NO_UTF8("11")},
		{"{\"value\":\"\xc3\"}", KV_EDATA, "'value' " NO_UTF8("11")},
		{"{\"value\":\"\xed\xa0\x80\"}", KV_EDATA,
		 "'value' " NO_UTF8("11")},
		{"{\"value\":\"\xe2\x82\"}", KV_EDATA,
		 "'value' " NO_UTF8("11")},
		{"{\"value\":\"\xf4\x90\x80\x80\"}", KV_EDATA,
		 "'value' " NO_UTF8("11")},
		{"{\"value\":\"\xff\"}", KV_EDATA, "'value' " NO_UTF8("11")},
		{"{\"key\":\"\\ud800\"}", KV_EDATA, "'key' " LONE("15")},
		{"{\"key\":\"\\udc00\"}", KV_EDATA, "'key' " LONE("9")},
		{"{\"key\":\"\\ud800\\n\"}", KV_EDATA, "'key' " LONE("15")},
		{"{\"key\":\"\\ud800\\ud800\"}", KV_EDATA, "'key' " LONE("15")},
		{"{\"key\":\"\\ud800x\"}", KV_EDATA, "'key' " LONE("15")},
	};

	CHECK_REFUSALS(table);
	CHECK_INT(parse_bytes("{\"op\":\"get\",\"key\":\"a\0b\"}", 24),
		  KV_EDATA);
	CHECK_STR(err_text(), "not valid JSON at byte 21: a control character "
			      "in a string must be escaped");
}

static void fields_are_known_and_belong_to_the_op(void)
{
	static const struct refusal table[] = {
		{"{}", KV_EDATA, "'op' is missing"},
		{"{\"op\":1}", KV_EDATA, "'op' must be a string"},
		{"{\"op\":\"pong\"}", KV_EDATA, "unknown op 'pong'"},
		{"{\"op\":\"p\xc3\xa9\\u001b\"}", KV_EDATA,
		 "unknown op 'p\?\?\?'"},
		{"{\"op\":\"ping\",\"colour\":1}", KV_EDATA,
		 "unknown field 'colour'"},
		{"{\"op\":\"ping\",\"OP\":1}", KV_EDATA, "unknown field 'OP'"},
		{"{\"op\":\"ping\",\"\":1}", KV_EDATA, "unknown field ''"},
		{"{\"op\":\"ping\",\"op64\":\"\"}", KV_EDATA,
		 "unknown field 'op64'"},
		{"{\"op\":\"ping\",\"key640\":\"\"}", KV_EDATA,
		 "unknown field 'key640'"},
		{"{\"op\":\"ping\",\"key\":\"a\"}", KV_EDATA,
		 "'key' does not belong to 'ping'"},
		{"{\"op\":\"get\",\"key\":\"a\",\"ttl\":1}", KV_EDATA,
		 "'ttl' does not belong to 'get'"},
		{"{\"op\":\"count\",\"limit\":1}", KV_EDATA,
		 "'limit' does not belong to 'count'"},
		{"{\"op\":\"mget\",\"keys\":[],\"value64\":\"\"}", KV_EDATA,
		 "'value64' does not belong to 'mget'"},
		{"{\"op\":\"get\"}", KV_EDATA, "'key' is missing"},
		{"{\"op\":\"set\",\"key\":\"a\"}", KV_EDATA,
		 "'value' is missing"},
		{"{\"op\":\"mget\"}", KV_EDATA, "'keys' is missing"},
		{"{\"op\":\"bulk_set\"}", KV_EDATA, "'items' is missing"},
		{"{\"op\":\"ping\",\"op\":\"ping\"}", KV_EDATA,
		 "'op' is given twice"},
		{"{\"op\":\"ping\",\"id\":1,\"id\":2}", KV_EDATA,
		 "'id' is given twice"},
		{"{\"op\":\"get\",\"key\":\"a\",\"k\\u0065y\":\"b\"}", KV_EDATA,
		 "'key' is given twice"},
		{"{\"op\":\"get\",\"key64\":\"\",\"key64\":\"\"}", KV_EDATA,
		 "'key64' is given twice"},
		{"{\"op\":\"get\",\"key\":\"a\",\"key64\":\"YQ==\"}", KV_EDATA,
		 "'key' and 'key64' exclude each other"},
		{"{\"op\":\"get\",\"key64\":\"YQ==\",\"key\":\"a\"}", KV_EDATA,
		 "'key' and 'key64' exclude each other"},
		{"{\"op\":\"ping\",\"\\u0069d\":1}", KV_EDATA,
		 "the name 'id' must be written without escapes"},
		{"{\"op\":\"mget\",\"k\\u0065ys\":[\"a\"]}", KV_EDATA,
		 "the name 'keys' must be written without escapes, and only "
		 "one list given"},
	};

	CHECK_REFUSALS(table);
}

static void types_and_ranges_are_checked(void)
{
	static const struct refusal table[] = {
		{"{\"op\":\"get\",\"key\":1}", KV_EDATA,
		 "'key' must be a string"},
		{"{\"op\":\"get\",\"key\":null}", KV_EDATA,
		 "'key' must be a string"},
		{"{\"op\":\"get\",\"key64\":[\"a\"]}", KV_EDATA,
		 "'key64' must be a string"},
		{"{\"op\":\"get\",\"key\":\"\"}", KV_EDATA,
		 "'key' must not be empty"},
		{"{\"op\":\"get\",\"key64\":\"\"}", KV_EDATA,
		 "'key64' must not be empty"},
		{"{\"op\":\"set\",\"key\":\"a\",\"value\":{\"x\":1}}", KV_EDATA,
		 "'value' must be a string"},
		{"{\"op\":\"ping\",\"id\":true}", KV_EDATA,
		 "'id' must be a string or a number (byte 23)"},
		{"{\"op\":\"ping\",\"id\":[1]}", KV_EDATA,
		 "'id' must be a string or a number (byte 19)"},
		{"{\"op\":\"mget\",\"keys\":\"a\"}", KV_EDATA,
		 "'keys' must be a list"},
		{"{\"op\":\"bulk_set\",\"items\":{}}", KV_EDATA,
		 "'items' must be a list"},
		{"{\"op\":\"set\",\"key\":\"a\",\"value\":\"\",\"if\":\"x\"}",
		 KV_EDATA, "'if' must be \"absent\" or \"present\""},
		{"{\"op\":\"set\",\"key\":\"a\",\"value\":\"\",\"if\":true}",
		 KV_EDATA, "'if' must be a string"},
		{"{\"op\":\"set\",\"key\":\"a\",\"value\":\"\",\"if\":"
		 "\"absent\",\"if_version\":\"1\"}",
		 KV_EDATA, "'if' and 'if_version' exclude each other"},
		{"{\"op\":\"delete\",\"key\":\"a\",\"debug_unreliable\":1}",
		 KV_EDATA, "'debug_unreliable' must be true or false"},
		{"{\"op\":\"get\",\"key\":\"a\",\"stale\":1}", KV_EDATA,
		 "'stale' must be true or false"},
		{"{\"op\":\"set\",\"key\":\"a\",\"value\":\"\",\"stale\":"
		 "true}",
		 KV_EDATA, "'stale' does not belong to 'set'"},
		{"{\"op\":\"delete\",\"key\":\"a\",\"number\":1,\"client\":"
		 "\"0123456789abcdef0123456789abcde\"}",
		 KV_EDATA, "'client' must be 32 hexadecimal digits"},
		{"{\"op\":\"delete\",\"key\":\"a\",\"number\":1,\"client\":"
		 "\"0123456789abcdef0123456789abcdef0\"}",
		 KV_EDATA, "'client' must be 32 hexadecimal digits"},
		{"{\"op\":\"delete\",\"key\":\"a\",\"number\":1,\"client\":"
		 "\"0123456789abcdef0123456789abcdeg\"}",
		 KV_EDATA, "'client' must be 32 hexadecimal digits"},
		{"{\"op\":\"delete\",\"key\":\"a\",\"number\":1,\"client\":1}",
		 KV_EDATA, "'client' must be 32 hexadecimal digits"},
		{"{\"op\":\"delete\",\"key\":\"a\",\"number\":0,\"client\":"
		 "\"0123456789abcdef0123456789ABCDEF\"}",
		 KV_EDATA, "'number' must be a whole number from 1 to 2^53"},
		{"{\"op\":\"delete\",\"key\":\"a\",\"number\":1}", KV_EDATA,
		 "'client' and 'number' go together"},
		{"{\"op\":\"get\",\"key\":\"a\",\"number\":1}", KV_EDATA,
		 "'number' does not belong to 'get'"},
		{"{\"op\":\"scan\",\"reverse\":\"yes\"}", KV_EDATA,
		 "'reverse' must be true or false"},
		{"{\"op\":\"scan\",\"keys_only\":0}", KV_EDATA,
		 "'keys_only' must be true or false"},
		{"{\"op\":\"scan\",\"cursor\":1}", KV_EDATA,
		 "'cursor' must be a string"},
		{"{\"op\":\"delete\"}", KV_EDATA,
		 "'delete' takes exactly one of 'key', 'keys' and 'prefix'"},
		{"{\"op\":\"delete\",\"key\":\"a\",\"prefix\":\"b\"}", KV_EDATA,
		 "'delete' takes exactly one of 'key', 'keys' and 'prefix'"},
		{"{\"op\":\"delete\",\"prefix\":\"\",\"if_version\":\"1\"}",
		 KV_EDATA,
		 "'if' and 'if_version' go with 'key', not with 'keys' or "
		 "'prefix'"},
	};

	CHECK_REFUSALS(table);
}

static void a_ttl_is_finite_and_above_zero(void)
{
	static const char *const wrong[] = {
		"0", "-1", "-0", "1e999", "-1e999", "31557600001", "1e-999",
	};

	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		char line[128];

		snprintf(line, sizeof(line),
			 "{\"op\":\"set\",\"key\":\"a\",\"value\":\"\","
			 "\"ttl\":%s}",
			 wrong[i]);
		CHECK_INT(parse(line), KV_EDATA);
		CHECK_STR(err_text(), "'ttl' must be above 0 and at most "
				      "31557600000 seconds");
	}
	CHECK_INT(parse("{\"op\":\"set\",\"key\":\"a\",\"value\":\"\","
			"\"ttl\":\"1\"}"),
		  KV_EDATA);
	CHECK_STR(err_text(), "'ttl' must be a number of seconds");
	CHECK_OK("{\"op\":\"set\",\"key\":\"a\",\"value\":\"\","
		 "\"ttl\":31557600000}");
	CHECK(req.changes[0].expires_ms == NOW + 31557600000000ull);
}

static void a_limit_is_a_whole_number_that_a_double_holds(void)
{
	static const char *const wrong[] = {
		"-1",	 "1.5",	 "9007199254740993e1", "1e300", "1e999",
		"\"1\"", "null",
	};

	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		char line[128];

		snprintf(line, sizeof(line), "{\"op\":\"scan\",\"limit\":%s}",
			 wrong[i]);
		CHECK_INT(parse(line), KV_EDATA);
		CHECK_STR(err_text(),
			  "'limit' must be a whole number from 0 to 2^53");
	}
	CHECK_OK("{\"op\":\"scan\",\"limit\":1e2}");
	CHECK_INT(req.range.limit, 100);
	CHECK_OK("{\"op\":\"scan\",\"limit\":0}");
	CHECK_INT(req.range.limit, 0);
}

static void if_version_is_digits_within_64_bits(void)
{
	static const char *const wrong[] = {
		"\"\"",
		"\"-1\"",
		"\"+1\"",
		"\" 1\"",
		"\"1 \"",
		"\"07\"",
		"\"18446744073709551616\"",
		"7",
		"\"7x\"",
		"\"0x7\"",
		"\"99999999999999999999\"",
	};

	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		char line[128];

		snprintf(line, sizeof(line),
			 "{\"op\":\"delete\",\"key\":\"a\",\"if_version\":%s}",
			 wrong[i]);
		CHECK_INT(parse(line), KV_EDATA);
		CHECK(strstr(err_text(), "'if_version' must be a string of "
					 "decimal digits") != NULL);
	}
	CHECK_OK("{\"op\":\"delete\",\"key\":\"a\",\"if_version\":\"0\"}");
	CHECK_INT(req.if_version, 0);
}

static void base64_is_strict(void)
{
	static const char *const wrong[] = {
		"YQ",	   "YQ=",  "YQ===", "YQ==YQ==",	 "YR==",
		"YWJ=",	   "=",	   "====",  "Y===",	 "Y Q=",
		"YQ==\\n", "YW-_", "Y=Q=",  "\\u00e9YQ",
	};

	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		char line[128];

		snprintf(line, sizeof(line),
			 "{\"op\":\"get\",\"key64\":\"%s\"}", wrong[i]);
		CHECK_INT(parse(line), KV_EDATA);
		CHECK_STR(err_text(), "'key64' must be standard base64 with "
				      "its padding");
	}
	CHECK_OK("{\"op\":\"get\",\"key64\":\"YWI=\"}");
	CHECK_SLICE(req.keys[0], "ab");
	CHECK_OK("{\"op\":\"get\",\"key64\":\"+\\/+\\/\"}");
	CHECK_SLICE(req.keys[0], "\xfb\xff\xbf");
}

static void a_bad_member_of_a_list_is_named_by_its_number(void)
{
	static const struct refusal table[] = {
		{"{\"op\":\"mget\",\"keys\":[\"a\",1]}", KV_EDATA,
		 "keys[1]: must be a string or an object with 'key64'"},
		{"{\"op\":\"mget\",\"keys\":[\"\"]}", KV_EDATA,
		 "keys[0]: 'key' must not be empty"},
		{"{\"op\":\"delete\",\"keys\":[{}]}", KV_EDATA,
		 "keys[0]: 'key' is missing"},
		{"{\"op\":\"mget\",\"keys\":[{\"value\":\"a\"}]}", KV_EDATA,
		 "keys[0]: 'value' does not belong to a key"},
		{"{\"op\":\"bulk_set\",\"items\":[[\"a\",\"1\"],7]}", KV_EDATA,
		 "items[1]: must be a pair, [key, value], or an object"},
		{"{\"op\":\"bulk_set\",\"items\":[[]]}", KV_EDATA,
		 "items[0]: a pair must be two strings, key and value"},
		{"{\"op\":\"bulk_set\",\"items\":[[\"a\"]]}", KV_EDATA,
		 "items[0]: a pair must be two strings, key and value"},
		{"{\"op\":\"bulk_set\",\"items\":[[\"a\",1]]}", KV_EDATA,
		 "items[0]: a pair must be two strings, key and value"},
		{"{\"op\":\"bulk_set\",\"items\":[[\"a\",\"b\",\"c\"]]}",
		 KV_EDATA,
		 "items[0]: a pair must be two strings, key and value"},
		{"{\"op\":\"bulk_set\",\"items\":[[\"\",\"b\"]]}", KV_EDATA,
		 "items[0]: 'key' must not be empty"},
		{"{\"op\":\"bulk_set\",\"items\":[{\"key\":\"a\"}]}", KV_EDATA,
		 "items[0]: 'value' is missing"},
		{"{\"op\":\"bulk_set\",\"items\":[{\"key\":\"a\",\"value\":"
		 "\"b\",\"tll\":1}]}",
		 KV_EDATA, "items[0]: unknown field 'tll'"},
		{"{\"op\":\"bulk_set\",\"items\":[{\"key\":\"a\",\"value\":"
		 "\"b\",\"ttl\":0}]}",
		 KV_EDATA,
		 "items[0]: 'ttl' must be above 0 and at most 31557600000 "
		 "seconds"},
		{"{\"op\":\"bulk_set\",\"items\":[{\"key\":\"a\",\"key\":"
		 "\"b\",\"value\":\"\"}]}",
		 KV_EDATA, "items[0]: 'key' is given twice"},
		{"{\"op\":\"mget\",\"keys\":[],\"keys\":[]}", KV_EDATA,
		 "'keys' is given twice"},
		{"{\"op\":\"mget\",\"keys\":[\"a\"],\"items\":[]}", KV_EDATA,
		 "'items' does not belong to 'mget'"},
	};

	CHECK_REFUSALS(table);
}

static void check_repeated(const char *head, const char *unit, size_t n,
			   const char *tail, int code, const char *text)
{
	char *line = repeated(head, unit, n, tail);
	int got = parse(line);

	free(line);
	CHECK_INT(got, code);
	if (code != 0)
		CHECK_STR(err_text(), text);
}

static void keys_and_values_up_to_their_limits_pass(void)
{
	check_repeated("{\"op\":\"get\",\"key\":\"", "k", KV_KEY_MAX, "\"}", 0,
		       "");
	CHECK_INT(req.keys[0].len, KV_KEY_MAX);
	check_repeated("{\"op\":\"get\",\"key\":\"", "k", KV_KEY_MAX + 1, "\"}",
		       KV_ETOOBIG,
		       "'key' has 65537 bytes, over the limit of 65536");
	check_repeated("{\"op\":\"mget\",\"keys\":[\"", "k", KV_KEY_MAX + 1,
		       "\"]}", KV_ETOOBIG,
		       "keys[0]: 'key' has 65537 bytes, over the limit of "
		       "65536");
	check_repeated("{\"op\":\"scan\",\"from\":\"", "k", KV_KEY_MAX + 1,
		       "\"}", KV_ETOOBIG,
		       "'from' has 65537 bytes, over the limit of 65536");
	check_repeated("{\"op\":\"set\",\"key\":\"k\",\"value\":\"",
		       "0123456789abcdef", KV_VALUE_MAX / 16, "\"}", 0, "");
	CHECK_INT(req.changes[0].value.len, KV_VALUE_MAX);
	check_repeated("{\"op\":\"set\",\"key\":\"k\",\"value\":\"",
		       "0123456789abcdef", KV_VALUE_MAX / 16, "x\"}",
		       KV_ETOOBIG,
		       "'value' has 67108865 bytes, over the limit of "
		       "67108864");
	check_repeated("{\"op\":\"bulk_set\",\"items\":[[\"k\",\"",
		       "0123456789abcdef", KV_VALUE_MAX / 16, "x\"]]}",
		       KV_ETOOBIG,
		       "items[0]: 'value' has 67108865 bytes, over the limit "
		       "of 67108864");
	json_arena_trim(arena);
}

static void an_id_has_at_most_256_bytes(void)
{
	check_repeated("{\"op\":\"ping\",\"id\":\"", "i", 254, "\"}", 0, "");
	CHECK_INT(id.len, 256);
	check_repeated("{\"op\":\"ping\",\"id\":\"", "i", 255, "\"}",
		       KV_ETOOBIG, "'id' has 257 bytes, over the limit of 256");
	CHECK_INT(id.len, 0);
}

static void nesting_ends_at_32(void)
{
	/* The outermost object is the first level. */
	check_repeated("{\"op\":", "[", 31, "", KV_EDATA,
		       "not valid JSON: the line ends where a value is "
		       "missing");
	check_repeated("{\"op\":", "[", 32, "", KV_EDATA,
		       "not valid JSON at byte 38: nested more than 32 deep");
	check_repeated("{\"op\":", "{\"a\":", 1000000, "", KV_EDATA,
		       "not valid JSON at byte 162: nested more than 32 deep");
}

static void a_flood_of_values_is_refused_before_it_costs_memory(void)
{
	check_repeated("{\"op\":[0", ",0", 1000000, "]}", KV_ETOOBIG,
		       "more than 64 values in one object (byte 132)");
	check_repeated("{\"op\":\"bulk_set\",\"items\":[[0", ",0", 1000000,
		       "]]}", KV_ETOOBIG,
		       "more than 64 values in one object (byte 154)");
	check_repeated("{\"op\":\"mget\",\"keys\":[0", ",0", JSON_LIST_MAX,
		       "]}", KV_ETOOBIG,
		       "'keys' has 4000001 members, over the limit of 4000000");
	check_repeated("{\"op\":\"bulk_set\",\"items\":[0", ",0", JSON_LIST_MAX,
		       "]}", KV_ETOOBIG,
		       "'items' has 4000001 members, over the limit of "
		       "4000000");
}

TEST_MAIN(T(what_is_not_json_is_refused_with_the_place),
	  T(numbers_keep_to_the_grammar),
	  T(text_that_is_no_text_is_refused_by_name),
	  T(fields_are_known_and_belong_to_the_op),
	  T(types_and_ranges_are_checked), T(a_ttl_is_finite_and_above_zero),
	  T(a_limit_is_a_whole_number_that_a_double_holds),
	  T(if_version_is_digits_within_64_bits), T(base64_is_strict),
	  T(a_bad_member_of_a_list_is_named_by_its_number),
	  T(keys_and_values_up_to_their_limits_pass),
	  T(an_id_has_at_most_256_bytes), T(nesting_ends_at_32),
	  T(a_flood_of_values_is_refused_before_it_costs_memory))

/*
 * resp_text_test.c - numbers, patterns, and replies as text.
 */
#include "base/buf.h"
#include "proto/command.h"
#include "proto/glob.h"
#include "proto/resp_number.h"
#include "proto/resp_write.h"
#include "test.h"

#include <inttypes.h>

static bool is_int(const char *text, int64_t expected)
{
	int64_t value = 0;

	return resp_parse_int(slice_str(text), &value) && value == expected;
}

static bool no_int(const char *text)
{
	int64_t value;

	return !resp_parse_int(slice_str(text), &value);
}

static void whole_numbers_are_read_as_they_would_be_written(void)
{
	CHECK(is_int("0", 0));
	CHECK(is_int("42", 42));
	CHECK(is_int("-1", -1));
	CHECK(is_int("9223372036854775807", INT64_MAX));
	CHECK(is_int("-9223372036854775808", INT64_MIN));
	CHECK(no_int("9223372036854775808"));
	CHECK(no_int("-9223372036854775809"));
	CHECK(no_int("18446744073709551616"));
	CHECK(no_int("99999999999999999999"));
	CHECK(no_int(""));
	CHECK(no_int("-"));
	CHECK(no_int("-0"));
	CHECK(no_int("+1"));
	CHECK(no_int("01"));
	CHECK(no_int(" 1"));
	CHECK(no_int("1 "));
	CHECK(no_int("1.0"));
	CHECK(!resp_parse_int(slice_of("1\0", 2), &(int64_t){0}));
}

static const char *add(const char *a, const char *b)
{
	static char text[RESP_FLOAT_MAX + 1];
	long double x, y;

	CHECK(resp_parse_float(slice_str(a), &x));
	CHECK(resp_parse_float(slice_str(b), &y));
	text[resp_format_float(text, x + y)] = '\0';
	return text;
}

static void broken_numbers_have_no_needless_digits(void)
{
	CHECK_STR(add("10.50", "0.1"), "10.6");
	CHECK_STR(add("5.0e3", "2.0e2"), "5200");
	CHECK_STR(add("0.1", "0.2"), "0.3");
	CHECK_STR(add("3", "-3"), "0");
	CHECK_STR(add("-0.0", "-0.0"), "0");
	CHECK_STR(add("1e20", "0"), "100000000000000000000");
	CHECK_STR(add("100", "0"), "100");
}

static void what_is_no_number_is_refused(void)
{
	long double value;

	CHECK(!resp_parse_float(slice_str(""), &value));
	CHECK(!resp_parse_float(slice_str(" 1"), &value));
	CHECK(!resp_parse_float(slice_str("1 "), &value));
	CHECK(!resp_parse_float(slice_str("nan"), &value));
	CHECK(!resp_parse_float(slice_str("x"), &value));
	CHECK(!resp_parse_float(slice_str("1e5000"), &value));
	CHECK(!resp_parse_float(slice_of("1\0002", 3), &value));
}

static bool matches(const char *pattern, const char *text)
{
	return glob_match(slice_str(pattern), slice_str(text), false);
}

static void patterns_match_as_in_a_shell(void)
{
	CHECK(matches("*", ""));
	CHECK(matches("*", "anything"));
	CHECK(matches("a*c", "abbbc"));
	CHECK(!matches("a*c", "abbbd"));
	CHECK(matches("a*b*c", "aXbbYc"));
	CHECK(matches("?", "x"));
	CHECK(!matches("?", ""));
	CHECK(matches("h[ae]llo", "hello"));
	CHECK(!matches("h[ae]llo", "hillo"));
	CHECK(matches("h[^e]llo", "hallo"));
	CHECK(!matches("h[^e]llo", "hello"));
	CHECK(matches("[a-c]", "b"));
	CHECK(matches("[c-a]", "b"));
	CHECK(!matches("[a-c]", "d"));
	CHECK(matches("\\*", "*"));
	CHECK(!matches("\\*", "x"));
	CHECK(matches("[\\]]", "]"));
	CHECK(!matches("", "x"));
	CHECK(matches("", ""));
	CHECK(matches("[ab", "b"));
	CHECK(glob_match(slice_str("AB*"), slice_str("abc"), true));
	CHECK(!glob_match(slice_str("AB*"), slice_str("abc"), false));
}

static void many_stars_take_no_time(void)
{
	struct buf pattern = {0}, text = {0};

	for (int i = 0; i < 1000; i++) {
		buf_append_str(&pattern, "a*");
		buf_append_str(&text, "aaaaaaaaaa");
	}
	buf_append_char(&pattern, 'b');
	CHECK(!glob_match(buf_slice(&pattern), buf_slice(&text), false));
	buf_release(&pattern);
	buf_release(&text);
}

static void a_pattern_has_a_fixed_beginning(void)
{
	bool exact;
	struct slice prefix = glob_prefix(slice_str("user:*:name"), &exact);

	CHECK(slice_eq(prefix, slice_str("user:")));
	CHECK(!exact);
	prefix = glob_prefix(slice_str("plain"), &exact);
	CHECK(slice_eq(prefix, slice_str("plain")));
	CHECK(exact);
}

static struct buf out;

static const char *written(void)
{
	buf_append_char(&out, '\0');
	out.len = 0;
	return out.data;
}

static void replies_look_as_both_versions_have_them(void)
{
	resp_bulk(&out, slice_str("hi"));
	CHECK_STR(written(), "$2\r\nhi\r\n");
	resp_integer(&out, INT64_MIN);
	CHECK_STR(written(), ":-9223372036854775808\r\n");
	resp_error(&out, "ERR a\r\nb");
	CHECK_STR(written(), "-ERR a  b\r\n");
	resp_map(&out, 2, false);
	CHECK_STR(written(), "*4\r\n");
	resp_map(&out, 2, true);
	CHECK_STR(written(), "%2\r\n");
	resp_set(&out, 3, true);
	CHECK_STR(written(), "~3\r\n");
	resp_null(&out, false);
	CHECK_STR(written(), "$-1\r\n");
	resp_null_array(&out, false);
	CHECK_STR(written(), "*-1\r\n");
	resp_null(&out, true);
	CHECK_STR(written(), "_\r\n");
	resp_text(&out, slice_str("hi"), true);
	CHECK_STR(written(), "=6\r\ntxt:hi\r\n");
	buf_release(&out);
}

static void commands_are_found_whatever_their_case(void)
{
	struct command_lookup *lookup = command_lookup_new();

	CHECK(lookup != NULL);
	for (const struct command *c = command_table; c->name != NULL; c++) {
		char upper[32];
		size_t n = strlen(c->name);

		for (size_t i = 0; i <= n; i++)
			upper[i] = (char)(c->name[i] >= 'a' ? c->name[i] - 32
							    : c->name[i]);
		CHECK(command_find(lookup, slice_str(c->name)) == c);
		CHECK(command_find(lookup, slice_str(upper)) == c);
	}
	CHECK(command_find(lookup, slice_str("")) == NULL);
	CHECK(command_find(lookup, slice_str("ge")) == NULL);
	CHECK(command_find(lookup, slice_str("gett")) == NULL);
	CHECK(command_find(lookup, slice_of("get\0", 4)) == NULL);
	CHECK(command_find(lookup, slice_str("g%t")) == NULL);
	CHECK(command_find(lookup, slice_str("averyverylongname")) == NULL);
	command_lookup_free(lookup);
}

static void the_table_of_commands_is_in_order(void)
{
	for (const struct command *c = command_table; c[1].name != NULL; c++)
		CHECK(strcmp(c[0].name, c[1].name) < 0);
}

TEST_MAIN(T(whole_numbers_are_read_as_they_would_be_written),
	  T(broken_numbers_have_no_needless_digits),
	  T(what_is_no_number_is_refused), T(patterns_match_as_in_a_shell),
	  T(many_stars_take_no_time), T(a_pattern_has_a_fixed_beginning),
	  T(replies_look_as_both_versions_have_them),
	  T(commands_are_found_whatever_their_case),
	  T(the_table_of_commands_is_in_order))

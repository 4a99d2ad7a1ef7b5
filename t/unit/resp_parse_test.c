/*
 * resp_parse_test.c - commands out of bytes, whole or in pieces.
 */
#include "base/buf.h"
#include "base/err.h"
#include "proto/resp_parse.h"
#include "test.h"

#include <stdlib.h>

#define MAX 100000u

static struct resp_parser parser;
static char error[ERR_TEXT_MAX];
static size_t used;

static enum resp_parse parse(struct slice input)
{
	return resp_parse(&parser, input, MAX, &used, error);
}

/* The words as "a|b|c". */
static const char *words(void)
{
	static char text[1024];
	size_t at = 0;

	text[0] = '\0';
	for (size_t i = 0; i < parser.nwords; i++)
		at += (size_t)snprintf(text + at, sizeof(text) - at, "%s%.*s",
				       i != 0 ? "|" : "",
				       (int)parser.words[i].len,
				       parser.words[i].data);
	return text;
}

/* What the input says, if it is one whole command. */
static const char *read_as(const char *input)
{
	CHECK_INT(parse(slice_str(input)), RESP_PARSE_COMMAND);
	CHECK_INT(used, strlen(input));
	return words();
}

static const char *error_of(const char *input)
{
	resp_parser_release(&parser);
	CHECK_INT(parse(slice_str(input)), RESP_PARSE_ERROR);
	resp_parser_release(&parser);
	return error;
}

static void an_array_of_bulk_strings_is_a_command(void)
{
	CHECK_STR(read_as("*2\r\n$3\r\nGET\r\n$1\r\na\r\n"), "GET|a");
	CHECK_STR(read_as("*1\r\n$0\r\n\r\n"), "");
	CHECK_INT(parser.nwords, 1);
	resp_parser_release(&parser);
}

static void words_may_hold_any_bytes(void)
{
	static const char input[] = "*2\r\n$4\r\n\r\n\0*\r\n$2\r\n$3\r\n";

	CHECK_INT(parse(slice_of(input, sizeof(input) - 1)),
		  RESP_PARSE_COMMAND);
	CHECK(slice_eq(parser.words[0], slice_of("\r\n\0*", 4)));
	CHECK(slice_eq(parser.words[1], slice_str("$3")));
	resp_parser_release(&parser);
}

static void a_command_ends_where_the_next_begins(void)
{
	struct slice two = slice_str("*1\r\n$4\r\nPING\r\nGET a\r\n");

	CHECK_INT(parse(two), RESP_PARSE_COMMAND);
	CHECK_INT(used, 14);
	CHECK_STR(words(), "PING");
	CHECK_STR(read_as(two.data + used), "GET|a");
	resp_parser_release(&parser);
}

/* Feeds all of the input but in pieces that end everywhere, each time at
 * another place in memory. */
static void feed_in_pieces(struct slice input, size_t step)
{
	for (size_t len = 1; len < input.len; len += step) {
		char *copy = malloc(len);

		memcpy(copy, input.data, len);
		CHECK_INT(parse(slice_of(copy, len)), RESP_PARSE_MORE);
		CHECK_INT(used, 0);
		free(copy);
	}
	CHECK_INT(parse(input), RESP_PARSE_COMMAND);
	CHECK_INT(used, input.len);
}

static void a_command_may_come_in_any_pieces(void)
{
	for (size_t step = 1; step < 12; step++) {
		feed_in_pieces(slice_str("*3\r\n$3\r\nSET\r\n$10\r\n0123456789"
					 "\r\n$0\r\n\r\n"),
			       step);
		CHECK_STR(words(), "SET|0123456789|");
		feed_in_pieces(slice_str("SET  'a b' \"c\\n\" d\r\n"), step);
		CHECK_STR(words(), "SET|a b|c\n|d");
	}
	resp_parser_release(&parser);
}

static void what_is_understood_is_not_read_again(void)
{
	struct slice input = slice_str("*2\r\n$1\r\na\r\n$1\r\nb\r\n");

	CHECK_INT(parse(slice_of(input.data, 13)), RESP_PARSE_MORE);
	CHECK_INT(parser.at, 11);
	CHECK_INT(parser.left, 1);
	CHECK_INT(parse(input), RESP_PARSE_COMMAND);
	CHECK_STR(words(), "a|b");
	resp_parser_release(&parser);
}

static void many_words_are_a_command_too(void)
{
	struct buf b = {0};

	buf_append_str(&b, "*10000\r\n");
	for (int i = 0; i < 10000; i++)
		buf_append_str(&b, "$1\r\nx\r\n");
	CHECK_INT(parse(buf_slice(&b)), RESP_PARSE_COMMAND);
	CHECK_INT(parser.nwords, 10000);
	CHECK(parser.cap >= 10000);
	CHECK_STR(read_as("PING\n"), "PING");
	CHECK(parser.cap <= RESP_WORDS_KEEP);
	buf_release(&b);
	resp_parser_release(&parser);
}

static void an_empty_array_asks_for_nothing(void)
{
	CHECK_STR(read_as("*0\r\n"), "");
	CHECK_STR(read_as("*-1\r\n"), "");
	CHECK_STR(read_as("*-10\r\n"), "");
	CHECK_INT(parser.nwords, 0);
	resp_parser_release(&parser);
}

static void a_line_of_words_is_a_command(void)
{
	CHECK_STR(read_as("GET a\r\n"), "GET|a");
	CHECK_STR(read_as("GET a\n"), "GET|a");
	CHECK_STR(read_as("  GET \t a  \r\n"), "GET|a");
	CHECK_STR(read_as("\r\n"), "");
	CHECK_STR(read_as("   \n"), "");
	resp_parser_release(&parser);
}

static void words_of_a_line_may_be_quoted(void)
{
	CHECK_STR(read_as("SET \"a b\" 'c d'\n"), "SET|a b|c d");
	CHECK_STR(read_as("\"\\x41\\x6a\\n\\q\\\\\\\"\"\n"), "Aj\nq\\\"");
	CHECK_STR(read_as("\"\\xg1\"\n"), "xg1");
	CHECK_STR(read_as("'it\\'s \\n'\n"), "it's \\n");
	CHECK_STR(read_as("a\"b c\"\n"), "ab c");
	CHECK_STR(read_as("'' \"\"\n"), "|");
	resp_parser_release(&parser);
}

static void quotes_must_be_closed_at_the_end_of_a_word(void)
{
	const char *unbalanced = "Protocol error: unbalanced quotes in request";

	CHECK_STR(error_of("SET \"a\n"), unbalanced);
	CHECK_STR(error_of("SET 'a\n"), unbalanced);
	CHECK_STR(error_of("SET \"a\"b\n"), unbalanced);
	CHECK_STR(error_of("SET 'a'b\n"), unbalanced);
	CHECK_STR(error_of("SET \"a\\\"\n"), unbalanced);
}

static void wrong_lengths_are_told_in_redis_words(void)
{
	CHECK_STR(error_of("*x\r\n"),
		  "Protocol error: invalid multibulk length");
	CHECK_STR(error_of("*3000000000\r\n"),
		  "Protocol error: invalid multibulk length");
	CHECK_STR(error_of("*01\r\n"),
		  "Protocol error: invalid multibulk length");
	CHECK_STR(error_of("*1\r\n$x\r\n"),
		  "Protocol error: invalid bulk length");
	CHECK_STR(error_of("*1\r\n$-1\r\n"),
		  "Protocol error: invalid bulk length");
	CHECK_STR(error_of("*1\r\n$99999999999999999999\r\n"),
		  "Protocol error: invalid bulk length");
	CHECK_STR(error_of("*1\r\nfoo\r\n"),
		  "Protocol error: expected '$', got 'f'");
	CHECK_STR(error_of("*1\r\n$1\r\nabc"),
		  "Protocol error: expected CR LF behind a bulk string");
}

static void endless_lines_are_refused(void)
{
	struct buf b = {0};

	for (size_t i = 0; i <= RESP_LINE_MAX; i++)
		buf_append_char(&b, '1');
	CHECK_INT(parse(buf_slice(&b)), RESP_PARSE_ERROR);
	CHECK_STR(error, "Protocol error: too big inline request");
	b.data[0] = '*';
	CHECK_INT(parse(buf_slice(&b)), RESP_PARSE_ERROR);
	CHECK_STR(error, "Protocol error: too big mbulk count string");
	memcpy(b.data, "*1\r\n$", 5);
	buf_append(&b, "11111111", 8);
	CHECK_INT(parse(buf_slice(&b)), RESP_PARSE_ERROR);
	CHECK_STR(error, "Protocol error: too big bulk count string");
	buf_release(&b);
	resp_parser_release(&parser);
}

static void a_command_over_the_limit_is_refused(void)
{
	struct buf b = {0};

	buf_append_str(&b, "*2\r\n");
	buf_printf(&b, "$%u\r\n", MAX - 100);
	for (size_t i = 0; i < MAX - 100; i++)
		buf_append_char(&b, 'x');
	buf_append_str(&b, "\r\n$1000\r\n");
	CHECK_INT(parse(buf_slice(&b)), RESP_PARSE_MORE);
	while (b.len < MAX)
		buf_append_char(&b, 'y');
	CHECK_INT(parse(buf_slice(&b)), RESP_PARSE_ERROR);
	CHECK_STR(error, "Protocol error: the command is over the limit");
	buf_release(&b);
	resp_parser_release(&parser);
}

TEST_MAIN(T(an_array_of_bulk_strings_is_a_command), T(words_may_hold_any_bytes),
	  T(a_command_ends_where_the_next_begins),
	  T(a_command_may_come_in_any_pieces),
	  T(what_is_understood_is_not_read_again),
	  T(many_words_are_a_command_too), T(an_empty_array_asks_for_nothing),
	  T(a_line_of_words_is_a_command), T(words_of_a_line_may_be_quoted),
	  T(quotes_must_be_closed_at_the_end_of_a_word),
	  T(wrong_lengths_are_told_in_redis_words),
	  T(endless_lines_are_refused), T(a_command_over_the_limit_is_refused))

/*
 * protocol_test.c - where a request ends, in input that comes in any pieces.
 */
#include "base/err.h"
#include "serve/protocol.h"
#include "test.h"

#include <stdlib.h>

#define MAX 64u

struct fixture {
	struct parser *parser;
	struct feed_state state;
	struct feed feed;
	const struct protocol *protocol;
};

static void set_up(struct fixture *f)
{
	*f = (struct fixture){.parser = parser_new()};
	CHECK(f->parser != NULL);
	f->protocol = protocol_default();
	f->state.own = f->protocol->open(f->parser, 1);
}

static void tear_down(struct fixture *f)
{
	f->protocol->close(f->state.own);
	parser_free(f->parser);
}

static enum feed_result feed(struct fixture *f, const char *input)
{
	f->protocol->pause(f->state.own); /* what was there may be gone */
	f->feed = (struct feed){
		.parser = f->parser,
		.input = slice_str(input),
		.max = MAX,
	};
	return f->protocol->feed(&f->state, &f->feed);
}

static void a_whole_line_is_a_request(void)
{
	struct fixture f;

	set_up(&f);
	CHECK_INT(feed(&f, "{\"op\":\"ping\"}\nrest"), FEED_REQUEST);
	CHECK_INT(f.feed.used, 14);
	CHECK_INT(f.feed.request.op, OP_PING);
	tear_down(&f);
}

static void half_a_line_waits_and_is_not_looked_at_twice(void)
{
	struct fixture f;

	set_up(&f);
	CHECK_INT(feed(&f, "{\"op\":"), FEED_MORE);
	CHECK_INT(f.feed.used, 0);
	CHECK_INT(f.state.scanned, 6);
	CHECK_INT(feed(&f, "{\"op\":\"ping\"}\n"), FEED_REQUEST);
	CHECK_INT(f.state.scanned, 0);
	tear_down(&f);
}

static void empty_lines_ask_for_nothing(void)
{
	struct fixture f;

	set_up(&f);
	CHECK_INT(feed(&f, "\n"), FEED_NOTHING);
	CHECK_INT(f.feed.used, 1);
	CHECK_INT(feed(&f, "\r\n"), FEED_NOTHING);
	CHECK_INT(f.feed.used, 2);
	tear_down(&f);
}

static void a_line_that_is_no_request_is_an_error(void)
{
	struct fixture f;

	set_up(&f);
	CHECK_INT(feed(&f, "hello\n"), FEED_ERROR);
	CHECK_INT(f.feed.used, 6);
	CHECK_INT(f.feed.code, KV_EDATA);
	CHECK(err_text()[0] != '\0');
	tear_down(&f);
}

/* A line of `n` bytes, ended by `end`. */
static const char *line_of(char *room, size_t n, const char *end)
{
	memset(room, 'x', n);
	memcpy(room + n, end, strlen(end) + 1);
	return room;
}

static void a_whole_line_over_the_limit_is_too_big(void)
{
	struct fixture f;
	char room[MAX + 3];

	set_up(&f);
	CHECK_INT(feed(&f, line_of(room, MAX, "\n")), FEED_ERROR);
	CHECK_INT(f.feed.code, KV_EDATA);
	CHECK_INT(feed(&f, line_of(room, MAX + 1, "\n")), FEED_ERROR);
	CHECK_INT(f.feed.code, KV_ETOOBIG);
	CHECK_INT(f.feed.used, MAX + 2);
	CHECK_INT(feed(&f, "{\"op\":\"ping\"}\n"), FEED_REQUEST);
	tear_down(&f);
}

static void the_rest_of_a_line_over_the_limit_is_skipped(void)
{
	struct fixture f;
	char room[MAX + 3];

	set_up(&f);
	CHECK_INT(feed(&f, line_of(room, MAX + 1, "")), FEED_ERROR);
	CHECK_INT(f.feed.code, KV_ETOOBIG);
	CHECK_INT(f.feed.used, MAX + 1);
	CHECK_INT(feed(&f, "more of it"), FEED_NOTHING);
	CHECK_INT(f.feed.used, 10);
	CHECK_INT(feed(&f, "the end\n{\"op\":\"ping\"}\n"), FEED_NOTHING);
	CHECK_INT(f.feed.used, 8);
	CHECK_INT(feed(&f, "{\"op\":\"ping\"}\n"), FEED_REQUEST);
	tear_down(&f);
}

static void http_is_shown_the_door(void)
{
	static const char *const lines[] = {
		"POST / HTTP/1.1\r\n", "POST ",
		"GET / HTTP/1.0\r\n",  "GET /",
		"Host: here\r\n",      "host: here\r\n",
	};
	struct fixture f;

	set_up(&f);
	for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++)
		CHECK_INT(feed(&f, lines[i]), FEED_CLOSE);
	tear_down(&f);
}

static void any_cut_through_the_input_gives_the_same_requests(void)
{
	static const char input[] = "{\"op\":\"ping\"}\r\n\nnonsense\n"
				    "{\"op\":\"get\",\"key\":\"a\"}\n";
	static const enum feed_result expected[] = {FEED_REQUEST, FEED_NOTHING,
						    FEED_ERROR, FEED_REQUEST};

	for (size_t cut = 0; cut < sizeof(input); cut++) {
		struct fixture f;
		char part[sizeof(input)];
		size_t at = 0, n = 0, first = cut;

		set_up(&f);
		while (at < sizeof(input) - 1) {
			size_t end = at < first ? first : sizeof(input) - 1;
			enum feed_result r;

			memcpy(part, input + at, end - at);
			part[end - at] = '\0';
			r = feed(&f, part);
			if (r == FEED_MORE) {
				CHECK(at < first);
				first = 0; /* the rest has come */
				continue;
			}
			CHECK_INT(r, expected[n++]);
			at += f.feed.used;
		}
		CHECK_INT(n, 4);
		tear_down(&f);
	}
}

static const char *speaks(const char *head)
{
	return protocol_sniff(slice_str(head))->name;
}

static void the_first_byte_chooses_the_protocol(void)
{
	CHECK_STR(speaks("{\"op\":\"ping\"}"), "json");
	CHECK_STR(speaks("[1]"), "json");
	CHECK_STR(speaks(" {}"), "json");
	CHECK_STR(speaks("42"), "json");
	CHECK_STR(speaks("\xff"), "json");
	CHECK_STR(speaks("*1\r\n"), "resp");
	CHECK_STR(speaks("$1\r\n"), "resp");
	CHECK_STR(speaks("PING"), "resp");
	CHECK_STR(speaks("ping"), "resp");
	CHECK_STR(speaks("\x01"), "resp");
}

TEST_MAIN(T(the_first_byte_chooses_the_protocol), T(a_whole_line_is_a_request),
	  T(half_a_line_waits_and_is_not_looked_at_twice),
	  T(empty_lines_ask_for_nothing),
	  T(a_line_that_is_no_request_is_an_error),
	  T(a_whole_line_over_the_limit_is_too_big),
	  T(the_rest_of_a_line_over_the_limit_is_skipped),
	  T(http_is_shown_the_door),
	  T(any_cut_through_the_input_gives_the_same_requests))

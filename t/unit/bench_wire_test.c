/*
 * bench_wire_test.c - what a load says and understands in either protocol.
 */
#include "base/err.h"
#include "bench/resp_reply.h"
#include "bench/wire.h"
#include "test.h"

/* Whole it is taken whole; each part of it is not enough. */
#define CHECK_TAKEN(text, reply)                                             \
	do {                                                                 \
		size_t test_len = sizeof(text) - 1;                          \
		for (size_t test_i = 0; test_i < test_len; test_i++)         \
			CHECK_INT(resp_reply_take(slice_of(text, test_i),    \
						  reply),                    \
				  0);                                        \
		CHECK_INT(resp_reply_take(slice_of(text "+X", test_len + 2), \
					  reply),                            \
			  test_len);                                         \
	} while (0)

#define CHECK_TEXT(slice, text) CHECK(slice_eq(slice, slice_str(text)))

static void a_line_is_a_status_an_error_or_a_number(void)
{
	struct resp_reply r;

	CHECK_TAKEN("+OK\r\n", &r);
	CHECK_INT(r.type, '+');
	CHECK_TEXT(r.text, "OK");
	CHECK_TAKEN("-ERR no such thing\r\n", &r);
	CHECK_INT(r.type, '-');
	CHECK_TEXT(r.text, "ERR no such thing");
	CHECK_TAKEN(":-42\r\n", &r);
	CHECK_INT(r.number, -42);
	CHECK_TAKEN(",3.5\r\n", &r);
	CHECK_TEXT(r.text, "3.5");
}

static void a_string_may_hold_line_ends(void)
{
	struct resp_reply r;

	CHECK_TAKEN("$6\r\na\r\nb\r\n\r\n", &r);
	CHECK_TEXT(r.text, "a\r\nb\r\n");
	CHECK(!r.null);
	CHECK_TAKEN("$0\r\n\r\n", &r);
	CHECK_INT(r.text.len, 0);
}

static void null_is_told_in_each_form(void)
{
	struct resp_reply r;

	CHECK_TAKEN("$-1\r\n", &r);
	CHECK(r.null);
	CHECK_TAKEN("*-1\r\n", &r);
	CHECK(r.null);
	CHECK_TAKEN("_\r\n", &r);
	CHECK(r.null);
}

static void an_aggregate_is_taken_with_its_elements(void)
{
	static const char text[] = "*2\r\n$1\r\n0\r\n*2\r\n+a\r\n:7\r\n";
	struct slice in = slice_of(text, sizeof(text) - 1);
	struct resp_reply r;
	size_t first;

	CHECK_TAKEN("*2\r\n$1\r\n0\r\n*2\r\n+a\r\n:7\r\n", &r);
	CHECK_INT(r.number, 2);
	first = resp_reply_first(in);
	CHECK_INT(first, 4);
	CHECK_INT(resp_reply_take(slice_of(text + first, in.len - first), &r),
		  7);
	CHECK_TEXT(r.text, "0");
	CHECK_TAKEN("%1\r\n+a\r\n+b\r\n", &r);
	CHECK_INT(r.number, 2);
	CHECK_TAKEN("~0\r\n", &r);
	CHECK_INT(r.number, 0);
}

static void what_is_no_reply_is_refused(void)
{
	static const char *const bad[] = {
		"\r\n",
		"hello\r\n",
		"+OK\n",
		"$x\r\n",
		"$-2\r\n",
		"$\r\n",
		":1x\r\n",
		"*x\r\n",
		"$2\r\nabcd\r\n",
		"{\"ok\":true}\r\n",
		"$9999999999999999999\r\n",
		"*1\r\n?\r\n",
		"*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n+x\r\n",
	};
	struct resp_reply r;

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		CHECK_INT(resp_reply_take(slice_str(bad[i]), &r), KV_EPROTO);
}

static const char *said(const struct wire *wire, enum wire_kind kind,
			size_t nkeys)
{
	static const uint64_t keys[] = {7, 1234567890};
	static char text[1000];
	struct values v;
	struct wire_request request = {
		.kind = kind, .keys = keys, .nkeys = nkeys, .values = &v};
	struct buf out;

	buf_init(&out);
	CHECK_INT(values_init(&v, 5), 0);
	wire->put(&out, &request);
	CHECK(!buf_failed(&out));
	snprintf(text, sizeof(text), "%.*s", (int)out.len, out.data);
	buf_release(&out);
	values_release(&v);
	return text;
}

static void requests_in_resp_are_arrays(void)
{
	CHECK_STR(said(&wire_resp, WIRE_GET, 1),
		  "*2\r\n$3\r\nGET\r\n$16\r\nbench:0000000007\r\n");
	CHECK_STR(said(&wire_resp, WIRE_SET, 1),
		  "*3\r\n$3\r\nSET\r\n$16\r\nbench:0000000007\r\n"
		  "$5\r\n00000\r\n");
	CHECK_STR(said(&wire_resp, WIRE_BULK, 2),
		  "*5\r\n$4\r\nMSET\r\n$16\r\nbench:0000000007\r\n"
		  "$5\r\n00000\r\n$16\r\nbench:1234567890\r\n"
		  "$5\r\n12345\r\n");
	CHECK_STR(said(&wire_resp, WIRE_DELETE, 2),
		  "*3\r\n$3\r\nDEL\r\n$16\r\nbench:0000000007\r\n"
		  "$16\r\nbench:1234567890\r\n");
}

static void requests_in_json_are_lines(void)
{
	CHECK_STR(said(&wire_json, WIRE_GET, 1),
		  "{\"op\":\"get\",\"key\":\"bench:0000000007\"}\n");
	CHECK_STR(said(&wire_json, WIRE_SET, 1),
		  "{\"op\":\"set\",\"key\":\"bench:0000000007\","
		  "\"value\":\"00000\"}\n");
	CHECK_STR(said(&wire_json, WIRE_BULK, 2),
		  "{\"op\":\"bulk_set\",\"items\":[[\"bench:0000000007\","
		  "\"00000\"],[\"bench:1234567890\",\"12345\"]]}\n");
	CHECK_STR(said(&wire_json, WIRE_DELETE, 2),
		  "{\"op\":\"delete\",\"keys\":[\"bench:0000000007\","
		  "\"bench:1234567890\"]}\n");
	CHECK_STR(said(&wire_json, WIRE_SCAN, 1),
		  "{\"op\":\"scan\",\"prefix\":\"bench:\","
		  "\"from\":\"bench:0000000007\",\"limit\":100}\n");
}

static struct wire_reply heard(const struct wire *wire, enum wire_kind kind,
			       const char *text)
{
	struct wire_reply reply;

	CHECK_INT(wire->take(slice_of(text, strlen(text) - 1), kind, &reply),
		  0);
	CHECK_INT(wire->take(slice_str(text), kind, &reply), strlen(text));
	return reply;
}

static void answers_mean_the_same_in_both(void)
{
	struct wire_reply r;

	r = heard(&wire_resp, WIRE_GET, "$3\r\nabc\r\n");
	CHECK(r.ok && r.found);
	CHECK_TEXT(r.value, "abc");
	r = heard(&wire_json, WIRE_GET,
		  "{\"ok\":true,\"found\":true,\"value\":\"abc\","
		  "\"version\":\"7\"}\n");
	CHECK(r.ok && r.found);
	CHECK_TEXT(r.value, "abc");
	r = heard(&wire_resp, WIRE_GET, "$-1\r\n");
	CHECK(r.ok && !r.found);
	r = heard(&wire_json, WIRE_GET, "{\"ok\":true,\"found\":false}\n");
	CHECK(r.ok && !r.found);
	r = heard(&wire_resp, WIRE_SET, "+OK\r\n");
	CHECK(r.ok);
	r = heard(&wire_json, WIRE_SET, "{\"ok\":true,\"version\":\"8\"}\n");
	CHECK(r.ok);
}

static void errors_have_a_word_and_a_sentence(void)
{
	struct wire_reply r;

	r = heard(&wire_resp, WIRE_SET, "-MISCONF the disk is full\r\n");
	CHECK(!r.ok);
	CHECK_TEXT(r.error, "MISCONF");
	CHECK_TEXT(r.detail, "MISCONF the disk is full");
	r = heard(&wire_json, WIRE_SET,
		  "{\"ok\":false,\"error\":\"FULL\",\"message\":\"no "
		  "space\"}\n");
	CHECK(!r.ok);
	CHECK_TEXT(r.error, "FULL");
	CHECK_TEXT(r.detail, "no space");
	CHECK_INT(wire_json.take(slice_str("-ERR what?\r\n"), WIRE_SET, &r),
		  KV_EPROTO);
	CHECK_INT(wire_resp.take(slice_str("{\"ok\":false}\r\n"), WIRE_SET, &r),
		  KV_EPROTO);
}

static void a_value_is_known_again_and_no_other_is(void)
{
	static const size_t sizes[] = {22, 23, 100, 5000};
	char text[5000];
	struct values v;

	for (size_t i = 0; i < 4; i++) {
		struct slice value = slice_of(text, sizes[i]);

		CHECK_INT(values_init(&v, sizes[i]), 0);
		value_write(&v, text, 12, 4000000000u);
		CHECK(value_check(&v, value, 12));
		CHECK(!value_check(&v, value, 13));
		value.len--;
		CHECK(!value_check(&v, value, 12));
		value.len++;
		/* Where a version stands, another digit is another value; one
		 * that fills no window says so. */
		text[sizes[i] - 1] ^= 1;
		CHECK(!value_check(&v, value, 12));
		values_release(&v);
	}
}

static void a_tiny_value_is_known_by_its_key(void)
{
	char text[10];
	struct values v;

	CHECK_INT(values_init(&v, sizeof(text)), 0);
	value_write(&v, text, 12, 5);
	CHECK(value_check(&v, slice_of(text, sizeof(text)), 12));
	CHECK(!value_check(&v, slice_of(text, sizeof(text)), 13));
	values_release(&v);
}

TEST_MAIN(T(a_line_is_a_status_an_error_or_a_number),
	  T(a_string_may_hold_line_ends), T(null_is_told_in_each_form),
	  T(an_aggregate_is_taken_with_its_elements),
	  T(what_is_no_reply_is_refused), T(requests_in_resp_are_arrays),
	  T(requests_in_json_are_lines), T(answers_mean_the_same_in_both),
	  T(errors_have_a_word_and_a_sentence),
	  T(a_value_is_known_again_and_no_other_is),
	  T(a_tiny_value_is_known_by_its_key))

/*
 * records_test.c - the three formats of records: what is written reads back,
 * and what is wrong is told with its place.
 */
#include "base/err.h"
#include "client/records.h"
#include "test.h"

#define LIBBSD_OPENBSD_VIS
#include <bsd/vis.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

static struct slice S(const char *s) {
	return slice_str(s);
}

static struct buf
escaped(struct slice s)
{
	struct buf b;

	buf_init(&b);
	record_escape(&b, s);
	buf_append_char(&b, '\0');
	return b;
}

#define CHECK_ESCAPED(bytes, text)                                          \
	do {                                                                \
		struct buf e = escaped(slice_of(bytes, sizeof(bytes) - 1)); \
		CHECK_STR(e.data, text);                                    \
		buf_release(&e);                                            \
	} while (0)

/* A reader of exactly these bytes, with the descriptor it reads from. */
static struct record_reader *reader_of(struct slice text,
				       enum record_format format, int *fd)
{
	*fd = memfd_create("records", 0);
	CHECK(*fd >= 0);
	CHECK(write(*fd, text.data, text.len) == (ssize_t)text.len);
	CHECK(lseek(*fd, 0, SEEK_SET) == 0);
	return record_reader_new(*fd, "'in'", format);
}

static void random_bytes(struct buf *b, size_t len, unsigned char mask,
			 unsigned *seed)
{
	buf_clear(b);
	for (size_t i = 0; i < len; i++)
		buf_append_char(b, (char)((rand_r(seed) >> 7 & 0xff) & mask));
}

static void text_stays_readable(void)
{
	CHECK_ESCAPED("plain text, 100%", "plain text, 100%");
	CHECK_ESCAPED("Gr\xc3\xbc\xc3\x9f"
		      "e \xe2\x82\xac \xf0\x9f\x98\x80",
		      "Gr\xc3\xbc\xc3\x9f"
		      "e \xe2\x82\xac \xf0\x9f\x98\x80");
}

static void control_characters_are_escaped(void)
{
	CHECK_ESCAPED("a\tb\nc\rd\\e", "a\\tb\\nc\\rd\\\\e");
	CHECK_ESCAPED("\0001\033[2J\177", "\\0001\\033[2J\\177");
	CHECK_ESCAPED("\xc2\x9b", "\\302\\233"); /* U+009B begins a command */
}

static void bytes_that_are_no_utf8_are_escaped(void)
{
	CHECK_ESCAPED("\xff\x80", "\\377\\200");
	CHECK_ESCAPED("\xc3", "\\303");			  /* cut off */
	CHECK_ESCAPED("\xc0\xaf", "\\300\\257");	  /* overlong */
	CHECK_ESCAPED("\xed\xa0\x80", "\\355\\240\\200"); /* surrogate */
	CHECK_ESCAPED("\xf4\x90\x80\x80", "\\364\\220\\200\\200");
}

static void strunvis_gives_every_pair_of_bytes_back(void)
{
	for (unsigned v = 0; v < 65536; v++) {
		char bytes[2] = {(char)(v >> 8), (char)(v & 0xff)};
		struct buf e = escaped(slice_of(bytes, 2));
		char back[16];
		int n = strunvis(back, e.data);

		buf_release(&e);
		CHECK_INT(n, 2);
		CHECK(memcmp(back, bytes, 2) == 0);
	}
}

static void round_trip(enum record_format format, unsigned char mask,
		       unsigned seed)
{
	enum { N = 300 };
	struct buf text, keys[N], values[N];
	struct record_reader *r;
	struct change c;
	int fd;

	buf_init(&text);
	for (size_t i = 0; i < N; i++) {
		struct slice value;

		buf_init(&keys[i]);
		buf_init(&values[i]);
		random_bytes(&keys[i], 1 + i % 40, mask, &seed);
		random_bytes(&values[i], i * i % 5000, mask, &seed);
		if (format == RECORD_NUL) {
			for (size_t j = 0; j < keys[i].len; j++)
				keys[i].data[j] |= 1;
			for (size_t j = 0; j < values[i].len; j++)
				values[i].data[j] |= 1;
		}
		value = buf_slice(&values[i]);
		CHECK_INT(record_write(&text, format, buf_slice(&keys[i]),
				       &value),
			  0);
	}
	r = reader_of(buf_slice(&text), format, &fd);
	for (size_t i = 0; i < N; i++) {
		CHECK_INT(record_reader_next(r, &c), 1);
		CHECK(slice_eq(c.key, buf_slice(&keys[i])));
		CHECK(slice_eq(c.value, buf_slice(&values[i])));
		CHECK_INT(c.kind, CHANGE_SET);
		CHECK_INT(c.expires_ms, 0);
		buf_release(&keys[i]);
		buf_release(&values[i]);
	}
	CHECK_INT(record_reader_next(r, &c), 0);
	CHECK_INT(record_reader_bytes(r), text.len);
	record_reader_free(r);
	buf_release(&text);
	close(fd);
}

static void any_bytes_round_trip_as_lines(void)
{
	for (unsigned seed = 1; seed <= 20; seed++)
		round_trip(RECORD_LINES, seed % 2 ? 0xff : 0x7f, seed);
}

static void any_bytes_round_trip_as_json(void)
{
	for (unsigned seed = 1; seed <= 20; seed++)
		round_trip(RECORD_JSON, seed % 2 ? 0xff : 0x7f, seed);
}

static void bytes_without_nul_round_trip_between_nuls(void)
{
	for (unsigned seed = 1; seed <= 20; seed++)
		round_trip(RECORD_NUL, 0xff, seed);
}

/* The value that the one line KEY<TAB>text brings, or the failure's code. */
static int read_value(const char *text, struct buf *value)
{
	struct record_reader *r;
	struct buf line;
	struct change c;
	int fd, code;

	buf_init(&line);
	buf_append_str(&line, "k\t");
	buf_append_str(&line, text);
	r = reader_of(buf_slice(&line), RECORD_LINES, &fd);
	code = record_reader_next(r, &c);
	buf_clear(value);
	if (code == 1)
		buf_append_slice(value, c.value);
	record_reader_free(r);
	buf_release(&line);
	close(fd);
	return code;
}

static void what_vis_writes_in_any_style_is_read(void)
{
	static const int styles[] = {
		VIS_TAB | VIS_NL,
		VIS_TAB | VIS_NL | VIS_CSTYLE,
		VIS_TAB | VIS_NL | VIS_OCTAL,
		VIS_WHITE | VIS_CSTYLE,
	};
	struct buf bytes, value;
	unsigned seed = 7;
	char text[4 * 64 + 1];

	buf_init(&bytes);
	buf_init(&value);
	for (int i = 0; i < 2000; i++) {
		random_bytes(&bytes, 64, 0xff, &seed);
		strvisx(text, bytes.data, bytes.len, styles[i % 4]);
		CHECK_INT(read_value(text, &value), 1);
		CHECK(slice_eq(buf_slice(&value), buf_slice(&bytes)));
	}
	buf_release(&bytes);
	buf_release(&value);
}

static void a_wrong_escape_is_refused(void)
{
	struct buf value;

	buf_init(&value);
	CHECK_INT(read_value("a\\qb", &value), KV_EDATA);
	CHECK_INT(read_value("a\\", &value), KV_EDATA);
	CHECK_INT(read_value("a\\\\", &value), 1);
	CHECK(slice_eq(buf_slice(&value), S("a\\")));
	CHECK_INT(read_value("a\\1", &value), 1);
	CHECK(slice_eq(buf_slice(&value), S("a\001")));
	buf_release(&value);
}

static void only_the_first_tab_ends_the_key(void)
{
	struct buf value;

	buf_init(&value);
	CHECK_INT(read_value("one\ttwo", &value), 1);
	CHECK(slice_eq(buf_slice(&value), S("one\ttwo")));
	buf_release(&value);
}

/* Reads `text` to its first failure and checks the code and the sentence. */
static void expect_failure(struct slice text, enum record_format format,
			   int code, const char *sentence)
{
	struct record_reader *r;
	struct change c;
	int fd, got;

	r = reader_of(text, format, &fd);
	do
		got = record_reader_next(r, &c);
	while (got == 1);
	record_reader_free(r);
	close(fd);
	CHECK_INT(got, code);
	CHECK(strncmp(err_text(), sentence, strlen(sentence)) == 0);
}

static void a_bad_line_is_named_by_its_number(void)
{
	expect_failure(S("a\t1\nb\t2\nno tab\n"), RECORD_LINES, KV_EDATA,
		       "line 3 of 'in': no tab");
	expect_failure(S("a\t1\n\t2\n"), RECORD_LINES, KV_EDATA,
		       "line 2 of 'in': the key is empty");
	expect_failure(S("a\t1\n\nb\t2\n"), RECORD_LINES, KV_EDATA,
		       "line 2 of 'in': no tab");
	expect_failure(S("{\"key\":\"a\",\"value\":\"1\"}\n\n{\"key\":1}\n"),
		       RECORD_JSON, KV_EDATA, "line 3 of 'in': ");
}

static void a_pair_that_is_cut_off_is_refused(void)
{
	expect_failure(slice_of("a\0001\0b\0002", 7), RECORD_NUL, KV_EDATA,
		       "record 2 of 'in': it does not end");
	expect_failure(slice_of("a\0001\0b", 5), RECORD_NUL, KV_EDATA,
		       "record 2 of 'in': it does not end");
	expect_failure(slice_of("\0001\0", 3), RECORD_NUL, KV_EDATA,
		       "record 1 of 'in': the key is empty");
}

static void a_key_over_the_limit_is_refused(void)
{
	struct buf text;

	buf_init(&text);
	for (unsigned i = 0; i <= KV_KEY_MAX; i++)
		buf_append_char(&text, 'k');
	buf_append_str(&text, "\tv\n");
	expect_failure(buf_slice(&text), RECORD_LINES, KV_ETOOBIG,
		       "line 1 of 'in': the key has 65537 bytes");
	buf_release(&text);
}

static void the_last_line_may_lack_its_newline(void)
{
	struct record_reader *r;
	struct change c;
	int fd;

	r = reader_of(S("a\t1\nb\t2"), RECORD_LINES, &fd);
	CHECK_INT(record_reader_next(r, &c), 1);
	CHECK_INT(record_reader_next(r, &c), 1);
	CHECK(slice_eq(c.value, S("2")));
	CHECK_INT(record_reader_next(r, &c), 0);
	CHECK_INT(record_reader_next(r, &c), 0);
	record_reader_free(r);
	close(fd);
}

static void a_nul_in_a_record_is_refused_between_nuls(void)
{
	struct slice nul = slice_of("x\0y", 3), plain = S("v");
	struct buf out;

	buf_init(&out);
	CHECK_INT(record_write(&out, RECORD_NUL, nul, &plain), KV_EDATA);
	CHECK_INT(record_write(&out, RECORD_NUL, plain, &nul), KV_EDATA);
	CHECK(strstr(err_text(), "--json") != NULL);
	CHECK_INT(out.len, 0);
	buf_release(&out);
}

static void a_key_alone_is_written_without_a_value(void)
{
	struct buf out;

	buf_init(&out);
	record_write(&out, RECORD_LINES, S("k"), NULL);
	record_write(&out, RECORD_JSON, S("k"), NULL);
	record_write(&out, RECORD_NUL, S("k"), NULL);
	CHECK(slice_eq(buf_slice(&out),
		       slice_of("k\n{\"key\":\"k\"}\nk\0", 16)));
	buf_release(&out);
}

TEST_MAIN(T(text_stays_readable), T(control_characters_are_escaped),
	  T(bytes_that_are_no_utf8_are_escaped),
	  T(strunvis_gives_every_pair_of_bytes_back),
	  T(any_bytes_round_trip_as_lines), T(any_bytes_round_trip_as_json),
	  T(bytes_without_nul_round_trip_between_nuls),
	  T(what_vis_writes_in_any_style_is_read), T(a_wrong_escape_is_refused),
	  T(only_the_first_tab_ends_the_key),
	  T(a_bad_line_is_named_by_its_number),
	  T(a_pair_that_is_cut_off_is_refused),
	  T(a_key_over_the_limit_is_refused),
	  T(the_last_line_may_lack_its_newline),
	  T(a_nul_in_a_record_is_refused_between_nuls),
	  T(a_key_alone_is_written_without_a_value))

/*
 * command_test.c - the small parts that programs are made of: numbers from the
 * command line, input, output, and the progress line.
 */
#include "base/err.h"
#include "base/input.h"
#include "base/out.h"
#include "base/parse.h"
#include "base/progress.h"
#include "client/batch.h"
#include "test.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

static void a_number_is_read_strictly(void)
{
	uint64_t v;

	CHECK_INT(parse_number("-n", "42", 1, 100, &v), 0);
	CHECK_INT(v, 42);
	CHECK_INT(parse_number("-n", "", 1, 100, &v), KV_EUSAGE);
	CHECK_INT(parse_number("-n", " 42", 1, 100, &v), KV_EUSAGE);
	CHECK_INT(parse_number("-n", "+42", 1, 100, &v), KV_EUSAGE);
	CHECK_INT(parse_number("-n", "42x", 1, 100, &v), KV_EUSAGE);
	CHECK_INT(parse_number("-n", "0", 1, 100, &v), KV_EUSAGE);
	CHECK_INT(parse_number("-n", "101", 1, 100, &v), KV_EUSAGE);
	CHECK(strstr(err_text(), "-n '101' is too large") != NULL);
	CHECK_INT(parse_number("-n", "9223372036854775808", 0, INT64_MAX, &v),
		  KV_EUSAGE);
}

static void seconds_may_have_a_fraction(void)
{
	uint64_t ms;

	CHECK_INT(parse_seconds("-t", "2", &ms), 0);
	CHECK_INT(ms, 2000);
	CHECK_INT(parse_seconds("-t", "0.25", &ms), 0);
	CHECK_INT(ms, 250);
	CHECK_INT(parse_seconds("-t", ".5", &ms), 0);
	CHECK_INT(ms, 500);
	CHECK_INT(parse_seconds("-t", "1.0001", &ms), 0);
	CHECK_INT(ms, 1001);
	CHECK_INT(parse_seconds("-t", "0.000000000000000000000001", &ms), 0);
	CHECK_INT(ms, 1);
}

static void what_is_no_time_is_refused(void)
{
	static const char *const wrong[] = {
		"",   "0",     "0.0", ".",   "-1",	    "1e3",  "1s",
		" 1", "1.2.3", "nan", "inf", "99999999999", "0x10",
	};
	uint64_t ms;

	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++)
		CHECK_INT(parse_seconds("-t", wrong[i], &ms), KV_EUSAGE);
}

static void output_that_finds_no_room_is_a_failure(void)
{
	struct out out;

	out_init(&out, open("/dev/full", O_WRONLY), "standard output");
	buf_append_str(&out.buf, "lost");
	CHECK_INT(out_close(&out), KV_EFULL);
	CHECK_STR(err_text(), "cannot write standard output: "
			      "No space left on device");
	CHECK(!out.broken);
}

static void output_goes_out_whole_and_in_order(void)
{
	int fd = memfd_create("out", 0);
	static char big[300000];
	struct out out;
	struct buf back;

	memset(big, 'b', sizeof(big));
	out_init(&out, dup(fd), "it");
	buf_append_str(&out.buf, "a");
	CHECK_INT(out_put(&out, big, sizeof(big)), 0);
	CHECK_INT(out_put(&out, "c", 1), 0);
	CHECK_INT(out_close(&out), 0);
	CHECK_INT(lseek(fd, 0, SEEK_SET), 0);
	CHECK_INT(input_bytes_left(fd), sizeof(big) + 2);
	buf_init(&back);
	CHECK_INT(input_read_all(fd, "it", 1u << 20, &back), 0);
	CHECK_INT(back.len, sizeof(big) + 2);
	CHECK_INT(back.data[0], 'a');
	CHECK(memcmp(back.data + 1, big, sizeof(big)) == 0);
	CHECK_INT(back.data[back.len - 1], 'c');
	buf_release(&back);
	close(fd);
}

static void a_reader_that_has_gone_is_told_apart(void)
{
	struct out out;
	int ends[2];

	CHECK_INT(pipe(ends), 0);
	close(ends[0]);
	signal(SIGPIPE, SIG_IGN);
	out_init(&out, ends[1], "standard output");
	buf_append_str(&out.buf, "unread");
	CHECK_INT(out_close(&out), KV_EIO);
	CHECK(out.broken);
	signal(SIGPIPE, SIG_DFL);
}

static void input_over_a_limit_is_seen(void)
{
	int fd = open("/dev/zero", O_RDONLY);
	struct buf b;

	buf_init(&b);
	CHECK_INT(input_read_all(fd, "it", 100000, &b), 0);
	CHECK(b.len > 100000);
	buf_release(&b);
	close(fd);
}

static const char *rendered(uint64_t total, uint64_t bytes, unsigned width)
{
	static char text[200];
	struct progress p = {.total = total};
	struct buf line;

	buf_init(&line);
	progress_render(&p, 5000, bytes, 10000, width, &line);
	buf_append_char(&line, '\0');
	snprintf(text, sizeof(text), "%s", line.data);
	buf_release(&line);
	return text;
}

static void progress_tells_rate_and_time_left(void)
{
	CHECK_STR(rendered(1000, 250, 60),
		  "[#####----------------]  25%  5000 records  500/s  "
		  "0:30 left");
}

static void progress_without_an_end_tells_the_rate(void)
{
	CHECK_STR(rendered(0, 250, 60), "5000 records  500/s");
}

static void progress_keeps_to_a_narrow_terminal(void)
{
	CHECK_INT(strlen(rendered(1000, 250, 20)), 20);
	CHECK(strlen(rendered(1000, 250, 80)) <= 80);
}

static void a_batch_keeps_its_own_copies(void)
{
	char key[16], value[3000];
	struct batch b;

	batch_init(&b);
	for (int round = 0; round < 3; round++) {
		batch_clear(&b);
		for (int i = 0; i < 2000; i++) {
			struct change c = {.kind = CHANGE_SET};

			snprintf(key, sizeof(key), "key%d", i);
			memset(value, i, sizeof(value));
			c.key = slice_str(key);
			c.value = slice_of(value, (size_t)i);
			CHECK_INT(batch_add(&b, &c), 0);
		}
		CHECK_INT(b.count, 2000);
		for (int i = 0; i < 2000; i++) {
			snprintf(key, sizeof(key), "key%d", i);
			memset(value, i, sizeof(value));
			CHECK(slice_eq(b.changes[i].key, slice_str(key)));
			CHECK(slice_eq(b.changes[i].value,
				       slice_of(value, (size_t)i)));
		}
	}
	batch_release(&b);
}

static void a_batch_takes_values_larger_than_its_blocks(void)
{
	size_t len = 5u << 20;
	char *big = calloc(1, len);
	struct change c = {.key = slice_str("k"), .value = slice_of(big, len)};
	struct batch b;

	batch_init(&b);
	for (int i = 0; i < 3; i++) {
		batch_clear(&b);
		CHECK_INT(batch_add(&b, &c), 0);
		CHECK_INT(batch_add(&b, &c), 0);
		CHECK(slice_eq(b.changes[1].value, c.value));
		CHECK(b.changes[1].value.data != big);
	}
	batch_release(&b);
	free(big);
}

TEST_MAIN(T(a_number_is_read_strictly), T(seconds_may_have_a_fraction),
	  T(what_is_no_time_is_refused),
	  T(output_that_finds_no_room_is_a_failure),
	  T(output_goes_out_whole_and_in_order),
	  T(a_reader_that_has_gone_is_told_apart),
	  T(input_over_a_limit_is_seen), T(progress_tells_rate_and_time_left),
	  T(progress_without_an_end_tells_the_rate),
	  T(progress_keeps_to_a_narrow_terminal),
	  T(a_batch_keeps_its_own_copies),
	  T(a_batch_takes_values_larger_than_its_blocks))

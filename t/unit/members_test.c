/*
 * members_test.c - lists of the nodes of a cluster.
 */
#include "base/members.h"

#include "base/err.h"
#include "test.h"

#include <stdlib.h>
#include <unistd.h>

static struct members m;

static void a_list_is_read_and_written_as_text(void)
{
	struct buf text;

	CHECK_INT(members_parse(&m, "n1=127.0.0.1:65431,n-2=[::1]:65432,"
				    "N.3_x=db.example.org:1"),
		  0);
	CHECK_INT(m.n, 3);
	CHECK_STR(m.list[0].name, "n1");
	CHECK_STR(m.list[0].address, "127.0.0.1:65431");
	CHECK_STR(m.list[1].address, "[::1]:65432");
	CHECK_STR(m.list[2].name, "N.3_x");
	CHECK(m.list[0].voter && m.list[1].voter && m.list[2].voter);
	buf_init(&text);
	members_text(&m, &text);
	buf_append_char(&text, '\0');
	CHECK_STR(text.data, "n1=127.0.0.1:65431,n-2=[::1]:65432,"
			     "N.3_x=db.example.org:1");
	buf_release(&text);
}

static void lists_that_make_no_sense_are_refused(void)
{
	static const char *const bad[] = {
		"",
		"n1",
		"n1=",
		"=127.0.0.1:1",
		"n1=127.0.0.1",
		"n1=127.0.0.1:",
		"n1=127.0.0.1:0",
		"n1=127.0.0.1:65536",
		"n1=127.0.0.1:12x",
		"n1=127.0.0.1:-1",
		"n1=:65431",
		"n1=::1:65431",
		"n1=[::1:65431",
		"n1=[]:65431",
		"n1=[x y]:65431",
		"n1=a b:65431",
		"n 1=127.0.0.1:1",
		"n/1=127.0.0.1:1",
		"n1=127.0.0.1:1,",
		",n1=127.0.0.1:1",
		"n1=127.0.0.1:1,n1=127.0.0.1:2", /* a name twice */
		"n1=127.0.0.1:1,n2=127.0.0.1:1", /* an address twice */
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		int r = members_parse(&m, bad[i]);

		if (r != KV_EUSAGE)
			printf("# \"%s\"\n", bad[i]);
		CHECK_INT(r, KV_EUSAGE);
		CHECK(err_text()[0] != '\0');
	}
}

static void a_list_has_a_limit(void)
{
	struct buf text;

	buf_init(&text);
	for (unsigned i = 1; i <= MEMBERS_MAX + 1; i++) {
		if (i == MEMBERS_MAX + 1) {
			buf_append_char(&text, '\0');
			CHECK_INT(members_parse(&m, text.data), 0);
			CHECK_INT(m.n, MEMBERS_MAX);
			text.len--;
		}
		buf_printf(&text, "%sn%u=h:%u", i > 1 ? "," : "", i, i);
	}
	buf_append_char(&text, '\0');
	CHECK_INT(members_parse(&m, text.data), KV_EUSAGE);
	buf_release(&text);
}

static void names_and_addresses_have_a_limit(void)
{
	char text[400];

	snprintf(text, sizeof(text), "%063d", 0);
	CHECK_INT(member_check_name(text), 0);
	snprintf(text, sizeof(text), "%064d", 0);
	CHECK_INT(member_check_name(text), KV_EUSAGE);
	snprintf(text, sizeof(text), "%0253d:1", 0);
	CHECK_INT(member_check_address(text), 0);
	snprintf(text, sizeof(text), "%0254d:1", 0);
	CHECK_INT(member_check_address(text), KV_EUSAGE);
	snprintf(text, sizeof(text), "n1=%0300d:1", 0);
	CHECK_INT(members_parse(&m, text), KV_EUSAGE);
}

static void the_order_of_a_list_does_not_matter(void)
{
	uint64_t id;

	CHECK_INT(members_parse(&m, "a=h:1,b=h:2,c=h:3"), 0);
	id = members_cluster_id(&m);
	CHECK(id != 0);
	CHECK_INT(members_parse(&m, "c=h:3,a=h:1,b=h:2"), 0);
	CHECK(members_cluster_id(&m) == id);
	CHECK_INT(members_parse(&m, "c=h:3,a=h:2,b=h:1"), 0);
	CHECK(members_cluster_id(&m) != id);
	CHECK_INT(members_parse(&m, "a=h:1,b=h:2"), 0);
	CHECK(members_cluster_id(&m) != id);
}

static void an_id_tells_the_name_and_which_bearer_it_is(void)
{
	uint64_t first = member_id("n1", 0), later = member_id("n1", 77);

	CHECK(first != 0 && later != 0 && first != later);
	CHECK(first != member_id("n2", 0));
	CHECK_INT(member_incarnation(first), 0);
	CHECK_INT(member_incarnation(later), 77);
	CHECK(member_id_is_of(later, "n1"));
	CHECK(!member_id_is_of(later, "n2"));
}

static void members_are_found_added_and_dropped(void)
{
	struct member more = {.id = member_id("d", 9), .name = "d"};

	CHECK_INT(members_parse(&m, "a=h:1,b=h:2,c=h:3"), 0);
	CHECK(members_find(&m, m.list[1].id) == &m.list[1]);
	CHECK(members_find_name(&m, "c") == &m.list[2]);
	CHECK(members_find_name(&m, "d") == NULL);
	CHECK(members_find(&m, more.id) == NULL);
	snprintf(more.address, sizeof(more.address), "h:2");
	CHECK_INT(members_add(&m, &more), KV_EUSAGE); /* b has it */
	members_drop(&m, m.list[1].id);
	CHECK_INT(m.n, 2);
	CHECK(members_find_name(&m, "b") == NULL);
	CHECK_INT(members_add(&m, &more), 0);
	CHECK(members_find(&m, more.id) == &m.list[2]);
	CHECK(!m.list[2].voter);
}

static void bytes_hold_all_of_it(void)
{
	struct members back;
	struct buf bytes;

	CHECK_INT(members_parse(&m, "a=h:1,b=h:2,c=h:3"), 0);
	m.list[1].voter = false;
	m.list[2].birth = 0xfedcba9876543210;
	buf_init(&bytes);
	members_encode(&m, &bytes);
	CHECK_INT(members_decode(&back, buf_slice(&bytes)), 0);
	CHECK_INT(back.n, 3);
	for (unsigned i = 0; i < 3; i++) {
		CHECK(back.list[i].id == m.list[i].id);
		CHECK(back.list[i].birth == m.list[i].birth);
		CHECK(back.list[i].voter == m.list[i].voter);
		CHECK_STR(back.list[i].name, m.list[i].name);
		CHECK_STR(back.list[i].address, m.list[i].address);
	}
	/* Neither less of it nor more is a list. */
	for (size_t len = 0; len < bytes.len; len++)
		CHECK_INT(members_decode(&back, slice_of(bytes.data, len)),
			  KV_EDATA);
	buf_append_char(&bytes, 'x');
	CHECK_INT(members_decode(&back, buf_slice(&bytes)), KV_EDATA);
	buf_release(&bytes);
}

static void write_file(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	CHECK(f != NULL);
	CHECK(fputs(text, f) >= 0);
	CHECK_INT(fclose(f), 0);
}

static void a_file_is_read_line_by_line(void)
{
	char path[] = "/tmp/members_test.XXXXXX";
	int fd = mkstemp(path);

	CHECK(fd >= 0);
	close(fd);
	write_file(path,
		   "# the cluster\n\n n1=h:1\n\tn2=h:2  # here\r\nn3=h:3");
	CHECK_INT(members_read(&m, path), 0);
	CHECK_INT(m.n, 3);
	CHECK_STR(m.list[1].name, "n2");
	CHECK_STR(m.list[1].address, "h:2");
	write_file(path, "n1=h:1\n\nn2 h:2\n");
	CHECK_INT(members_read(&m, path), KV_EUSAGE);
	CHECK(strstr(err_text(), path) != NULL);
	CHECK(strstr(err_text(), "line 3") != NULL);
	write_file(path, "# nobody\n");
	CHECK_INT(members_read(&m, path), KV_EUSAGE);
	unlink(path);
	CHECK_INT(members_read(&m, path), KV_EIO);
	CHECK(strstr(err_text(), path) != NULL);
}

TEST_MAIN(T(a_list_is_read_and_written_as_text),
	  T(lists_that_make_no_sense_are_refused), T(a_list_has_a_limit),
	  T(names_and_addresses_have_a_limit),
	  T(the_order_of_a_list_does_not_matter),
	  T(an_id_tells_the_name_and_which_bearer_it_is),
	  T(members_are_found_added_and_dropped), T(bytes_hold_all_of_it),
	  T(a_file_is_read_line_by_line))

/*
 * address_test.c - addresses as people write them.
 */
#include "base/clock.h"
#include "base/err.h"
#include "client/address.h"
#include "test.h"

#include <stdlib.h>

#define CHECK_REFUSED(text)                                             \
	do {                                                            \
		struct address_list l;                                  \
		CHECK_INT(address_list_parse(&l, text), KV_EUSAGE);     \
		CHECK(strstr(err_text(), "is not an address") != NULL); \
	} while (0)

static void a_host_and_a_port_are_split_at_the_last_colon(void)
{
	struct address_list l;

	CHECK_INT(address_list_parse(&l, "example.org:65432"), 0);
	CHECK_INT(l.count, 1);
	CHECK_STR(l.items[0].host, "example.org");
	CHECK_STR(l.items[0].port, "65432");
	CHECK(l.items[0].path == NULL);
	address_list_release(&l);
}

static void brackets_hold_an_ipv6_number(void)
{
	struct address_list l;

	CHECK_INT(address_list_parse(&l, "[::1]:1"), 0);
	CHECK_STR(l.items[0].host, "::1");
	CHECK_STR(l.items[0].port, "1");
	address_list_release(&l);
}

static void commas_divide_addresses(void)
{
	struct address_list l;

	CHECK_INT(address_list_parse(&l, "a:1,b:2,[::1]:65535"), 0);
	CHECK_INT(l.count, 3);
	CHECK_STR(l.items[1].text, "b:2");
	CHECK_STR(l.items[2].host, "::1");
	address_list_release(&l);
}

static void a_socket_path_may_hold_anything(void)
{
	struct address_list l;

	CHECK_INT(address_list_parse(&l, "a:1,unix:/tmp/x,y:z"), 0);
	CHECK_INT(l.count, 2);
	CHECK_STR(l.items[1].path, "/tmp/x,y:z");
	address_list_release(&l);
}

static void what_is_no_address_is_refused(void)
{
	CHECK_REFUSED("");
	CHECK_REFUSED("host");
	CHECK_REFUSED("host:");
	CHECK_REFUSED(":1");
	CHECK_REFUSED("[]:1");
	CHECK_REFUSED("host:http");
	CHECK_REFUSED("host:0");
	CHECK_REFUSED("host:65536");
	CHECK_REFUSED("host:-1");
	CHECK_REFUSED("::1:5");
	CHECK_REFUSED("a:1,");
	CHECK_REFUSED("a:1,,b:2");
	CHECK_REFUSED("unix:");
}

static void connecting_to_nobody_says_what_to_do(void)
{
	static const char *const nobody[] = {"unix:/nonexistent/kv.sock",
					     "127.0.0.1:1"};

	for (size_t i = 0; i < 2; i++) {
		struct address_list l;
		int fd;

		CHECK_INT(address_list_parse(&l, nobody[i]), 0);
		CHECK_INT(address_connect(&l.items[0],
					  clock_monotonic_ms() + 1000, &fd),
			  KV_EUNREACHABLE);
		CHECK(strstr(err_text(), nobody[i]) != NULL);
		CHECK(strstr(err_text(), "is kv-serve running") != NULL);
		address_list_release(&l);
	}
}

static void a_path_too_long_for_a_socket_says_so(void)
{
	struct address_list l;
	char text[300] = "unix:/";
	int fd;

	memset(text + 6, 'x', 200);
	CHECK_INT(address_list_parse(&l, text), 0);
	CHECK_INT(
		address_connect(&l.items[0], clock_monotonic_ms() + 1000, &fd),
		KV_EUNREACHABLE);
	CHECK(strstr(err_text(), "too long") != NULL);
	address_list_release(&l);
}

TEST_MAIN(T(a_host_and_a_port_are_split_at_the_last_colon),
	  T(brackets_hold_an_ipv6_number), T(commas_divide_addresses),
	  T(a_socket_path_may_hold_anything), T(what_is_no_address_is_refused),
	  T(connecting_to_nobody_says_what_to_do),
	  T(a_path_too_long_for_a_socket_says_so))

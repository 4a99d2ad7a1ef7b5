/*
 * store_hint_test.c - a store that is told what it will be asked for answers as
 * if it were not, wherever the bytes of the keys have gone by then.
 */
#include "base/err.h"
#include "store_ask.h"
#include "test.h"

#include <stdlib.h>

static char dir[64];
static char room[8]; /* where a client's key lies */

static void fresh(void)
{
	struct store_options o = {.create = true};

	snprintf(dir, sizeof(dir), "/tmp/store_hint_test.XXXXXX");
	CHECK(mkdtemp(dir) != NULL);
	CHECK_INT(store_open(&s, dir, &o), 0);
	CHECK_INT(set("aa", "1"), 0);
	CHECK_INT(set("zz", "2"), 0);
	CHECK_INT(store_sync(s), 0);
}

static void finish(void)
{
	char command[128];

	CHECK_INT(store_close(s), 0);
	snprintf(command, sizeof(command), "rm -rf '%s'", dir);
	CHECK_INT(system(command), 0);
}

static void write_key(const char *key)
{
	memcpy(room, key, strlen(key) + 1);
}

static void hint(const char *key)
{
	struct slice k;

	write_key(key);
	k = slice_str(room);
	store_hint(s, &k, 1, true);
}

static void another_key_at_the_same_place_is_not_the_hinted_one(void)
{
	fresh();
	hint("aa");
	CHECK(has(room, "1"));
	write_key("zz");
	CHECK(has(room, "2"));
	write_key("bb");
	CHECK(missing(room));
	finish();
}

static void what_was_written_after_the_hint_is_read(void)
{
	fresh();
	hint("aa");
	CHECK_INT(set("aa", "3"), 0);
	CHECK(has(room, "3"));
	CHECK_INT(set("new", "4"), 0);
	CHECK(has(room, "3"));
	CHECK_INT(del("aa"), 1);
	CHECK(missing(room));
	finish();
}

/* Not on the write of the key that was hinted at, which is on disk. */
static void a_deleted_key_depends_on_its_deletion(void)
{
	fresh();
	CHECK_INT(del("zz"), 1);
	hint("aa");
	write_key("zz");
	CHECK(missing(room));
	CHECK(get(room).after > store_durable(s));
	CHECK_INT(store_sync(s), 0);
	CHECK_INT(get(room).after, 0);
	finish();
}

TEST_MAIN(T(another_key_at_the_same_place_is_not_the_hinted_one),
	  T(what_was_written_after_the_hint_is_read),
	  T(a_deleted_key_depends_on_its_deletion))

/*
 * resp_command_test.c - commands on a store, without a server: transactions,
 * time, cursors, and what a connection remembers. What single commands answer
 * is compared with Redis in t/redis.
 */
#include "base/err.h"
#include "proto/resp.h"
#include "proto/resp_conn.h"
#include "store/store.h"
#include "test.h"

#include <stdlib.h>
#include <unistd.h>

static char dir[64];
static struct store *s;
static struct resp_shared *shared;
static struct resp_conn *conn, *other;
static uint64_t fake_now;
static enum resp_next next;

static uint64_t read_fake_now(void *arg)
{
	(void)arg;
	return fake_now;
}

static void open_store(void)
{
	struct store_options o = {.create = true, .now_ms = read_fake_now};

	CHECK_INT(store_open(&s, dir, &o), 0);
}

static void reopen(void)
{
	CHECK_INT(store_close(s), 0);
	open_store();
}

static void fresh(void)
{
	fake_now = 1000000;
	snprintf(dir, sizeof(dir), "/tmp/resp_test.XXXXXX");
	CHECK(mkdtemp(dir) != NULL);
	open_store();
	shared = resp_shared_new();
	conn = resp_open(shared, 1);
	other = resp_open(shared, 2);
	CHECK(conn != NULL && other != NULL);
}

static void finish(void)
{
	char command[128];

	resp_close(conn);
	resp_close(other);
	resp_shared_free(shared);
	(void)store_close(s);
	snprintf(command, sizeof(command), "rm -rf '%s'", dir);
	CHECK_INT(system(command), 0);
}

/* Answers to one command, line ends shown as blanks. */
static const char *say_bytes(struct resp_conn *c, struct slice input)
{
	static struct buf out;
	struct resp_feed f = {.input = input, .max = 1 << 20};
	struct reply reply;

	buf_clear(&out);
	next = resp_feed(c, &f);
	if (next == RESP_CALL) {
		struct request req = {
			.op = OP_COMMAND,
			.call = f.call,
			.out = &out,
		};

		store_execute(s, &req, &reply);
		if (reply.code != 0)
			resp_write_error(&out, reply.code, reply.message,
					 f.tag);
		if (resp_settle(c))
			next = RESP_LAST;
	} else if (next == RESP_REPLY || next == RESP_LAST) {
		buf_append_slice(&out, f.reply);
	}
	CHECK(!buf_failed(&out));
	for (size_t i = 0; i < out.len; i++)
		if (out.data[i] == '\r' || out.data[i] == '\n')
			out.data[i] = ' ';
	while (out.len != 0 && out.data[out.len - 1] == ' ')
		out.len--;
	buf_append_char(&out, '\0');
	return out.data;
}

static const char *say_on(struct resp_conn *c, const char *line)
{
	char text[512];

	snprintf(text, sizeof(text), "%s\n", line);
	return say_bytes(c, slice_str(text));
}

static const char *say(const char *line)
{
	return say_on(conn, line);
}

static void what_is_set_is_got_also_after_opening_again(void)
{
	fresh();
	CHECK_STR(say("SET a 1"), "+OK");
	CHECK_STR(say("GET a"), "$1  1");
	CHECK_STR(say("GET b"), "$-1");
	reopen();
	CHECK_STR(say("get a"), "$1  1");
	finish();
}

static void a_batch_is_one_write(void)
{
	uint64_t before;

	fresh();
	before = store_appended(s);
	CHECK_STR(say("MSET a 1 b 2 a 3 c 4"), "+OK");
	CHECK_INT(store_appended(s), before + 1);
	CHECK_STR(say("MGET a b c"), "*3  $1  3  $1  2  $1  4");
	CHECK_STR(say("DEL a b nosuch a"), ":2");
	CHECK_INT(store_appended(s), before + 2);
	CHECK_STR(say("DEL a b"), ":0");
	CHECK_INT(store_appended(s), before + 2);
	finish();
}

/* More than are searched one by one. */
static void a_large_batch_has_each_key_once(void)
{
	struct buf line = {0};

	fresh();
	buf_printf(&line, "MSET");
	for (unsigned i = 0; i < 200; i++)
		buf_printf(&line, " k%u %u", i % 150, i);
	buf_append_char(&line, '\n');
	CHECK_STR(say_bytes(conn, buf_slice(&line)), "+OK");
	CHECK_STR(say("DBSIZE"), ":150");
	CHECK_STR(say("MGET k0 k49 k50 k149"),
		  "*4  $3  150  $3  199  $2  50  $3  149");
	buf_clear(&line);
	buf_printf(&line, "DEL");
	for (unsigned i = 0; i < 100; i++)
		buf_printf(&line, " k%u", i % 75);
	buf_append_char(&line, '\n');
	CHECK_STR(say_bytes(conn, buf_slice(&line)), ":75");
	CHECK_STR(say("DBSIZE"), ":75");
	buf_release(&line);
	finish();
}

static void exec_is_one_write_that_sees_its_own_changes(void)
{
	uint64_t before;

	fresh();
	say("SET n 1");
	before = store_appended(s);
	CHECK_STR(say("MULTI"), "+OK");
	CHECK_STR(say("INCR n"), "+QUEUED");
	CHECK_STR(say("APPEND n 5"), "+QUEUED");
	CHECK_STR(say("GET n"), "+QUEUED");
	CHECK_STR(say("DEL n"), "+QUEUED");
	CHECK_STR(say("EXISTS n"), "+QUEUED");
	CHECK_STR(say("SET n 9"), "+QUEUED");
	CHECK_STR(say("RENAME n m"), "+QUEUED");
	CHECK_STR(say("GET m"), "+QUEUED");
	CHECK_STR(say_on(other, "GET n"), "$1  1");
	CHECK_STR(say("EXEC"), "*8  :2  :2  $2  25  :1  :0  +OK  +OK  $1  9");
	CHECK_INT(store_appended(s), before + 1);
	reopen();
	CHECK_STR(say("MGET n m"), "*2  $-1  $1  9");
	finish();
}

static void large_transactions_see_their_changes_as_well(void)
{
	char line[64];

	fresh();
	for (int i = 0; i < 50; i++) {
		snprintf(line, sizeof(line), "SET below%02d x", i);
		say(line);
	}
	say("MULTI");
	for (int i = 0; i < 100; i++) {
		snprintf(line, sizeof(line), "SET above%02d %d", i, i);
		CHECK_STR(say(line), "+QUEUED");
	}
	say("DEL below07 above93");
	say("DBSIZE");
	say("KEYS *0[789]");
	say("FLUSHALL");
	say("SET below01 new");
	say("DBSIZE");
	CHECK(strstr(say("EXEC"),
		     ":2  :148  *5  $7  above07  $7  above08  $7  above09  "
		     "$7  below08  $7  below09  +OK  +OK  :1") != NULL);
	CHECK_STR(say("KEYS *"), "*1  $7  below01");
	reopen();
	CHECK_STR(say("KEYS *"), "*1  $7  below01");
	finish();
}

static void everything_goes_in_one_write(void)
{
	uint64_t before;

	fresh();
	say("MSET a 1 b 2 c 3");
	before = store_appended(s);
	CHECK_STR(say("FLUSHALL"), "+OK");
	CHECK_INT(store_appended(s), before + 1);
	CHECK_STR(say("DBSIZE"), ":0");
	CHECK_STR(say("FLUSHALL"), "+OK");
	CHECK_INT(store_appended(s), before + 1);
	reopen();
	CHECK_STR(say("DBSIZE"), ":0");
	finish();
}

static void a_refused_command_leaves_the_others_of_its_transaction(void)
{
	struct buf long_key = {0};
	struct buf input = {0};

	fresh();
	for (int i = 0; i < 65537; i++)
		buf_append_char(&long_key, 'k');
	buf_printf(&input, "*5\r\n$4\r\nMSET\r\n$1\r\na\r\n$1\r\n1\r\n");
	buf_printf(&input, "$65537\r\n%.*s\r\n$1\r\nv\r\n", 65537,
		   long_key.data);
	say("MULTI");
	CHECK_STR(say_bytes(conn, buf_slice(&input)), "+QUEUED");
	CHECK_STR(say("SET '' x"), "+QUEUED");
	CHECK_STR(say("INCR b"), "+QUEUED");
	CHECK_STR(say("EXEC"),
		  "*3  -ERR the key has 65537 bytes; at most 65536 are allowed"
		  "  -ERR a key has at least one byte  :1");
	CHECK_STR(say("MGET a b"), "*2  $-1  $1  1");
	buf_release(&long_key);
	buf_release(&input);
	finish();
}

static void a_command_that_cannot_be_queued_spoils_the_transaction(void)
{
	fresh();
	say("MULTI");
	CHECK_STR(say("SET a 1"), "+QUEUED");
	CHECK_STR(say("GET"),
		  "-ERR wrong number of arguments for 'get' command");
	CHECK_STR(say("EXEC"), "-EXECABORT Transaction discarded because of "
			       "previous errors.");
	CHECK_STR(say("GET a"), "$-1");
	say("MULTI");
	say("SET a 1");
	CHECK_STR(say("EXEC"), "*1  +OK");
	finish();
}

static void exec_depends_on_what_is_watched(void)
{
	fresh();
	say("SET a 1");
	CHECK_STR(say("WATCH a b"), "+OK");
	say_on(other, "SET a 1");
	say("MULTI");
	say("SET c 1");
	CHECK_STR(say("EXEC"), "*-1");
	CHECK_STR(say("GET c"), "$-1");
	say("WATCH a b");
	say_on(other, "SET d 1");
	say("MULTI");
	say("SET c 1");
	CHECK_STR(say("EXEC"), "*1  +OK");
	say("WATCH b");
	say_on(other, "SET b 1");
	CHECK_STR(say("UNWATCH"), "+OK");
	say("MULTI");
	CHECK_STR(say("EXEC"), "*0");
	finish();
}

static void a_watched_key_that_came_and_went_has_changed(void)
{
	fresh();
	say("WATCH a");
	say_on(other, "SET a 1");
	say_on(other, "DEL a");
	say("MULTI");
	CHECK_STR(say("EXEC"), "*-1");
	say_on(other, "SET a 1 PX 100");
	fake_now += 100;
	say("WATCH a");
	say("MULTI");
	CHECK_STR(say("EXEC"), "*0");
	say("WATCH a");
	say_on(other, "SET a 1 PX 100");
	fake_now += 100;
	CHECK_STR(say("GET a"), "$-1");
	say("MULTI");
	CHECK_STR(say("EXEC"), "*-1");
	finish();
}

/* Removing what had expired before changes nothing that could be seen. */
static void a_watched_key_that_is_swept_is_unchanged(void)
{
	fresh();
	say("SET a 1 PX 100");
	fake_now += 100;
	say("WATCH a b");
	CHECK_INT(store_expire(s, 10), 1);
	say("MULTI");
	CHECK_STR(say("EXEC"), "*0");
	finish();
}

static void a_watched_key_that_expires_has_changed(void)
{
	fresh();
	say("SET a 1 PX 100");
	say("WATCH a");
	fake_now += 100;
	say("MULTI");
	CHECK_STR(say("EXEC"), "*-1");
	say("WATCH a");
	say("MULTI");
	CHECK_STR(say("EXEC"), "*0");
	finish();
}

static void keys_expire_at_their_moment(void)
{
	fresh();
	say("SET a 1 PX 100");
	CHECK_STR(say("PTTL a"), ":100");
	CHECK_STR(say("PEXPIRETIME a"), ":1000100");
	fake_now += 99;
	CHECK_STR(say("GET a"), "$1  1");
	fake_now += 1;
	CHECK_STR(say("GET a"), "$-1");
	CHECK_STR(say("TTL a"), ":-2");
	CHECK_STR(say("DBSIZE"), ":0");
	CHECK_STR(say("SET a 2 XX"), "$-1");
	CHECK_STR(say("EXPIRE a 100"), ":0");
	finish();
}

static void a_restart_does_not_move_the_end(void)
{
	fresh();
	say("SET a 1 EX 100");
	say("SET b 1 EX 100");
	say("PERSIST b");
	fake_now += 50000;
	reopen();
	CHECK_STR(say("TTL a"), ":50");
	fake_now += 50000;
	reopen();
	CHECK_STR(say("MGET a b"), "*2  $-1  $1  1");
	fake_now -= 60000; /* a clock that was set back */
	reopen();
	CHECK_STR(say("GET b"), "$1  1");
	finish();
}

static void the_time_to_live_goes_with_the_key(void)
{
	fresh();
	say("SET a 1 PX 5000");
	CHECK_STR(say("RENAME a b"), "+OK");
	CHECK_STR(say("COPY b c"), ":1");
	CHECK_STR(say("INCR c"), ":2");
	CHECK_STR(say("APPEND c 0"), ":2");
	CHECK_STR(say("PTTL b"), ":5000");
	CHECK_STR(say("PTTL c"), ":5000");
	CHECK_STR(say("SET c 1 KEEPTTL"), "+OK");
	CHECK_STR(say("PTTL c"), ":5000");
	CHECK_STR(say("SET c 1"), "+OK");
	CHECK_STR(say("PTTL c"), ":-1");
	finish();
}

static void a_moment_that_is_over_deletes(void)
{
	fresh();
	say("SET a 1");
	CHECK_STR(say("SET a 2 PXAT 999999"), "+OK");
	CHECK_STR(say("EXISTS a"), ":0");
	say("SET a 1");
	CHECK_STR(say("EXPIRE a -1"), ":1");
	CHECK_STR(say("EXISTS a"), ":0");
	reopen();
	CHECK_STR(say("EXISTS a"), ":0");
	finish();
}

/* Follows SCAN to its end and counts how often each of key000 to key(n-1) came;
 * between the pages `meddle` may change the store. */
static void scan_all(int *seen, const char *options, void (*meddle)(int page))
{
	char line[128], cursor[32] = "0";
	int page = 0;

	do {
		const char *answer, *at;

		snprintf(line, sizeof(line), "SCAN %s %s", cursor, options);
		answer = say(line);
		CHECK(sscanf(answer, "*2 $%*d %31s", cursor) == 1);
		for (at = answer; (at = strstr(at, " key")) != NULL; at++)
			seen[strtol(at + 4, NULL, 10)]++;
		if (meddle != NULL)
			meddle(page++);
	} while (strcmp(cursor, "0") != 0);
}

static void add_keys(int n)
{
	char line[64];

	for (int i = 0; i < n; i++) {
		snprintf(line, sizeof(line), "SET key%03d x", i);
		say(line);
	}
}

static void scan_meets_every_key_once(void)
{
	int seen[1000] = {0};

	fresh();
	add_keys(250);
	scan_all(seen, "", NULL);
	for (int i = 0; i < 250; i++)
		CHECK_INT(seen[i], 1);
	scan_all(seen, "COUNT 100 MATCH key1*", NULL);
	for (int i = 0; i < 250; i++)
		CHECK_INT(seen[i], i / 100 == 1 ? 2 : 1);
	finish();
}

/* Deletes the keys around the place where the scan stands, adds others. */
static void meddle(int page)
{
	char line[64];

	for (int i = page * 10 + 5; i < page * 10 + 15; i += 2) {
		snprintf(line, sizeof(line), "DEL key%03d", i);
		say(line);
		snprintf(line, sizeof(line), "SET between%03d x", i);
		say(line);
	}
}

static void scan_meets_what_stays_whatever_else_goes(void)
{
	int seen[1000] = {0};

	fresh();
	add_keys(200);
	scan_all(seen, "", meddle);
	for (int i = 0; i < 200; i += 2)
		CHECK_INT(seen[i], 1);
	finish();
}

/* Makes the cursors start over, as a restart of the server does. */
static void forget_cursors(int page)
{
	(void)page;
	scan_cursors_free(shared->cursors);
	shared->cursors = scan_cursors_new();
	CHECK(shared->cursors != NULL);
}

static void a_forgotten_cursor_is_found_again(void)
{
	int seen[1000] = {0};

	fresh();
	add_keys(100);
	scan_all(seen, "", forget_cursors);
	for (int i = 0; i < 100; i++)
		CHECK_INT(seen[i], 1);
	finish();
}

static void a_cursor_whose_key_is_gone_goes_on_or_is_refused(void)
{
	char cursor[32], line[64];

	fresh();
	add_keys(30);
	CHECK(sscanf(say("SCAN 0"), "*2 $%*d %31s", cursor) == 1);
	say("DEL key009");
	snprintf(line, sizeof(line), "SCAN %s COUNT 1", cursor);
	CHECK(strstr(say(line), "key010") != NULL);
	forget_cursors(0);
	CHECK(strncmp(say(line), "-ERR invalid cursor", 19) == 0);
	finish();
}

static void scan_leaves_expired_keys_out(void)
{
	int seen[1000] = {0};

	fresh();
	add_keys(20);
	say("PEXPIRE key007 10");
	fake_now += 10;
	scan_all(seen, "", NULL);
	CHECK_INT(seen[7], 0);
	CHECK_INT(seen[8], 1);
	finish();
}

static void every_key_may_be_the_random_one(void)
{
	bool seen[100] = {false};
	int met = 0;

	fresh();
	CHECK_STR(say("RANDOMKEY"), "$-1");
	add_keys(100);
	for (int i = 0; i < 20000 && met < 100; i++) {
		int k = -1;

		CHECK(sscanf(say("RANDOMKEY"), "$6 key%d", &k) == 1);
		CHECK(k >= 0 && k < 100);
		met += !seen[k];
		seen[k] = true;
	}
	CHECK_INT(met, 100);
	finish();
}

static void hello_chooses_the_version(void)
{
	fresh();
	CHECK_STR(say("GET a"), "$-1");
	CHECK(strncmp(say("HELLO 3"), "%7", 2) == 0);
	CHECK_STR(say("GET a"), "_");
	CHECK_STR(say_on(other, "GET a"), "$-1");
	CHECK_STR(say("RESET"), "+RESET");
	CHECK_STR(say("GET a"), "$-1");
	finish();
}

static void replies_can_be_left_out(void)
{
	fresh();
	CHECK_STR(say("CLIENT REPLY SKIP"), "");
	CHECK_STR(say("SET a 1"), "");
	CHECK_STR(say("GET a"), "$1  1");
	CHECK_STR(say("CLIENT REPLY OFF"), "");
	CHECK_STR(say("SET a 2"), "");
	CHECK_STR(say("NOSUCH"), "");
	CHECK_STR(say("PING"), "");
	CHECK_STR(say("CLIENT REPLY ON"), "+OK");
	CHECK_STR(say("GET a"), "$1  2");
	finish();
}

static void quit_and_broken_framing_end_the_connection(void)
{
	fresh();
	CHECK_STR(say("QUIT"), "+OK");
	CHECK_INT(next, RESP_LAST);
	CHECK_STR(say_on(other, "*x\r"),
		  "-ERR Protocol error: invalid multibulk length");
	CHECK_INT(next, RESP_LAST);
	finish();
}

static void what_looks_like_http_is_not_answered(void)
{
	fresh();
	CHECK_STR(say("GET / HTTP/1.1"), "");
	CHECK_INT(next, RESP_CLOSE);
	CHECK_STR(say_on(other, "PING"), "+PONG");
	CHECK_STR(say_on(other, "GET /path"), "$-1");
	CHECK_STR(say_on(other, "POST /x HTTP/1.1"), "");
	CHECK_INT(next, RESP_CLOSE);
	CHECK_STR(say_on(other, "host: localhost"), "");
	CHECK_INT(next, RESP_CLOSE);
	finish();
}

static void errors_of_the_store_are_told_in_redis_words(void)
{
	struct buf out = {0};

	resp_write_error(&out, KV_EREADONLY, "disk on fire", slice_of("", 0));
	resp_write_error(&out, KV_ENOMEM, "no memory", slice_of("", 0));
	resp_write_error(&out, KV_ETOOBIG, "too big", slice_of("", 0));
	buf_append_char(&out, '\0');
	CHECK_STR(out.data,
		  "-MISCONF Errors writing to the AOF file: disk on fire\r\n"
		  "-OOM command not allowed when used memory > 'maxmemory'. "
		  "no memory\r\n"
		  "-ERR too big\r\n");
	buf_release(&out);
}

static void a_reply_waits_for_what_it_reveals(void)
{
	struct resp_feed f = {.max = 1 << 20};
	struct buf out = {0};
	struct reply reply;

	fresh();
	say("SET a 1");
	CHECK_INT(store_durable(s), 0);
	f.input = slice_str("GET a\n");
	CHECK_INT(resp_feed(conn, &f), RESP_CALL);
	struct request req = {.op = OP_COMMAND, .call = f.call, .out = &out};
	store_execute(s, &req, &reply);
	CHECK_INT(reply.after, store_appended(s));
	CHECK_INT(store_sync(s), 0);
	out.len = 0;
	CHECK_INT(resp_feed(conn, &f), RESP_CALL);
	store_execute(s, &req, &reply);
	CHECK_INT(reply.after, 0);
	buf_release(&out);
	finish();
}

static void a_reply_has_a_bound(void)
{
	struct buf input = {0};

	fresh();
	CHECK_STR(say("SETRANGE big 1048575 x"), ":1048576");
	buf_append_str(&input, "*301\r\n$4\r\nMGET\r\n");
	for (int i = 0; i < 300; i++)
		buf_append_str(&input, "$3\r\nbig\r\n");
	CHECK(strncmp(say_bytes(conn, buf_slice(&input)),
		      "-ERR the values are over", 24) == 0);
	say("MULTI");
	say("SET a 1");
	for (int i = 0; i < 300; i++)
		say("GET big");
	CHECK(strncmp(say("EXEC"), "-OOM", 4) == 0);
	CHECK_STR(say("GET a"), "$-1");
	buf_release(&input);
	finish();
}

/* Reads a key in a transaction, with the very slice that is given. */
struct get_call {
	struct txn_call base;
	struct slice key;
	char value[64];
};

static int run_get(struct txn_call *base, struct txn *t, struct buf *out)
{
	struct get_call *call = (struct get_call *)base;
	struct item item;

	(void)out;
	if (txn_get(t, call->key, &item))
		snprintf(call->value, sizeof(call->value), "%.*s",
			 (int)item.value.len, item.value.data);
	else
		snprintf(call->value, sizeof(call->value), "(none)");
	return 0;
}

static const char *get_through_command(struct slice key)
{
	static struct get_call call;
	struct buf out = {0};
	struct request req = {
		.op = OP_COMMAND, .call = &call.base, .out = &out};
	struct reply reply;

	call = (struct get_call){.base.run = run_get, .key = key};
	store_execute(s, &req, &reply);
	return call.value;
}

static struct item *get_slice(struct slice *key)
{
	static struct reply reply;
	struct request req = {.op = OP_GET, .keys = key, .nkeys = 1};

	store_execute(s, &req, &reply);
	return &reply.items[0];
}

/* Keys that lie where others lay, writes in between, keys that are not there:
 * whatever was hinted at, the answers are those of the store. */
static void a_hint_never_changes_an_answer(void)
{
	char text[16][32], line[64], expected[64];
	struct slice keys[16];
	unsigned seed = 1;

	fresh();
	add_keys(100);
	for (int round = 0; round < 2000; round++) {
		int n = (int)((seed >> 8) % 16) + 1;

		for (int i = 0; i < n; i++) {
			seed = seed * 1103515245 + 12345;
			snprintf(text[i], sizeof(text[i]), "key%03u",
				 (seed >> 16) % 150);
			keys[i] = slice_str(text[i]);
		}
		store_hint(s, keys, (size_t)n, true);
		for (int i = 0; i < n; i++) {
			bool found;

			seed = seed * 1103515245 + 12345;
			if ((seed >> 16) % 4 == 0) {
				snprintf(line, sizeof(line), "SET key%03u %u",
					 (seed >> 20) % 150, seed);
				say(line);
			} else if ((seed >> 16) % 4 == 1) {
				snprintf(text[i], sizeof(text[i]), "key%03u",
					 (seed >> 20) % 150);
			}
			found = get_slice(&keys[i])->found;
			snprintf(expected, sizeof(expected), "%.*s",
				 found ? (int)get_slice(&keys[i])->value.len
				       : 0,
				 found ? get_slice(&keys[i])->value.data : "");
			CHECK_STR(get_through_command(keys[i]),
				  found ? expected : "(none)");
		}
	}
	finish();
}

/* All answers to a pipeline; with `runs`, reads may be joined to one call.
 * Returns how many calls it took. */
static unsigned say_all(struct slice input, bool runs, struct buf *out)
{
	unsigned calls = 0;

	buf_clear(out);
	while (input.len != 0) {
		struct resp_feed f = {
			.input = input,
			.max = 1 << 20,
			.runs = runs,
		};

		next = resp_feed(conn, &f);
		if (next == RESP_CALL) {
			struct request req = {
				.op = OP_COMMAND,
				.call = f.call,
				.out = out,
			};
			unsigned count = f.count;
			struct reply reply;

			store_execute(s, &req, &reply);
			CHECK_INT(reply.code, 0);
			f.used -= resp_take_back(conn, &f.count);
			CHECK(f.count >= 1 && f.count <= count);
			CHECK(runs || f.count == 1);
			CHECK(!resp_settle(conn));
			calls++;
		} else if (next == RESP_REPLY) {
			buf_append_slice(out, f.reply);
		}
		CHECK(next != RESP_MORE && f.used != 0);
		input.data += f.used;
		input.len -= f.used;
	}
	resp_pause(conn);
	CHECK(!buf_failed(out));
	return calls;
}

static void add_command(struct buf *pipeline, const char *line)
{
	char text[128], *word, *rest = text;
	unsigned n = 0;
	struct buf words = {0};

	snprintf(text, sizeof(text), "%s", line);
	while ((word = strsep(&rest, " ")) != NULL) {
		buf_printf(&words, "$%zu\r\n%s\r\n", strlen(word), word);
		n++;
	}
	buf_printf(pipeline, "*%u\r\n", n);
	buf_append_slice(pipeline, buf_slice(&words));
	buf_release(&words);
}

static void reads_behind_each_other_are_one_call(void)
{
	struct buf in = {0}, out = {0};

	fresh();
	say("MSET a 1 b 22");
	for (int i = 0; i < 10; i++)
		add_command(&in, i % 2 ? "GET b" : "get a");
	add_command(&in, "EXISTS a b");
	CHECK_INT(say_all(buf_slice(&in), true, &out), 1);
	CHECK_INT(out.len, 5 * 7 + 5 * 8 + 4);
	CHECK_INT(say_all(buf_slice(&in), false, &out), 11);
	CHECK_INT(out.len, 5 * 7 + 5 * 8 + 4);
	buf_release(&in);
	buf_release(&out);
	finish();
}

static void a_long_reply_ends_the_call(void)
{
	struct buf in = {0}, out = {0}, alone = {0};

	fresh();
	CHECK_STR(say("SETRANGE big 39999 x"), ":40000");
	for (int i = 0; i < 8; i++)
		add_command(&in, "GET big");
	CHECK_INT(say_all(buf_slice(&in), true, &out), 4);
	CHECK_INT(say_all(buf_slice(&in), false, &alone), 8);
	CHECK(slice_eq(buf_slice(&out), buf_slice(&alone)));
	buf_release(&in);
	buf_release(&out);
	buf_release(&alone);
	finish();
}

static void pick_command(unsigned *seed, struct buf *pipeline)
{
	static const char *const forms[] = {
		"GET k%u",
		"GET k%u",
		"GET k%u",
		"TTL k%u",
		"EXISTS k%u x",
		"MGET k%u k1 k2",
		"STRLEN k%u",
		"GET k%u x",
		"NOSUCH k%u",
		"SET k%u v",
		"DEL k%u",
		"INCR k%u",
		"PING",
		"MULTI",
		"EXEC",
		"CLIENT REPLY SKIP",
		"GETRANGE k%u 0 1",
	};
	char line[64];

	*seed = *seed * 1103515245 + 12345;
	snprintf(line, sizeof(line),
		 forms[(*seed >> 16) % (sizeof(forms) / sizeof(*forms))],
		 (*seed >> 24) % 20);
	add_command(pipeline, line);
}

static void joining_reads_changes_no_answer(void)
{
	struct buf in = {0}, joined = {0}, alone = {0};
	unsigned seed = 7;

	for (int round = 0; round < 40; round++) {
		buf_clear(&in);
		for (int i = 0; i < 200; i++)
			pick_command(&seed, &in);
		fresh();
		say_all(buf_slice(&in), true, &joined);
		finish();
		fresh();
		say_all(buf_slice(&in), false, &alone);
		finish();
		CHECK(joined.len > 1000);
		CHECK(slice_eq(buf_slice(&joined), buf_slice(&alone)));
	}
	buf_release(&in);
	buf_release(&joined);
	buf_release(&alone);
}

TEST_MAIN(T(what_is_set_is_got_also_after_opening_again),
	  T(a_batch_is_one_write), T(a_large_batch_has_each_key_once),
	  T(exec_is_one_write_that_sees_its_own_changes),
	  T(large_transactions_see_their_changes_as_well),
	  T(everything_goes_in_one_write),
	  T(a_refused_command_leaves_the_others_of_its_transaction),
	  T(a_command_that_cannot_be_queued_spoils_the_transaction),
	  T(exec_depends_on_what_is_watched),
	  T(a_watched_key_that_came_and_went_has_changed),
	  T(a_watched_key_that_is_swept_is_unchanged),
	  T(a_watched_key_that_expires_has_changed),
	  T(keys_expire_at_their_moment), T(a_restart_does_not_move_the_end),
	  T(the_time_to_live_goes_with_the_key),
	  T(a_moment_that_is_over_deletes), T(scan_meets_every_key_once),
	  T(scan_meets_what_stays_whatever_else_goes),
	  T(a_forgotten_cursor_is_found_again),
	  T(a_cursor_whose_key_is_gone_goes_on_or_is_refused),
	  T(scan_leaves_expired_keys_out), T(every_key_may_be_the_random_one),
	  T(hello_chooses_the_version), T(replies_can_be_left_out),
	  T(quit_and_broken_framing_end_the_connection),
	  T(what_looks_like_http_is_not_answered),
	  T(errors_of_the_store_are_told_in_redis_words),
	  T(a_reply_waits_for_what_it_reveals), T(a_reply_has_a_bound),
	  T(a_hint_never_changes_an_answer),
	  T(reads_behind_each_other_are_one_call),
	  T(a_long_reply_ends_the_call), T(joining_reads_changes_no_answer))

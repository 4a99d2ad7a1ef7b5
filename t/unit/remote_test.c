/*
 * remote_test.c - the client against a scripted server: what it makes of
 * silence, of lost connections and of nonsense, and that no write goes twice.
 *
 * The server is a thread on a Unix socket. It takes one request per step and
 * does what the step says; it records how many requests of which kind came.
 */
#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "kv.h"
#include "test.h"

#include <pthread.h>
#include <semaphore.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* What to do with the next request: answer with this line, or: */
#define HANG_UP "hang up" /* close without an answer */
#define SILENCE "silence" /* keep the connection and say nothing */
#define HALF "half"	  /* send half a line, then close */
#define AND_CLOSE "+"	  /* before a line: close after it */

#define STEPS_MAX 8

static struct {
	char dir[32], path[64], address[80];
	const char *steps[STEPS_MAX];
	int listener, nrequests;
	char last[256]; /* the last request's line, cut */
	sem_t closed;	/* posted after each connection that the script ended */
	pthread_t thread;
} server;

/* Reads one line; false at the end of the connection. */
static bool read_request(int fd)
{
	size_t len = 0;
	char c;

	for (;;) {
		if (read(fd, &c, 1) != 1)
			return false;
		if (c == '\n')
			break;
		if (len + 1 < sizeof(server.last))
			server.last[len++] = c;
	}
	server.last[len] = '\0';
	server.nrequests++;
	return true;
}

static void say(int fd, const char *text)
{
	(void)!send(fd, text, strlen(text), MSG_NOSIGNAL);
}

/* Waits until the client has gone. */
static void await_end(int fd)
{
	char c;

	while (read(fd, &c, 1) > 0)
		;
}

static void *serve(void *arg)
{
	int fd = -1;

	(void)arg;
	for (int i = 0; i < STEPS_MAX && server.steps[i] != NULL; i++) {
		const char *step = server.steps[i];

		if (fd < 0)
			fd = accept(server.listener, NULL, NULL);
		if (fd < 0)
			break;
		if (!read_request(fd))
			break;
		if (strcmp(step, SILENCE) == 0)
			await_end(fd);
		else if (strcmp(step, HALF) == 0)
			say(fd, "{\"ok\":tr");
		else if (strcmp(step, HANG_UP) != 0)
			say(fd, step + (step[0] == AND_CLOSE[0]));
		if (step[0] != '{') {
			close(fd);
			fd = -1;
			sem_post(&server.closed);
		}
	}
	if (fd >= 0)
		close(fd);
	return NULL;
}

static void server_start(const char *const *steps)
{
	struct sockaddr_un sa = {.sun_family = AF_UNIX};

	memset(&server, 0, sizeof(server));
	for (int i = 0; i < STEPS_MAX && steps[i] != NULL; i++)
		server.steps[i] = steps[i];
	CHECK(sem_init(&server.closed, 0, 0) == 0);
	snprintf(server.dir, sizeof(server.dir), "/tmp/kv-remote-XXXXXX");
	CHECK(mkdtemp(server.dir) != NULL);
	snprintf(server.path, sizeof(server.path), "%s/s", server.dir);
	snprintf(server.address, sizeof(server.address), "unix:%s",
		 server.path);
	memcpy(sa.sun_path, server.path, sizeof(server.path));
	server.listener = socket(AF_UNIX, SOCK_STREAM, 0);
	CHECK(bind(server.listener, (struct sockaddr *)&sa, sizeof(sa)) == 0);
	CHECK(listen(server.listener, 8) == 0);
	CHECK(pthread_create(&server.thread, NULL, serve, NULL) == 0);
}

#define SERVER(...) server_start((const char *const[]){__VA_ARGS__, NULL})

static kv *client(unsigned timeout_ms)
{
	struct kv_options o = {
		.address = server.address,
		.timeout_ms = timeout_ms,
	};
	kv *db = NULL;

	CHECK_INT(kv_open(&db, &o), 0);
	return db;
}

/* Ends both sides; how many requests the server was sent. */
static int server_stop(kv *db)
{
	kv_close(db);
	shutdown(server.listener, SHUT_RDWR);
	pthread_join(server.thread, NULL);
	close(server.listener);
	unlink(server.path);
	rmdir(server.dir);
	return server.nrequests;
}

static int set(kv *db)
{
	return kv_set(db, "k", 1, "v", 1, NULL, NULL);
}

static int get(kv *db)
{
	void *value;
	size_t len;
	int r = kv_get(db, "k", 1, &value, &len, NULL);

	if (r == 0)
		kv_free(value);
	return r;
}

#define FOUND \
	"{\"ok\":true,\"found\":true,\"value\":\"bar\",\"version\":\"7\"}\n"
#define STORED "{\"ok\":true,\"version\":\"8\"}\n"

static void a_value_comes_with_its_version(void)
{
	void *value;
	size_t len;
	uint64_t version;
	kv *db;

	SERVER(FOUND);
	db = client(5000);
	CHECK_INT(kv_get(db, "foo", 3, &value, &len, &version), 0);
	CHECK_STR((char *)value, "bar");
	CHECK_INT(len, 3);
	CHECK_INT(version, 7);
	kv_free(value);
	CHECK_INT(server_stop(db), 1);
	CHECK_STR(server.last, "{\"op\":\"get\",\"key\":\"foo\"}");
}

static void a_missing_key_is_not_found(void)
{
	kv *db;

	SERVER("{\"ok\":true,\"found\":false}\n");
	db = client(5000);
	CHECK_INT(get(db), KV_ENOTFOUND);
	CHECK_INT(server_stop(db), 1);
}

static void an_error_of_the_server_keeps_its_words(void)
{
	kv *db;

	SERVER("{\"ok\":false,\"error\":\"READONLY\",\"message\":\"why\"}\n",
	       STORED);
	db = client(5000);
	CHECK_INT(set(db), KV_EREADONLY);
	CHECK_STR(err_text(), "why");
	CHECK_INT(set(db), 0);
	CHECK_INT(server_stop(db), 2);
}

static void a_read_without_a_reply_times_out(void)
{
	uint64_t began = clock_monotonic_ms();
	kv *db;

	SERVER(SILENCE);
	db = client(50);
	CHECK_INT(get(db), KV_ETIMEOUT);
	CHECK(clock_monotonic_ms() - began >= 50);
	CHECK_INT(server_stop(db), 1);
}

static void a_write_without_a_reply_is_unknown(void)
{
	kv *db;

	SERVER(SILENCE);
	db = client(50);
	CHECK_INT(set(db), KV_EUNKNOWN);
	CHECK(strstr(err_text(), "may or may not be stored") != NULL);
	CHECK_INT(server_stop(db), 1);
}

static void a_write_is_never_sent_again(void)
{
	kv *db;

	SERVER(HANG_UP, STORED);
	db = client(5000);
	CHECK_INT(set(db), KV_EUNKNOWN);
	CHECK_INT(server.nrequests, 1);
	CHECK_INT(set(db), 0); /* the next call connects anew */
	CHECK_INT(server_stop(db), 2);
}

static void a_write_is_unknown_after_half_a_reply(void)
{
	kv *db;

	SERVER(HALF);
	db = client(5000);
	CHECK_INT(set(db), KV_EUNKNOWN);
	CHECK_INT(server_stop(db), 1);
}

static void a_read_is_asked_again_on_a_new_connection(void)
{
	kv *db;

	SERVER(HANG_UP, FOUND);
	db = client(5000);
	CHECK_INT(get(db), 0);
	CHECK_INT(server_stop(db), 2);
}

static void a_read_is_not_asked_again_for_ever(void)
{
	kv *db;

	SERVER(HANG_UP, HANG_UP, HANG_UP, HANG_UP);
	db = client(5000);
	CHECK_INT(get(db), KV_EUNREACHABLE);
	CHECK_INT(server_stop(db), 2);
}

/* The server closed while the client was idle, as one that restarts does. */
static void an_idle_connection_that_was_closed_costs_no_write(void)
{
	kv *db;

	SERVER(AND_CLOSE STORED, STORED);
	db = client(5000);
	CHECK_INT(set(db), 0);
	sem_wait(&server.closed);
	CHECK_INT(set(db), 0);
	CHECK_INT(server_stop(db), 2);
}

static void a_reply_that_is_no_reply_is_not_understood(void)
{
	kv *db;

	SERVER("{\"nonsense\":1}\n");
	db = client(5000);
	CHECK_INT(get(db), KV_EPROTO);
	CHECK_INT(server_stop(db), 1);
}

#define PAGE                                                      \
	"{\"ok\":true,\"items\":[{\"key\":\"a\",\"value\":\"1\"," \
	"\"version\":\"1\"}],\"cursor\":\"c1\"}\n"
#define LAST_PAGE                                                 \
	"{\"ok\":true,\"items\":[{\"key\":\"b\",\"value\":\"2\"," \
	"\"version\":\"2\"}]}\n"

static int append_record(void *arg, const void *key, size_t key_len,
			 const void *value, size_t value_len)
{
	buf_append(arg, key, key_len);
	buf_append(arg, value, value_len);
	return 0;
}

static int stop_at_once(void *arg, const void *key, size_t key_len,
			const void *value, size_t value_len)
{
	(void)arg, (void)key, (void)key_len, (void)value, (void)value_len;
	return 42;
}

static void a_scan_goes_on_with_the_cursor(void)
{
	struct kv_range all = {0};
	struct buf seen;
	kv *db;

	SERVER(PAGE, LAST_PAGE);
	buf_init(&seen);
	db = client(5000);
	CHECK_INT(kv_scan(db, &all, append_record, &seen), 0);
	CHECK(slice_eq(buf_slice(&seen), slice_str("a1b2")));
	buf_release(&seen);
	CHECK_INT(server_stop(db), 2);
	CHECK(strstr(server.last, "\"cursor\":\"c1\"") != NULL);
}

static void a_scan_with_a_limit_asks_for_no_more(void)
{
	struct kv_range one = {.limit = 1};
	struct buf seen;
	kv *db;

	SERVER(PAGE, LAST_PAGE);
	buf_init(&seen);
	db = client(5000);
	CHECK_INT(kv_scan(db, &one, append_record, &seen), 0);
	CHECK_INT(seen.len, 2);
	buf_release(&seen);
	CHECK_INT(server_stop(db), 1);
	CHECK(strstr(server.last, "\"limit\":1") != NULL);
}

static void a_scan_ends_with_what_its_function_returns(void)
{
	struct kv_range all = {0};
	kv *db;

	SERVER(PAGE, LAST_PAGE);
	db = client(5000);
	CHECK_INT(kv_scan(db, &all, stop_at_once, NULL), 42);
	CHECK_INT(server_stop(db), 1);
}

/* Another connection would show another moment. */
static void a_scan_is_not_continued_on_another_connection(void)
{
	struct kv_range all = {0};
	struct buf seen;
	kv *db;

	SERVER(AND_CLOSE PAGE, LAST_PAGE);
	buf_init(&seen);
	db = client(5000);
	CHECK_INT(kv_scan(db, &all, append_record, &seen), KV_EUNREACHABLE);
	CHECK(strstr(err_text(), "in the middle of a scan") != NULL);
	buf_release(&seen);
	CHECK_INT(server_stop(db), 1);
}

TEST_MAIN(T(a_value_comes_with_its_version), T(a_missing_key_is_not_found),
	  T(an_error_of_the_server_keeps_its_words),
	  T(a_read_without_a_reply_times_out),
	  T(a_write_without_a_reply_is_unknown), T(a_write_is_never_sent_again),
	  T(a_write_is_unknown_after_half_a_reply),
	  T(a_read_is_asked_again_on_a_new_connection),
	  T(a_read_is_not_asked_again_for_ever),
	  T(an_idle_connection_that_was_closed_costs_no_write),
	  T(a_reply_that_is_no_reply_is_not_understood),
	  T(a_scan_goes_on_with_the_cursor),
	  T(a_scan_with_a_limit_asks_for_no_more),
	  T(a_scan_ends_with_what_its_function_returns),
	  T(a_scan_is_not_continued_on_another_connection))

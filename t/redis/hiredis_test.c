/*
 * hiredis_test.c - Debian's libhiredis works with kv-serve: calls that wait,
 * pipelines, any bytes, and the asynchronous interface on libuv. It expects
 * kv-serve on the PATH, as t/run has it.
 */
#include "../unit/test.h"

#include <hiredis/adapters/libuv.h>
#include <hiredis/async.h>
#include <hiredis/hiredis.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

static char dir[64], path[128];
static pid_t server;
static redisContext *c;

/* Serves a fresh directory and waits until it is ready. */
static void start(void)
{
	char fd[16], byte;
	int ready[2];

	snprintf(dir, sizeof(dir), "/tmp/hiredis_test.XXXXXX");
	CHECK(mkdtemp(dir) != NULL);
	snprintf(path, sizeof(path), "%s/kv.sock", dir);
	CHECK_INT(pipe(ready), 0);
	snprintf(fd, sizeof(fd), "%d", ready[1]);
	server = fork();
	CHECK(server >= 0);
	if (server == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		close(ready[0]);
		if (freopen("/dev/null", "w", stderr) == NULL)
			_exit(126);
		execlp("kv-serve", "kv-serve", "-d", dir, "--port", "0",
		       "--ready-fd", fd, (char *)NULL);
		_exit(127);
	}
	close(ready[1]);
	CHECK_INT(read(ready[0], &byte, 1), 1);
	close(ready[0]);
	c = redisConnectUnix(path);
	CHECK(c != NULL && c->err == 0);
}

static void stop(void)
{
	char command[128];
	int status;

	redisFree(c);
	CHECK_INT(kill(server, SIGTERM), 0);
	CHECK_INT(waitpid(server, &status, 0), server);
	CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	snprintf(command, sizeof(command), "rm -rf '%s'", dir);
	CHECK_INT(system(command), 0);
}

/* The text of a reply of that type. */
static const char *text_of(redisReply *reply, int type)
{
	static char text[256];

	CHECK(reply != NULL);
	CHECK_INT(reply->type, type);
	snprintf(text, sizeof(text), "%s", reply->str);
	freeReplyObject(reply);
	return text;
}

static long long integer_of(redisReply *reply)
{
	long long value;

	CHECK(reply != NULL);
	CHECK_INT(reply->type, REDIS_REPLY_INTEGER);
	value = reply->integer;
	freeReplyObject(reply);
	return value;
}

static void replies_have_their_types(void)
{
	redisReply *reply;

	start();
	CHECK_STR(text_of(redisCommand(c, "SET a %s", "1"), REDIS_REPLY_STATUS),
		  "OK");
	CHECK_STR(text_of(redisCommand(c, "GET a"), REDIS_REPLY_STRING), "1");
	CHECK_INT(integer_of(redisCommand(c, "INCR a")), 2);
	CHECK_STR(text_of(redisCommand(c, "LPUSH a x"), REDIS_REPLY_ERROR),
		  "ERR unknown command 'LPUSH', with args beginning with: 'a' "
		  "'x' ");
	reply = redisCommand(c, "GET nosuch");
	CHECK_INT(reply->type, REDIS_REPLY_NIL);
	freeReplyObject(reply);
	reply = redisCommand(c, "MGET a nosuch");
	CHECK_INT(reply->type, REDIS_REPLY_ARRAY);
	CHECK_INT(reply->elements, 2);
	CHECK_STR(reply->element[0]->str, "2");
	CHECK_INT(reply->element[1]->type, REDIS_REPLY_NIL);
	freeReplyObject(reply);
	stop();
}

static void any_bytes_come_back(void)
{
	static const char value[] = "\0\r\n$5\r\n\xff";
	redisReply *reply;

	start();
	CHECK_STR(text_of(redisCommand(c, "SET %b %b", "k\0", (size_t)2, value,
				       sizeof(value)),
			  REDIS_REPLY_STATUS),
		  "OK");
	reply = redisCommand(c, "GET %b", "k\0", (size_t)2);
	CHECK_INT(reply->len, sizeof(value));
	CHECK(memcmp(reply->str, value, sizeof(value)) == 0);
	freeReplyObject(reply);
	stop();
}

static void a_pipeline_is_answered_in_order(void)
{
	void *reply;

	start();
	for (int i = 0; i < 5000; i++)
		CHECK_INT(
			redisAppendCommand(c, i % 2 ? "INCR n" : "ECHO %d", i),
			REDIS_OK);
	for (int i = 0; i < 5000; i++) {
		CHECK_INT(redisGetReply(c, &reply), REDIS_OK);
		if (i % 2)
			CHECK_INT(integer_of(reply), i / 2 + 1);
		else
			CHECK_INT(strtol(text_of(reply, REDIS_REPLY_STRING),
					 NULL, 10),
				  i);
	}
	stop();
}

static void a_transaction_is_one_reply(void)
{
	redisReply *reply;

	start();
	freeReplyObject(redisCommand(c, "MULTI"));
	freeReplyObject(redisCommand(c, "SET a 1"));
	freeReplyObject(redisCommand(c, "INCR a"));
	reply = redisCommand(c, "EXEC");
	CHECK_INT(reply->type, REDIS_REPLY_ARRAY);
	CHECK_INT(reply->elements, 2);
	CHECK_INT(reply->element[1]->integer, 2);
	freeReplyObject(reply);
	stop();
}

#define ASYNC_COMMANDS 2000

static int async_done;

static void on_incr(redisAsyncContext *async, void *reply, void *arg)
{
	int i = (int)(intptr_t)arg;
	const redisReply *r = reply;

	if (r != NULL && r->type == REDIS_REPLY_INTEGER && r->integer == i + 1)
		async_done++;
	if (i == ASYNC_COMMANDS - 1)
		redisAsyncDisconnect(async);
}

static void the_asynchronous_interface_works(void)
{
	redisAsyncContext *async;
	uv_loop_t loop;

	start();
	CHECK_INT(uv_loop_init(&loop), 0);
	async = redisAsyncConnectUnix(path);
	CHECK(async != NULL && async->err == 0);
	CHECK_INT(redisLibuvAttach(async, &loop), REDIS_OK);
	for (int i = 0; i < ASYNC_COMMANDS; i++)
		CHECK_INT(redisAsyncCommand(async, on_incr, (void *)(intptr_t)i,
					    "INCR n"),
			  REDIS_OK);
	uv_run(&loop, UV_RUN_DEFAULT);
	CHECK_INT(async_done, ASYNC_COMMANDS);
	CHECK_INT(uv_loop_close(&loop), 0);
	stop();
}

TEST_MAIN(T(replies_have_their_types), T(any_bytes_come_back),
	  T(a_pipeline_is_answered_in_order), T(a_transaction_is_one_reply),
	  T(the_asynchronous_interface_works))

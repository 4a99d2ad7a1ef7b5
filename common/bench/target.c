/*
 * target.c - see target.h.
 */
#include "bench/target.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "bench/resp_reply.h"
#include "client/open.h"

#include <bsd/stdlib.h>
#include <bsd/string.h>
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define READ_ROOM 16384

struct question {
	int fd;
	uint64_t deadline_ms;
	struct buf in;
};

const char *target_address(const struct target *t)
{
	return t->servers.items[t->at].text;
}

int target_connect(const struct target *t, int *fd)
{
	return address_connect(&t->servers.items[t->at],
			       clock_monotonic_ms() + t->timeout_ms, fd);
}

static int connect_first(struct target *t, int *fd)
{
	int r = KV_EUNREACHABLE;

	for (size_t i = 0; r != 0 && i < t->servers.count; i++) {
		t->at = i;
		r = target_connect(t, fd);
	}
	return r;
}

static int await(const struct target *t, int fd, short events,
		 uint64_t deadline_ms)
{
	struct pollfd p = {.fd = fd, .events = events};
	uint64_t now = clock_monotonic_ms();
	int n = 0;

	if (now < deadline_ms)
		n = poll(&p, 1, (int)(deadline_ms - now));
	if (n > 0 || (n < 0 && errno == EINTR))
		return 0;
	if (n < 0)
		return err_sys(errno, "cannot wait for '%s'",
			       target_address(t));
	return err_set(KV_ETIMEOUT, "'%s' did not answer in time",
		       target_address(t));
}

static int receive(const struct target *t, struct question *q)
{
	char *to = buf_reserve(&q->in, READ_ROOM);
	ssize_t n;
	int r;

	if (to == NULL)
		return err_sys(ENOMEM, "cannot take the reply of '%s'",
			       target_address(t));
	r = await(t, q->fd, POLLIN, q->deadline_ms);
	if (r != 0)
		return r;
	n = recv(q->fd, to, READ_ROOM, MSG_DONTWAIT);
	if (n > 0)
		buf_advance(&q->in, (size_t)n);
	if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
		return err_set(KV_EUNREACHABLE,
			       "'%s' closed the connection: it speaks no RESP, "
			       "or takes no more clients",
			       target_address(t));
	return 0;
}

/* Sends an inline command; *reply lives until the next question. */
static int ask(const struct target *t, struct question *q, const char *command,
	       struct resp_reply *reply)
{
	size_t len = strlen(command);
	ssize_t n = send(q->fd, command, len, MSG_NOSIGNAL);

	buf_clear(&q->in);
	if (n != (ssize_t)len)
		return err_set(KV_EUNREACHABLE, "cannot send to '%s': %s",
			       target_address(t), strerror(errno));
	for (;;) {
		ssize_t taken =
			q->in.len == 0
				? 0
				: resp_reply_take(buf_slice(&q->in), reply);
		int r;

		if (taken > 0)
			return 0;
		if (taken < 0)
			return (int)taken;
		r = receive(t, q);
		if (r != 0)
			return r;
	}
}

/* The value of a "name:value" line of INFO; "" if there is none. */
static void info_value(struct slice info, const char *name, char *to,
		       size_t size)
{
	const char *at = info.data, *end = info.data + info.len;
	size_t len = strlen(name);

	to[0] = '\0';
	while (at < end) {
		const char *stop = memchr(at, '\r', (size_t)(end - at));

		if (stop == NULL)
			stop = end;
		if ((size_t)(stop - at) > len && at[len] == ':' &&
		    memcmp(at, name, len) == 0)
			snprintf(to, size, "%.*s",
				 (int)(stop - at - 1) - (int)len, at + len + 1);
		at = stop + (end - stop >= 2 ? 2 : end - stop);
	}
}

static int ask_name(struct target *t, struct question *q)
{
	char server[64], version[48];
	struct resp_reply reply;
	int r = ask(t, q, "INFO server\r\n", &reply);

	if (r != 0)
		return r;
	info_value(reply.text, "server_name", server, sizeof(server));
	t->is_kv = strcmp(server, "kv-serve") == 0;
	info_value(reply.text, t->is_kv ? "kv_version" : "redis_version",
		   version, sizeof(version));
	if (reply.type == '-' || version[0] == '\0')
		strlcpy(t->name, "an unknown server", sizeof(t->name));
	else
		snprintf(t->name, sizeof(t->name), "%s %s",
			 t->is_kv	     ? "kv-serve"
			 : server[0] != '\0' ? server
					     : "Redis",
			 version);
	return 0;
}

/* One setting; "" if the server has none of this name or does not tell. */
static int ask_setting(struct target *t, struct question *q, const char *name,
		       char *to, size_t size)
{
	struct resp_reply reply;
	char command[64];
	struct slice in;
	int r;

	to[0] = '\0';
	snprintf(command, sizeof(command), "CONFIG GET %s\r\n", name);
	r = ask(t, q, command, &reply);
	if (r != 0 || reply.type != '*' || reply.number != 2)
		return r;
	in = buf_slice(&q->in);
	for (int i = 0; i < 2; i++) {
		ssize_t skip = i == 0 ? (ssize_t)resp_reply_first(in)
				      : resp_reply_take(in, &reply);

		in = slice_of(in.data + skip, in.len - (size_t)skip);
	}
	if (resp_reply_take(in, &reply) > 0)
		snprintf(to, size, "%.*s", (int)reply.text.len,
			 reply.text.data);
	return 0;
}

static int ask_durability(struct target *t, struct question *q)
{
	char aof[16], sync[16], save[64];
	int r = ask_setting(t, q, "appendonly", aof, sizeof(aof));

	if (r == 0)
		r = ask_setting(t, q, "appendfsync", sync, sizeof(sync));
	if (r == 0)
		r = ask_setting(t, q, "save", save, sizeof(save));
	if (r != 0)
		return r;
	if (aof[0] == '\0')
		strlcpy(t->durability, "the server does not tell",
			sizeof(t->durability));
	else if (strcmp(aof, "yes") == 0)
		snprintf(t->durability, sizeof(t->durability),
			 "appendonly yes, appendfsync %s: %s", sync,
			 strcmp(sync, "always") == 0
				 ? "a write is synced before its reply"
				 : "a write can be lost after its reply");
	else
		snprintf(t->durability, sizeof(t->durability),
			 "appendonly no, save \"%s\": a write can be lost "
			 "after its reply",
			 save);
	return 0;
}

static int ask_keys(struct target *t, struct question *q)
{
	struct resp_reply reply;
	int r = ask(t, q, "DBSIZE\r\n", &reply);

	if (r == 0 && reply.type == ':' && reply.number > 0)
		t->keys = (uint64_t)reply.number;
	return r;
}

/* Whether the server's files are on this machine, as far as one can tell. */
static bool is_local(const struct address *a)
{
	return a->path != NULL || strncmp(a->host, "127.", 4) == 0 ||
	       strcmp(a->host, "localhost") == 0 || strcmp(a->host, "::1") == 0;
}

static int describe(struct target *t)
{
	struct question q = {
		.fd = -1, .deadline_ms = clock_monotonic_ms() + t->timeout_ms};
	int r = connect_first(t, &q.fd);

	if (r != 0)
		return r;
	r = ask_name(t, &q);
	if (r == 0)
		r = ask_durability(t, &q);
	if (r == 0)
		r = ask_setting(t, &q, "dir", t->dir, sizeof(t->dir));
	if (r == 0)
		r = ask_keys(t, &q);
	if (!is_local(&t->servers.items[t->at]))
		strlcpy(t->file_system, "that of another machine",
			sizeof(t->file_system));
	else
		machine_file_system(t->dir, t->file_system,
				    sizeof(t->file_system));
	close(q.fd);
	buf_release(&q.in);
	return r;
}

int target_open(struct target *t, const struct kv_options *options)
{
	char *address = NULL;
	int r;

	*t = (struct target){.timeout_ms = open_timeout_ms(options)};
	r = open_find_server(options, &address);
	if (r == 0 && address == NULL)
		r = err_set(KV_EUNREACHABLE,
			    "no server holds the store in '%s'; start one: "
			    "kv-serve -b -d '%s'",
			    options->dir, options->dir);
	if (r == 0)
		r = address_list_parse(&t->servers, address);
	free(address);
	return r != 0 ? r : describe(t);
}

void target_release(struct target *t)
{
	address_list_release(&t->servers);
}

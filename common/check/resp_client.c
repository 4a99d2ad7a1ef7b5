/*
 * resp_client.c - see resp_client.h.
 */
#include "check/resp_client.h"

#include "base/clock.h"
#include "client/address.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define READ_ROOM 65536
#define VALUE_MAX (1 << 20)

int resp_client_open(struct resp_client *c, const char *address,
		     uint64_t deadline_ms)
{
	struct address_list list = {0};
	int r = address_list_parse(&list, address);

	*c = (struct resp_client){.fd = -1};
	if (r == 0)
		r = address_connect(&list.items[0], deadline_ms, &c->fd);
	address_list_release(&list);
	return r;
}

void resp_client_close(struct resp_client *c)
{
	if (c->fd >= 0)
		close(c->fd);
	c->fd = -1;
	buf_release(&c->out);
	buf_release(&c->in);
}

/* 0 or an errno. */
static int await(int fd, short events, uint64_t deadline_ms)
{
	struct pollfd p = {.fd = fd, .events = events};
	uint64_t now;

	while ((now = clock_monotonic_ms()) < deadline_ms) {
		int n = poll(&p, 1, (int)(deadline_ms - now));

		if (n > 0)
			return 0;
		if (n < 0 && errno != EINTR)
			return errno;
	}
	return ETIMEDOUT;
}

static int send_all(struct resp_client *c, uint64_t deadline_ms)
{
	size_t sent = 0;
	int e = 0;

	while (sent < c->out.len && e == 0) {
		ssize_t n = send(c->fd, c->out.data + sent, c->out.len - sent,
				 MSG_NOSIGNAL | MSG_DONTWAIT);

		if (n >= 0)
			sent += (size_t)n;
		else if (errno == EAGAIN)
			e = await(c->fd, POLLOUT, deadline_ms);
		else if (errno != EINTR)
			e = errno;
	}
	return e;
}

static int receive_more(struct resp_client *c, uint64_t deadline_ms)
{
	char *to = buf_reserve(&c->in, READ_ROOM);
	ssize_t n;
	int e;

	if (to == NULL)
		return ENOMEM;
	do {
		e = await(c->fd, POLLIN, deadline_ms);
		if (e != 0)
			return e;
		n = recv(c->fd, to, READ_ROOM, MSG_DONTWAIT);
	} while (n < 0 && (errno == EAGAIN || errno == EINTR));
	if (n <= 0)
		return n == 0 ? ECONNRESET : errno;
	buf_advance(&c->in, (size_t)n);
	return 0;
}

/* 1: a whole reply. 0: not all there yet. -1: no RESP. */
static int parse(struct slice in, struct resp_client_reply *reply)
{
	static const char down[] = "CLUSTERDOWN";
	const char *end =
		in.len < 4 ? NULL : memmem(in.data, in.len, "\r\n", 2);
	struct slice line;
	int64_t number;

	if (end == NULL)
		return 0;
	line = slice_of(in.data + 1, (size_t)(end - in.data) - 1);
	number = strtoll(line.data, NULL, 10);
	*reply = (struct resp_client_reply){.value = line, .number = number};
	switch (in.data[0]) {
	case '+':
	case ':':
		return 1;
	case '-':
		reply->answer = line.len >= sizeof(down) - 1 &&
						memcmp(line.data, down,
						       sizeof(down) - 1) == 0
					? RESP_ANSWER_REFUSED
					: RESP_ANSWER_ERROR;
		return 1;
	case '$':
		break;
	default:
		return -1;
	}
	if (number == -1) {
		reply->answer = RESP_ANSWER_NULL;
		return 1;
	}
	if (number < 0 || number > VALUE_MAX)
		return -1;
	if (in.len < line.len + 3 + (size_t)number + 2)
		return 0;
	reply->answer = RESP_ANSWER_VALUE;
	reply->value = slice_of(end + 2, (size_t)number);
	return 1;
}

static void write_command(struct buf *out, const struct slice *words, size_t n)
{
	buf_clear(out);
	buf_printf(out, "*%zu\r\n", n);
	for (size_t i = 0; i < n; i++) {
		buf_printf(out, "$%zu\r\n", words[i].len);
		buf_append_slice(out, words[i]);
		buf_append_str(out, "\r\n");
	}
}

int resp_client_ask(struct resp_client *c, const struct slice *words, size_t n,
		    uint64_t deadline_ms, struct resp_client_reply *reply)
{
	int e, whole = 0;

	write_command(&c->out, words, n);
	buf_clear(&c->in);
	if (buf_failed(&c->out))
		return err_set(KV_ENOMEM, "out of memory");
	if (c->fd < 0)
		return err_set(KV_EUNREACHABLE, "not connected");
	e = send_all(c, deadline_ms);
	while (e == 0 && whole == 0) {
		e = receive_more(c, deadline_ms);
		if (e == 0)
			whole = parse(buf_slice(&c->in), reply);
	}
	if (whole == 1)
		return 0;
	resp_client_close(c);
	if (whole < 0)
		return err_set(KV_EPROTO, "the reply is no RESP");
	return err_set(KV_EUNKNOWN, "no reply: %s", strerror(e));
}

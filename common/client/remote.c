/*
 * remote.c - requests as JSON lines over one connection, one at a time.
 *
 * The rule that everything here serves: with one address, a write of which any
 * byte has left is never sent again by itself, since nobody can tell whether
 * it was carried out; a read may be asked again while there is time. So before
 * each request an idle connection is looked at, because a server that was
 * restarted has closed it, and finding that out only by sending a write would
 * make its outcome unknown for no reason.
 *
 * Several addresses are the nodes of one cluster. Writes then carry a name of
 * the asker and a number, by which the cluster carries out each only once, so
 * that they too may be asked again: of the next node when one cannot be
 * reached, does not answer in its share of the time, or has no leader.
 *
 * A page of a scan is a read too, but its snapshot lives in the server that
 * began it: it is never asked for on another connection.
 */
#include "client/transport.h"

#include "base/clock.h"
#include "base/err.h"
#include "client/address.h"
#include "proto/json.h"

#include <bsd/stdlib.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

/* Room for a reply before its length is known. */
#define REPLY_ROOM 65536
/* Buffers larger than this are given back rather than kept for the next. */
#define BUFFER_KEPT (4u << 20)

/* Between two rounds of nodes that had no answer: so long, doubled each time,
 * at most so long. */
#define PAUSE_MS 10u
#define PAUSE_MAX_MS 160u

/* A node of several is given this long to answer, or its share of the time. */
#define ANSWER_MS 1000u

#define CLIENT_BYTES 16u

struct remote {
	struct transport transport;
	struct address_list addresses;
	size_t at; /* the address that is or was connected to */
	int fd;	   /* -1: not connected */
	struct buf out;
	struct buf in;
	struct json_arena *arena;
	/* Who writes, and how many writes there were; with several addresses.
	 */
	char client[CLIENT_BYTES];
	uint64_t number;
};

static void disconnect(struct remote *r)
{
	if (r->fd >= 0)
		close(r->fd);
	r->fd = -1;
}

static const char *server_name(const struct remote *r)
{
	return r->addresses.items[r->at].text;
}

/* Tries each address once, the last good one first; the time left is shared
 * fairly, so that one silent host cannot use up all of it. */
static int connect_any(struct remote *r, uint64_t deadline_ms)
{
	size_t first = r->at, n = r->addresses.count;
	int code = KV_EUNREACHABLE;

	for (size_t i = 0; i < n && code != 0; i++) {
		uint64_t now = clock_monotonic_ms();
		uint64_t left = deadline_ms > now ? deadline_ms - now : 0;

		r->at = (first + i) % n;
		code = address_connect(&r->addresses.items[r->at],
				       now + left / (n - i), &r->fd);
	}
	return code;
}

static bool is_write(enum op op)
{
	return op == OP_SET || op == OP_DELETE || op == OP_BULK_SET;
}

/* Whether asking twice is no different from asking once. */
static bool may_repeat(const struct request *req)
{
	if (req->cursor.len != 0 || req->op == OP_CLUSTER)
		return false;
	return !is_write(req->op) || req->client.len != 0;
}

/* Between requests a server says nothing: whatever can be read is the end. */
static bool is_stale(int fd)
{
	char c;
	ssize_t n = recv(fd, &c, 1, MSG_PEEK | MSG_DONTWAIT);

	return n >= 0 || (errno != EAGAIN && errno != EINTR);
}

/* Waits for events on the socket: 0, or ETIMEDOUT, or another errno. */
static int await(int fd, short events, uint64_t deadline_ms)
{
	struct pollfd p = {.fd = fd, .events = events};
	uint64_t now;

	while ((now = clock_monotonic_ms()) < deadline_ms) {
		uint64_t left = deadline_ms - now;
		int n = poll(&p, 1, left > INT32_MAX ? INT32_MAX : (int)left);

		if (n > 0)
			return 0;
		if (n < 0 && errno != EINTR)
			return errno;
	}
	return ETIMEDOUT;
}

/* Sends the request line; *sent says how much of it left. 0 or errno. */
static int send_line(struct remote *r, uint64_t deadline_ms, size_t *sent)
{
	int e = 0;

	while (*sent < r->out.len && e == 0) {
		ssize_t n = send(r->fd, r->out.data + *sent, r->out.len - *sent,
				 MSG_NOSIGNAL | MSG_DONTWAIT);
		if (n >= 0)
			*sent += (size_t)n;
		else if (errno == EAGAIN)
			e = await(r->fd, POLLOUT, deadline_ms);
		else if (errno != EINTR)
			e = errno;
	}
	return e;
}

/* Reads up to the end of a line; 0 and *line without it, or errno. */
static int receive_line(struct remote *r, uint64_t deadline_ms,
			struct slice *line)
{
	int e = 0;

	buf_clear(&r->in);
	while (e == 0) {
		size_t had = r->in.len;
		size_t room = had < REPLY_ROOM ? REPLY_ROOM : had;
		char *to = buf_reserve(&r->in, room), *end;
		ssize_t n;

		if (to == NULL)
			return ENOMEM;
		/* The reply is never there at once: look only when it is. */
		e = await(r->fd, POLLIN, deadline_ms);
		if (e != 0)
			break;
		n = recv(r->fd, to, r->in.cap - had, MSG_DONTWAIT);
		if (n == 0)
			return ECONNRESET;
		if (n < 0) {
			e = errno == EAGAIN || errno == EINTR ? 0 : errno;
			continue;
		}
		buf_advance(&r->in, (size_t)n);
		end = memchr(to, '\n', (size_t)n);
		if (end != NULL) {
			*line = slice_of(r->in.data,
					 (size_t)(end - r->in.data));
			return 0;
		}
	}
	return e;
}

/* Says what an exchange that failed with `e` means to the one who asked. */
static int no_reply(struct remote *r, const struct request *req, int e,
		    bool sent)
{
	const char *name = server_name(r);
	const char *why = e == ETIMEDOUT ? "no reply in time" : strerror(e);

	if (e == ENOMEM)
		why = "out of memory for the reply";
	if (is_write(req->op) && sent)
		return err_set(KV_EUNKNOWN,
			       "'%s': %s; the write may or may not be stored: "
			       "look before trying again",
			       name, why);
	if (e == ETIMEDOUT)
		return err_set(KV_ETIMEOUT,
			       "'%s' did not answer in time; try again or "
			       "allow more time with --timeout",
			       name);
	if (e == ENOMEM)
		return err_sys(e, "cannot take the reply of '%s'", name);
	return err_set(KV_EUNREACHABLE, "lost the connection to '%s': %s%s",
		       name, why,
		       req->cursor.len != 0 ? " in the middle of a scan" : "");
}

/* One exchange on the open connection. *again: it failed in a way that allows
 * the same request to be sent on another connection. */
static int exchange(struct remote *r, const struct request *req,
		    uint64_t deadline_ms, struct reply *reply, bool *again)
{
	struct slice line;
	size_t sent = 0;
	int e = send_line(r, deadline_ms, &sent), code;

	/* A server that refuses a request half-way says why before it goes. */
	if (e == 0 || e == EPIPE || e == ECONNRESET) {
		int received = receive_line(r, deadline_ms, &line);

		e = received == 0 || e == 0 ? received : e;
	}
	if (e != 0) {
		disconnect(r);
		*again = e != ENOMEM && req->cursor.len == 0 &&
			 (sent == 0 || may_repeat(req)) &&
			 (e != ETIMEDOUT || r->addresses.count > 1);
		return no_reply(r, req, e, sent != 0);
	}
	if (sent < r->out.len)
		disconnect(r);
	code = json_reply_parse(r->arena, line, req->op, clock_wall_ms(),
				reply);
	if (code != 0)
		disconnect(r);
	if (code != 0 && is_write(req->op))
		return err_set(KV_EUNKNOWN,
			       "the reply of '%s' is not understood; the write "
			       "may or may not be stored",
			       server_name(r));
	return code;
}

/* Whether the reply leaves hope that another node, or the same one a little
 * later, has a better one. */
static bool is_passing(const struct reply *reply)
{
	return reply->code == KV_EUNAVAILABLE || reply->code == KV_EUNKNOWN;
}

static void pause_until(uint64_t when_ms)
{
	uint64_t now = clock_monotonic_ms();

	if (when_ms > now)
		poll(NULL, 0, (int)(when_ms - now));
}

static uint64_t share_of(const struct remote *r, uint64_t deadline_ms)
{
	uint64_t now = clock_monotonic_ms();
	uint64_t left = deadline_ms > now ? deadline_ms - now : 0;
	uint64_t share = left / r->addresses.count;

	if (share < ANSWER_MS)
		share = ANSWER_MS;
	return now + (share < left ? share : left);
}

/* Of one server: asks again only where the connection was the trouble. */
static int ask_one(struct remote *r, const struct request *req,
		   uint64_t deadline_ms, struct reply *reply)
{
	bool again = true;
	int code = 0;

	for (int i = 0; i <= 1 && again; i++) {
		again = false;
		if (r->fd < 0)
			code = connect_any(r, deadline_ms);
		if (r->fd >= 0)
			code = exchange(r, req, deadline_ms, reply, &again);
	}
	return code;
}

/* An earlier try may have been carried out: a later one that got nowhere must
 * not make it look as if nothing had happened. */
static int still_unknown(const struct remote *r)
{
	return err_set(KV_EUNKNOWN,
		       "none of %zu nodes could tell in time whether the write "
		       "was stored: look before trying again",
		       r->addresses.count);
}

/* Of the nodes of a cluster, round and round while there is time. */
static int ask_any(struct remote *r, const struct request *req,
		   uint64_t deadline_ms, struct reply *reply)
{
	uint64_t pause = PAUSE_MS;
	bool unsure = false;
	int code;

	for (size_t tries = 1;; tries++) {
		bool again = false, passing;

		code = r->fd < 0 ? connect_any(r, share_of(r, deadline_ms)) : 0;
		if (r->fd < 0)
			return unsure ? still_unknown(r) : code;
		code = exchange(r, req, share_of(r, deadline_ms), reply,
				&again);
		passing = code == 0 && is_passing(reply);
		if (passing)
			again = may_repeat(req);
		unsure = unsure || code == KV_EUNKNOWN ||
			 (passing && reply->code == KV_EUNKNOWN);
		if (!again || clock_monotonic_ms() + pause >= deadline_ms)
			return unsure && (code != 0 || passing)
				       ? still_unknown(r)
				       : code;
		disconnect(r);
		r->at = (r->at + 1) % r->addresses.count;
		if (tries % r->addresses.count != 0)
			continue;
		pause_until(clock_monotonic_ms() + pause);
		pause = pause < PAUSE_MAX_MS ? 2 * pause : pause;
	}
}

static int remote_ask(struct transport *t, const struct request *req,
		      uint64_t deadline_ms, struct reply *reply)
{
	struct remote *r = (struct remote *)t;
	bool cluster = r->addresses.count > 1;
	struct request named = *req;
	int code;

	if (cluster && is_write(req->op) && req->client.len == 0) {
		named.client = slice_of(r->client, sizeof(r->client));
		named.number = ++r->number;
	}
	buf_clear(&r->in); /* the reply before lived in it until now */
	buf_trim(&r->in, BUFFER_KEPT);
	buf_clear(&r->out);
	json_request_write(&r->out, &named, clock_wall_ms());
	if (buf_failed(&r->out))
		return err_sys(ENOMEM, "cannot build the request");
	if (r->fd >= 0 && is_stale(r->fd))
		disconnect(r);
	if (r->fd < 0 && req->cursor.len != 0)
		return no_reply(r, req, ECONNRESET, false);
	code = cluster ? ask_any(r, &named, deadline_ms, reply)
		       : ask_one(r, &named, deadline_ms, reply);
	buf_clear(&r->out);
	buf_trim(&r->out, BUFFER_KEPT);
	return code;
}

static void remote_close(struct transport *t)
{
	struct remote *r = (struct remote *)t;

	disconnect(r);
	json_arena_free(r->arena);
	buf_release(&r->in);
	buf_release(&r->out);
	address_list_release(&r->addresses);
	free(r);
}

int remote_open(struct transport **out, const char *address,
		uint64_t deadline_ms)
{
	static const struct transport_ops ops = {
		.ask = remote_ask,
		.close = remote_close,
	};
	struct remote *r = calloc(1, sizeof(*r));
	int code;

	if (r == NULL)
		return err_sys(ENOMEM, "cannot open '%s'", address);
	r->transport.ops = &ops;
	r->fd = -1;
	arc4random_buf(r->client, sizeof(r->client));
	code = address_list_parse(&r->addresses, address);
	if (code != 0)
		goto fail;
	r->arena = json_arena_new();
	if (r->arena == NULL) {
		code = err_sys(ENOMEM, "cannot open '%s'", address);
		goto fail;
	}
	code = connect_any(r, deadline_ms);
	if (code != 0)
		goto fail;
	*out = &r->transport;
	return 0;
fail:
	remote_close(&r->transport);
	return code;
}

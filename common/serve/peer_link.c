/*
 * peer_link.c - see peer_link.h. Each attempt has a socket of its own, `conn`,
 * which frees itself when it is closed.
 */
#include "serve/peer_link.h"

#include "base/err.h"

#include <bsd/stdlib.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

#define BACKOFF_MIN_MS 50u
#define BACKOFF_MAX_MS 1000u

/* From dialling to the end of the handshake; and how long what was sent may
 * stay unacknowledged until the connection counts as lost. */
#define SHAKE_TIMEOUT_MS 5000u
#define SILENCE_MS 5000u

#define READ_MIN ((size_t)256 << 10)
#define BUFFER_KEEP ((size_t)1 << 20)

struct conn {
	uv_tcp_t tcp;
	uv_connect_t connect;
	uv_write_t write;
	struct peer_link *link; /* NULL: given up */
	struct peer_shake shake;
	struct buf in, out, sending;
	size_t unsent; /* of `sending`, when peer_link_moves() was called */
	bool shaking, up, writing;
};

struct peer_link {
	uv_loop_t *loop;
	struct member to;
	struct peer_link_events events;
	uv_timer_t timer; /* to dial again, or to give up */
	uv_getaddrinfo_t resolve;
	struct conn *conn; /* NULL: none now */
	unsigned backoff_ms;
	bool resolving, closing, closed;
	char complaint[ERR_TEXT_MAX]; /* the last one */
};

static void dial(struct peer_link *link);

static void complain(struct peer_link *link, const char *why)
{
	char line[ERR_TEXT_MAX + 128];

	if (strcmp(link->complaint, why) == 0)
		return;
	snprintf(link->complaint, sizeof(link->complaint), "%s", why);
	snprintf(line, sizeof(line), "no link to '%s' at %s: %s", link->to.name,
		 link->to.address, why);
	link->events.log(link->events.arg, line);
}

static void on_conn_closed(uv_handle_t *handle)
{
	struct conn *conn = handle->data;

	peer_shake_release(&conn->shake);
	buf_release(&conn->in);
	buf_release(&conn->out);
	buf_release(&conn->sending);
	free(conn);
}

static void drop_conn(struct peer_link *link)
{
	struct conn *conn = link->conn;

	if (conn == NULL)
		return;
	link->conn = NULL;
	conn->link = NULL;
	uv_close((uv_handle_t *)&conn->tcp, on_conn_closed);
}

static void on_again(uv_timer_t *timer)
{
	dial(timer->data);
}

/* Half of the pause at least, so that nodes that lost each other at one time
 * do not come back all at once. */
static void dial_later(struct peer_link *link)
{
	unsigned half = link->backoff_ms / 2;

	uv_timer_start(&link->timer, on_again,
		       half + arc4random_uniform(half + 1), 0);
	link->backoff_ms *= 2;
	if (link->backoff_ms > BACKOFF_MAX_MS)
		link->backoff_ms = BACKOFF_MAX_MS;
}

/* The attempt, or what was up, has come to an end. */
static void give_up(struct peer_link *link, const char *why)
{
	bool was_up = link->conn != NULL && link->conn->up;

	drop_conn(link);
	complain(link, why);
	dial_later(link);
	if (was_up)
		link->events.lost(link->events.arg, link);
}

static void on_timeout(uv_timer_t *timer)
{
	give_up(timer->data, "it does not answer");
}

/* ---- sending ---- */

static void on_written(uv_write_t *req, int status)
{
	struct conn *conn = req->data;

	conn->writing = false;
	buf_clear(&conn->sending);
	buf_trim(&conn->sending, BUFFER_KEEP);
	if (conn->link == NULL)
		return;
	if (status < 0)
		give_up(conn->link, uv_strerror(status));
	else
		peer_link_flush(conn->link);
}

/* The kernel took only `sent` bytes: the rest goes when it has room. */
static int send_later(struct conn *conn, size_t sent)
{
	struct buf swap = conn->sending;
	uv_buf_t rest;

	conn->sending = conn->out;
	conn->out = swap;
	rest.base = conn->sending.data + sent;
	rest.len = conn->sending.len - sent;
	conn->write.data = conn;
	conn->writing = true;
	return uv_write(&conn->write, (uv_stream_t *)&conn->tcp, &rest, 1,
			on_written);
}

void peer_link_flush(struct peer_link *link)
{
	struct conn *conn = link->conn;
	uv_buf_t all;
	int n;

	if (conn == NULL || conn->writing || conn->out.len == 0)
		return;
	if (buf_failed(&conn->out)) {
		give_up(link, "out of memory");
		return;
	}
	all.base = conn->out.data;
	all.len = conn->out.len;
	n = uv_try_write((uv_stream_t *)&conn->tcp, &all, 1);
	if (n == UV_EAGAIN)
		n = 0;
	if (n >= 0 && (size_t)n < conn->out.len)
		n = send_later(conn, (size_t)n);
	else if (n >= 0)
		buf_clear(&conn->out);
	if (n < 0)
		give_up(link, uv_strerror(n));
	else if (!conn->writing)
		buf_trim(&conn->out, BUFFER_KEEP);
}

bool peer_link_moves(struct peer_link *link)
{
	struct conn *conn = link->conn;
	size_t unsent, before;

	if (conn == NULL)
		return false;
	unsent = conn->writing ? uv_stream_get_write_queue_size(
					 (uv_stream_t *)&conn->tcp)
			       : 0;
	before = conn->unsent;
	conn->unsent = unsent;
	return unsent < before;
}

bool peer_link_is_up(const struct peer_link *link)
{
	return link->conn != NULL && link->conn->up;
}

bool peer_link_send(struct peer_link *link, struct slice head,
		    struct slice body)
{
	struct conn *conn = link->conn;

	if (conn == NULL || !conn->up || head.len + body.len > PEER_FRAME_MAX ||
	    conn->out.len + conn->sending.len > PEER_LINK_QUEUE_MAX)
		return false;
	peer_frame_write(&conn->out, head, body);
	return true;
}

/* ---- receiving ---- */

static void handshake(struct peer_link *link, struct slice *input)
{
	struct conn *conn = link->conn;

	switch (peer_shake_feed(&conn->shake, input, &conn->out)) {
	case SHAKE_MORE:
		break;
	case SHAKE_FAILED:
		give_up(link, err_text());
		return;
	case SHAKE_DONE:
		conn->shaking = false;
		conn->up = true;
		link->backoff_ms = BACKOFF_MIN_MS;
		link->complaint[0] = '\0';
		uv_timer_stop(&link->timer);
		break;
	}
	peer_link_flush(link);
}

static void handle_input(struct peer_link *link, struct slice *input)
{
	struct conn *conn = link->conn;
	struct slice frame;

	if (conn->shaking)
		handshake(link, input);
	while (link->conn == conn && conn->up) {
		switch (peer_next(input, PEER_FRAME_MAX, &frame)) {
		case PEER_MORE:
			return;
		case PEER_BAD:
			give_up(link, "it sends what is not a frame");
			return;
		case PEER_FRAME:
			link->events.frame(link->events.arg, link, frame);
			break;
		}
	}
}

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buf)
{
	struct conn *conn = handle->data;

	(void)suggested;
	buf->base = buf_reserve(&conn->in, READ_MIN);
	buf->len = buf->base != NULL ? conn->in.cap - conn->in.len : 0;
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
	struct conn *conn = stream->data;
	struct slice input;

	(void)buf;
	if (conn->link == NULL || n == 0)
		return;
	if (n < 0) {
		give_up(conn->link, n == UV_EOF ? "it closed the connection"
						: uv_strerror((int)n));
		return;
	}
	buf_advance(&conn->in, (size_t)n);
	input = buf_slice(&conn->in);
	handle_input(conn->link, &input);
	buf_consume(&conn->in, conn->in.len - input.len);
	if (conn->in.len == 0)
		buf_trim(&conn->in, BUFFER_KEEP);
}

/* ---- dialling ---- */

static void set_options(struct conn *conn)
{
	unsigned silence = SILENCE_MS;
	uv_os_fd_t fd;

	uv_tcp_nodelay(&conn->tcp, 1);
	if (uv_fileno((uv_handle_t *)&conn->tcp, &fd) == 0)
		(void)setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &silence,
				 sizeof(silence));
}

static void on_connected(uv_connect_t *req, int status)
{
	struct conn *conn = req->data;
	struct peer_link *link = conn->link;

	if (link == NULL)
		return;
	if (status < 0) {
		give_up(link, uv_strerror(status));
		return;
	}
	set_options(conn);
	conn->shaking = true;
	peer_shake_dial(&conn->shake, link->events.shake,
			link->events.shake_arg, link->to.name, &conn->out);
	if (uv_read_start((uv_stream_t *)&conn->tcp, on_alloc, on_read) != 0)
		give_up(link, "out of memory");
	else
		peer_link_flush(link);
}

static void connect_to(struct peer_link *link, const struct sockaddr *address)
{
	struct conn *conn = calloc(1, sizeof(*conn));
	int r;

	if (conn == NULL || uv_tcp_init(link->loop, &conn->tcp) != 0) {
		free(conn);
		give_up(link, "out of memory");
		return;
	}
	conn->link = link;
	conn->tcp.data = conn;
	conn->connect.data = conn;
	link->conn = conn;
	uv_timer_start(&link->timer, on_timeout, SHAKE_TIMEOUT_MS, 0);
	r = uv_tcp_connect(&conn->connect, &conn->tcp, address, on_connected);
	if (r != 0)
		give_up(link, uv_strerror(r));
}

static void on_link_closed(uv_handle_t *handle)
{
	struct peer_link *link = handle->data;

	link->closed = true;
	if (!link->resolving)
		free(link);
}

static void on_resolved(uv_getaddrinfo_t *req, int status,
			struct addrinfo *found)
{
	struct peer_link *link = req->data;

	link->resolving = false;
	if (link->closed)
		free(link);
	else if (link->closing)
		(void)0; /* on_link_closed() frees it */
	else if (status < 0)
		give_up(link, uv_strerror(status));
	else
		connect_to(link, found->ai_addr);
	uv_freeaddrinfo(found);
}

static void dial(struct peer_link *link)
{
	struct addrinfo hints = {.ai_family = AF_UNSPEC,
				 .ai_socktype = SOCK_STREAM};
	char host[MEMBER_ADDRESS_MAX + 1];
	const char *address = link->to.address;
	const char *colon = strrchr(address, ':');
	size_t skip = address[0] == '[';
	size_t len = (size_t)(colon - address) - 2 * skip;

	memcpy(host, address + skip, len);
	host[len] = '\0';
	link->resolve.data = link;
	link->resolving =
		uv_getaddrinfo(link->loop, &link->resolve, on_resolved, host,
			       colon + 1, &hints) == 0;
	if (!link->resolving)
		give_up(link, "out of memory");
}

struct peer_link *peer_link_new(uv_loop_t *loop, const struct member *to,
				const struct peer_link_events *events)
{
	struct peer_link *link = calloc(1, sizeof(*link));

	if (link == NULL)
		return NULL;
	link->loop = loop;
	link->to = *to;
	link->events = *events;
	link->backoff_ms = BACKOFF_MIN_MS;
	uv_timer_init(loop, &link->timer);
	link->timer.data = link;
	dial(link);
	return link;
}

const struct member *peer_link_member(const struct peer_link *link)
{
	return &link->to;
}

void peer_link_close(struct peer_link *link)
{
	link->closing = true;
	drop_conn(link);
	if (link->resolving)
		uv_cancel((uv_req_t *)&link->resolve);
	uv_close((uv_handle_t *)&link->timer, on_link_closed);
}

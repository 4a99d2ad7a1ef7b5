/*
 * session_open.c - how a session begins and ends; see session.h.
 */
#include "serve/session.h"

#include "serve/team.h"

#include <netinet/in.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define KEEPALIVE_S 60u /* finds peers that vanished */

/* "127.0.0.1:4711", "[::1]:4711". */
static void print_address(const struct sockaddr_storage *a, char *text,
			  size_t size)
{
	const struct sockaddr_in *v4 = (const struct sockaddr_in *)a;
	const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)a;
	char host[64] = "?";

	if (a->ss_family == AF_INET6) {
		uv_ip6_name(v6, host, sizeof(host));
		snprintf(text, size, "[%s]:%u", host, ntohs(v6->sin6_port));
	} else {
		uv_ip4_name(v4, host, sizeof(host));
		snprintf(text, size, "%s:%u", host, ntohs(v4->sin_port));
	}
}

typedef int name_fn(const uv_tcp_t *tcp, struct sockaddr *name, int *len);

static void print_end(const struct session *s, name_fn *name_of, char *text,
		      size_t size)
{
	struct sockaddr_storage name = {0};
	int len = sizeof(name);
	const char *socket = s->hub->place.socket;

	if (s->is_unix)
		snprintf(text, size, "%s:0", socket != NULL ? socket : "");
	else if (name_of(&s->io.tcp, (struct sockaddr *)&name, &len) == 0)
		print_address(&name, text, size);
	else
		snprintf(text, size, "?:0");
}

/* Whoever lists connections cannot ask for these then: the socket may be
 * closed on its own loop at any time. */
static void note_ends(struct session *s)
{
	char text[512];
	size_t n;

	print_end(s, uv_tcp_getpeername, text, sizeof(text) / 2);
	n = strlen(text) + 1;
	print_end(s, uv_tcp_getsockname, text + n, sizeof(text) - n);
	n += strlen(text + n) + 1;
	s->ends = malloc(n);
	if (s->ends != NULL)
		memcpy(s->ends, text, n);
}

static int init_stream(struct session *s)
{
	if (s->is_unix)
		return uv_pipe_init(s->hub->loop, &s->io.pipe, 0);
	return uv_tcp_init(s->hub->loop, &s->io.tcp);
}

static void uncount(struct hub *hub)
{
	hub_enter(hub);
	hub->nsessions--;
	hub_leave(hub);
}

/* NULL: out of memory. */
static struct session *session_new(struct hub *hub, bool is_unix)
{
	struct session *s = calloc(1, sizeof(*s));

	if (s == NULL) {
		uncount(hub);
		return NULL;
	}
	s->hub = hub;
	s->is_unix = is_unix;
	s->fd = -1;
	s->began_ms = uv_now(hub->loop);
	atomic_init(&s->seen.heard_ms, s->began_ms);
	if (init_stream(s) != 0) {
		uncount(hub);
		free(s);
		return NULL;
	}
	s->io.handle.data = s;
	reply_queue_init(&s->queue, &hub->pool, s);
	return s;
}

static void tell_full(struct session *s)
{
	char text[128];

	snprintf(text, sizeof(text),
		 "too many connections: the server takes %zu at once",
		 s->hub->options.max_clients);
	protocol_default()->write_error(&s->out, KV_EUNAVAILABLE, text,
					slice_of(NULL, 0));
	session_finish(s);
}

/* The stream is open, or `failed` to be. */
static void begin(struct session *s, bool failed)
{
	struct hub *hub = s->hub;
	size_t nsessions;
	bool full;

	if (!failed) {
		uv_fileno(&s->io.handle, &s->fd);
		note_ends(s);
	}
	hub_enter(hub);
	s->id = ++hub->team->next_id;
	TAILQ_INSERT_TAIL(&hub->all, s, all);
	team_counts(hub->team, &nsessions);
	full = nsessions > hub->options.max_clients;
	hub->counts.accepted += !failed;
	hub->counts.refused += !failed && full;
	hub_leave(hub);
	if (failed) {
		session_close(s);
		return;
	}
	if (!s->is_unix) {
		uv_tcp_nodelay(&s->io.tcp, 1);
		uv_tcp_keepalive(&s->io.tcp, 1, KEEPALIVE_S);
	}
	if (full)
		tell_full(s);
	else
		session_set_reading(s, true);
}

void session_accept(struct hub *hub, uv_stream_t *listener)
{
	bool is_unix = uv_handle_get_type((uv_handle_t *)listener) != UV_TCP;
	struct session *s = session_new(hub, is_unix);

	if (s != NULL)
		begin(s, uv_accept(listener, &s->io.stream) != 0);
}

void session_adopt(struct hub *hub, struct hub_arrival arrival)
{
	struct session *s = session_new(hub, arrival.is_unix);
	int r = -1;

	if (s != NULL && s->is_unix)
		r = uv_pipe_open(&s->io.pipe, arrival.fd);
	else if (s != NULL)
		r = uv_tcp_open(&s->io.tcp, arrival.fd);
	if (r != 0)
		close(arrival.fd);
	if (s != NULL)
		begin(s, r != 0);
}

void session_free(struct session *s)
{
	struct hub *hub = s->hub;

	/* Others may be looking at it. */
	hub_enter(hub);
	TAILQ_REMOVE(&hub->all, s, all);
	hub->nsessions--;
	hub_leave(hub);
	if (s->feed.own != NULL)
		s->protocol->close(s->feed.own);
	buf_release(&s->in);
	buf_release(&s->out);
	buf_release(&s->sending);
	free(s->ends);
	free(s);
}

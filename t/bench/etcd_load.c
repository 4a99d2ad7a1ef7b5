/*
 * etcd_load.c - drives etcd over its own protocol, gRPC on HTTP/2, the way
 * redis-benchmark drives a server of RESP: N connections in one thread, each
 * with S requests under way, random keys from a fixed space. The three messages
 * that are needed are encoded by hand (a length-prefixed protobuf of two
 * fields), the framing is nghttp2's. Prints requests a second, and nothing
 * else.
 *
 *	etcd_load -p PORT[,PORT...] [-c 100] [-s 1] [-n 20000] [-r 1000000]
 *		  [-d 100] [-t put|range]
 *
 * The connections are spread over the ports. A range is linearizable, which is
 * what etcd does unless told otherwise.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <nghttp2/nghttp2.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define VALUE_MAX 100u /* a length of one byte in protobuf */
#define MESSAGE_MAX 160u
#define IN_MAX 65536
#define WINDOW (64 << 20)

struct load {
	unsigned clients, streams, keys, value_size, under_way;
	uint64_t requests, sent, answered;
	bool put;
	uint64_t random;
	char *ports;
	int epoll;
};

struct connection {
	struct load *load;
	nghttp2_session *session;
	int fd;
	unsigned under_way;
	bool waits_to_write;
};

/* One request's message, until nghttp2 has taken it. */
struct message {
	size_t len, taken;
	uint8_t bytes[MESSAGE_MAX];
	bool answered; /* grpc-status 0 */
};

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void die(const char *what, const char *why)
{
	fprintf(stderr, "etcd_load: %s: %s\n", what, why);
	exit(1);
}

static uint64_t next_random(struct load *load)
{
	load->random ^= load->random << 13;
	load->random ^= load->random >> 7;
	load->random ^= load->random << 17;
	return load->random;
}

/* gRPC: a byte 0, four of length; protobuf: field 1 the key, 2 the value. */
static void encode(struct load *load, struct message *m)
{
	char key[32];
	uint8_t *at = m->bytes + 5;
	int n = snprintf(key, sizeof(key), "key:%012u",
			 (unsigned)(next_random(load) % load->keys));

	*at++ = 0x0a;
	*at++ = (uint8_t)n;
	memcpy(at, key, (size_t)n);
	at += n;
	if (load->put) {
		*at++ = 0x12;
		*at++ = (uint8_t)load->value_size;
		memset(at, 'x', load->value_size);
		at += load->value_size;
	}
	m->len = (size_t)(at - m->bytes);
	m->taken = 0;
	memset(m->bytes, 0, 4);
	m->bytes[4] = (uint8_t)(m->len - 5);
}

static ssize_t on_take(nghttp2_session *session, int32_t stream, uint8_t *to,
		       size_t room, uint32_t *flags,
		       nghttp2_data_source *source, void *arg)
{
	struct message *m = source->ptr;
	size_t n = m->len - m->taken < room ? m->len - m->taken : room;

	(void)session;
	(void)stream;
	(void)arg;
	memcpy(to, m->bytes + m->taken, n);
	m->taken += n;
	if (m->taken == m->len)
		*flags |= NGHTTP2_DATA_FLAG_EOF;
	return (ssize_t)n;
}

#define HEADER(name, value)                                                  \
	{                                                                    \
		(uint8_t *)(uintptr_t)(name), (uint8_t *)(uintptr_t)(value), \
			sizeof(name) - 1, sizeof(value) - 1,                 \
			NGHTTP2_NV_FLAG_NONE                                 \
	}

static void submit(struct connection *c)
{
	static const nghttp2_nv put[] = {
		HEADER(":method", "POST"),
		HEADER(":scheme", "http"),
		HEADER(":path", "/etcdserverpb.KV/Put"),
		HEADER(":authority", "127.0.0.1"),
		HEADER("content-type", "application/grpc"),
		HEADER("te", "trailers"),
	};
	static const nghttp2_nv range[] = {
		HEADER(":method", "POST"),
		HEADER(":scheme", "http"),
		HEADER(":path", "/etcdserverpb.KV/Range"),
		HEADER(":authority", "127.0.0.1"),
		HEADER("content-type", "application/grpc"),
		HEADER("te", "trailers"),
	};
	struct message *m = calloc(1, sizeof(*m));
	nghttp2_data_provider body = {.source.ptr = m,
				      .read_callback = on_take};

	if (m == NULL)
		die("request", strerror(ENOMEM));
	encode(c->load, m);
	if (nghttp2_submit_request(c->session, NULL, c->load->put ? put : range,
				   6, &body, m) < 0)
		die("request", "refused by nghttp2");
	c->under_way++;
	c->load->sent++;
}

static void fill(struct connection *c)
{
	while (c->under_way < c->load->streams &&
	       c->load->sent < c->load->requests)
		submit(c);
}

static int on_header(nghttp2_session *session, const nghttp2_frame *frame,
		     const uint8_t *name, size_t name_len, const uint8_t *value,
		     size_t value_len, uint8_t flags, void *arg)
{
	struct message *m = nghttp2_session_get_stream_user_data(
		session, frame->hd.stream_id);

	(void)flags;
	(void)arg;
	if (name_len == 11 && memcmp(name, "grpc-status", 11) == 0)
		m->answered = value_len == 1 && value[0] == '0';
	return 0;
}

static int on_stream_close(nghttp2_session *session, int32_t stream,
			   uint32_t code, void *arg)
{
	struct connection *c = arg;
	struct message *m =
		nghttp2_session_get_stream_user_data(session, stream);

	(void)code;
	if (!m->answered)
		die("etcd", "a request failed");
	free(m);
	c->under_way--;
	c->load->answered++;
	fill(c);
	return 0;
}

static void watch(struct connection *c, bool writes)
{
	struct epoll_event e = {.events = EPOLLIN, .data.ptr = c};

	if (writes)
		e.events |= EPOLLOUT;
	if (epoll_ctl(c->load->epoll, EPOLL_CTL_MOD, c->fd, &e) != 0)
		die("epoll", strerror(errno));
	c->waits_to_write = writes;
}

static ssize_t on_send(nghttp2_session *session, const uint8_t *bytes,
		       size_t len, int flags, void *arg)
{
	struct connection *c = arg;
	ssize_t n = send(c->fd, bytes, len, MSG_NOSIGNAL);

	(void)session;
	(void)flags;
	if (n >= 0)
		return n;
	if (errno == EAGAIN)
		return NGHTTP2_ERR_WOULDBLOCK;
	return NGHTTP2_ERR_CALLBACK_FAILURE;
}

static void flush(struct connection *c)
{
	if (nghttp2_session_send(c->session) != 0)
		die("etcd", "the connection broke");
	if (nghttp2_session_want_write(c->session) != 0) {
		if (!c->waits_to_write)
			watch(c, true);
	} else if (c->waits_to_write) {
		watch(c, false);
	}
}

static void receive(struct connection *c)
{
	static uint8_t in[IN_MAX];
	ssize_t n = recv(c->fd, in, sizeof(in), 0);

	if (n < 0 && errno == EAGAIN)
		return;
	if (n <= 0)
		die("etcd", n == 0 ? "closed the connection" : strerror(errno));
	if (nghttp2_session_mem_recv(c->session, in, (size_t)n) != n)
		die("etcd", "what it sent is no HTTP/2");
}

static void connect_to(struct connection *c, unsigned port)
{
	struct sockaddr_in to = {
		.sin_family = AF_INET,
		.sin_port = htons((uint16_t)port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	int one = 1;

	c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (c->fd < 0 ||
	    connect(c->fd, (struct sockaddr *)&to, sizeof(to)) != 0)
		die("connect", strerror(errno));
	setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
}

static void open_connection(struct load *load, struct connection *c,
			    unsigned port)
{
	nghttp2_settings_entry window = {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE,
					 WINDOW};
	nghttp2_session_callbacks *callbacks;
	struct epoll_event e = {.events = EPOLLIN, .data.ptr = c};

	c->load = load;
	connect_to(c, port);
	if (nghttp2_session_callbacks_new(&callbacks) != 0)
		die("nghttp2", strerror(ENOMEM));
	nghttp2_session_callbacks_set_send_callback(callbacks, on_send);
	nghttp2_session_callbacks_set_on_header_callback(callbacks, on_header);
	nghttp2_session_callbacks_set_on_stream_close_callback(callbacks,
							       on_stream_close);
	if (nghttp2_session_client_new(&c->session, callbacks, c) != 0 ||
	    nghttp2_submit_settings(c->session, NGHTTP2_FLAG_NONE, &window,
				    1) != 0 ||
	    nghttp2_session_set_local_window_size(c->session, NGHTTP2_FLAG_NONE,
						  0, WINDOW) != 0)
		die("nghttp2", strerror(ENOMEM));
	nghttp2_session_callbacks_del(callbacks);
	if (epoll_ctl(load->epoll, EPOLL_CTL_ADD, c->fd, &e) != 0)
		die("epoll", strerror(errno));
}

static void drive(struct load *load, struct connection *all)
{
	struct epoll_event events[64];

	for (unsigned i = 0; i < load->clients; i++) {
		fill(&all[i]);
		flush(&all[i]);
	}
	while (load->answered < load->requests) {
		int n = epoll_wait(load->epoll, events, 64, -1);

		for (int i = 0; i < n; i++) {
			struct connection *c = events[i].data.ptr;

			if (events[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR))
				receive(c);
			flush(c);
		}
	}
}

static void open_all(struct load *load, struct connection *all)
{
	char *at = load->ports;

	for (unsigned i = 0; i < load->clients; i++) {
		char *end;

		open_connection(load, &all[i], (unsigned)strtoul(at, &end, 10));
		at = *end == ',' ? end + 1 : load->ports;
	}
}

static void usage(void)
{
	fprintf(stderr, "usage: etcd_load -p PORT[,PORT...] [-c connections] "
			"[-s streams] [-n requests] [-r keys] [-d bytes] "
			"[-t put|range]\n");
	exit(2);
}

static void take_options(struct load *load, int argc, char **argv)
{
	int letter;

	while ((letter = getopt(argc, argv, "p:c:s:n:r:d:t:")) != -1) {
		unsigned long n = optarg ? strtoul(optarg, NULL, 10) : 0;

		if (letter == 'p')
			load->ports = optarg;
		else if (letter == 'c')
			load->clients = (unsigned)n;
		else if (letter == 's')
			load->streams = (unsigned)n;
		else if (letter == 'n')
			load->requests = n;
		else if (letter == 'r')
			load->keys = (unsigned)n;
		else if (letter == 'd')
			load->value_size = (unsigned)n;
		else if (letter == 't')
			load->put = strcmp(optarg, "put") == 0;
		else
			usage();
	}
	if (load->ports == NULL || load->clients == 0 || load->streams == 0 ||
	    load->keys == 0 || load->value_size > VALUE_MAX)
		usage();
}

int main(int argc, char **argv)
{
	struct load load = {
		.clients = 100,
		.streams = 1,
		.keys = 1000000,
		.value_size = 100,
		.requests = 20000,
		.put = true,
		.random = 88172645463325252u,
	};
	struct connection *all;
	double began;

	take_options(&load, argc, argv);
	all = calloc(load.clients, sizeof(*all));
	load.epoll = epoll_create1(EPOLL_CLOEXEC);
	if (all == NULL || load.epoll < 0)
		die("start", strerror(errno));
	open_all(&load, all);
	began = now();
	drive(&load, all);
	printf("%.0f\n", (double)load.requests / (now() - began));
	for (unsigned i = 0; i < load.clients; i++) {
		nghttp2_session_del(all[i].session);
		close(all[i].fd);
	}
	free(all);
	return 0;
}

/*
 * ceiling.c - the fastest server that could be: it parses nothing, and answers
 * every so many bytes of input with the same reply, a value of 100 bytes. What
 * a client gets out of it is what the machine, the kernel and the client allow;
 * no real server gets above that.
 *
 *	ceiling [-q BYTES-OF-A-REQUEST] [-d BYTES-OF-THE-VALUE]
 *
 * Prints the port of 127.0.0.1 that it listens on, and serves until killed.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

/* "*2 $3 GET $16 key:000000000000", with line ends. */
#define REQUEST_DEFAULT 36

#define IN_MAX 65536
#define REPLIES_MAX 4096 /* for one read; more than IN_MAX needs */

struct server {
	size_t request; /* bytes */
	size_t reply;
	char *replies; /* REPLIES_MAX of them, one behind the other */
	int epoll, listener;
	size_t rest[65536]; /* by descriptor: bytes not answered yet */
};

static void die(const char *what)
{
	fprintf(stderr, "ceiling: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void make_replies(struct server *s, size_t value)
{
	char head[32];
	int n = snprintf(head, sizeof(head), "$%zu\r\n", value);
	char *at;

	s->reply = (size_t)n + value + 2;
	s->replies = malloc(s->reply * REPLIES_MAX);
	if (s->replies == NULL)
		die("memory");
	at = s->replies;
	for (int i = 0; i < REPLIES_MAX; i++, at += s->reply) {
		memcpy(at, head, (size_t)n);
		memset(at + n, 'x', value);
		memcpy(at + (size_t)n + value, "\r\n", 2);
	}
}

static void watch(const struct server *s, int fd)
{
	struct epoll_event e = {.events = EPOLLIN, .data.fd = fd};

	if (epoll_ctl(s->epoll, EPOLL_CTL_ADD, fd, &e) != 0)
		die("epoll_ctl");
}

static void start(struct server *s)
{
	struct sockaddr_in a = {.sin_family = AF_INET,
				.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(a);

	s->epoll = epoll_create1(EPOLL_CLOEXEC);
	s->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (s->epoll < 0 || s->listener < 0 ||
	    bind(s->listener, (struct sockaddr *)&a, len) != 0 ||
	    listen(s->listener, 1024) != 0 ||
	    getsockname(s->listener, (struct sockaddr *)&a, &len) != 0)
		die("listen");
	watch(s, s->listener);
	printf("%u\n", ntohs(a.sin_port));
	fflush(stdout);
}

static void take(struct server *s)
{
	int fd = accept4(s->listener, NULL, NULL, SOCK_CLOEXEC);
	int on = 1;

	if (fd < 0)
		return;
	if ((size_t)fd >= sizeof(s->rest) / sizeof(*s->rest)) {
		close(fd);
		return;
	}
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	s->rest[fd] = 0;
	watch(s, fd);
}

/* The socket blocks: a client that does not read stops everything. */
static void answer(struct server *s, int fd)
{
	static char in[IN_MAX];
	ssize_t got = read(fd, in, sizeof(in));
	size_t n, len;

	if (got <= 0) {
		close(fd);
		return;
	}
	s->rest[fd] += (size_t)got;
	n = s->rest[fd] / s->request;
	s->rest[fd] %= s->request;
	len = n * s->reply;
	for (size_t done = 0; done < len;) {
		ssize_t put = write(fd, s->replies + done, len - done);

		if (put < 0) {
			close(fd);
			return;
		}
		done += (size_t)put;
	}
}

static void serve(struct server *s)
{
	struct epoll_event events[256];

	for (;;) {
		int n = epoll_wait(s->epoll, events, 256, -1);

		for (int i = 0; i < n; i++) {
			if (events[i].data.fd == s->listener)
				take(s);
			else
				answer(s, events[i].data.fd);
		}
	}
}

int main(int argc, char **argv)
{
	static struct server s = {.request = REQUEST_DEFAULT};
	size_t value = 100;
	int o;

	while ((o = getopt(argc, argv, "q:d:")) != -1) {
		if (o == 'q')
			s.request = strtoul(optarg, NULL, 10);
		else if (o == 'd')
			value = strtoul(optarg, NULL, 10);
		else
			return 2;
	}
	if (s.request < IN_MAX / REPLIES_MAX)
		return 2;
	make_replies(&s, value);
	start(&s);
	serve(&s);
}

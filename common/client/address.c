/*
 * address.c - see address.h. Numbers are not given to getaddrinfo(3): it reads
 * several files and loads libraries before it says what inet_pton(3) knows at
 * once, and a client program lives for about a millisecond.
 */
#include "client/address.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define UNIX_PREFIX "unix:"
#define UNIX_PREFIX_LEN 5

static int bad_address(const char *text, size_t len, const char *why)
{
	return err_set(KV_EUSAGE,
		       "'%.*s' is not an address: %s; HOST:PORT, [V6]:PORT or "
		       "unix:PATH is wanted",
		       (int)len, text, why);
}

static void address_release(struct address *a)
{
	free(a->text);
	free(a->host);
	free(a->port);
	free(a->path);
}

void address_list_release(struct address_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		address_release(&list->items[i]);
	free(list->items);
	*list = (struct address_list){0};
}

/* Splits host and port at the last colon; brackets guard those of IPv6. */
static int split_host(struct address *a, const char *s, size_t len)
{
	const char *colon = memrchr(s, ':', len);
	const char *host = s;
	size_t host_len, port_len;

	if (colon == NULL)
		return bad_address(s, len, "it has no port");
	host_len = (size_t)(colon - s);
	port_len = len - host_len - 1;
	if (port_len == 0 || port_len > 5 ||
	    strspn(colon + 1, "0123456789") < port_len)
		return bad_address(s, len, "the port is not a number");
	if (host_len > 1 && host[0] == '[' && host[host_len - 1] == ']') {
		host++;
		host_len -= 2;
	} else if (memchr(host, ':', host_len) != NULL) {
		return bad_address(s, len, "IPv6 needs brackets");
	}
	if (host_len == 0)
		return bad_address(s, len, "it has no host");
	a->host = strndup(host, host_len);
	a->port = strndup(colon + 1, port_len);
	if (a->host == NULL || a->port == NULL)
		return err_sys(ENOMEM, "cannot keep address");
	if (strtoul(a->port, NULL, 10) - 1 > 65534)
		return bad_address(s, len, "a port is from 1 to 65535");
	return 0;
}

static int parse_one(struct address *a, const char *s, size_t len)
{
	*a = (struct address){.text = strndup(s, len)};
	if (a->text == NULL)
		return err_sys(ENOMEM, "cannot keep address");
	if (strncmp(a->text, UNIX_PREFIX, UNIX_PREFIX_LEN) != 0)
		return split_host(a, s, len);
	if (len == UNIX_PREFIX_LEN)
		return bad_address(s, len, "it has no path");
	a->path = strdup(a->text + UNIX_PREFIX_LEN);
	return a->path != NULL ? 0 : err_sys(ENOMEM, "cannot keep address");
}

int address_list_parse(struct address_list *list, const char *text)
{
	size_t room = 1;
	int r = 0;

	*list = (struct address_list){0};
	for (const char *p = text; *p != '\0'; p++)
		room += *p == ',';
	list->items = calloc(room, sizeof(*list->items));
	if (list->items == NULL)
		return err_sys(ENOMEM, "cannot keep addresses");
	for (const char *p = text; r == 0; p++) {
		size_t len = strcspn(p, ",");

		if (strncmp(p, UNIX_PREFIX, UNIX_PREFIX_LEN) == 0)
			len = strlen(p);
		r = parse_one(&list->items[list->count++], p, len);
		p += len;
		if (*p == '\0')
			break;
	}
	if (r != 0)
		address_list_release(list);
	return r;
}

static int unreachable(const struct address *a, const char *why)
{
	return err_set(KV_EUNREACHABLE,
		       "cannot connect to '%s': %s; is kv-serve running there? "
		       "(-a names another server, -d a store directory)",
		       a->text, why);
}

/* Waits until the connect that is under way has an outcome: 0 or errno. */
static int await_connect(int fd, uint64_t deadline_ms)
{
	struct pollfd p = {.fd = fd, .events = POLLOUT};
	int e = 0;
	socklen_t len = sizeof(e);

	for (;;) {
		uint64_t now = clock_monotonic_ms();
		int n;

		if (now >= deadline_ms)
			return ETIMEDOUT;
		n = poll(&p, 1, (int)(deadline_ms - now));
		if (n > 0)
			break;
		if (n < 0 && errno != EINTR)
			return errno;
	}
	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &e, &len) != 0)
		return errno;
	return e;
}

/* 0 and *fd, or errno. */
static int connect_inet(const struct sockaddr *sa, socklen_t sa_len,
			uint64_t deadline_ms, int *fd)
{
	int s = socket(sa->sa_family,
		       SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int one = 1, e = 0;

	if (s < 0)
		return errno;
	if (connect(s, sa, sa_len) != 0)
		e = errno == EINPROGRESS ? await_connect(s, deadline_ms)
					 : errno;
	if (e != 0) {
		close(s);
		return e;
	}
	/* A request is one send: holding back its tail only costs time. */
	(void)setsockopt(s, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	*fd = s;
	return 0;
}

static int connect_unix(const struct address *a, uint64_t deadline_ms, int *fd)
{
	struct sockaddr_un sa = {.sun_family = AF_UNIX};
	size_t len = strlen(a->path);
	uint64_t now = clock_monotonic_ms();
	uint64_t left = deadline_ms > now ? deadline_ms - now : 1;
	struct timeval patience = {.tv_sec = (time_t)(left / 1000),
				   .tv_usec =
					   (suseconds_t)(left % 1000) * 1000};
	int s, e;

	if (len >= sizeof(sa.sun_path))
		return unreachable(a, "the path is too long for a socket");
	memcpy(sa.sun_path, a->path, len);
	s = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (s < 0)
		return unreachable(a, strerror(errno));
	/* A full backlog refuses a non-blocking connect for good, and poll()
	 * would not wait for it; a blocking one waits its turn. */
	(void)setsockopt(s, SOL_SOCKET, SO_SNDTIMEO, &patience,
			 sizeof(patience));
	if (connect(s, (struct sockaddr *)&sa, sizeof(sa)) != 0) {
		e = errno == EAGAIN ? ETIMEDOUT : errno;
		close(s);
		return unreachable(a, strerror(e));
	}
	*fd = s;
	return 0;
}

/* Reads a.b.c.d or an IPv6 number; 0 if the host is neither. */
static socklen_t numeric_host(const struct address *a,
			      struct sockaddr_storage *ss)
{
	struct sockaddr_in *v4 = (struct sockaddr_in *)ss;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)ss;
	in_port_t port = htons((uint16_t)strtoul(a->port, NULL, 10));

	*ss = (struct sockaddr_storage){0};
	if (inet_pton(AF_INET, a->host, &v4->sin_addr) == 1) {
		v4->sin_family = AF_INET;
		v4->sin_port = port;
		return sizeof(*v4);
	}
	if (inet_pton(AF_INET6, a->host, &v6->sin6_addr) == 1) {
		v6->sin6_family = AF_INET6;
		v6->sin6_port = port;
		return sizeof(*v6);
	}
	return 0;
}

static int connect_name(const struct address *a, uint64_t deadline_ms, int *fd)
{
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
	struct addrinfo *found;
	int e = getaddrinfo(a->host, a->port, &hints, &found);

	if (e != 0)
		return unreachable(a, gai_strerror(e));
	e = ECONNREFUSED;
	for (struct addrinfo *ai = found; ai != NULL && e != 0;
	     ai = ai->ai_next)
		e = connect_inet(ai->ai_addr, ai->ai_addrlen, deadline_ms, fd);
	freeaddrinfo(found);
	return e == 0 ? 0 : unreachable(a, strerror(e));
}

int address_connect(const struct address *a, uint64_t deadline_ms, int *fd)
{
	struct sockaddr_storage ss;
	socklen_t len;
	int e;

	if (a->path != NULL)
		return connect_unix(a, deadline_ms, fd);
	len = numeric_host(a, &ss);
	if (len == 0)
		return connect_name(a, deadline_ms, fd);
	e = connect_inet((struct sockaddr *)&ss, len, deadline_ms, fd);
	return e == 0 ? 0 : unreachable(a, strerror(e));
}

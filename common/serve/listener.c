/*
 * listener.c - see listener.h.
 */
#include "serve/listener.h"

#include "base/err.h"

#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

/* Connections that the kernel keeps until we get to them; it lowers this to
 * its own limit. */
#define BACKLOG 4096

static void on_connection(uv_stream_t *stream, int status)
{
	struct listener *l = stream->data;

	l->fn(l->arg, stream, status);
}

static int start(struct listener *l, listener_fn *fn, void *arg)
{
	l->io.handle.data = l;
	l->fn = fn;
	l->arg = arg;
	return uv_listen(&l->io.stream, BACKLOG, on_connection);
}

static int resolve(const char *host, struct sockaddr_storage *address)
{
	struct addrinfo hints = {.ai_family = AF_UNSPEC,
				 .ai_socktype = SOCK_STREAM,
				 .ai_flags = AI_PASSIVE};
	struct addrinfo *found;
	int r = getaddrinfo(host, NULL, &hints, &found);

	if (r != 0)
		return err_set(KV_EUSAGE, "cannot resolve '%s': %s", host,
			       gai_strerror(r));
	memcpy(address, found->ai_addr, found->ai_addrlen);
	freeaddrinfo(found);
	return 0;
}

static void set_port(struct sockaddr_storage *address, uint16_t port)
{
	if (address->ss_family == AF_INET6)
		((struct sockaddr_in6 *)address)->sin6_port = htons(port);
	else
		((struct sockaddr_in *)address)->sin_port = htons(port);
}

int listener_open_tcp(struct listener *l, uv_loop_t *loop, const char *host,
		      uint16_t port, listener_fn *fn, void *arg)
{
	struct sockaddr_storage address;
	int r = resolve(host, &address);

	if (r != 0)
		return r;
	set_port(&address, port);
	r = uv_tcp_init(loop, &l->io.tcp);
	if (r != 0)
		return err_sys(-r, "cannot open a socket");
	l->open = true;
	r = uv_tcp_bind(&l->io.tcp, (struct sockaddr *)&address, 0);
	if (r == 0)
		r = start(l, fn, arg);
	if (r != 0) {
		listener_close(l);
		return err_sys(-r, "cannot listen on '%s' port %u", host, port);
	}
	return 0;
}

/* Whether a server answers at `path`. */
static bool is_in_use(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	bool used;

	if (fd < 0)
		return false;
	memcpy(address.sun_path, path, strlen(path) + 1);
	used = connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0 ||
	       errno == EAGAIN; /* its queue is full: it lives */
	close(fd);
	return used;
}

static int remove_stale(const char *path)
{
	struct stat st;

	if (strlen(path) >= sizeof(((struct sockaddr_un *)0)->sun_path))
		return err_set(KV_EUSAGE,
			       "socket path '%s' is longer than %zu bytes: "
			       "choose another with --socket",
			       path,
			       sizeof(((struct sockaddr_un *)0)->sun_path) - 1);
	if (lstat(path, &st) != 0)
		return errno == ENOENT
			       ? 0
			       : err_sys(errno, "cannot look at '%s'", path);
	if (!S_ISSOCK(st.st_mode))
		return err_set(KV_EUSAGE,
			       "cannot listen on '%s': it exists and is not "
			       "a socket",
			       path);
	if (is_in_use(path))
		return err_set(KV_ELOCKED,
			       "cannot listen on '%s': another server does",
			       path);
	if (unlink(path) != 0 && errno != ENOENT)
		return err_sys(errno, "cannot remove the old socket '%s'",
			       path);
	return 0;
}

int listener_open_unix(struct listener *l, uv_loop_t *loop, const char *path,
		       listener_fn *fn, void *arg)
{
	int r = remove_stale(path);

	if (r != 0)
		return r;
	r = uv_pipe_init(loop, &l->io.pipe, 0);
	if (r != 0)
		return err_sys(-r, "cannot open a socket");
	l->open = true;
	r = uv_pipe_bind(&l->io.pipe, path);
	if (r == 0)
		r = start(l, fn, arg);
	if (r != 0) {
		listener_close(l);
		return err_sys(-r, "cannot listen on '%s'", path);
	}
	return 0;
}

void listener_address(const struct listener *l, char *text, size_t size)
{
	struct sockaddr_storage address;
	int len = sizeof(address);
	char host[NI_MAXHOST], port[NI_MAXSERV];
	bool v6;

	if (uv_tcp_getsockname(&l->io.tcp, (struct sockaddr *)&address, &len) !=
		    0 ||
	    getnameinfo((struct sockaddr *)&address, (socklen_t)len, host,
			sizeof(host), port, sizeof(port),
			NI_NUMERICHOST | NI_NUMERICSERV) != 0) {
		snprintf(text, size, "unknown");
		return;
	}
	v6 = address.ss_family == AF_INET6;
	snprintf(text, size, "%s%s%s:%s", v6 ? "[" : "", host, v6 ? "]" : "",
		 port);
}

uint16_t listener_port(const struct listener *l)
{
	struct sockaddr_storage address = {0};
	int len = sizeof(address);

	if (uv_tcp_getsockname(&l->io.tcp, (struct sockaddr *)&address, &len) !=
	    0)
		return 0;
	return ntohs(address.ss_family == AF_INET6
			     ? ((struct sockaddr_in6 *)&address)->sin6_port
			     : ((struct sockaddr_in *)&address)->sin_port);
}

void listener_close(struct listener *l)
{
	if (!l->open)
		return;
	l->open = false;
	uv_close(&l->io.handle, NULL);
}

/*
 * open.c - from what the caller names to a transport: an address, a directory,
 * the environment, or the usual place.
 *
 * A directory belongs to one process. Its server, if one runs, is the way in;
 * otherwise this process becomes the owner for a moment. A server may just be
 * starting (it has the lock but does not listen yet) or just going, so both
 * ways are tried in turn until the time is over.
 */
#include "client/open.h"

#include "base/clock.h"
#include "base/err.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define DEFAULT_ADDRESS "127.0.0.1:65432"
#define DEFAULT_TIMEOUT_MS 5000
#define SOCKET_NAME "kv.sock"

/* How long to wait for the lock before looking for a server again. */
#define LOCK_SLICE_MS 50

unsigned open_timeout_ms(const struct kv_options *o)
{
	return o->timeout_ms != 0 ? o->timeout_ms : DEFAULT_TIMEOUT_MS;
}

/* The server's own socket in the directory; KV_EUNREACHABLE if none is there.
 */
static int open_socket(struct transport **out, const char *dir,
		       uint64_t deadline_ms)
{
	char *address;
	int r;

	if (asprintf(&address, "unix:%s/" SOCKET_NAME, dir) < 0)
		return err_sys(ENOMEM, "cannot open '%s'", dir);
	/* Most often there is none, and looking is cheaper than trying. */
	if (access(address + sizeof("unix:") - 1, F_OK) == 0)
		r = remote_open(out, address, deadline_ms);
	else
		r = err_set(KV_EUNREACHABLE, "no server in '%s'", dir);
	free(address);
	return r;
}

/* A server that listens elsewhere and says so in the directory. */
static int open_registered(struct transport **out, const char *dir,
			   uint64_t deadline_ms)
{
	char *address = NULL;
	int r = embedded_find_server(dir, &address);

	if (r == 0 && address != NULL)
		r = remote_open(out, address, deadline_ms);
	else if (r == 0)
		r = err_set(KV_EUNREACHABLE, "no server in '%s'", dir);
	free(address);
	return r;
}

static int open_dir(struct transport **out, const struct kv_options *o,
		    uint64_t deadline_ms)
{
	struct embedded_options eo = {
		.read_only = o->read_only,
		.create = o->create,
	};
	uint64_t now;
	int r;

	do {
		r = open_socket(out, o->dir, deadline_ms);
		if (r == KV_EUNREACHABLE)
			r = open_registered(out, o->dir, deadline_ms);
		if (r == 0 || r == KV_ENOMEM)
			return r;
		now = clock_monotonic_ms();
		eo.lock_timeout_ms = deadline_ms <= now ? 0
				     : deadline_ms - now < LOCK_SLICE_MS
					     ? (unsigned)(deadline_ms - now)
					     : LOCK_SLICE_MS;
		r = embedded_open(out, o->dir, &eo);
	} while (r == KV_ELOCKED && clock_monotonic_ms() < deadline_ms);
	return r;
}

/* The address that the caller or the environment names; NULL: a directory. */
static int named_address(const struct kv_options *o, const char **address)
{
	if (o->address != NULL && o->dir != NULL)
		return err_set(KV_EUSAGE, "an address and a directory exclude "
					  "each other: give one of -a and -d");
	*address = o->address;
	if (o->dir == NULL && *address == NULL)
		*address = getenv("KV_ADDR");
	if (o->dir == NULL && (*address == NULL || (*address)[0] == '\0'))
		*address = DEFAULT_ADDRESS;
	return 0;
}

int open_transport(struct transport **out, const struct kv_options *o)
{
	uint64_t deadline_ms = clock_monotonic_ms() + open_timeout_ms(o);
	const char *address = NULL;
	int r = named_address(o, &address);

	if (r != 0)
		return r;
	if (address == NULL)
		return open_dir(out, o, deadline_ms);
	return remote_open(out, address, deadline_ms);
}

int open_find_server(const struct kv_options *o, char **address)
{
	const char *named = NULL;
	int r = named_address(o, &named);

	*address = NULL;
	if (r != 0)
		return r;
	if (named == NULL)
		return embedded_find_server(o->dir, address);
	*address = strdup(named);
	return *address != NULL ? 0 : err_sys(ENOMEM, "cannot keep address");
}

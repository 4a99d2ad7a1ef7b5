/*
 * kv-bench_server.c - a server for the time of a run.
 */
#include "kv-bench_parts.h"

#include "client/open.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static int start(struct bench *b)
{
	const char *dir = b->where.dir;
	char *path = NULL, *log = NULL;
	int r = kill_server_find(&path);

	if (r == 0 && mkdir(dir, 0777) != 0 && errno != EEXIST)
		r = err_sys(errno, "cannot make '%s'", dir);
	if (r == 0 && asprintf(&log, "%s/kv-serve.log", dir) < 0)
		r = err_set(KV_ENOMEM, "out of memory");
	if (r == 0)
		r = kill_server_start(&b->server, path, dir, 1, log);
	if (r == 0)
		r = kill_server_ready(&b->server);
	free(path);
	free(log);
	return r;
}

int bench_server_start(struct bench *b)
{
	char *address;
	int r = open_find_server(&b->where, &address);

	if (r != 0)
		return r;
	if (address == NULL)
		return start(b);
	free(address);
	return 0;
}

void bench_server_end(struct bench *b)
{
	if (b->server.pid == 0)
		return;
	kill_server_signal(&b->server, SIGTERM);
	kill_server_wait(&b->server);
}

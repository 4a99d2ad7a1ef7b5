/*
 * server.h - the life of a server: a store, a coordinator, listeners and an
 * event loop, put together, run, and taken down again.
 *
 *	r = server_open(&server, &options);   listening from here on
 *	r = server_run(server);               until SIGTERM or SIGINT
 *	r = server_close(server);
 *
 * Threads: all calls from one thread; server_open() may start others. The
 * process should ignore SIGPIPE. Errors: 0 or KV_E... with err_text().
 */
#ifndef SERVE_SERVER_H
#define SERVE_SERVER_H

#include "serve/committer.h"

#include <stddef.h>
#include <stdint.h>

struct node_options;
struct server;

struct server_options {
	const char *dir;    /* of the store; made if missing */
	const char *host;   /* of the TCP listener */
	uint16_t port;	    /* 0: a free one */
	const char *socket; /* path; NULL: kv.sock in dir */
	size_t max_line;    /* bytes of one request; 0: 256 MiB */
	size_t max_clients; /* 0: as many as descriptors allow */
	unsigned threads;   /* event loops; 0: 1 */
	enum committer_mode sync_mode;
	uint64_t debug_seed;		 /* see coord.h */
	uint32_t debug_rate;		 /* millionths */
	const struct node_options *node; /* NULL: it serves its store alone */
	/* Told what an administrator should know, a short line at a time,
	 * without a newline; perhaps on another thread, once server_run() was
	 * called. */
	void (*log)(void *arg, const char *line);
	void *log_arg;
};

int server_open(struct server **out, const struct server_options *options);

/* "127.0.0.1:65432 and /path/kv.sock" */
const char *server_address(const struct server *server);

/* Serves until a signal ends it: then takes no more connections and requests,
 * and sends the replies to those that it has taken, for at most 5 seconds. */
int server_run(struct server *server);

/* Syncs and closes the store, removes the socket, frees everything. The result
 * is that of the last write. */
int server_close(struct server *server);

#endif

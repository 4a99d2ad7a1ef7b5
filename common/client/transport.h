/*
 * transport.h - the two ways from a request to its reply: over a connection to
 * a server (remote.c), or through a store opened in this process (embedded.c).
 * kv.c knows nothing else about either.
 */
#ifndef CLIENT_TRANSPORT_H
#define CLIENT_TRANSPORT_H

#include "base/request.h"

struct transport;

struct transport_ops {
	/*
	 * Answers one request by the deadline (monotonic ms). 0 and the reply,
	 * which may itself be an error; its slices live until the next call.
	 * Or the reason why there is no reply:
	 *
	 *   KV_EUNREACHABLE  no server, and nothing was sent
	 *   KV_ETIMEOUT      a read was not answered in time
	 *   KV_EUNKNOWN      a write was sent and its reply never came: it may
	 *                    or may not be stored, and is not sent again
	 *                    (of several nodes: none could tell in time)
	 *   KV_EPROTO        the reply was not understood
	 */
	int (*ask)(struct transport *t, const struct request *req,
		   uint64_t deadline_ms, struct reply *reply);
	void (*close)(struct transport *t);
};

struct transport {
	const struct transport_ops *ops;
};

/* A connection to the first server of the list ("a:1,b:2") that answers. */
int remote_open(struct transport **out, const char *address,
		uint64_t deadline_ms);

struct embedded_options {
	unsigned lock_timeout_ms;
	bool read_only;
	bool create;
};

/* A store in this process. KV_ELOCKED: another process has it. */
int embedded_open(struct transport **out, const char *dir,
		  const struct embedded_options *options);

/* The address of the server that holds the store in dir, to be freed; NULL if
 * there is none. */
int embedded_find_server(const char *dir, char **address);

#endif

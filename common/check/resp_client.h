/*
 * resp_client.h - a client that speaks RESP, one command at a time; just what
 * a test needs to see a store through the other protocol.
 */
#ifndef CHECK_RESP_CLIENT_H
#define CHECK_RESP_CLIENT_H

#include "base/buf.h"
#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

struct resp_client {
	int fd; /* -1: not connected */
	struct buf out, in;
};

enum resp_answer {
	RESP_ANSWER_OK,	     /* a status, or a number (in `number`) */
	RESP_ANSWER_VALUE,   /* bytes */
	RESP_ANSWER_NULL,    /* none */
	RESP_ANSWER_REFUSED, /* -CLUSTERDOWN: nothing was done */
	RESP_ANSWER_ERROR,   /* any other error, its text in `value` */
};

struct resp_client_reply {
	enum resp_answer answer;
	struct slice value; /* until the next call */
	int64_t number;
};

/* Connects to one address ("host:port"). KV_EUNREACHABLE. */
int resp_client_open(struct resp_client *c, const char *address,
		     uint64_t deadline_ms);
void resp_client_close(struct resp_client *c);

/* KV_EUNREACHABLE: nothing was sent. KV_EUNKNOWN: it was, and no answer came by
 * the deadline; the connection is closed. KV_EPROTO: no RESP. */
int resp_client_ask(struct resp_client *c, const struct slice *words, size_t n,
		    uint64_t deadline_ms, struct resp_client_reply *reply);

#endif

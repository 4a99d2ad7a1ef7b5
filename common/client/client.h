/*
 * client.h - what the programs of this toolkit use beyond the public kv.h: a
 * request of their own making, answered whole.
 */
#ifndef CLIENT_CLIENT_H
#define CLIENT_CLIENT_H

#include "base/request.h"
#include "kv.h"

/*
 * Asks for one request and waits for its reply until the kv's timeout. An
 * error in the reply is returned like any other: 0 means that *reply is the
 * answer. Its slices live until the next call on this kv.
 */
int client_ask(kv *db, const struct request *req, struct reply *reply);

/* The same with a scan, page by page to its end: fn gets each item. A result
 * of fn other than 0 ends it and is returned. fn must not use the kv. */
typedef int client_item_fn(void *arg, const struct item *item);
int client_scan(kv *db, const struct range *range, client_item_fn *fn,
		void *arg);

/* How far behind the others were the nodes that answered on this kv because it
 * takes stale answers: the most of all its answers so far. */
struct client_lag {
	bool stale;	   /* one answered that did not lead; else all is 0 */
	bool unknown;	   /* one of them had not heard of a leader yet */
	uint64_t entries;  /* of the log, at least */
	uint64_t heard_ms; /* how long ago the leader was heard of */
};

struct client_lag client_lag(const kv *db);

/* The deadline of a time to live that begins now; 0 (for ever) stays 0. */
uint64_t client_expiry(uint64_t ttl_ms);

/* 0, or what is wrong with a key (KV_EUSAGE: empty, KV_ETOOBIG) or value. */
int client_check_key(struct slice key);
int client_check_value(struct slice value);

#endif

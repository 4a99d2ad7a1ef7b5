/*
 * kill_client.h - one of the clients of kill.h, and what it knows.
 */
#ifndef CHECK_KILL_CLIENT_H
#define CHECK_KILL_CLIENT_H

#include "check/history.h"
#include "kv.h"

#include <pthread.h>
#include <stdatomic.h>

#define KILL_KEY_MAX 32
#define KILL_BULK_MAX 8

/* Which write a value is of: client << 40 | number; 0: missing. */
typedef uint64_t kill_write;

/* One operation as it was seen; a bulk is one entry for each of its keys. */
struct kill_op {
	uint64_t invoke, ret;
	kill_write write; /* written or read */
	uint32_t key;	  /* own keys, then the shared ones behind them */
	uint8_t kind, result, found;
	bool in_bulk, bulk_ends;
};

/* The write that is under way, or whose outcome the kill left open. */
struct kill_pending {
	unsigned n; /* keys; 0: none */
	uint32_t keys[KILL_BULK_MAX];
	kill_write write;
};

struct kill_client {
	unsigned id;	      /* from 1 */
	unsigned own, shared; /* keys */
	bool reads;	      /* the one that reads back */
	const char *address;
	uint64_t random;
	uint64_t begun_ns; /* of the recording */
	atomic_bool *stop;
	atomic_ullong *total; /* writes acknowledged to all clients */
	kill_write *acked;    /* of the own keys */
	uint64_t next_write;
	struct kill_pending pending;
	struct kill_op *log;
	size_t nlog, cap_log;
	uint64_t acks; /* writes acknowledged, in all rounds */
	uint64_t wrong;
	struct buf details;
	struct buf value; /* scratch */
	pthread_t thread;
};

int kill_client_init(struct kill_client *c, unsigned id, unsigned own,
		     unsigned shared, uint64_t seed);
void kill_client_release(struct kill_client *c);

/* Connects and works until *stop, or until the server is gone. */
void *kill_client_thread(void *client);

/* "own-3-17", "shared-5". */
void kill_key(const struct kill_client *c, uint32_t key,
	      char text[KILL_KEY_MAX]);

/* The bytes of a write's value: "w3.17 ", the key's number, and filler of a
 * length that follows from them. */
void kill_value(struct buf *out, kill_write write, uint32_t key);
/* What was found under `key`: which write is it? false: none. */
bool kill_value_parse(struct slice value, uint32_t key, struct buf *scratch,
		      kill_write *write);

/* Appends to the log; false: no memory. */
bool kill_log(struct kill_client *c, struct kill_op op);

#endif

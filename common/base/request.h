/*
 * request.h - what one asks of a store, and what it answers: the vocabulary
 * that protocols, coordinators, the store and the client library share.
 *
 * A request is built by a protocol (from bytes) or by the client library (from
 * arguments), executed by store_execute(), and answered with a reply that a
 * protocol turns into bytes. Both are plain data; every slice in them points
 * into memory that the builder owns.
 */
#ifndef BASE_REQUEST_H
#define BASE_REQUEST_H

#include "base/slice.h"
#include "kv.h"

#include <stdint.h>

enum op {
	OP_PING,
	OP_GET,	     /* keys[0] */
	OP_MGET,     /* keys[0..nkeys) */
	OP_SET,	     /* changes[0], condition */
	OP_DELETE,   /* changes[0..nchanges) or, with has_range, range.prefix;
			condition only with one change */
	OP_BULK_SET, /* changes[0..nchanges): all or none */
	OP_SCAN,     /* range, cursor */
	OP_COUNT,    /* range */
	OP_INFO,
	OP_COMMAND, /* call, out: see txn.h */
};

struct buf;
struct txn_call;

enum change_kind {
	CHANGE_SET,
	CHANGE_DELETE,
};

/* Keys that begin like this are the store's own: no client can write, read or
 * count them. */
#define KEY_OWN_PREFIX "\xff\xffkv:"

static inline bool key_is_own(struct slice key)
{
	return key.len != 0 && key.data[0] == KEY_OWN_PREFIX[0] &&
	       slice_has_prefix(key, slice_of(KEY_OWN_PREFIX,
					      sizeof(KEY_OWN_PREFIX) - 1));
}

/* KV_EUSAGE, with the text. */
int key_refuse_own(void);

/* One change to one key. */
struct change {
	struct slice key;
	struct slice value;
	uint64_t expires_ms; /* wall clock, ms since 1970; 0: never */
	enum change_kind kind;
};

/* Keys that begin with prefix and lie in from <= key < to; an empty slice is
 * no bound. */
struct range {
	struct slice prefix;
	struct slice from;
	struct slice to;
	uint64_t limit; /* 0: as many as one reply may hold */
	bool reverse;
	bool keys_only;
};

#define REQUEST_CLIENT 16u /* bytes of a client's name */

struct request {
	enum op op;
	struct slice *keys;
	size_t nkeys;
	struct change *changes;
	size_t nchanges;
	struct range range;
	bool has_range;
	struct slice cursor; /* of the reply before, for the next page */
	enum kv_condition condition;
	uint64_t if_version;
	bool debug_unreliable;
	/* The answer may come from a node that lags behind: of reads. */
	bool stale_ok;
	/* Set, delete, bulk_set: to be done once, however often it is asked
	 * for. 16 bytes that no other client has, and a number from 1 on that
	 * grows from write to write; empty: no such promise. Asked for again,
	 * the last number of a client is answered as it was the first time (for
	 * 15 minutes); a smaller one is KV_EUSAGE. What changed nothing is not
	 * remembered. */
	struct slice client;
	uint64_t number;
	struct txn_call *call;
	struct buf *out; /* where the call's reply is appended */
	/* The reply is built to at most about this many bytes of keys and
	 * values: a scan ends early with a cursor, a get or mget over it is
	 * KV_ETOOBIG. 0: no bound. */
	size_t reply_max;
};

/* One record in a reply. */
struct item {
	struct slice key;
	struct slice value;
	uint64_t version;
	uint64_t expires_ms; /* 0: never */
	bool found;
};

struct info_line {
	const char *name;  /* [a-z_]+, static */
	struct slice text; /* the value as text */
	bool is_number;	   /* JSON shows it as a number (below 2^53) */
};

/*
 * code is 0 or KV_E...; with an error only `message` has a meaning besides.
 * A missing key is not an error: found is false.
 */
struct reply {
	enum op op;
	int code;
	const char *message; /* with an error: a sentence */
	struct item *items;  /* get (1), mget (nkeys, in order), scan */
	size_t nitems;
	bool keys_only;	     /* scan: values are absent */
	struct slice cursor; /* scan: where to go on; empty at the end */
	uint64_t version;    /* set, delete, bulk_set: of the write */
	uint64_t count;	     /* count; delete: how many existed; bulk_set */
	struct info_line *info;
	size_t ninfo;
	struct slice raw; /* command: finished, the last bytes of req->out */
	/* Nobody may be told this reply before the store has everything up to
	 * and including this sequence number on disk. 0: at once. */
	uint64_t after;
};

#endif

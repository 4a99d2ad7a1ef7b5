/*
 * wire.h - the requests of a load as bytes, and its replies as answers, in
 * either protocol. Requests are copied from templates and only as much of a
 * reply is read as tells its meaning: the generator must not be what is
 * measured.
 *
 * Threads: no state at all.
 */
#ifndef BENCH_WIRE_H
#define BENCH_WIRE_H

#include "base/buf.h"
#include "bench/value.h"

#include <stdint.h>
#include <sys/types.h>

enum wire_kind {
	WIRE_GET,
	WIRE_SET,
	WIRE_BULK, /* sets all of the keys, atomically */
	WIRE_DELETE,
	WIRE_SCAN, /* keys[0]: where to begin, where the protocol can */
};

#define WIRE_SCAN_LENGTH 100 /* records that a scan asks for */

struct wire_request {
	enum wire_kind kind;
	const uint64_t *keys; /* numbers, see value.h */
	size_t nkeys;	      /* 1 but for WIRE_BULK and WIRE_DELETE */
	uint32_t version;     /* of the values */
	const struct values *values;
};

struct wire_reply {
	bool ok;
	bool found;	     /* get: there is such a key */
	struct slice value;  /* get, if found */
	struct slice error;  /* not ok: a word, "FULL", "MISCONF" */
	struct slice detail; /* not ok: a sentence */
};

struct wire {
	const char *name; /* "resp" */
	/* Appends a request; ask buf_failed(). */
	void (*put)(struct buf *out, const struct wire_request *request);
	/* Reads the reply that `in` begins with: its length, 0 if it is not
	 * all there, or KV_EPROTO. Slices point into `in`. */
	ssize_t (*take)(struct slice in, enum wire_kind kind,
			struct wire_reply *reply);
};

extern const struct wire wire_resp, wire_json;

#endif

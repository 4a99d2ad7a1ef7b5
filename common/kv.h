/*
 * kv.h - client library of the kv toolkit.
 *
 * A `kv` is a connection to a server, or a store directory opened in this
 * process; the calls are the same. See kv(3) for a worked example.
 *
 * Threads: a kv belongs to one thread at a time; different kvs are
 * independent. Error texts are kept per thread.
 *
 * Memory: what a call hands out through a `void **` belongs to the caller, who
 * releases it with kv_free(). Keys and values are bytes and may hold NUL; a
 * value handed out has a NUL behind its last byte that is not part of it.
 */
#ifndef KV_H
#define KV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Results: X(symbol, number, name on the wire, exit status, text).
 * 0 is success. The numbers are stable.
 */
#define KV_RESULTS(X)                                                       \
	X(KV_ENOTFOUND, -1, "NOTFOUND", 1, "key not found")                 \
	X(KV_ECONDITION, -2, "CONDITION", 1, "condition not met")           \
	X(KV_EUSAGE, -3, "USAGE", 2, "invalid argument")                    \
	X(KV_EDATA, -4, "BADREQUEST", 65, "bad input data")                 \
	X(KV_ETOOBIG, -5, "TOOBIG", 65, "over a limit")                     \
	X(KV_EDAMAGED, -6, "DAMAGED", 65, "store is damaged")               \
	X(KV_EFORMAT, -7, "FORMAT", 65, "not a store of a known format")    \
	X(KV_EPROTO, -8, "PROTOCOL", 69, "reply not understood")            \
	X(KV_EUNREACHABLE, -9, "UNREACHABLE", 69, "cannot reach a server")  \
	X(KV_EUNAVAILABLE, -10, "UNAVAILABLE", 69, "cannot reach a quorum") \
	X(KV_EIO, -11, "IO", 74, "input/output error")                      \
	X(KV_EFULL, -12, "FULL", 74, "no space left")                       \
	X(KV_EREADONLY, -13, "READONLY", 74, "store is read-only")          \
	X(KV_ENOMEM, -14, "NOMEM", 74, "out of memory")                     \
	X(KV_EUNKNOWN, -15, "UNKNOWN", 75, "outcome unknown")               \
	X(KV_ETIMEOUT, -16, "TIMEOUT", 75, "timed out")                     \
	X(KV_ELOCKED, -17, "LOCKED", 75, "store is in use")                 \
	X(KV_EPERM, -18, "PERM", 77, "not permitted")

enum kv_result {
	KV_OK = 0,
#define KV_RESULT_ENUM(symbol, number, name, status, text) symbol = number,
	KV_RESULTS(KV_RESULT_ENUM)
#undef KV_RESULT_ENUM
};

/* Largest key and value, in bytes. A key has at least one byte. */
#define KV_KEY_MAX 65536u
#define KV_VALUE_MAX (64u << 20)

typedef struct kv kv;

struct kv_options {
	/* "host:port[,host:port...]" or "unix:PATH"; NULL: use dir. */
	const char *address;
	/* Store directory: through the server that holds it if one runs, else
	 * opened in this process. NULL with address NULL: $KV_ADDR, and
	 * without it 127.0.0.1:65432. */
	const char *dir;
	/* Milliseconds that one call may take; 0 means 5000. */
	unsigned timeout_ms;
	/* A directory opened in this process is opened for reading only. */
	bool read_only;
	/* Any node of a cluster may answer a read from what it knows, which can
	 * be behind what others were told. */
	bool stale_ok;
	/* A missing directory is created (not with read_only). */
	bool create;
};

/* A pair for kv_bulk_set(). ttl_ms is a time to live in milliseconds; 0 keeps
 * the pair for ever. */
struct kv_pair {
	const void *key;
	size_t key_len;
	const void *value;
	size_t value_len;
	uint64_t ttl_ms;
};

enum kv_condition {
	KV_ALWAYS,
	KV_IF_ABSENT,
	KV_IF_PRESENT,
	KV_IF_VERSION,
};

/* Modifiers of one write; zero is the plain case. NULL means all zero. */
struct kv_write {
	enum kv_condition condition;
	uint64_t version;      /* for KV_IF_VERSION */
	uint64_t ttl_ms;       /* kv_set() only; 0: for ever */
	bool debug_unreliable; /* the server may fail the sync, on purpose */
};

/*
 * What to scan: the keys that begin with `prefix` and lie in from <= key < to,
 * in order of their bytes. Empty prefix, from or to mean no bound on that
 * side.
 */
struct kv_range {
	const void *prefix;
	size_t prefix_len;
	const void *from;
	size_t from_len;
	const void *to;
	size_t to_len;
	uint64_t limit; /* 0: no limit */
	bool reverse;
	bool keys_only; /* values are handed out empty */
};

/* Called once a record, in order; the bytes are valid during the call. A
 * result other than 0 ends the scan and is what kv_scan() returns. */
typedef int kv_scan_fn(void *arg, const void *key, size_t key_len,
		       const void *value, size_t value_len);

/* Opens; *out is set only on success. A server is connected to at once. */
int kv_open(kv **out, const struct kv_options *options);
void kv_close(kv *db); /* NULL is allowed */

/* KV_ENOTFOUND if there is no such key. `version` may be NULL. */
int kv_get(kv *db, const void *key, size_t key_len, void **value,
	   size_t *value_len, uint64_t *version);

/* Returns once the write is on disk. `version` may be NULL. */
int kv_set(kv *db, const void *key, size_t key_len, const void *value,
	   size_t value_len, const struct kv_write *write, uint64_t *version);

/* KV_ENOTFOUND if there was no such key. */
int kv_delete(kv *db, const void *key, size_t key_len,
	      const struct kv_write *write);

/* All of the pairs or none, also across a crash. */
int kv_bulk_set(kv *db, const struct kv_pair *pairs, size_t count,
		const struct kv_write *write);

/* Deletes every key that begins with prefix, atomically; an empty prefix is
 * every key. `deleted` may be NULL. */
int kv_delete_prefix(kv *db, const void *prefix, size_t prefix_len,
		     uint64_t *deleted);

/* The keys and values as they were when the scan began. */
int kv_scan(kv *db, const struct kv_range *range, kv_scan_fn *fn, void *arg);
int kv_count(kv *db, const struct kv_range *range, uint64_t *count);

/* The server's or store's description of itself: one "name: value" a line,
 * NUL-terminated; kv_free() it. */
int kv_info(kv *db, char **text);
int kv_ping(kv *db);

void kv_free(void *p);

/* The fixed text of a code; and what this thread's last failed call said in
 * full (what failed, on what, why). */
const char *kv_strerror(int code);
const char *kv_error_detail(void);

#ifdef __cplusplus
}
#endif
#endif

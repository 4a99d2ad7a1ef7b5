/*
 * store.h - a durable, ordered key-value store in one directory.
 *
 * The log is the database: numbered segment files hold records, an index in
 * memory holds where each live one lies (kv-store(5) describes the files).
 *
 * Threads: the store has none, and no locks. One thread owns a store and makes
 * all calls; the two kinds of slow work are handed out as jobs, whose _run
 * function may be called on any other thread while the owner goes on:
 *
 *	job = store_flush_begin(s);   owner: takes what is waiting
 *	store_flush_run(job);         anywhere: writes and syncs it
 *	store_flush_end(s, job);      owner: learns the outcome
 *
 * and the same for store_task_*, the background work (preparing segments, side
 * files, compaction). Without other threads, store_sync() and
 * store_maintain() do the same in place; tests rely on that being the very
 * same code.
 *
 * Sequence numbers: each write gets the next one; store_durable() says up to
 * which they are on disk. A reply must not leave before its `after` is durable.
 *
 * Errors: 0 or a negative KV_E... with err_text() set.
 */
#ifndef STORE_STORE_H
#define STORE_STORE_H

#include "base/buf.h"
#include "base/fs.h"
#include "base/request.h"

struct store;
struct store_flush;
struct store_task;

struct store_options {
	struct fs *fs; /* NULL: fs_posix() */
	/* Wall clock in ms; NULL: the real one. */
	uint64_t (*now_ms)(void *arg);
	void *now_arg;
	/* Sizes of segments in bytes, powers of two; 0: 1 MiB and 64 MiB. A
	 * segment's size follows the live data between the two. */
	uint64_t segment_min;
	uint64_t segment_max;
	/* Compaction copies at most about this many bytes a second; 0: as fast
	 * as it can. */
	uint64_t compact_rate;
	unsigned lock_timeout_ms; /* wait this long for another owner */
	bool read_only;		  /* shares the lock with other readers */
	bool create;		  /* make the directory and an empty store */
	/* The log is replicated: see store_log.h. Which of the two a store is
	 * never changes. `log_keep`: bytes of the log that compaction leaves
	 * alone for peers that lag; 0: 64 MiB. */
	bool replicated;
	uint64_t log_keep;
	/* Recorded in the lock file so that a client that is given the
	 * directory finds the server; NULL: none. */
	const char *address;
};

/* Opens and recovers; everything that it will serve is on disk on return. */
MUST_CHECK int store_open(struct store **out, const char *dir,
			  const struct store_options *options);

/* Writes out what is waiting and frees the store; no job may be under way.
 * The result is that of the last write; the store is gone either way. */
int store_close(struct store *s);

/* Executes one request. The reply's slices live until the next call on this
 * store. Writes are applied at once and durable later: see reply.after. */
void store_execute(struct store *s, const struct request *req,
		   struct reply *reply);

/*
 * Says which keys the next requests will ask for, so that what they need is
 * fetched from memory all at once and not one after the other. `values`: they
 * will be read. It is only advice; nothing depends on it being right, nor on
 * the keys' bytes staying where they are.
 */
#define STORE_HINTS_MAX 64u
void store_hint(struct store *s, const struct slice *keys, size_t n,
		bool values);

uint64_t store_appended(const struct store *s); /* highest number given out */
uint64_t store_durable(const struct store *s);	/* all up to here on disk */
size_t store_waiting(const struct store *s);	/* bytes not yet durable;
						   0 when it has failed */

/* NULL if nothing waits or a flush is under way already. */
struct store_flush *store_flush_begin(struct store *s);
void store_flush_run(struct store_flush *job);
/*
 * Ends the job. A failed sync is carried on with by itself: the records move
 * to a fresh segment, and the next flush writes them there. When that fails
 * too, the store turns read-only, takes back what was never durable, and this
 * returns the error; store_failed() then says why.
 */
int store_flush_end(struct store *s, struct store_flush *job);

/* Flushes in place until all is durable. */
MUST_CHECK int store_sync(struct store *s);

/* The next piece of background work; NULL if there is none now or one is under
 * way. A failed task never harms what is stored: it is tried again later. */
struct store_task *store_task_begin(struct store *s);
void store_task_run(struct store_task *job);
int store_task_end(struct store *s, struct store_task *job);

/* All background work that there is, in place. */
MUST_CHECK int store_maintain(struct store *s);

/* Removes what has expired, at most max keys; returns how many. Call it now
 * and then: a tick of 100 ms is fine. */
size_t store_expire(struct store *s, size_t max);

/* 0, or the error that made the store read-only; the text in *why. */
int store_failed(const struct store *s, const char **why);

/* The sync of the group that holds the last write is to fail as a dying disk
 * would; for tests of the failed-sync procedure. */
void store_inject_sync_failure(struct store *s);

/* Which server holds the store in dir: its address into *address (caller
 * frees; NULL if nobody with an address holds it). */
MUST_CHECK int store_find_server(const char *dir, char **address);

/* Verification offline: reads every byte and reports. */
struct store_check_report {
	uint64_t segments, records, items, live, bytes;
	char damage[512]; /* first damage: file, offset, what; "" if sound */
};
MUST_CHECK int store_check(const char *dir, struct fs *fs,
			   struct store_check_report *report);

/*
 * Copies everything that is sound in a damaged store into a new one, of each
 * key the newest item, and calls `lost` with a line of text for each range of
 * bytes and each key that could not be read.
 */
typedef void store_lost_fn(void *arg, const char *line);
struct store_salvage_report {
	uint64_t segments, records;
	uint64_t kept; /* keys in the new store */
	uint64_t lost_bytes, lost_keys;
};
MUST_CHECK int store_salvage(const char *dir, const char *to_dir, struct fs *fs,
			     store_lost_fn *lost, void *arg,
			     struct store_salvage_report *report);

#endif

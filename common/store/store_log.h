/*
 * store_log.h - a store whose log is replicated: for coordinators that agree on
 * the log's entries before they count.
 *
 * Open it with store_options.replicated. The log is still the database, with
 * one copy of each value: an entry is a record of the store's own log, its
 * index is the record's version, its term is in the record.
 *
 *	first .. committed	in the index: what readers see
 *	committed+1 .. last	appended, on disk or about to be, not agreed on
 *
 * A store that follows holds back the latter: they take effect when they are
 * committed. A store that leads applies them at once, so that a condition or an
 * increment sees all that came before; what a reply reveals of them is held
 * back by reply.after, which is an index here: nobody may be told before
 * store_log_commit() has reached it. Whatever takes effect before it is
 * committed keeps an undo entry until then.
 *
 * Sequence numbers are indexes: store_appended() is the last index,
 * store_durable() the last one on disk. An entry that was truncated gives its
 * index back.
 *
 * A failed sync makes a replicated store read-only at once: others have the
 * data, and the node is to leave the leading to them.
 *
 * Segments are sealed and compacted only when all in them is committed, and
 * the newest entries (store_options.log_keep bytes, default 64 MiB, of sealed
 * segments) are kept for peers that lag.
 *
 * Threads and errors: as in store.h.
 */
#ifndef STORE_STORE_LOG_H
#define STORE_STORE_LOG_H

#include "store/store.h"

/* Keys that begin like this are the store's own: no client can write, read or
 * count them. They are part of the replicated state. (In a store that is not
 * replicated too.) */
#define STORE_OWN_PREFIX KEY_OWN_PREFIX

/* What opening found: entries from `first` to store_appended() can be read. */
uint64_t store_log_first(const struct store *s);
uint64_t store_log_committed(const struct store *s);

/* The term of an entry in first-1 .. last. KV_ENOTFOUND: not in the log. */
int store_log_term(const struct store *s, uint64_t index, uint64_t *term);

/* Calls fn for each stretch of entries of one term in first..last, in order;
 * and what the term of first-1 is. */
typedef void store_log_span_fn(void *arg, uint64_t first, uint64_t term);
uint64_t store_log_spans(const struct store *s, store_log_span_fn *fn,
			 void *arg);

/*
 * Entries on their way between nodes: term (8), length of the items (4), count
 * of the items (4), items as in the log. The index is implied.
 *
 * store_log_read() appends the entries from..to to `out` as long as they come
 * to at most max bytes, at least one; *last says how far it got. Going on where
 * the last call ended is cheap. KV_ENOTFOUND: no longer, or not yet, in the
 * log. KV_ENOMEM, KV_EDAMAGED. After an error `out` is as it was.
 */
int store_log_read(struct store *s, uint64_t from, uint64_t to, size_t max,
		   struct buf *out, uint64_t *last);

/* How many of the entries from..to come to at most max bytes: the last index,
 * at least from. */
uint64_t store_log_fit(struct store *s, uint64_t from, uint64_t to, size_t max);

/* One entry out of received bytes, checked: moves *bytes on. KV_EDATA: not an
 * entry. The slice points into the bytes. */
struct store_log_entry {
	uint64_t term;
	struct slice items; /* as they came */
	uint32_t count;
	uint64_t version; /* that some of the items tell; 0: none does */
};
int store_log_entry_next(struct slice *bytes, struct store_log_entry *entry);
/* Value of the item with that key in the entry; false: it has none. */
bool store_log_entry_get(const struct store_log_entry *entry, struct slice key,
			 struct slice *value);

/* A follower appends what the leader sent as entry store_appended() + 1; it is
 * durable with the next flush. KV_EREADONLY, KV_ENOMEM, KV_EFULL, KV_EDATA (the
 * entry was made for another index). */
int store_log_append(struct store *s, const struct store_log_entry *entry);

/* Agreed on up to `index`: takes effect (which can fail only for lack of
 * memory: KV_ENOMEM, tried again with the next call). An index that is not in
 * the log is KV_EUSAGE. */
int store_log_commit(struct store *s, uint64_t index);

/* Removes the entries from `index` on, none of them committed. All that was
 * appended must be on disk, no flush under way, and the store following
 * (KV_EUSAGE). After a crash they may be there again, unless something was
 * appended (and flushed) since. KV_ENOMEM: nothing was removed. */
int store_log_truncate(struct store *s, uint64_t index);

/* From now on this store leads in `term`: all entries take effect at once,
 * store_execute() may write, and its entries get the term. */
int store_log_lead(struct store *s, uint64_t term);
/* Follows: what is not committed has no effect any more; writes are refused
 * with KV_EUNAVAILABLE, and store_expire() does nothing. How it starts. */
void store_log_follow(struct store *s);

/* A leader's own entry: the changes may be to own keys; n 0: an empty one. */
int store_log_propose(struct store *s, const struct change *changes, size_t n);

/* An own key's value as committed (and, leading, applied). */
bool store_own_get(struct store *s, struct slice key, struct slice *value);

/*
 * Snapshots: all live items (own ones too) as of one committed index, read in
 * pieces that any crash or pause of the reader may interrupt.
 *
 * _begin pins what it needs; at most a few at once (KV_EUNAVAILABLE). _next
 * appends at most about max bytes of items, each with its own version, to
 * `out`; *done after the last. They come in key order.
 */
struct store_snapshot;
int store_snapshot_begin(struct store *s, struct store_snapshot **out,
			 uint64_t *index, uint64_t *term);
int store_snapshot_next(struct store *s, struct store_snapshot *snap,
			size_t max, struct buf *out, bool *done);
void store_snapshot_end(struct store *s, struct store_snapshot *snap);

/*
 * And their other end: a new store in the directory DIR/incoming, filled piece
 * by piece, and at last put in the place of the one in DIR, atomically: after a
 * crash either the old or the new one is there. DIR's store must be closed
 * before store_import_switch(), and opened again after it. An unfinished
 * import is removed by the next _begin or when DIR is opened.
 */
struct store_import;
int store_import_begin(struct store_import **out, const char *dir,
		       const struct store_options *options);
int store_import_add(struct store_import *im, struct slice items);
/* All is on disk; the log of the new store goes on behind index. */
int store_import_finish(struct store_import *im, uint64_t index, uint64_t term);
void store_import_free(struct store_import *im);
int store_import_switch(const char *dir, struct fs *fs);

#endif

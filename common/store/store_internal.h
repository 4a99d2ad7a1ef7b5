/*
 * store_internal.h - the inside of struct store, for the files of store/ only.
 *
 *	store.c	   opening, closing, finding, the accounts
 *	lock.c	   one owner at a time
 *	directory.c the directory: made, recognised, refused
 *	recover.c  what opening finds in the directory; merge.c sorts it out
 *	append.c   writes: place in the log, effect on the index, taking back
 *	flush.c	   groups to disk, and what happens when that fails
 *	relocate.c waiting records to a fresh segment after a failed sync
 *	execute.c  requests to replies
 *	txn.c	   commands: reads and writes as one (txn_scan.c)
 *	once.c	   writes that are done once however often they are asked for
 *	hint.c	   what commands will need, fetched ahead
 *	created.c  when keys that are not there were last created
 *	range.c	   stepping through the keys of a range
 *	scan.c	   pages of a range, snapshots
 *	task.c	   background work: which, when; spares and seals
 *	compact.c  background work: compaction (compact_copy.c, victims.c)
 *	check.c	   verification; salvage.c: what is left of a damaged store
 *	log.h	   the log of a replicated store (log*.c)
 *	snapshot.c a frozen view for another node; import*.c: its other end
 */
#ifndef STORE_STORE_INTERNAL_H
#define STORE_STORE_INTERNAL_H

#include "base/err.h"
#include "store/group.h"
#include "store/index.h"
#include "store/location.h"
#include "store/segment.h"
#include "store/store.h"

#define STORE_SPARES 2
#define CREATED_PLACES 4096u

/* A file that is ready to become a segment: every byte of it was written. */
struct spare {
	struct file *file;
	char *path;
	uint64_t size;
};

struct store_stats {
	uint64_t syncs;
	uint64_t sync_failures;
	uint64_t injected_failures;
	uint64_t written_bytes;	  /* records of clients */
	uint64_t compacted_bytes; /* records that compaction wrote again */
	uint64_t released_segments;
	uint64_t expired_keys;
};

struct compaction;
struct snapshots;
struct store_log;

/* Where the keys of the last store_hint() were, then. */
struct hints {
	uint64_t changes; /* of the index when they were looked up */
	unsigned next, n;
	struct slice keys[STORE_HINTS_MAX]; /* not to be looked into */
	struct index_place places[STORE_HINTS_MAX];
};

struct store {
	struct fs *fs;
	char *dir;
	struct file *lock;
	struct store_options options;
	uint64_t id;
	bool read_only;
	bool either_kind; /* opened to be looked at, replicated or not */

	struct index *index;	/* key -> location */
	struct index *own;	/* the same of the store's own keys */
	struct index *expiries; /* big-endian expiry and key -> 0 */
	uint64_t own_expiries;	/* of them, those of own keys */

	struct segment **slots; /* by location_slot(); NULL: free */
	unsigned nslots;
	struct segment *active; /* takes appends; NULL before the first */
	uint64_t next_number;
	uint64_t version; /* highest given out */
	/* While records move after a failed sync: a new segment holds none
	 * with a version up to this (else up to `version`). */
	uint64_t moved_base;
	bool moving;
	struct spare spares[STORE_SPARES];
	unsigned nspares;

	struct group_queue groups; /* not yet durable, in order */
	struct group *retired;	   /* its memory is for the next; or NULL */
	struct store_flush *flush; /* under way */
	size_t waiting;		   /* bytes in groups */
	/* Sequence numbers; in a replicated store they are versions. */
	uint64_t appended;
	uint64_t durable;
	uint64_t applied;     /* the index shows all up to here */
	uint64_t revealed;    /* anybody may be told of all up to here */
	uint64_t last_delete; /* of the last deletion */
	/* Items of higher versions are not to be revealed even if they are
	 * durable: committed, in a replicated store, else UINT64_MAX. */
	uint64_t agreed;
	struct store_log *log; /* NULL: not replicated */

	struct store_task *task; /* under way */
	uint64_t task_retry_ms;	 /* after a failed task: not before */
	struct compaction *compaction;
	struct snapshots *snapshots;

	int failed; /* why writes are refused; 0: they are not */
	/* Memory ran out while writes were taken back: the index does not tell
	 * the truth any more, and nobody is shown it. */
	bool incomplete;
	char why[ERR_TEXT_MAX];
	struct store_stats stats;

	struct hints hints;
	uint64_t created[CREATED_PLACES]; /* versions; see created.c */

	/* The reply under construction. */
	struct item *items;
	size_t items_cap;
	struct info_line info[40];
	struct buf text;
};

/* Locked, but nothing of it read. */
MUST_CHECK int store_open_unread(struct store **out, const char *dir,
				 const struct store_options *options);

/* Wall clock. */
uint64_t store_now(struct store *s);

/* "DIR/name"; NULL: out of memory. */
char *store_path(const struct store *s, const char *name);

/* Puts the segment into a free slot. */
MUST_CHECK int store_add_segment(struct store *s, struct segment *seg);
/* Takes it out. */
void store_forget_segment(struct store *s, struct segment *seg);
/* Takes it out and frees it. */
void store_drop_segment(struct store *s, struct segment *seg);

static inline struct segment *store_segment(const struct store *s, location l)
{
	return s->slots[location_slot(l)];
}

/* The item at a location, whether on disk or still waiting. Its slices live
 * until the next flush or task ends. *seq gets the number that must be durable
 * before anybody is told of it (0: it is). */
void store_item(const struct store *s, location l, struct stored_item *item,
		uint64_t *seq);

/* The location of the key's live item; false if there is none or it has
 * expired. */
bool store_find(struct store *s, struct slice key, location *l,
		struct stored_item *item, uint64_t *seq);

/* The same for the store's own keys. */
bool store_find_own(struct store *s, struct slice key, location *l,
		    struct stored_item *item, uint64_t *seq);

/* The index that a key belongs into. */
static inline struct index *store_index(const struct store *s, struct slice key)
{
	return key_is_own(key) ? s->own : s->index;
}

/* The accounts: an item at l became live, or ceased to be. */
void store_account(struct store *s, location l, bool live);
uint64_t store_live_bytes(const struct store *s);
uint64_t store_used_bytes(const struct store *s);

/* Remembers or forgets when a key expires. 0 or KV_ENOMEM. */
MUST_CHECK int store_expiry_put(struct store *s, struct slice key,
				uint64_t expires_ms);
void store_expiry_delete(struct store *s, struct slice key,
			 uint64_t expires_ms);

/* Whether the index may hold keys that have expired: store_expire() has its
 * limit, and removes nothing from a store that is read-only. */
bool store_has_expired(struct store *s);

/* The size that a new segment should have, at least `need` bytes. */
uint64_t store_segment_size(const struct store *s, uint64_t need);

/* append.c: 0, or KV_EREADONLY and why. */
MUST_CHECK int store_writable(const struct store *s);
/* The same, or KV_EUNAVAILABLE: only a leader makes entries. */
MUST_CHECK int store_may_append(const struct store *s);
/* Appends the changes as one record and applies them: all or none. */
MUST_CHECK int store_append(struct store *s, const struct change *changes,
			    size_t n);
/* Applies the n items of a record, whose first lies at offset `at` of the
 * segment, to the index: all or none. What undoes it goes to undo[0..n). */
MUST_CHECK int store_apply(struct store *s, const struct segment *seg,
			   const char *items, uint64_t at, size_t n,
			   uint64_t seq, struct undo *undo);
/* Undoes one change to the index and the accounts. KV_ENOMEM: nothing is
 * undone. */
MUST_CHECK int store_undo(struct store *s, const struct undo *u);
/* The group that a record of that many bytes belongs into; starts a group or
 * a segment if need be. */
MUST_CHECK int store_group_for(struct store *s, uint64_t bytes,
			       struct group **out);
/* A record did not come to be. A group that was begun for it goes as well:
 * there is nothing to flush. */
void store_drop_empty(struct store *s, struct group *g);
/* relocate.c: moves every waiting record to a fresh segment after a failed
 * sync. On failure all is as before. */
MUST_CHECK int store_relocate(struct store *s);
/* Takes every waiting record back, save those of a flush under way: it decides
 * about them. Of a store that is not replicated. */
void store_take_back(struct store *s);

/* flush.c: no more writes, because of `code`. */
void store_fail(struct store *s, int code, const char *why);

/* recover.c: reads the directory into a fresh store. */
MUST_CHECK int store_recover(struct store *s);

/* hint.c: with the hint's help, the item that a client's key has, whether it
 * has expired or not; else *seq is as it was. *seq as for store_item(). */
bool store_look_up(struct store *s, struct slice key, location *l,
		   struct stored_item *item, uint64_t *seq);
/* index_put() of the index that the key belongs into, with the hint's help. */
MUST_CHECK int store_index_put(struct store *s, struct slice key, location l,
			       bool *existed, location *old);

/* once.c, for requests with a client: whether the reply is there already, and
 * what it depends on; and the append that remembers it. */
bool once_answered(struct store *s, const struct request *req,
		   struct reply *reply, uint64_t *seq);
MUST_CHECK int once_append(struct store *s, const struct request *req,
			   const struct change *changes, size_t n);
/* created.c: the store has been read; a key that was not there is written; and
 * a number that is another one after that. */
void store_created_begin(struct store *s);
void store_note_created(struct store *s, struct slice key, uint64_t version);
uint64_t store_created(const struct store *s, struct slice key);

/* txn.c: runs the request's call. */
void store_transact(struct store *s, const struct request *req,
		    struct reply *reply);

/* scan.c, range.c */
void store_scan(struct store *s, const struct request *req,
		struct reply *reply);
struct index_cursor;
/* Steps through a range. */
struct range_walk {
	struct index_cursor cursor;
	const struct range *range;
	struct buf key; /* of the current entry */
	bool failed;	/* it ended early: out of memory */
};
bool range_first(struct store *s, struct range_walk *w,
		 const struct range *range, struct slice after);
bool range_next(struct range_walk *w);
void range_end(struct range_walk *w);
bool snapshots_pinned(struct store *s); /* may segments not be released? */
void snapshots_drop(struct store *s);	/* all cursors end */
/* Makes room for one more item in the reply; NULL: out of memory. */
struct item *reply_item(struct store *s, struct reply *reply);

/* compact.c: one step of compaction. _begin says whether there is one now;
 * _run does it, on any thread; _end (after a _run that succeeded) brings the
 * outcome into the store. */
bool compact_begin(struct store *s);
MUST_CHECK int compact_run(struct store *s);
void compact_end(struct store *s);
void compact_abandon(struct store *s); /* gives up what is not yet in use */
/* victims.c: what is worth compacting; how many of at most max. */
size_t compact_choose(struct store *s, struct segment **victims, size_t max);

/* task.c */
MUST_CHECK int fill_zeros(struct file *f, uint64_t from, uint64_t to);

/* directory.c: makes the directory if asked to, refuses somebody else's; and,
 * once it is locked, reads or makes kv.format. */
MUST_CHECK int directory_prepare(struct store *s);
MUST_CHECK int directory_identify(struct store *s, bool has_segments);

/* The text of kv.format; log NULL: not replicated. Its length. */
size_t directory_format(uint64_t id, const struct store_log *log, char *text,
			size_t size);

/* store.c: which kind it is, as the directory says. 0 or KV_ENOMEM. */
MUST_CHECK int store_set_replicated(struct store *s, bool replicated);
/* Opens for reading only, whichever kind it is. */
MUST_CHECK int store_open_either(struct store **out, const char *dir,
				 struct fs *fs);

/* lock.c */
MUST_CHECK int store_lock(struct store *s);

#endif

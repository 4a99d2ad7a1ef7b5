/*
 * log.h - the inside of a replicated store's log, for the files of store/
 * only; store_log.h is the outside.
 *
 *	log.c	      entries: appended, applied, committed, taken back
 *	log_part.c    one segment's directory of its entries
 *	log_chain.c   the segments whose entries can be read, in order
 *	log_cut.c     truncation
 *	log_read.c    entries on their way to and from other nodes
 *	log_recover.c what opening makes of the log
 *
 * Indexes, in order:
 *
 *	first		of the chain: the oldest that can be read
 *	s->agreed	committed; all up to here are in the index for good
 *	s->applied	in the index; each behind `agreed` with undo entries
 *	s->appended	the last one; behind `applied` they have no effect yet
 *
 * A store that leads has applied == appended, one that follows applied ==
 * agreed (unless memory ran out while entries were taken back: `unwinding`).
 */
#ifndef STORE_LOG_H
#define STORE_LOG_H

#include "store/log_part.h"
#include "store/store_internal.h"

/* Where some readers of the log will go on. */
#define LOG_READERS 8u

struct log_reader {
	const struct segment *seg; /* NULL: none */
	uint64_t index;
	uint64_t at;
};

/* An entry that is not committed. */
struct log_entry {
	struct segment *seg;
	uint64_t at; /* offset of its record */
	size_t nundo;
};

struct store_log {
	/* Where the log began: behind an entry of a snapshot, or 0. */
	uint64_t base_index, base_term;

	/* The chain: each part begins where the one before ends. */
	struct log_part **parts;
	size_t nparts, parts_cap;
	uint64_t before_term; /* of the entry before the first */
	uint64_t last_term;

	bool leading;
	bool unwinding;
	uint64_t term; /* of the entries that a leader makes */

	/* Entries agreed+1 .. appended are pending[pending_head..+npending);
	 * the undo of those that are applied, in order, is
	 * undo[undo_head..+nundo). */
	struct log_entry *pending;
	size_t pending_head, npending, pending_cap;
	struct undo *undo;
	size_t undo_head, nundo, undo_cap;

	/* Segments that a truncation has put out of force; their files go when
	 * the log goes on in another one. */
	uint64_t *doomed;
	size_t ndoomed, doomed_cap;

	struct log_reader readers[LOG_READERS];
	unsigned next_reader;

	unsigned snapshots; /* under way */
};

/* NULL: out of memory. */
struct store_log *log_new(void);
void log_free(struct store_log *log); /* NULL is allowed */

/* ---- log.c ---- */

/* Room for one more entry in the segment, and for the undo of n changes. */
MUST_CHECK int log_reserve(struct store *s, struct segment *seg, size_t n);
/* Where the undo of the next entry to be applied goes. */
struct undo *log_undo(struct store_log *log);
/* An entry has got its place: into the directory only, ... */
void log_note(struct store *s, struct segment *seg, uint64_t at, uint64_t term);
/* ... or pending as well. It is applied already, with n undo entries at
 * log_undo(), or not (n is 0 then, and s->applied stays). */
void log_add(struct store *s, struct segment *seg, uint64_t at, uint64_t term,
	     size_t n);
/* Completes taking back, if memory ran out in the middle: until then nothing
 * may be read. */
MUST_CHECK int log_settle(struct store *s);
/* The store fails: what is not committed has no effect any more. */
void log_fail(struct store *s);

/* ---- log_chain.c ---- */

/* Appends the part to the chain; room was made by log_chain_reserve(). */
MUST_CHECK int log_chain_reserve(struct store_log *log);
void log_chain_add(struct store_log *log, struct log_part *p);
/* Drops the parts up to that of `seg` from the chain, if it is in there. */
void log_chain_trim(struct store_log *log, const struct segment *seg);
/* Takes the last part out. */
void log_chain_pop(struct store_log *log);

/* Whether a segment may be sealed now, or compacted. The latter depends on
 * log_keep_from(), which is asked once for many. */
uint64_t log_keep_bytes(const struct store *s);
bool log_may_seal(const struct store *s, const struct segment *seg);
uint64_t log_keep_from(const struct store *s);
bool log_may_go(const struct store *s, const struct segment *seg,
		uint64_t keep_from);

/* A record of the log, wherever it is now, and how many bytes may be read. */
const char *log_record(const struct store *s, const struct segment *seg,
		       uint64_t at, uint64_t *room);

/* ---- log_cut.c ---- */

/* The caller's from now on: to be removed as soon as the segment after them has
 * its name, and freed. */
void log_take_doomed(struct store_log *log, uint64_t **numbers, size_t *n);

/* Removes the files of the segments of these numbers, durably. Any thread. 0 or
 * -errno. */
MUST_CHECK int log_remove_doomed(struct fs *fs, const char *dir,
				 const uint64_t *numbers, size_t n);

/* ---- log_read.c ---- */

/* Segments have gone. */
void log_forget_readers(struct store_log *log);

/* ---- log_recover.c ---- */

/* Drops segments that a later one has replaced. Slots are in the order of the
 * segments' numbers, and stay so. */
MUST_CHECK int log_drop_replaced(struct store *s);
/* Whether opening merges the segment into the index; if not, its entries are
 * pending. */
static inline bool log_merges(const struct store *s, const struct segment *seg)
{
	return s->log == NULL || seg->sealed;
}
/* The chain, what is committed, and what is pending; after the merge. */
MUST_CHECK int log_recover(struct store *s);

#endif

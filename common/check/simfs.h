/*
 * simfs.h - a file system in memory that fails on demand and whose power can
 * be cut between any two operations.
 *
 * It keeps two states: what a reader sees now, and what is on disk for sure.
 * Between them lies what no sync has covered yet. A restart after a power cut
 * may find any part of that, chosen piece by piece:
 *
 *   - of each sector (512 bytes, written whole or not at all) any version
 *     written since the last good sync, or the one before;
 *   - of each file any size that it had since then;
 *   - of each change to a directory (create, unlink, mkdir, rename) all of it
 *     or nothing. A rename is one change: the file is under the old name or the
 *     new one, never both or neither.
 *
 * Pieces are independent: later ones may be there without earlier ones, a name
 * without the data, a size without the sectors (which then read as zeros).
 * file_sync() covers the data and size of one file and not its name;
 * fs_sync_dir() the names in one directory.
 *
 * A failed sync behaves as on Linux: readers go on seeing the data, but it
 * counts as clean, so that later good syncs do not write it. It may be on disk
 * or not, until the same sector is written anew. A failed directory sync only
 * fails: names are in a journal, which a later sync either writes or, after an
 * abort, fails on as well.
 *
 * The paths "/" and "." stand for the root, which is there from the start.
 * Files do not grow above file_max. Maps never move and outlive close and
 * unlink; under ASan, reading one beyond the end of the file is reported.
 *
 * Threads: one at a time. Errors: as base/fs.h, -errno.
 */
#ifndef CHECK_SIMFS_H
#define CHECK_SIMFS_H

#include "base/buf.h"
#include "base/fs.h"

#define SIMFS_SECTOR 512u

struct simfs;

/* Operations that are counted. Closing and unmapping cannot fail and are not.
 */
enum simfs_op {
	SIMFS_OPEN,
	SIMFS_CREATE,
	SIMFS_RENAME,
	SIMFS_UNLINK,
	SIMFS_MKDIR,
	SIMFS_SYNC_DIR,
	SIMFS_LIST,
	SIMFS_PREAD,
	SIMFS_PWRITE,
	SIMFS_SYNC,
	SIMFS_SIZE,
	SIMFS_MAP,
	SIMFS_NOPS
};

#define SIMFS_ONLY(op) (1u << (op))
/* Those after which a power cut can leave another state than before. */
#define SIMFS_CHANGES                                            \
	(SIMFS_ONLY(SIMFS_CREATE) | SIMFS_ONLY(SIMFS_RENAME) |   \
	 SIMFS_ONLY(SIMFS_UNLINK) | SIMFS_ONLY(SIMFS_MKDIR) |    \
	 SIMFS_ONLY(SIMFS_SYNC_DIR) | SIMFS_ONLY(SIMFS_PWRITE) | \
	 SIMFS_ONLY(SIMFS_SYNC))

/* NULL: out of memory. file_max: bytes of address space a file; 0: 4 MiB. */
struct simfs *simfs_new(size_t file_max);
/* Every file must be closed and every map unmapped before. */
void simfs_free(struct simfs *sim); /* NULL is allowed */

/* An independent copy with all that is not synced yet; files open in `sim` are
 * not open in the copy; its count of operations begins at 0. */
struct simfs *simfs_clone(const struct simfs *sim);

/* What the store is given; lives as long as sim. */
struct fs *simfs_fs(struct simfs *sim);

uint64_t simfs_steps(const struct simfs *sim); /* operations so far */
size_t simfs_in_use(const struct simfs *sim);  /* open files and maps */

/* Two file systems whose readers see the same have the same digest. */
uint64_t simfs_digest(const struct simfs *sim);

/* ---- faults ---- */

enum simfs_fault_kind {
	/* The operation fails with `error` and does nothing, save: a pwrite
	 * first writes `written` bytes; a sync loses track (see above). */
	SIMFS_FAIL,
	/* A pread hands out one wrong bit; a map flips it in the file itself,
	 * as bit rot would. `bit` is taken modulo the bits read; reads of
	 * nothing are passed over. */
	SIMFS_FLIP,
	/* The power goes once the operation is done: every later one fails
	 * with -EIO and changes nothing. */
	SIMFS_CUT,
};

struct simfs_fault {
	enum simfs_fault_kind kind;
	unsigned only;	/* SIMFS_ONLY(op) | ...; 0: every operation */
	uint64_t nth;	/* counted among those from now; 1 is the next */
	bool sticky;	/* that one and all after it */
	int error;	/* SIMFS_FAIL: EIO, ENOSPC, ... */
	size_t written; /* SIMFS_FAIL of a pwrite */
	uint64_t bit;	/* SIMFS_FLIP */
};

#define SIMFS_FAULTS_MAX 4

/* Adds a fault to those waiting, at most SIMFS_FAULTS_MAX. */
void simfs_inject(struct simfs *sim, const struct simfs_fault *fault);
void simfs_clear_faults(struct simfs *sim);
uint64_t simfs_fired(const struct simfs *sim); /* times that any struck */

/* Changes one byte in place, on disk and for readers: damage. */
MUST_CHECK int simfs_damage(struct simfs *sim, const char *path, uint64_t off,
			    unsigned char xor_with);

/* ---- watching ---- */

struct simfs_step {
	uint64_t number; /* from 1 */
	enum simfs_op op;
	const char *path;
	const char *to; /* rename only, else NULL */
	uint64_t off;	/* pread, pwrite */
	size_t len;	/* pread, pwrite, map */
};

/* Called before each operation; sim may be looked at (cut, cloned), not
 * used. */
typedef void simfs_hook(void *arg, const struct simfs *sim,
			const struct simfs_step *step);
void simfs_watch(struct simfs *sim, simfs_hook *hook, void *arg);

/* "op 57: pwrite 'log-3' 4096+120" */
void simfs_step_text(const struct simfs_step *step, struct buf *out);

/* Keeps such a line, with the outcome, of every operation from now on. */
void simfs_trace(struct simfs *sim);
/* The last `lines` of them. */
void simfs_trace_text(const struct simfs *sim, size_t lines, struct buf *out);

/* ---- the power cut ---- */

enum simfs_piece_kind {
	SIMFS_PIECE_SECTOR,
	SIMFS_PIECE_SIZE,
	SIMFS_PIECE_NAME,
};

/* One thing that a restart may find in any of `versions` states: 0 is what is
 * on disk for sure, versions - 1 what readers saw last. */
struct simfs_piece {
	enum simfs_piece_kind kind;
	unsigned versions; /* at least 2 */
	uint64_t file;	   /* the file's number */
	uint64_t at;	   /* sector; or the change's number */
	const void *owner; /* private */
};

/* The choices that there are, were the power cut now. Valid while sim lives
 * and no operation is done on it. */
struct simfs_cut {
	const struct simfs *sim;
	struct simfs_piece *pieces;
	size_t npieces;
};

MUST_CHECK int simfs_cut_init(struct simfs_cut *cut, const struct simfs *sim);
void simfs_cut_release(struct simfs_cut *cut);

/* The file system that a restart finds: choice[i] is the version of piece i.
 * All of it is on disk for sure. NULL: out of memory. */
struct simfs *simfs_restart(const struct simfs_cut *cut,
			    const unsigned *choice);

/* The same with the choices made by a function; NULL: of what is not sure,
 * nothing is left. */
typedef unsigned simfs_choose(void *arg, const struct simfs_piece *piece);
struct simfs *simfs_power_cycle(const struct simfs *sim, simfs_choose *choose,
				void *arg);

/* What was lost under this choice: "sector 3 of 'log-1': version 0 of 2". */
void simfs_choice_text(const struct simfs_cut *cut, const unsigned *choice,
		       struct buf *out);

/*
 * Walks the choices: all of them if there are at most `limit`; else, as far as
 * limit allows, first the telling ones (nothing, everything, each piece alone
 * missing, each alone present, each old version, the first and last half,
 * alternating, data without names and sizes and the reverse), then random ones
 * from seed.
 *
 *	simfs_walk_init(&w, &cut, 256, seed);
 *	while ((choice = simfs_walk_next(&w)) != NULL)
 *		... simfs_restart(&cut, choice) ...
 *	simfs_walk_release(&w);
 */
struct simfs_walk {
	const struct simfs_cut *cut;
	unsigned *choice;
	uint64_t limit;
	uint64_t given;
	uint64_t random; /* state of the generator */
	size_t at;	 /* within a family */
	unsigned old;
	int family;
	bool exhaustive;
};

MUST_CHECK int simfs_walk_init(struct simfs_walk *w,
			       const struct simfs_cut *cut, uint64_t limit,
			       uint64_t seed);
const unsigned *simfs_walk_next(struct simfs_walk *w); /* NULL: the end */
void simfs_walk_release(struct simfs_walk *w);

#endif

/*
 * segment.h - one segment file: its place in the log, its mapping, its
 * accounts. See format.h for the bytes.
 *
 * Life: planned (number and size are known, no file yet; records already have
 * their places in it) -> active (file exists, takes appends) -> full -> sealed
 * (its end is in the file itself and it has a side file) -> released. Segments
 * that compaction wrote begin their life sealed.
 */
#ifndef STORE_SEGMENT_H
#define STORE_SEGMENT_H

#include "base/fs.h"
#include "store/format.h"

struct side;
struct log_part;

struct segment {
	struct segment_header header;
	uint64_t seed;
	unsigned slot; /* in the store's table; see location.h */
	struct file *file;
	const char *base; /* mapping of the whole file; NULL while planned */
	uint64_t mapped;
	uint64_t tail;	  /* where the next record goes, or the end */
	uint64_t durable; /* all before it is on disk and in the mapping */
	uint64_t records;
	bool unvouched; /* no record says yet that the last group is synced */
	bool full;	/* no more appends */
	bool sealed;	/* the seal is on disk */
	bool failed;	/* a sync failed: never write to this file again */
	bool victim;	/* compaction is at work on it */
	bool forming;	/* compaction copies to it: not the owner's yet */
	bool revived;	/* a victim got items back: it is not to go */
	struct side *side;     /* NULL until written */
	struct log_part *part; /* replicated: where its entries lie, or NULL */

	/* Accounts, in bytes as location_size() counts them. */
	uint64_t live;		   /* items that the index points to */
	uint64_t tombstones;	   /* deletions not yet proven superfluous */
	uint64_t tombstone_newest; /* highest version among them */
	bool tombstones_due;	   /* some may have become superfluous */
};

/* Name of the file inside its directory: "0000000000000001.log". The buffer
 * needs SEGMENT_NAME_MAX bytes. */
#define SEGMENT_NAME_MAX 32
void segment_name(char *buf, uint64_t number);
void segment_side_name(char *buf, uint64_t number);
/* "DIR/0000000000000001.log"; NULL: out of memory. */
char *segment_path(const char *dir, uint64_t number);
/* True if `name` is that of a segment (or side file); the number into *n. */
bool segment_name_parse(const char *name, const char *suffix, uint64_t *n);

/* Name of a spare, "spare.0000000000000001". Numbers of spares and segments
 * come from one sequence, so that no file ever takes another's name. */
void spare_name(char *buf, uint64_t number);
bool spare_name_parse(const char *name, uint64_t *n);

/* A planned segment; NULL: out of memory. */
struct segment *segment_new(const struct segment_header *header);
void segment_free(struct segment *seg); /* unmaps and closes; NULL is allowed */

/* Opens an existing file and reads header and seal. Errors name the file. */
MUST_CHECK int segment_open(struct fs *fs, const char *dir, uint64_t number,
			    uint64_t store_id, bool writable,
			    struct segment **out);

/* Maps the file of a segment that has just got one. 0 or -errno. */
MUST_CHECK int segment_map(struct segment *seg);

/* Writes the seal and syncs it; changes nothing in *seg. 0 or -errno. */
MUST_CHECK int segment_write_seal(const struct segment *seg, uint64_t records,
				  uint64_t now_ms);
/* Writes the seal that was read once more, and syncs it. 0 or -errno. */
MUST_CHECK int segment_repeat_seal(const struct segment *seg);

#endif

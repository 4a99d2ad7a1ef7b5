/*
 * format.h - the bytes of a segment file: header, seal, records, items.
 *
 * kv-store(5) describes the same for readers outside; format version 1. All
 * numbers are little-endian. A segment is
 *
 *	0	header (once, before the segment takes part)
 *	512	seal (once, when it is full: where it ends)
 *	4096	records, each starting at a multiple of 8
 *
 * A record is one atomic unit under one checksum, which is seeded with the
 * store's id and the segment's number: what a recycled file held before can
 * never pass for something new. A record holds items, one a key.
 */
#ifndef STORE_FORMAT_H
#define STORE_FORMAT_H

#include "base/bytes.h"
#include "base/slice.h"

#define FORMAT_VERSION 1u

#define SEGMENT_HEADER_AT 0u
#define SEGMENT_SEAL_AT 512u
#define SEGMENT_BLOCK 512u /* header and seal each own one sector */
#define SEGMENT_RECORDS_AT 4096u

/* The header says what the segment is and where the log before it ends. */
struct segment_header {
	uint64_t store_id;
	uint64_t number;
	uint64_t size;	       /* of the file when it was started */
	uint64_t base_version; /* highest version given out before it */
	uint64_t prev_number;  /* segment that the log left for this; 0: none */
	uint64_t prev_end;     /* and the offset where that one ends */
	uint64_t started_ms;   /* wall clock */
	/* Of replicated stores; they share a place, as no segment has both. */
	uint64_t base_term; /* in the log: the term of entry base_version */
	uint64_t committed; /* compacted: the log was committed up to here */
	bool compacted;	    /* holds copies that compaction made */
};

struct segment_seal {
	uint64_t end; /* first byte after the last record */
	uint64_t records;
	uint64_t sealed_ms;
};

/* Fill a SEGMENT_BLOCK of bytes; and read one: false if it is not valid. */
void segment_header_encode(char *block, const struct segment_header *h);
bool segment_header_decode(const char *block, struct segment_header *h,
			   uint32_t *format_version);
void segment_seal_encode(char *block, const struct segment_seal *s,
			 uint64_t seed);
bool segment_seal_decode(const char *block, struct segment_seal *s,
			 uint64_t seed);

/* The seed of every checksum in that segment. */
uint64_t segment_seed(uint64_t store_id, uint64_t number);

/*
 * Record: checksum (8, of all that follows), magic (4, from the seed), length
 * of the items with padding (4), version (8), term (8), synced (4), count (4).
 *
 * `synced` is an offset in units of 8: all before it in this segment was on
 * disk before this record was written. So a bad record is damage if a later
 * one vouches for it, and the torn end of a write that nobody was told of if
 * none does.
 */
#define RECORD_HEADER 40u
#define RECORD_ALIGN 8u
#define RECORD_LENGTH_MAX ((1u << 30) + (1u << 27)) /* 1 GiB and headroom */

struct record {
	uint32_t length;
	uint32_t count;
	uint64_t version;
	uint64_t term;
	uint64_t synced; /* in bytes */
};

static inline uint32_t record_magic(uint64_t seed)
{
	return (uint32_t)(seed >> 32) | 1u; /* never 0: zeroed space is none */
}

/* Writes all but magic, synced and checksum, which record_seal() adds when it
 * is known where and when the record goes to disk. */
void record_encode(char *at, const struct record *r);
void record_seal(char *at, uint64_t seed, uint64_t synced);

/*
 * Reads the record at `at`, of which `room` bytes are left in the segment.
 * False if there is none: wrong magic, impossible length, or a checksum that
 * does not match (unless verify is off, for bytes verified before).
 */
bool record_decode(const char *at, uint64_t room, uint64_t seed, bool verify,
		   struct record *r);

/*
 * Item: value length (4), key length (3), flags (1), version (8, absent with
 * ITEM_FIRST: it is the record's), expiry in ms (8, with ITEM_TTL), key, value,
 * padding to 8.
 */
enum item_flags {
	ITEM_FIRST = 1,	    /* first in its record */
	ITEM_TTL = 2,	    /* has an expiry */
	ITEM_TOMBSTONE = 4, /* the key was deleted; no value */
};

struct stored_item {
	struct slice key;
	struct slice value;
	uint64_t version;
	uint64_t expires_ms;
	uint32_t size; /* bytes in the log, padding included */
	unsigned flags;
};

static inline size_t item_header_size(unsigned flags)
{
	return 8u + (flags & ITEM_FIRST ? 0 : 8u) + (flags & ITEM_TTL ? 8u : 0);
}

/* The key of an item that was decoded before. */
static inline struct slice item_key(const char *at)
{
	uint32_t klen = get_le32(at + 4);

	return slice_of(at + item_header_size(klen >> 24), klen & 0xffffff);
}

/* Bytes that an item takes; 0 if that is over what a record may hold. */
size_t item_size(const struct stored_item *item);
void item_encode(char *at, const struct stored_item *item);

/* Reads the item at `at`; false if it does not fit in `room` bytes. For
 * ITEM_FIRST the record's header must stand right before it. */
bool item_decode(const char *at, uint64_t room, struct stored_item *item);
/* The same without such a header: the version of an ITEM_FIRST is 0. */
bool item_decode_apart(const char *at, uint64_t room, struct stored_item *item);

#endif

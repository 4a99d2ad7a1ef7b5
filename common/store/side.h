/*
 * side.h - the side file of a sealed segment: its keys in order, with the
 * places of their newest items. Opening reads these instead of the values, and
 * compaction asks them whether a segment knows a key. A side file can always
 * be made again from its segment.
 *
 *	header (64): magic (8), segment number (8), segment end (8), entries
 *(8), bytes of the file (8), checksum of all behind the header (8), reserved
 *(8), checksum of the header's first 56 bytes (8) entries, by key: key length
 *(3) and item flags (1), item size / 8 (4), item offset / 8 (4), version (8),
 * expiry (8, with ITEM_TTL), key offsets of the entries in the file (4 each)
 *
 * Checksums are seeded with the segment's seed.
 */
#ifndef STORE_SIDE_H
#define STORE_SIDE_H

#include "store/refs.h"

struct side;

struct side_entry {
	struct slice key;
	uint64_t prefix; /* key_prefix(key) */
	uint64_t version;
	uint64_t expires_ms;
	uint64_t offset; /* of the item in the segment */
	uint32_t size;	 /* of the item */
	unsigned flags;
};

/* Writes it durably. */
MUST_CHECK int side_write(struct fs *fs, const char *dir,
			  const struct segment *seg, const struct refs *refs);

/*
 * KV_ENOTFOUND if there is none; KV_EDAMAGED if it is not whole or not that
 * segment's: make it again, then.
 */
MUST_CHECK int side_open(struct fs *fs, const char *dir,
			 const struct segment *seg, struct side **out);
void side_close(struct side *side); /* NULL is allowed */

size_t side_count(const struct side *side);
uint64_t side_bytes(const struct side *side);
void side_entry_at(const struct side *side, size_t i, struct side_entry *e);

/* Whether the segment has any item of that key. Any thread. */
bool side_has_key(const struct side *side, struct slice key);

#endif

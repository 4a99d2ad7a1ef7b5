/*
 * location.h - where an item lies, in 64 bits: the value that the index keeps.
 *
 *	slot (18 bits)	 which segment, by its place in the table of segments
 *	offset (29 bits) of the item, in units of 8 bytes
 *	ttl (1 bit)	 the item has an expiry
 *	size (16 bits)	 of the item, in units of 8 bytes, as a small float
 *
 * The size is there so that overwriting a key can say how many bytes became
 * garbage without touching the old record, which may be cold. Above 16 KiB it
 * is rounded up by at most a thousandth; since the same number is added and
 * later taken away, the accounts stay exact.
 */
#ifndef STORE_LOCATION_H
#define STORE_LOCATION_H

#include <stdbool.h>
#include <stdint.h>

typedef uint64_t location;

#define LOCATION_SLOTS (1u << 18)
#define LOCATION_OFFSET_MAX ((1ull << 32) - 8)

#define LOCATION_MANTISSA 11

static inline unsigned location_size_code(uint64_t size)
{
	uint64_t units = size / 8;
	unsigned exponent = 0;

	while (units >= 1u << LOCATION_MANTISSA) {
		units = (units + 1) / 2;
		exponent++;
	}
	return exponent << LOCATION_MANTISSA | (unsigned)units;
}

static inline location location_make(unsigned slot, uint64_t offset, bool ttl,
				     uint64_t size)
{
	return (uint64_t)slot << 46 | offset / 8 << 17 | (uint64_t)ttl << 16 |
	       location_size_code(size);
}

static inline unsigned location_slot(location l)
{
	return (unsigned)(l >> 46);
}

static inline uint64_t location_offset(location l)
{
	return (l >> 17 & ((1u << 29) - 1)) * 8;
}

static inline bool location_has_ttl(location l)
{
	return l >> 16 & 1;
}

/* The size as the accounts know it. */
static inline uint64_t location_size(location l)
{
	unsigned code = l & 0xffff;
	uint64_t units = code & ((1u << LOCATION_MANTISSA) - 1);

	return (units << (code >> LOCATION_MANTISSA)) * 8;
}

#endif

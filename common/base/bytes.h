/*
 * bytes.h - little-endian numbers in byte arrays, whatever the host's order or
 * alignment; and whether short runs of bytes are the same. The callers check
 * that the bytes are there.
 */
#ifndef BASE_BYTES_H
#define BASE_BYTES_H

#include <endian.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

static inline uint16_t get_le16(const void *p)
{
	uint16_t v;
	memcpy(&v, p, sizeof(v));
	return le16toh(v);
}

static inline uint32_t get_le32(const void *p)
{
	uint32_t v;
	memcpy(&v, p, sizeof(v));
	return le32toh(v);
}

static inline uint64_t get_le64(const void *p)
{
	uint64_t v;
	memcpy(&v, p, sizeof(v));
	return le64toh(v);
}

static inline void put_le16(void *p, uint16_t v)
{
	v = htole16(v);
	memcpy(p, &v, sizeof(v));
}

static inline void put_le32(void *p, uint32_t v)
{
	v = htole32(v);
	memcpy(p, &v, sizeof(v));
}

static inline void put_le64(void *p, uint64_t v)
{
	v = htole64(v);
	memcpy(p, &v, sizeof(v));
}

/* For short ones, such as keys: a call of memcmp() costs more than the
 * comparison. The last words may overlap those before. */
static inline bool bytes_equal(const char *a, const char *b, size_t n)
{
	if (n > 32)
		return memcmp(a, b, n) == 0;
	if (n < 4) {
		for (size_t i = 0; i < n; i++)
			if (a[i] != b[i])
				return false;
		return true;
	}
	if (n < 8)
		return get_le32(a) == get_le32(b) &&
		       get_le32(a + n - 4) == get_le32(b + n - 4);
	for (size_t i = 0; i + 8 < n; i += 8)
		if (get_le64(a + i) != get_le64(b + i))
			return false;
	return get_le64(a + n - 8) == get_le64(b + n - 8);
}

#endif

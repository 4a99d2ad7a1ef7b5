/*
 * buf.h - a growable run of bytes.
 *
 * Appending never reports failure at once: when memory runs out the buffer
 * remembers it, further appends do nothing, and the one who uses the contents
 * asks buf_failed() first. That keeps encoders readable and still safe.
 */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include "base/slice.h"

#include <stdint.h>

struct buf {
	char *data; /* NULL while empty and never grown */
	size_t len;
	size_t cap;
	bool failed;
};

static inline void buf_init(struct buf *b)
{
	*b = (struct buf){0};
}

void buf_release(struct buf *b);

/* Forgets the contents, keeps the memory, clears a failure. */
void buf_clear(struct buf *b);

/* Gives memory above `keep` bytes of capacity back if the buffer is empty. */
void buf_trim(struct buf *b, size_t keep);

/* buf_reserve() where memory is needed. */
char *buf_grow(struct buf *b, size_t more);

/* Makes room for `more` further bytes; returns where they go, or NULL (and the
 * buffer has failed). The length does not change; see buf_advance(). */
static inline char *buf_reserve(struct buf *b, size_t more)
{
	if (more <= b->cap - b->len && !b->failed && b->data != NULL)
		return b->data + b->len;
	return buf_grow(b, more);
}

static inline void buf_advance(struct buf *b, size_t n)
{
	b->len += n;
}

void buf_append(struct buf *b, const void *data, size_t len);
void buf_append_str(struct buf *b, const char *s);
void buf_append_u64(struct buf *b, uint64_t v); /* decimal digits */
void buf_printf(struct buf *b, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* The decimal digits of v, which lie in `room`. */
#define DIGITS_MAX 20u
struct slice u64_digits(uint64_t v, char room[DIGITS_MAX]);

static inline void buf_append_slice(struct buf *b, struct slice s)
{
	buf_append(b, s.data, s.len);
}

static inline void buf_append_char(struct buf *b, char c)
{
	if (b->len < b->cap)
		b->data[b->len++] = c;
	else
		buf_append(b, &c, 1);
}

/* Drops the first n bytes. */
void buf_consume(struct buf *b, size_t n);

static inline bool buf_failed(const struct buf *b)
{
	return b->failed;
}

static inline struct slice buf_slice(const struct buf *b)
{
	return slice_of(b->data, b->len);
}

#endif

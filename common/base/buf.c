/*
 * buf.c - see buf.h. Capacity doubles, so that n appends cost O(n) copies.
 */
#include "base/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define BUF_MIN_CAP 64

void buf_release(struct buf *b)
{
	free(b->data);
	buf_init(b);
}

void buf_clear(struct buf *b)
{
	b->len = 0;
	b->failed = false;
}

void buf_trim(struct buf *b, size_t keep)
{
	if (b->len == 0 && b->cap > keep)
		buf_release(b);
}

char *buf_grow(struct buf *b, size_t more)
{
	size_t want, cap;
	char *data;

	if (b->failed)
		return NULL;
	if (__builtin_add_overflow(b->len, more, &want))
		goto fail;
	cap = b->cap ? b->cap : BUF_MIN_CAP;
	while (cap < want)
		if (__builtin_mul_overflow(cap, 2, &cap))
			goto fail;
	data = realloc(b->data, cap);
	if (data == NULL)
		goto fail;
	b->data = data;
	b->cap = cap;
	return b->data + b->len;
fail:
	b->failed = true;
	return NULL;
}

void buf_append(struct buf *b, const void *data, size_t len)
{
	char *p;

	if (len == 0)
		return;
	p = buf_reserve(b, len);
	if (p != NULL) {
		memcpy(p, data, len);
		b->len += len;
	}
}

void buf_append_str(struct buf *b, const char *s)
{
	buf_append(b, s, strlen(s));
}

struct slice u64_digits(uint64_t v, char room[DIGITS_MAX])
{
	size_t at = DIGITS_MAX;

	do {
		room[--at] = (char)('0' + v % 10);
		v /= 10;
	} while (v != 0);
	return slice_of(room + at, DIGITS_MAX - at);
}

void buf_append_u64(struct buf *b, uint64_t v)
{
	char room[DIGITS_MAX];

	buf_append_slice(b, u64_digits(v, room));
}

void buf_printf(struct buf *b, const char *fmt, ...)
{
	va_list ap;
	char *p;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	if (n < 0) {
		b->failed = true;
		return;
	}
	p = buf_reserve(b, (size_t)n + 1);
	if (p == NULL)
		return;
	va_start(ap, fmt);
	vsnprintf(p, (size_t)n + 1, fmt, ap);
	va_end(ap);
	b->len += (size_t)n;
}

void buf_consume(struct buf *b, size_t n)
{
	b->len -= n;
	if (b->len != 0)
		memmove(b->data, b->data + n, b->len);
}

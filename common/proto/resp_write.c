/*
 * resp_write.c - see resp_write.h.
 */
#include "proto/resp_write.h"

#include <stdarg.h>
#include <stdio.h>

static char *put_long_number(char *p, uint64_t n)
{
	char digits[20];
	size_t at = sizeof(digits);

	do {
		digits[--at] = (char)('0' + n % 10);
		n /= 10;
	} while (n != 0);
	memcpy(p, digits + at, sizeof(digits) - at);
	return p + (sizeof(digits) - at);
}

/* Nearly all lengths have at most three digits: those need no second pass. */
static inline char *put_number(char *p, uint64_t n)
{
	unsigned v = (unsigned)n;

	if (n >= 1000)
		return put_long_number(p, n);
	if (v >= 100)
		*p++ = (char)('0' + v / 100);
	if (v >= 10)
		*p++ = (char)('0' + v / 10 % 10);
	*p++ = (char)('0' + v % 10);
	return p;
}

/* A type, a decimal number, CR LF: 24 bytes at most. */
static inline char *put_head(char *p, char type, uint64_t n, bool negative)
{
	*p++ = type;
	if (negative)
		*p++ = '-';
	p = put_number(p, n);
	*p++ = '\r';
	*p++ = '\n';
	return p;
}

#define HEAD_MAX 24

static void head(struct buf *out, char type, uint64_t n, bool negative)
{
	char *p = buf_reserve(out, HEAD_MAX);

	if (p != NULL)
		out->len = (size_t)(put_head(p, type, n, negative) - out->data);
}

void resp_bulk(struct buf *out, struct slice bytes)
{
	char *p = buf_reserve(out, bytes.len + HEAD_MAX + 2);

	if (p == NULL)
		return;
	p = put_head(p, '$', bytes.len, false);
	if (bytes.len != 0)
		memcpy(p, bytes.data, bytes.len);
	p += bytes.len;
	*p++ = '\r';
	*p++ = '\n';
	out->len = (size_t)(p - out->data);
}

void resp_bulk_str(struct buf *out, const char *text)
{
	resp_bulk(out, slice_str(text));
}

void resp_integer(struct buf *out, int64_t value)
{
	uint64_t n = (uint64_t)value;

	head(out, ':', value < 0 ? 0 - n : n, value < 0);
}

void resp_status(struct buf *out, const char *text)
{
	buf_append_char(out, '+');
	buf_append_str(out, text);
	buf_append(out, "\r\n", 2);
}

void resp_error(struct buf *out, const char *fmt, ...)
{
	size_t at = out->len;
	va_list ap;
	char text[1024];

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	buf_append_char(out, '-');
	buf_append_str(out, text);
	for (; at < out->len; at++)
		if (out->data[at] == '\r' || out->data[at] == '\n')
			out->data[at] = ' ';
	buf_append(out, "\r\n", 2);
}

void resp_array(struct buf *out, size_t n)
{
	head(out, '*', n, false);
}

void resp_map(struct buf *out, size_t n, bool resp3)
{
	if (resp3)
		head(out, '%', n, false);
	else
		head(out, '*', 2 * n, false);
}

void resp_set(struct buf *out, size_t n, bool resp3)
{
	head(out, resp3 ? '~' : '*', n, false);
}

void resp_null(struct buf *out, bool resp3)
{
	buf_append_str(out, resp3 ? "_\r\n" : "$-1\r\n");
}

void resp_null_array(struct buf *out, bool resp3)
{
	buf_append_str(out, resp3 ? "_\r\n" : "*-1\r\n");
}

void resp_text(struct buf *out, struct slice text, bool resp3)
{
	if (!resp3) {
		resp_bulk(out, text);
		return;
	}
	head(out, '=', text.len + 4, false);
	buf_append_str(out, "txt:");
	buf_append_slice(out, text);
	buf_append(out, "\r\n", 2);
}

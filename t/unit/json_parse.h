/*
 * json_parse.h - what the tests of JSON requests share: parsing a line, and
 * comparing what comes of it.
 */
#ifndef UNIT_JSON_PARSE_H
#define UNIT_JSON_PARSE_H

#include "base/err.h"
#include "proto/json.h"
#include "test.h"

#include <stdlib.h>

#define NOW 1000000ull

static struct json_arena *arena; /* made by the first parse of a test */
static struct request req;
static struct slice id;

/* Parses a copy without a NUL behind it, so that a sanitizer sees every step
 * past the end of the line. */
static int parse_bytes(const char *line, size_t len)
{
	static char *copy;

	if (arena == NULL)
		arena = json_arena_new();
	free(copy);
	copy = malloc(len ? len : 1);
	CHECK(arena != NULL && copy != NULL);
	memcpy(copy, line, len);
	return json_request_parse(arena, slice_of(copy, len), NOW, &req, &id);
}

static inline int parse(const char *line)
{
	return parse_bytes(line, strlen(line));
}

#define CHECK_OK(line)                                                \
	do {                                                          \
		if (parse(line) != 0)                                 \
			test_fail(__FILE__, __LINE__, "%s: %s", line, \
				  err_text());                        \
	} while (0)

#define CHECK_SLICE(s, text) \
	CHECK(slice_eq(s, slice_of(text, sizeof(text) - 1)))

/* head, then n times `unit`, then tail. */
static inline char *repeated(const char *head, const char *unit, size_t n,
			     const char *tail)
{
	struct buf b;

	buf_init(&b);
	buf_append_str(&b, head);
	for (size_t i = 0; i < n; i++)
		buf_append_str(&b, unit);
	buf_append(&b, tail, strlen(tail) + 1);
	CHECK(!buf_failed(&b));
	return b.data;
}

#endif

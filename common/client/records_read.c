/*
 * records_read.c - see records.h. The input is read in large pieces into one
 * buffer, and a record is decoded where it lies: unescaping only ever shortens
 * it. So a bulk load costs one search for the ends of lines and one for
 * backslashes; only what was escaped goes through unvis(3).
 */
#include "client/records.h"

#include "base/clock.h"
#include "base/err.h"
#include "client/client.h"
#include "proto/json.h"

#define LIBBSD_OPENBSD_VIS /* no call here differs; the header insists */
#include <bsd/vis.h>
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define READ_SIZE (1u << 18)

/* The largest record, were each byte of it written in six (\u001f). */
#define RECORD_MAX (6 * ((size_t)KV_KEY_MAX + KV_VALUE_MAX) + 1024)

struct record_reader {
	struct buf in;
	size_t at; /* where the next record begins in `in` */
	struct json_arena *arena;
	const char *name;
	uint64_t number; /* of the line or record read last, from 1 */
	uint64_t passed; /* bytes of input dropped before `in` */
	int fd;
	enum record_format format;
	bool ended;
};

struct record_reader *record_reader_new(int fd, const char *name,
					enum record_format format)
{
	struct record_reader *r = calloc(1, sizeof(*r));

	if (r == NULL)
		return NULL;
	r->fd = fd;
	r->name = name;
	r->format = format;
	if (format == RECORD_JSON) {
		r->arena = json_arena_new();
		if (r->arena == NULL) {
			free(r);
			return NULL;
		}
	}
	return r;
}

void record_reader_free(struct record_reader *r)
{
	if (r == NULL)
		return;
	if (r->arena != NULL)
		json_arena_free(r->arena);
	buf_release(&r->in);
	free(r);
}

uint64_t record_reader_bytes(const struct record_reader *r)
{
	return r->passed + r->at;
}

/* "'FILE', line 7: what"; the code is passed on. */
static int bad_record(const struct record_reader *r, int code, const char *what)
{
	char text[ERR_TEXT_MAX / 2];

	/* `what` may be the kept text that err_set() writes over. */
	snprintf(text, sizeof(text), "%s", what);
	return err_set(code, "%s %" PRIu64 " of %s: %s",
		       r->format == RECORD_NUL ? "record" : "line", r->number,
		       r->name, text);
}

/* Reads more input behind what is there. 0 or a code; r->ended at the end. */
static int fill(struct record_reader *r)
{
	char *to;
	ssize_t n;

	if (r->at > 0) {
		buf_consume(&r->in, r->at);
		r->passed += r->at;
		r->at = 0;
	}
	to = buf_reserve(&r->in, READ_SIZE);
	if (to == NULL)
		return err_sys(ENOMEM, "cannot read %s", r->name);
	do
		n = read(r->fd, to, r->in.cap - r->in.len);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return err_sys(errno, "cannot read %s", r->name);
	if (n == 0)
		r->ended = true;
	buf_advance(&r->in, (size_t)n);
	return 0;
}

/*
 * Finds the `end` byte at or after r->at + skip, reading on as needed. *len is
 * how far from r->at it stands. 1; 0 if the input ended without one; a code.
 */
static int find_end(struct record_reader *r, char end, size_t skip, size_t *len)
{
	for (;;) {
		size_t have = r->in.len - r->at;
		const char *from = r->in.data + r->at;
		const char *p = have > skip
					? memchr(from + skip, end, have - skip)
					: NULL;
		int code;

		if (p != NULL) {
			*len = (size_t)(p - from);
			return 1;
		}
		skip = have > skip ? have : skip;
		if (r->ended)
			return 0;
		if (skip > RECORD_MAX)
			return bad_record(r, KV_ETOOBIG,
					  "it is longer than a key and a value "
					  "of full length");
		code = fill(r);
		if (code != 0)
			return code;
	}
}

/* unvis(3) lets a letter stand for itself where vis(3) never writes one, which
 * would silently take the backslash out of C:\quota. */
static bool is_escape(char c)
{
	return !isalpha((unsigned char)c) || strchr("abEfMnrstvx", c) != NULL;
}

/* Decodes in place; false if an escape is not one of vis(3). */
static bool unescape(struct slice *s)
{
	char *text =
		(char *)(uintptr_t)s->data; /* lies in the reader's buffer */
	char *first = s->len != 0 ? memchr(text, '\\', s->len) : NULL;
	char *to = first;
	int state = 0, r;

	if (first == NULL)
		return true;
	for (const char *p = first; p < text + s->len; p++) {
		char c = *p;

		if (c == '\\' && state == 0 && p + 1 < text + s->len &&
		    !is_escape(p[1]))
			return false;
		do {
			r = unvis(to, c, &state, 0);
			if (r == UNVIS_VALID || r == UNVIS_VALIDPUSH)
				to++;
			else if (r != 0 && r != UNVIS_NOCHAR)
				return false;
		} while (r == UNVIS_VALIDPUSH);
	}
	r = unvis(to, '\0', &state, UNVIS_END);
	if (r == UNVIS_VALID)
		to++;
	else if (r != 0 && r != UNVIS_NOCHAR)
		return false;
	s->len = (size_t)(to - text);
	return true;
}

static int check_limits(const struct record_reader *r, const struct change *c)
{
	int code;

	if (c->key.len == 0)
		return bad_record(r, KV_EDATA, "the key is empty");
	code = client_check_key(c->key);
	if (code == 0)
		code = client_check_value(c->value);
	return code == 0 ? 1 : bad_record(r, code, err_text());
}

static int parse_line(struct record_reader *r, struct slice line,
		      struct change *out)
{
	const char *tab = line.len ? memchr(line.data, '\t', line.len) : NULL;

	if (tab == NULL)
		return bad_record(r, KV_EDATA,
				  "no tab between a key and a value");
	*out = (struct change){.kind = CHANGE_SET};
	out->key = slice_of(line.data, (size_t)(tab - line.data));
	out->value = slice_of(tab + 1, line.len - out->key.len - 1);
	if (!unescape(&out->key) || !unescape(&out->value))
		return bad_record(r, KV_EDATA,
				  "a backslash begins no escape of vis(3); "
				  "a backslash itself is written \\\\");
	return check_limits(r, out);
}

static int parse_json(struct record_reader *r, struct slice line,
		      struct change *out)
{
	int code = json_record_parse(r->arena, line, clock_wall_ms(), out);

	return code != 0 ? bad_record(r, code, err_text())
			 : check_limits(r, out);
}

static bool is_blank(struct slice line)
{
	return line.len == 0 || (line.len == 1 && line.data[0] == '\r');
}

/* Takes the next line off the input: 1, 0 at the end, or a code. The last one
 * may lack its newline: people write such files. */
static int next_line(struct record_reader *r, struct slice *line)
{
	size_t len = 0, have;
	int code;

	r->number++;
	code = find_end(r, '\n', 0, &len);
	if (code < 0)
		return code;
	have = r->in.len - r->at;
	if (code == 0 && have == 0)
		return 0;
	if (code == 0)
		len = have;
	*line = slice_of(r->in.data + r->at, len);
	r->at += len + (code != 0);
	return 1;
}

/* Here a missing end means that the input was cut off: no editor leaves a NUL
 * out, and half a value must not pass for a whole one. */
static int next_pair(struct record_reader *r, struct change *out)
{
	size_t key_len = 0, pair_len = 0;
	int code;

	r->number++;
	code = find_end(r, '\0', 0, &key_len);
	if (code == 0 && r->in.len == r->at)
		return 0;
	if (code == 1)
		code = find_end(r, '\0', key_len + 1, &pair_len);
	if (code == 0)
		return bad_record(r, KV_EDATA,
				  "it does not end with a NUL: cut off, or "
				  "without a value");
	if (code < 0)
		return code;
	*out = (struct change){.kind = CHANGE_SET};
	out->key = slice_of(r->in.data + r->at, key_len);
	out->value = slice_of(r->in.data + r->at + key_len + 1,
			      pair_len - key_len - 1);
	r->at += pair_len + 1;
	return check_limits(r, out);
}

int record_reader_next(struct record_reader *r, struct change *out)
{
	struct slice line;
	int code;

	if (r->format == RECORD_NUL)
		return next_pair(r, out);
	do
		code = next_line(r, &line);
	while (code == 1 && r->format == RECORD_JSON && is_blank(line));
	if (code != 1)
		return code;
	return r->format == RECORD_JSON ? parse_json(r, line, out)
					: parse_line(r, line, out);
}

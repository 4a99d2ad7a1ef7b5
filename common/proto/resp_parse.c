/*
 * resp_parse.c - see resp_parse.h.
 *
 * The common case, a command that is whole, is one pass over its lengths that
 * copies nothing: the words point into the input. Of one that is not whole the
 * words stay, and move along if the input has moved in memory. So a command of
 * a million words that trickles in is not read a million times.
 */
#include "proto/resp_parse.h"

#include "base/err.h"
#include "proto/resp_number.h"

#include <ctype.h>

#define WORDS_FIRST 8u

/* "$-1\r\n" is the least that a bulk string takes. */
#define BULK_MIN 5u

/* What is being read. */
struct reader {
	struct resp_parser *p;
	const char *at, *end;
	char *error;
};

static enum resp_parse fail(const struct reader *r, const char *what)
{
	snprintf(r->error, ERR_TEXT_MAX, "Protocol error: %s", what);
	return RESP_PARSE_ERROR;
}

void resp_parser_release(struct resp_parser *p)
{
	free(p->words);
	free(p->line);
	*p = (struct resp_parser){0};
}

static bool add_word(struct resp_parser *p, struct slice word)
{
	if (p->nwords == p->cap) {
		size_t cap = p->cap != 0 ? 2 * p->cap : WORDS_FIRST;
		struct slice *words = realloc(p->words, cap * sizeof(*words));

		if (words == NULL)
			return false;
		p->words = words;
		p->cap = cap;
	}
	p->words[p->nwords++] = word;
	return true;
}

/* The number on a line behind its first byte: "*3\r\n", "$100\r\n". */
static enum resp_parse read_length(struct reader *r, int64_t *value,
				   const char *too_long, const char *invalid)
{
	const char *from = r->at + 1, *p = from, *cr;
	uint64_t v = 0;

	/* Nine digits, no sign, no zero in front: nearly always. */
	while (p < r->end && p - from < 9 && *p >= '0' && *p <= '9')
		v = v * 10 + (uint64_t)(*p++ - '0');
	if (r->end - p >= 2 && p[0] == '\r' && p[1] == '\n' && p != from &&
	    (*from != '0' || p - from == 1)) {
		*value = (int64_t)v;
		r->at = p + 2;
		return RESP_PARSE_COMMAND;
	}
	cr = memchr(r->at, '\r', (size_t)(r->end - r->at));
	if (cr == NULL || r->end - cr < 2) {
		if (r->end - r->at > (ptrdiff_t)RESP_LINE_MAX)
			return fail(r, too_long);
		return RESP_PARSE_MORE;
	}
	if (cr[1] != '\n' ||
	    !resp_parse_int(slice_of(from, (size_t)(cr - from)), value))
		return fail(r, invalid);
	r->at = cr + 2;
	return RESP_PARSE_COMMAND;
}

static enum resp_parse read_bulk(struct reader *r, size_t max)
{
	const char *head = r->at;
	enum resp_parse result;
	char what[32];
	int64_t len;

	if (r->at == r->end)
		return RESP_PARSE_MORE;
	if (*r->at != '$') {
		snprintf(what, sizeof(what), "expected '$', got '%c'", *r->at);
		return fail(r, what);
	}
	result = read_length(r, &len, "too big bulk count string",
			     "invalid bulk length");
	if (result != RESP_PARSE_COMMAND)
		return result;
	if (len < 0 || (uint64_t)len > max)
		return fail(r, "invalid bulk length");
	if ((size_t)(r->end - r->at) < (size_t)len + 2) {
		r->at = head;
		return RESP_PARSE_MORE;
	}
	if (r->at[len] != '\r' || r->at[len + 1] != '\n')
		return fail(r, "expected CR LF behind a bulk string");
	if (!add_word(r->p, slice_of(r->at, (size_t)len)))
		return RESP_PARSE_NOMEM;
	r->at += len + 2;
	return RESP_PARSE_COMMAND;
}

/* The input lies elsewhere than when the words were found. */
static void move_words(struct resp_parser *p, const char *base)
{
	for (size_t i = 0; i < p->nwords; i++)
		p->words[i].data = base + ((uintptr_t)p->words[i].data -
					   (uintptr_t)p->base);
}

static enum resp_parse read_array(struct reader *r, const char *base,
				  size_t max)
{
	struct resp_parser *p = r->p;
	enum resp_parse result;
	int64_t count;

	if (p->left == 0) {
		result = read_length(r, &count, "too big mbulk count string",
				     "invalid multibulk length");
		if (result != RESP_PARSE_COMMAND)
			return result;
		if (count > INT32_MAX ||
		    (count > 0 && (uint64_t)count > max / BULK_MIN))
			return fail(r, "invalid multibulk length");
		p->left = count > 0 ? (uint64_t)count : 0;
	}
	for (; p->left != 0; p->left--) {
		result = read_bulk(r, max);
		if (result == RESP_PARSE_COMMAND)
			continue;
		if (result == RESP_PARSE_MORE && (size_t)(r->end - base) >= max)
			return fail(r, "the command is over the limit");
		p->at = (size_t)(r->at - base);
		p->base = base;
		return result;
	}
	return RESP_PARSE_COMMAND;
}

static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)tolower((unsigned char)c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* What a backslash in double quotes stands for; moves *p to its last byte. */
static char read_escape(const char **p, const char *end)
{
	static const char from[] = "nrtba", to[] = "\n\r\t\b\a";
	const char *at = *p + 1, *known;

	if (end - at >= 3 && *at == 'x' && hex_value(at[1]) >= 0 &&
	    hex_value(at[2]) >= 0) {
		*p = at + 2;
		return (char)(hex_value(at[1]) * 16 + hex_value(at[2]));
	}
	*p = at;
	known = memchr(from, *at, sizeof(from) - 1);
	return known != NULL ? to[known - from] : *at;
}

static bool is_blank(char c)
{
	return isspace((unsigned char)c) != 0;
}

/* One word from *p on, unquoted to *to; both move on. False: its quotes are
 * not closed, or closed in the middle of a word. */
static bool read_word(const char **p, const char *end, char **to)
{
	char quote = 0;

	for (; *p < end; ++*p) {
		char c = **p;

		if (quote == 0 && is_blank(c))
			return true;
		if (quote == 0 && (c == '"' || c == '\'')) {
			quote = c;
		} else if (quote != 0 && c == quote) {
			++*p;
			return *p == end || is_blank(**p);
		} else if (quote == '"' && c == '\\' && end - *p > 1) {
			*(*to)++ = read_escape(p, end);
		} else if (quote == '\'' && c == '\\' && end - *p > 1 &&
			   (*p)[1] == '\'') {
			*(*to)++ = *++*p;
		} else {
			*(*to)++ = c;
		}
	}
	return quote == 0;
}

static enum resp_parse split_line(struct reader *r, const char *end)
{
	struct resp_parser *p = r->p;
	const char *nul = memchr(r->at, '\0', (size_t)(end - r->at));
	char *to;

	if (nul != NULL)
		end = nul;
	p->line = malloc((size_t)(end - r->at) + 1);
	if (p->line == NULL)
		return RESP_PARSE_NOMEM;
	to = p->line;
	for (;;) {
		const char *word = to;

		while (r->at < end && is_blank(*r->at))
			r->at++;
		if (r->at == end)
			return RESP_PARSE_COMMAND;
		if (!read_word(&r->at, end, &to))
			return fail(r, "unbalanced quotes in request");
		if (!add_word(p, slice_of(word, (size_t)(to - word))))
			return RESP_PARSE_NOMEM;
	}
}

static enum resp_parse read_line(struct reader *r, const char *base)
{
	struct resp_parser *p = r->p;
	const char *from = base + p->scanned, *lf;
	enum resp_parse result;

	lf = memchr(from, '\n', (size_t)(r->end - from));
	if (lf == NULL) {
		if (r->end - base > (ptrdiff_t)RESP_LINE_MAX)
			return fail(r, "too big inline request");
		p->scanned = (size_t)(r->end - base);
		return RESP_PARSE_MORE;
	}
	p->scanned = 0;
	result = split_line(r, lf);
	r->at = lf + 1;
	return result;
}

/* Forgets the command of the call before. */
static void begin(struct resp_parser *p)
{
	p->nwords = 0;
	if (p->line != NULL) {
		free(p->line);
		p->line = NULL;
	}
	if (p->cap > RESP_WORDS_KEEP) {
		free(p->words);
		p->words = NULL;
		p->cap = 0;
	}
}

enum resp_parse resp_parse(struct resp_parser *p, struct slice input,
			   size_t max, size_t *used, char *error)
{
	struct reader r = {
		.p = p,
		.at = input.data,
		.end = input.data + input.len,
		.error = error,
	};
	enum resp_parse result;

	*used = 0;
	if (p->left == 0) {
		begin(p);
	} else {
		r.at += p->at;
		if (input.data != p->base)
			move_words(p, input.data);
	}
	if (input.len == 0)
		return RESP_PARSE_MORE;
	result = input.data[0] == '*' ? read_array(&r, input.data, max)
				      : read_line(&r, input.data);
	if (result == RESP_PARSE_COMMAND)
		*used = (size_t)(r.at - input.data);
	return result;
}

/* The same for up to nine digits: more would be beyond any limit, and without
 * one, of int64_t. */
static int64_t long_length(const char **p, const char *end, char type)
{
	const char *at = *p, *first = at + 1;
	unsigned digit;
	int64_t v = 0;

	if (end - at < 4 || *at != type)
		return -1;
	while (++at < end && at - first < 9 &&
	       (digit = (unsigned char)*at - '0') <= 9)
		v = v * 10 + digit;
	if (at == first || end - at < 2 || memcmp(at, "\r\n", 2) != 0 ||
	    (*first == '0' && at - first > 1))
		return -1;
	*p = at + 2;
	return v;
}

/* "$12\r\n" at *p: the number; moves *p behind it. -1: not quite so. Every
 * word that anybody sends has one, nearly always of up to three digits. */
static inline int64_t whole_length(const char **p, const char *end, char type)
{
	const unsigned char *at = (const unsigned char *)*p;
	unsigned a, b, c;

	if (end - *p < 5 || at[0] != (unsigned char)type)
		return long_length(p, end, type);
	a = at[1] - '0';
	b = at[2] - '0';
	if (a <= 9 && memcmp(at + 2, "\r\n", 2) == 0) {
		*p += 4;
		return a;
	}
	if (a - 1 < 9 && b <= 9 && memcmp(at + 3, "\r\n", 2) == 0) {
		*p += 5;
		return a * 10 + b;
	}
	c = at[3] - '0';
	if (a - 1 < 9 && b <= 9 && c <= 9 && end - *p > 5 &&
	    memcmp(at + 4, "\r\n", 2) == 0) {
		*p += 6;
		return a * 100 + b * 10 + c;
	}
	return long_length(p, end, type);
}

size_t resp_parse_whole(struct slice input, size_t max, struct slice *words,
			size_t room, size_t *nwords)
{
	const char *p = input.data, *end = input.data + input.len;
	int64_t count = whole_length(&p, end, '*');

	if (count <= 0 || (size_t)count > room)
		return 0;
	for (int64_t i = 0; i < count; i++) {
		int64_t len = whole_length(&p, end, '$');

		if (len < 0 || (size_t)len > max || end - p < len + 2 ||
		    memcmp(p + len, "\r\n", 2) != 0)
			return 0;
		words[i] = slice_of(p, (size_t)len);
		p += len + 2;
	}
	*nwords = (size_t)count;
	return (size_t)(p - input.data);
}

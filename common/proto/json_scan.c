/*
 * json_scan.c - see json_scan.h. One pass, no recursion: a bit for each open
 * level says whether it is an object. Plain text goes by eight bytes at a time,
 * so the pass costs a fraction of the parse behind it.
 */
#include "proto/json_scan.h"

#include "base/err.h"
#include "proto/json.h"
#include "proto/json_text.h"

#define NOT_UTF8                                                  \
	"holds bytes that are not UTF-8: send them as base64 in " \
	"'key64' or 'value64'"

enum step {
	STEP_VALUE,
	STEP_NAME,
	STEP_AFTER, /* behind a value */
	STEP_DONE,
	STEP_FAIL, /* with scanner.code */
};

struct scanner {
	const char *start, *at, *end;
	struct slice name; /* raw; of the member that was met last */
	uint64_t objects;  /* bit d: the level that is d deep is an object */
	unsigned depth;
	unsigned max_values;
	unsigned values;	 /* outside the list */
	unsigned element_values; /* in this member of the list */
	bool in_list;
	int code;
	struct json_scan *out;
};

static bool bad(struct scanner *s, const char *what)
{
	if (s->at >= s->end)
		s->code =
			err_set(KV_EDATA,
				"not valid JSON: the line ends where %s", what);
	else
		s->code = err_set(KV_EDATA, "not valid JSON at byte %zu: %s",
				  (size_t)(s->at - s->start) + 1, what);
	return false;
}

static enum step fail(struct scanner *s, const char *what)
{
	bad(s, what);
	return STEP_FAIL;
}

static bool bad_member(struct scanner *s, const char *what)
{
	char name[JSON_SHOWN_MAX];

	s->code = err_set(KV_EDATA, "'%s' %s (byte %zu)",
			  json_shown(s->name, name), what,
			  (size_t)(s->at - s->start) + 1);
	return false;
}

static void skip_space(struct scanner *s)
{
	while (s->at < s->end && (*s->at == ' ' || *s->at == '\t' ||
				  *s->at == '\r' || *s->at == '\n'))
		s->at++;
}

static bool at_char(const struct scanner *s, char c)
{
	return s->at < s->end && *s->at == c;
}

/* The four digits behind "\u" at s->at; -1 if they are not. */
static int hex4(const struct scanner *s)
{
	int v = 0;

	if (s->end - s->at < 6)
		return -1;
	for (int i = 2; i < 6; i++) {
		char c = s->at[i];

		if (c >= '0' && c <= '9')
			v = v << 4 | (c - '0');
		else if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f')
			v = v << 4 | ((c | 0x20) - 'a' + 10);
		else
			return -1;
	}
	return v;
}

static bool scan_unicode(struct scanner *s)
{
	int v = hex4(s);

	if (v < 0)
		return bad(s, "four hexadecimal digits must follow '\\u'");
	if (v == 0)
		return bad_member(s, "holds \\u0000, which text cannot: send "
				     "it as base64 in 'key64' or 'value64'");
	if (v >= 0xdc00 && v <= 0xdfff)
		goto lone;
	if (v >= 0xd800 && v <= 0xdbff) {
		s->at += 6;
		if (!at_char(s, '\\') || s->end - s->at < 2 || s->at[1] != 'u')
			goto lone;
		v = hex4(s);
		if (v < 0xdc00 || v > 0xdfff)
			goto lone;
	}
	s->at += 6;
	return true;
lone:
	return bad_member(s, "holds half of a surrogate pair, which is no "
			     "character");
}

static bool scan_escape(struct scanner *s)
{
	if (s->end - s->at >= 2) {
		switch (s->at[1]) {
		case '"':
		case '\\':
		case '/':
		case 'b':
		case 'f':
		case 'n':
		case 'r':
		case 't':
			s->at += 2;
			return true;
		case 'u':
			return scan_unicode(s);
		default:
			break;
		}
	}
	return bad(s, "an escape is not valid");
}

/* From the opening quote to behind the closing one. */
static bool scan_string(struct scanner *s)
{
	const char *past;

	s->at++;
	for (;;) {
		s->at = json_skip_plain(s->at, s->end);
		if (s->at == s->end)
			return bad(s, "a string is not closed");
		if (*s->at == '"') {
			s->at++;
			return true;
		}
		if (*s->at == '\\') {
			if (!scan_escape(s))
				return false;
		} else if ((unsigned char)*s->at >= 0x80) {
			past = json_skip_utf8(s->at, s->end);
			if (past == NULL)
				return bad_member(s, NOT_UTF8);
			s->at = past;
		} else {
			return bad(s, "a control character in a string must "
				      "be escaped");
		}
	}
}

static bool scan_digits(struct scanner *s)
{
	const char *first = s->at;

	while (s->at < s->end && *s->at >= '0' && *s->at <= '9')
		s->at++;
	if (s->at != first)
		return true;
	return bad(s, "a digit is missing");
}

static bool scan_number(struct scanner *s)
{
	const char *first = s->at;

	if (*s->at == '-')
		s->at++;
	if (at_char(s, '0'))
		s->at++;
	else if (!scan_digits(s))
		return false;
	if (at_char(s, '.')) {
		s->at++;
		if (!scan_digits(s))
			return false;
	}
	if (at_char(s, 'e') || at_char(s, 'E')) {
		s->at++;
		if (at_char(s, '+') || at_char(s, '-'))
			s->at++;
		if (!scan_digits(s))
			return false;
	}
	if ((size_t)(s->at - first) <= JSON_NUMBER_MAX)
		return true;
	s->at = first;
	return bad(s, "a number has more than 63 characters");
}

static bool scan_word(struct scanner *s, const char *word)
{
	size_t len = strlen(word);

	if ((size_t)(s->end - s->at) < len || memcmp(s->at, word, len) != 0)
		return bad(s, "a value is missing");
	s->at += len;
	return true;
}

static bool is_name(const struct scanner *s, const char *name)
{
	return slice_eq(s->name, slice_str(name));
}

/* A list is taken out of the tree if it is the first of its names. */
static bool begins_list(const struct scanner *s)
{
	return s->depth == 1 && s->out->list.data == NULL &&
	       (is_name(s, "items") || is_name(s, "keys") ||
		is_name(s, "results"));
}

static bool count_value(struct scanner *s)
{
	unsigned *n = s->in_list ? &s->element_values : &s->values;

	if (s->in_list && s->depth == 2) {
		s->out->list_count++;
		*n = 0;
	}
	if (++*n <= s->max_values)
		return true;
	s->code = err_set(KV_ETOOBIG,
			  "more than %u values in one object (byte %zu)",
			  s->max_values, (size_t)(s->at - s->start) + 1);
	return false;
}

static enum step close_level(struct scanner *s)
{
	s->depth--;
	if (s->in_list && s->depth == 1) {
		s->in_list = false;
		s->out->list.len = (size_t)(s->at - s->out->list.data);
	}
	s->at++;
	return STEP_AFTER;
}

static enum step open_level(struct scanner *s)
{
	bool object = *s->at == '{';

	if (s->depth == JSON_DEPTH_MAX)
		return fail(s, "nested more than 32 deep");
	s->at++;
	if (!object && begins_list(s)) {
		s->in_list = true;
		s->out->list = slice_of(s->at, 0);
	}
	s->depth++;
	s->objects = (s->objects & ~(1ull << s->depth)) |
		     ((uint64_t)object << s->depth);
	skip_space(s);
	if (at_char(s, object ? '}' : ']'))
		return close_level(s);
	return object ? STEP_NAME : STEP_VALUE;
}

static enum step note_id(struct scanner *s, const char *first)
{
	size_t len = (size_t)(s->at - first);

	if (*first != '"' && *first != '-' &&
	    !(*first >= '0' && *first <= '9')) {
		bad_member(s, "must be a string or a number");
		return STEP_FAIL;
	}
	if (len > JSON_ID_MAX) {
		s->code = err_set(KV_ETOOBIG,
				  "'id' has %zu bytes, over the limit of %u",
				  len, JSON_ID_MAX);
		return STEP_FAIL;
	}
	if (s->out->id.data == NULL)
		s->out->id = slice_of(first, len);
	return STEP_AFTER;
}

static enum step step_value(struct scanner *s)
{
	const char *first;
	bool id, ok;

	skip_space(s);
	if (s->at == s->end)
		return fail(s, "a value is missing");
	if (s->depth == 0 && *s->at != '{')
		return fail(s, "the line must be an object, '{...}'");
	if (!count_value(s))
		return STEP_FAIL;
	first = s->at;
	id = s->depth == 1 && is_name(s, "id");
	switch (*first) {
	case '{':
	case '[':
		return id ? note_id(s, first) : open_level(s);
	case '"':
		ok = scan_string(s);
		break;
	case 't':
		ok = scan_word(s, "true");
		break;
	case 'f':
		ok = scan_word(s, "false");
		break;
	case 'n':
		ok = scan_word(s, "null");
		break;
	default:
		if (*first != '-' && !(*first >= '0' && *first <= '9'))
			return fail(s, "a value is missing");
		ok = scan_number(s);
		break;
	}
	if (!ok)
		return STEP_FAIL;
	return id ? note_id(s, first) : STEP_AFTER;
}

static enum step step_name(struct scanner *s)
{
	const char *first;

	skip_space(s);
	if (!at_char(s, '"'))
		return fail(s, "a member's name is missing");
	first = s->at + 1;
	if (!scan_string(s))
		return STEP_FAIL;
	s->name = slice_of(first, (size_t)(s->at - first) - 1);
	skip_space(s);
	if (!at_char(s, ':'))
		return fail(s, "a ':' is missing");
	s->at++;
	return STEP_VALUE;
}

static enum step step_after(struct scanner *s)
{
	bool object = s->objects >> s->depth & 1;

	skip_space(s);
	if (s->depth == 0) {
		if (s->at == s->end)
			return STEP_DONE;
		return fail(s, "something stands behind the object");
	}
	if (at_char(s, ',')) {
		s->at++;
		return object ? STEP_NAME : STEP_VALUE;
	}
	if (at_char(s, object ? '}' : ']'))
		return close_level(s);
	return fail(s, object ? "a ',' or '}' is missing"
			      : "a ',' or ']' is missing");
}

int json_scan(struct slice line, unsigned max_values, struct json_scan *out)
{
	struct scanner s = {
		.start = line.data,
		.at = line.data,
		.end = line.len ? line.data + line.len : line.data,
		.max_values = max_values,
		.out = out,
	};
	enum step step = STEP_VALUE;

	*out = (struct json_scan){0};
	if (line.len == 0) {
		fail(&s, "a value is missing");
		return s.code;
	}
	for (;;) {
		switch (step) {
		case STEP_VALUE:
			step = step_value(&s);
			break;
		case STEP_NAME:
			step = step_name(&s);
			break;
		case STEP_AFTER:
			step = step_after(&s);
			break;
		case STEP_DONE:
			return 0;
		case STEP_FAIL:
			return s.code;
		}
	}
}

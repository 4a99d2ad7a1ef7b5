/*
 * json_ahead.c - see json_ahead.h. One pass over each line; whatever is not
 * quite as expected ends it, for json_request_parse() knows better. So all that
 * is accepted here must mean the same there.
 */
#include "proto/json_ahead.h"

#include "proto/json.h"
#include "proto/json_text.h"

enum member {
	MEMBER_OP,
	MEMBER_KEY,
	MEMBER_VALUE,
	MEMBER_ID,
	MEMBERS,
};

struct reader {
	const char *at, *end;
	struct slice found[MEMBERS]; /* data NULL: not yet */
};

static inline bool is(struct slice s, const char *word, size_t len)
{
	return s.len == len && bytes_equal(s.data, word, len);
}

#define IS(s, word) is(s, word, sizeof(word) - 1)

static inline void skip_space(struct reader *r)
{
	while (r->at < r->end && *r->at == ' ')
		r->at++;
}

static inline bool skip_char(struct reader *r, char c)
{
	if (r->at == r->end || *r->at != c)
		return false;
	r->at++;
	return true;
}

/* The inside of a string without escapes. */
static inline bool read_string(struct reader *r, struct slice *out)
{
	const char *from = r->at + 1, *p;

	if (!skip_char(r, '"'))
		return false;
	p = json_skip_plain(from, r->end);
	while (p < r->end && (unsigned char)*p >= 0x80) {
		p = json_skip_utf8(p, r->end);
		if (p == NULL)
			return false;
		p = json_skip_plain(p, r->end);
	}
	r->at = p;
	*out = slice_of(from, (size_t)(p - from));
	return skip_char(r, '"');
}

/* "id" is kept as it is written: a string, or here a number of digits. */
static bool read_id(struct reader *r, struct slice *out)
{
	const char *from = r->at;
	struct slice inside;

	if (r->at < r->end && *r->at == '"') {
		if (!read_string(r, &inside))
			return false;
	} else {
		while (r->at < r->end && *r->at >= '0' && *r->at <= '9')
			r->at++;
		if (r->at == from || r->at - from > 15 ||
		    (*from == '0' && r->at - from > 1))
			return false;
	}
	*out = slice_of(from, (size_t)(r->at - from));
	return out->len <= JSON_ID_MAX;
}

static inline enum member member_of(struct slice name)
{
	if (IS(name, "op"))
		return MEMBER_OP;
	if (IS(name, "key"))
		return MEMBER_KEY;
	if (IS(name, "value"))
		return MEMBER_VALUE;
	return IS(name, "id") ? MEMBER_ID : MEMBERS;
}

static bool read_member(struct reader *r)
{
	enum member member;
	struct slice name;

	if (!read_string(r, &name))
		return false;
	member = member_of(name);
	if (member == MEMBERS || r->found[member].data != NULL)
		return false;
	skip_space(r);
	if (!skip_char(r, ':'))
		return false;
	skip_space(r);
	return member == MEMBER_ID ? read_id(r, &r->found[member])
				   : read_string(r, &r->found[member]);
}

static bool read_object(struct reader *r)
{
	if (!skip_char(r, '{'))
		return false;
	do {
		skip_space(r);
		if (!read_member(r))
			return false;
		skip_space(r);
	} while (skip_char(r, ','));
	return skip_char(r, '}');
}

/* Whether the members make a request within the limits. */
static bool make_request(const struct reader *r, struct json_plain *out)
{
	struct slice op = r->found[MEMBER_OP];

	out->key = r->found[MEMBER_KEY];
	out->value = r->found[MEMBER_VALUE];
	out->id = r->found[MEMBER_ID];
	if (op.data == NULL || out->key.len == 0 || out->key.len > KV_KEY_MAX)
		return false;
	out->is_set = IS(op, "set");
	if (out->is_set)
		return out->value.data != NULL &&
		       out->value.len <= KV_VALUE_MAX;
	return IS(op, "get") && out->value.data == NULL;
}

/* Reads the line at the front of the input. */
static bool read_plain(struct slice input, size_t max, struct json_plain *out)
{
	struct reader r = {.at = input.data, .end = input.data + input.len};

	if (!read_object(&r) || !make_request(&r, out))
		return false;
	out->line = slice_of(input.data, (size_t)(r.at - input.data));
	(void)skip_char(&r, '\r');
	if ((size_t)(r.at - input.data) > max || !skip_char(&r, '\n'))
		return false;
	out->used = (size_t)(r.at - input.data);
	return true;
}

static void look_ahead(struct json_ahead *a, struct slice input, size_t max,
		       struct json_taken *taken)
{
	a->at = input.data;
	a->next = 0;
	taken->hint_values = false;
	for (a->n = 0; a->n < JSON_AHEAD_MAX && input.len != 0; a->n++) {
		struct json_plain *p = &a->list[a->n];

		if (!read_plain(input, max, p))
			break;
		a->keys[a->n] = p->key;
		taken->hint_values |= !p->is_set;
		input = slice_of(input.data + p->used, input.len - p->used);
	}
	if (a->n > 1) {
		taken->hints = a->keys;
		taken->nhints = a->n;
	}
}

static void fill_request(struct json_ahead *a, struct json_plain *p,
			 struct request *req)
{
	*req = (struct request){.raw = p->line};
	if (!p->is_set) {
		req->op = OP_GET;
		req->keys = &p->key;
		req->nkeys = 1;
		return;
	}
	a->change = (struct change){
		.kind = CHANGE_SET,
		.key = p->key,
		.value = p->value,
	};
	req->op = OP_SET;
	req->changes = &a->change;
	req->nchanges = 1;
}

bool json_ahead_take(struct json_ahead *a, struct slice input, size_t max,
		     struct json_taken *taken)
{
	struct json_plain *p;

	taken->hints = NULL;
	if (a->at != input.data || a->next == a->n)
		look_ahead(a, input, max, taken);
	if (a->next == a->n)
		return false;
	p = &a->list[a->next++];
	a->at += p->used;
	fill_request(a, p, taken->req);
	taken->id = p->id;
	taken->used = p->used;
	return true;
}

void json_ahead_forget(struct json_ahead *a)
{
	a->at = NULL;
	a->next = a->n = 0;
}

/*
 * json_field.c - see json_field.h.
 */
#include "proto/json_field.h"

#include "base/err.h"
#include "proto/json_text.h"

#define WHOLE_MAX 9007199254740992.0 /* 2^53 */

static const char *const names[FIELD_COUNT] = {
	[FIELD_OP] = "op",
	[FIELD_ID] = "id",
	[FIELD_KEY] = "key",
	[FIELD_VALUE] = "value",
	[FIELD_PREFIX] = "prefix",
	[FIELD_FROM] = "from",
	[FIELD_TO] = "to",
	[FIELD_KEYS] = "keys",
	[FIELD_ITEMS] = "items",
	[FIELD_TTL] = "ttl",
	[FIELD_IF] = "if",
	[FIELD_IF_VERSION] = "if_version",
	[FIELD_LIMIT] = "limit",
	[FIELD_REVERSE] = "reverse",
	[FIELD_KEYS_ONLY] = "keys_only",
	[FIELD_CURSOR] = "cursor",
	[FIELD_DEBUG] = "debug_unreliable",
	[FIELD_CLIENT] = "client",
	[FIELD_NUMBER] = "number",
	[FIELD_STALE] = "stale",
};

const char *json_field_name(enum json_field field)
{
	return names[field];
}

static const char *const names64[FIELD_COUNT] = {
	[FIELD_KEY] = "key64",	     [FIELD_VALUE] = "value64",
	[FIELD_PREFIX] = "prefix64", [FIELD_FROM] = "from64",
	[FIELD_TO] = "to64",
};

static const char *given_name(const struct json_fields *f,
			      enum json_field field)
{
	return f->base64 & FIELD_BIT(field) ? names64[field] : names[field];
}

static enum json_field find_field(const char *name, bool *base64)
{
	for (int i = 0; i < FIELD_COUNT; i++) {
		const char *a = name, *b = names[i];

		if (*a != *b)
			continue;
		while (*a != '\0' && *a == *b) {
			a++;
			b++;
		}
		if (*b != '\0')
			continue;
		*base64 = *a != '\0';
		if (!*base64 ||
		    (i >= FIELD_KEY && i <= FIELD_TO && strcmp(a, "64") == 0))
			return (enum json_field)i;
	}
	return FIELD_COUNT;
}

static int refuse_unknown(const struct json_place *place, const char *name)
{
	char room[JSON_SHOWN_MAX];

	return json_refuse(place, KV_EDATA, "unknown field '%s'",
			   json_shown(slice_str(name), room));
}

static int refuse_second(const struct json_fields *f, enum json_field field,
			 bool base64)
{
	if (base64 == ((f->base64 & FIELD_BIT(field)) != 0))
		return json_refuse(&f->place, KV_EDATA, "'%s' is given twice",
				   given_name(f, field));
	return json_refuse(&f->place, KV_EDATA,
			   "'%s' and '%s64' exclude each other", names[field],
			   names[field]);
}

int json_fields_read(const cJSON *object, const struct json_place *place,
		     struct json_fields *f)
{
	f->have = 0;
	f->base64 = 0;
	f->place = *place;
	for (const cJSON *m = object->child; m != NULL; m = m->next) {
		bool base64 = false;
		enum json_field field = find_field(m->string, &base64);

		if (field == FIELD_COUNT)
			return refuse_unknown(place, m->string);
		if (json_field_given(f, field))
			return refuse_second(f, field, base64);
		f->have |= FIELD_BIT(field);
		if (base64)
			f->base64 |= FIELD_BIT(field);
		f->at[field] = m;
	}
	return 0;
}

int json_fields_only(const struct json_fields *f, unsigned allowed,
		     unsigned required, const char *what)
{
	unsigned extra = f->have & ~allowed, lacking = required & ~f->have;
	enum json_field field;

	if (extra != 0) {
		field = (enum json_field)__builtin_ctz(extra);
		return json_refuse(&f->place, KV_EDATA,
				   "'%s' does not belong to %s",
				   given_name(f, field), what);
	}
	if (lacking != 0) {
		field = (enum json_field)__builtin_ctz(lacking);
		return json_refuse(&f->place, KV_EDATA, "'%s' is missing",
				   names[field]);
	}
	return 0;
}

static int refuse_type(const struct json_fields *f, enum json_field field,
		       const char *type)
{
	return json_refuse(&f->place, KV_EDATA, "'%s' must be %s",
			   given_name(f, field), type);
}

static int decode_field(struct json_arena *a, const struct json_fields *f,
			enum json_field field, size_t len, struct slice *out)
{
	const char *text = f->at[field]->valuestring;
	char *to = bump_alloc(&a->keep, base64_decoded_max(len), 1);
	size_t n;

	if (to == NULL)
		return json_no_memory();
	if (!base64_decode(text, len, to, &n))
		return refuse_type(f, field,
				   "standard base64 with its padding");
	*out = slice_of(to, n);
	return 0;
}

int json_field_bytes(struct json_arena *a, const struct json_fields *f,
		     enum json_field field, size_t max, struct slice *out)
{
	const cJSON *node;
	struct slice s;
	int code = 0;

	if (!json_field_given(f, field))
		return 0;
	node = f->at[field];
	if (!cJSON_IsString(node))
		return refuse_type(f, field, "a string");
	s = slice_str(node->valuestring);
	if (f->base64 & FIELD_BIT(field))
		code = decode_field(a, f, field, s.len, &s);
	else if (f->place.list != NULL)
		code = json_keep(a, s.data, s.len, &s);
	if (code != 0)
		return code;
	if (s.len > max)
		return json_refuse(&f->place, KV_ETOOBIG,
				   "'%s' has %zu bytes, over the limit of %zu",
				   given_name(f, field), s.len, max);
	*out = s;
	return 0;
}

int json_check_key(const struct json_place *place, const char *name, size_t len)
{
	if (len == 0)
		return json_refuse(place, KV_EDATA, "'%s' must not be empty",
				   name);
	if (len > KV_KEY_MAX)
		return json_refuse(place, KV_ETOOBIG,
				   "'%s' has %zu bytes, over the limit of %u",
				   name, len, KV_KEY_MAX);
	return 0;
}

int json_field_key(struct json_arena *a, const struct json_fields *f,
		   struct slice *out)
{
	int code = json_field_bytes(a, f, FIELD_KEY, KV_KEY_MAX, out);

	if (code != 0 || !json_field_given(f, FIELD_KEY))
		return code;
	return json_check_key(&f->place, given_name(f, FIELD_KEY), out->len);
}

int json_field_bool(const struct json_fields *f, enum json_field field,
		    bool *out)
{
	if (!json_field_given(f, field))
		return 0;
	if (!cJSON_IsBool(f->at[field]))
		return refuse_type(f, field, "true or false");
	*out = cJSON_IsTrue(f->at[field]);
	return 0;
}

bool json_whole_number(const cJSON *node, uint64_t *out)
{
	double v;

	if (!cJSON_IsNumber(node))
		return false;
	v = node->valuedouble;
	if (!(v >= 0 && v <= WHOLE_MAX) || (double)(uint64_t)v != v)
		return false;
	*out = (uint64_t)v;
	return true;
}

int json_field_limit(const struct json_fields *f, uint64_t *out)
{
	if (!json_field_given(f, FIELD_LIMIT) ||
	    json_whole_number(f->at[FIELD_LIMIT], out))
		return 0;
	return refuse_type(f, FIELD_LIMIT, "a whole number from 0 to 2^53");
}

int json_field_number(const struct json_fields *f, uint64_t *out)
{
	if (!json_field_given(f, FIELD_NUMBER) ||
	    (json_whole_number(f->at[FIELD_NUMBER], out) && *out != 0))
		return 0;
	return refuse_type(f, FIELD_NUMBER, "a whole number from 1 to 2^53");
}

static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

int json_field_client(struct json_arena *a, const struct json_fields *f,
		      struct slice *out)
{
	const cJSON *node;
	const char *text;
	char *to;
	size_t i = 0;

	if (!json_field_given(f, FIELD_CLIENT))
		return 0;
	node = f->at[FIELD_CLIENT];
	text = cJSON_IsString(node) ? node->valuestring : "";
	to = bump_alloc(&a->keep, REQUEST_CLIENT, 1);
	if (to == NULL)
		return json_no_memory();
	for (; hex_value(text[0]) >= 0 && hex_value(text[1]) >= 0; text += 2) {
		if (i == REQUEST_CLIENT)
			break;
		to[i++] = (char)(hex_value(text[0]) << 4 | hex_value(text[1]));
	}
	if (i != REQUEST_CLIENT || *text != '\0')
		return refuse_type(f, FIELD_CLIENT, "32 hexadecimal digits");
	*out = slice_of(to, i);
	return 0;
}

int json_field_version(const struct json_fields *f, uint64_t *out)
{
	const cJSON *node;

	if (!json_field_given(f, FIELD_IF_VERSION))
		return 0;
	node = f->at[FIELD_IF_VERSION];
	if (cJSON_IsString(node) && json_parse_u64(node->valuestring, out))
		return 0;
	return refuse_type(f, FIELD_IF_VERSION,
			   "a string of decimal digits within 64 bits, as "
			   "'version' is in replies");
}

int json_field_text(const struct json_fields *f, enum json_field field,
		    const char **out)
{
	if (!json_field_given(f, field))
		return 0;
	if (!cJSON_IsString(f->at[field]))
		return refuse_type(f, field, "a string");
	*out = f->at[field]->valuestring;
	return 0;
}

int json_field_ttl(const struct json_fields *f, uint64_t now_ms,
		   uint64_t *expires_ms)
{
	uint64_t ms;
	double v;

	if (!json_field_given(f, FIELD_TTL))
		return 0;
	if (!cJSON_IsNumber(f->at[FIELD_TTL]))
		return refuse_type(f, FIELD_TTL, "a number of seconds");
	v = f->at[FIELD_TTL]->valuedouble;
	if (!(v > 0 && v <= JSON_TTL_MAX_S))
		return refuse_type(f, FIELD_TTL,
				   "above 0 and at most 31557600000 seconds");
	ms = (uint64_t)(v * 1000.0 + 0.5);
	*expires_ms = now_ms + (ms ? ms : 1);
	return 0;
}

int json_record_read(struct json_arena *a, const cJSON *object,
		     const struct json_place *place, uint64_t now_ms,
		     struct change *out)
{
	const unsigned required = FIELD_BIT(FIELD_KEY) | FIELD_BIT(FIELD_VALUE);
	struct json_fields f;
	int code;

	*out = (struct change){.kind = CHANGE_SET};
	code = json_fields_read(object, place, &f);
	if (code == 0)
		code = json_fields_only(&f, required | FIELD_BIT(FIELD_TTL),
					required, "a record");
	if (code == 0)
		code = json_field_key(a, &f, &out->key);
	if (code == 0)
		code = json_field_bytes(a, &f, FIELD_VALUE, KV_VALUE_MAX,
					&out->value);
	if (code == 0)
		code = json_field_ttl(&f, now_ms, &out->expires_ms);
	return code;
}

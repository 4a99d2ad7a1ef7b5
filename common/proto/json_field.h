/*
 * json_field.h - the named, typed fields of requests and records (inside
 * proto/ only). Every refusal names the field.
 */
#ifndef PROTO_JSON_FIELD_H
#define PROTO_JSON_FIELD_H

#include "proto/json_tree.h"

enum json_field {
	FIELD_OP,
	FIELD_ID,
	FIELD_KEY, /* from here to FIELD_TO also with 64 behind the name */
	FIELD_VALUE,
	FIELD_PREFIX,
	FIELD_FROM,
	FIELD_TO,
	FIELD_KEYS,
	FIELD_ITEMS,
	FIELD_TTL,
	FIELD_IF,
	FIELD_IF_VERSION,
	FIELD_LIMIT,
	FIELD_REVERSE,
	FIELD_KEYS_ONLY,
	FIELD_CURSOR,
	FIELD_DEBUG,
	FIELD_CLIENT,
	FIELD_NUMBER,
	FIELD_STALE,
	FIELD_COUNT,
};

#define FIELD_BIT(field) (1u << (field))

struct json_fields {
	const cJSON *at[FIELD_COUNT]; /* where `have` has the bit */
	unsigned have;
	unsigned base64; /* given under the name with 64 */
	struct json_place place;
};

/* The members of an object, each known and given once. */
int json_fields_read(const cJSON *object, const struct json_place *place,
		     struct json_fields *f);

/* Refuses fields outside `allowed` and demands those of `required`; `what` is
 * what they belong to, in quotes where it is a name. */
int json_fields_only(const struct json_fields *f, unsigned allowed,
		     unsigned required, const char *what);

const char *json_field_name(enum json_field field);

static inline bool json_field_given(const struct json_fields *f,
				    enum json_field field)
{
	return (f->have & FIELD_BIT(field)) != 0;
}

/*
 * The getters. Each leaves *out alone if the field was not given. The bytes of
 * a list's member are copied to last as long as the request.
 */
int json_field_bytes(struct json_arena *a, const struct json_fields *f,
		     enum json_field field, size_t max, struct slice *out);
/* 1 to KV_KEY_MAX bytes. */
int json_field_key(struct json_arena *a, const struct json_fields *f,
		   struct slice *out);
int json_field_bool(const struct json_fields *f, enum json_field field,
		    bool *out);
int json_field_limit(const struct json_fields *f, uint64_t *out);
/* From 1 on. */
int json_field_number(const struct json_fields *f, uint64_t *out);
/* 32 hexadecimal digits: 16 bytes. */
int json_field_client(struct json_arena *a, const struct json_fields *f,
		      struct slice *out);
int json_field_version(const struct json_fields *f, uint64_t *out);
/* NUL-terminated text. */
int json_field_text(const struct json_fields *f, enum json_field field,
		    const char **out);
int json_field_ttl(const struct json_fields *f, uint64_t now_ms,
		   uint64_t *expires_ms);

/* A key of 1 to KV_KEY_MAX bytes; `name` is for the error text. */
int json_check_key(const struct json_place *place, const char *name,
		   size_t len);

/* A whole number from 0 to 2^53, which a double holds exactly. */
bool json_whole_number(const cJSON *node, uint64_t *out);

/* The record of a "bulk_set" item or of a line: see json_record_parse(). */
int json_record_read(struct json_arena *a, const cJSON *object,
		     const struct json_place *place, uint64_t now_ms,
		     struct change *out);

#endif

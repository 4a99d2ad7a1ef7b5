/*
 * history_json.c - operations as lines of JSON: see history.h.
 */
#include "check/history.h"

#include <cjson/cJSON.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* cJSON's numbers are doubles: exact below this. */
#define TIME_MAX ((uint64_t)1 << 53)

/* A line being read: decoded base64 lives until its end. */
struct reading {
	struct buf decoded[8];
	size_t ndecoded;
};

/* ---- base64 ---- */

static const char digits64[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
			       "abcdefghijklmnopqrstuvwxyz0123456789+/";

static void write_base64(struct buf *out, struct slice s)
{
	const unsigned char *p = (const unsigned char *)s.data;

	for (size_t i = 0; i < s.len; i += 3) {
		size_t n = s.len - i < 3 ? s.len - i : 3;
		uint32_t v = (uint32_t)p[i] << 16;

		v |= n > 1 ? (uint32_t)p[i + 1] << 8 : 0;
		v |= n > 2 ? p[i + 2] : 0;
		buf_append_char(out, digits64[v >> 18]);
		buf_append_char(out, digits64[v >> 12 & 63]);
		buf_append_char(out, n > 1 ? digits64[v >> 6 & 63] : '=');
		buf_append_char(out, n > 2 ? digits64[v & 63] : '=');
	}
}

static bool read_base64(const char *s, struct buf *out)
{
	size_t len = strlen(s);

	if (len % 4 != 0)
		return false;
	for (size_t i = 0; i < len; i += 4) {
		uint32_t v = 0;
		size_t pad = 0;

		for (size_t j = 0; j < 4; j++) {
			const char *d = strchr(digits64, s[i + j]);
			bool is_pad = s[i + j] == '=' && i + 4 == len && j > 1;

			if ((d == NULL || pad > 0) && !is_pad)
				return false;
			pad += is_pad;
			v = v << 6 | (is_pad ? 0 : (uint32_t)(d - digits64));
		}
		for (size_t j = 0; j < 3 - pad; j++)
			buf_append_char(out, (char)(v >> (16 - 8 * j) & 255));
	}
	return !buf_failed(out);
}

/* ---- reading ---- */

/* The bytes of obj.name or obj.name64 into *out; null is missing. */
static int read_bytes(struct reading *rd, const cJSON *obj, const char *name,
		      struct slice *out)
{
	char name64[16];
	const cJSON *text = cJSON_GetObjectItemCaseSensitive(obj, name), *b64;
	struct buf *b;

	snprintf(name64, sizeof(name64), "%s64", name);
	b64 = cJSON_GetObjectItemCaseSensitive(obj, name64);
	if (text != NULL && b64 != NULL)
		return err_set(KV_EDATA, "both '%s' and '%s' are given", name,
			       name64);
	*out = history_missing();
	if (cJSON_IsString(text)) {
		*out = slice_str(text->valuestring);
		return 0;
	}
	if (cJSON_IsNull(text))
		return 0;
	if (!cJSON_IsString(b64) || rd->ndecoded == 8)
		return err_set(KV_EDATA, "'%s' must be a string or null", name);
	b = &rd->decoded[rd->ndecoded++];
	buf_init(b);
	if (!read_base64(b64->valuestring, b))
		return err_set(KV_EDATA, "'%s' is not base64", name64);
	*out = b->len > 0 ? buf_slice(b) : slice_str("");
	return 0;
}

static void forget_decoded(struct reading *rd)
{
	while (rd->ndecoded > 0)
		buf_release(&rd->decoded[--rd->ndecoded]);
}

static int read_number(const cJSON *item, const char *name, uint64_t *out)
{
	double v;

	if (!cJSON_IsNumber(item))
		return err_set(KV_EDATA, "'%s' must be a number", name);
	v = item->valuedouble;
	if (!(v >= 0 && v < (double)TIME_MAX) || v != (double)(uint64_t)v)
		return err_set(KV_EDATA,
			       "'%s' must be a whole number from 0 "
			       "to 2^53 - 1",
			       name);
	*out = (uint64_t)v;
	return 0;
}

/* The place of obj.name in a list of words. */
static int read_word(const cJSON *obj, const char *name,
		     const char *const *words, size_t n, size_t *out)
{
	const cJSON *item = cJSON_GetObjectItemCaseSensitive(obj, name);

	if (!cJSON_IsString(item))
		return err_set(KV_EDATA, "'%s' must be a string", name);
	for (*out = 0; *out < n; (*out)++)
		if (strcmp(item->valuestring, words[*out]) == 0)
			return 0;
	return err_set(KV_EDATA, "'%s' is not a known %s", item->valuestring,
		       name);
}

static int read_times(const cJSON *obj, struct history_op *op)
{
	static const char *const results[] = {"ok", "no", "fail", "unknown"};
	const cJSON *item = cJSON_GetObjectItemCaseSensitive(obj, "return");
	size_t result;
	int r = read_number(cJSON_GetObjectItemCaseSensitive(obj, "invoke"),
			    "invoke", &op->invoke);

	op->ret = HISTORY_NEVER;
	if (r == 0 && item != NULL && !cJSON_IsNull(item))
		r = read_number(item, "return", &op->ret);
	if (r == 0)
		r = read_word(obj, "result", results, 4, &result);
	if (r == 0)
		op->result = (enum history_result)result;
	item = cJSON_GetObjectItemCaseSensitive(obj, "client");
	if (r == 0 && item != NULL)
		r = read_number(item, "client", &op->client);
	return r;
}

/* "items" is a list of pairs or of objects. */
static int read_item(struct reading *rd, const cJSON *item,
		     struct history_op *op)
{
	const cJSON *key = cJSON_GetArrayItem(item, 0);
	const cJSON *value = cJSON_GetArrayItem(item, 1);
	int r;

	if (cJSON_IsObject(item)) {
		r = read_bytes(rd, item, "key", &op->key);
		return r != 0 ? r : read_bytes(rd, item, "value", &op->value);
	}
	if (!cJSON_IsArray(item) || cJSON_GetArraySize(item) != 2 ||
	    !cJSON_IsString(key) ||
	    (!cJSON_IsString(value) && !cJSON_IsNull(value)))
		return err_set(KV_EDATA,
			       "'items' must hold [\"key\",\"value\"] "
			       "pairs or objects");
	op->key = slice_str(key->valuestring);
	op->value = cJSON_IsNull(value) ? history_missing()
					: slice_str(value->valuestring);
	return 0;
}

static int add_named(struct history *h, const struct history_op *op)
{
	if (op->key.len == 0)
		return err_set(KV_EDATA, "a key has at least one byte");
	return history_add(h, op);
}

static int read_bulk(struct history *h, struct reading *rd, const cJSON *obj,
		     struct history_op *op)
{
	const cJSON *items = cJSON_GetObjectItemCaseSensitive(obj, "items");
	const cJSON *item;
	int r = 0;

	if (!cJSON_IsArray(items))
		return err_set(KV_EDATA, "'items' must be a list");
	op->kind = HISTORY_SET;
	op->in_bulk = true;
	cJSON_ArrayForEach (item, items) {
		r = read_item(rd, item, op);
		if (r == 0)
			r = add_named(h, op);
		forget_decoded(rd);
		if (r != 0)
			break;
	}
	return r;
}

static int read_object(struct history *h, struct reading *rd, const cJSON *obj)
{
	static const char *const kinds[] = {"set", "delete", "get", "cas",
					    "bulk"};
	const cJSON *found = cJSON_GetObjectItemCaseSensitive(obj, "found");
	struct history_op op = {0};
	size_t kind;
	int r = read_word(obj, "op", kinds, 5, &kind);

	if (r == 0)
		r = read_times(obj, &op);
	if (r != 0)
		return r;
	if (kind == 4)
		return read_bulk(h, rd, obj, &op);
	op.kind = (enum history_kind)kind;
	r = read_bytes(rd, obj, "key", &op.key);
	if (r == 0 && op.kind != HISTORY_DELETE &&
	    !(op.kind == HISTORY_GET && op.result != HISTORY_OK))
		r = read_bytes(rd, obj, "value", &op.value);
	if (r == 0 && op.kind == HISTORY_CAS)
		r = read_bytes(rd, obj, "expect", &op.expect);
	if (r == 0 && op.kind == HISTORY_DELETE && cJSON_IsBool(found))
		op.found = cJSON_IsTrue(found) ? HISTORY_FOUND : HISTORY_ABSENT;
	return r != 0 ? r : add_named(h, &op);
}

/* cJSON's strings end at a NUL, so that one inside would cut them short. */
static bool has_escaped_nul(struct slice line)
{
	for (size_t i = 0; i + 1 < line.len; i++) {
		if (line.data[i] != '\\')
			continue;
		i++;
		if (line.len - i >= 5 && memcmp(line.data + i, "u0000", 5) == 0)
			return true;
	}
	return false;
}

static bool is_blank(const char *from, const char *end)
{
	while (from < end && (*from == ' ' || *from == '\t' || *from == '\r'))
		from++;
	return from == end;
}

int history_read_line(struct history *h, struct slice line)
{
	struct reading rd = {.ndecoded = 0};
	const char *end = line.data + line.len, *rest = end;
	cJSON *obj;
	int r;

	if (line.len == 0 || is_blank(line.data, end))
		return 0;
	if (has_escaped_nul(line))
		return err_set(KV_EDATA, "'\\u0000' in a string: use key64 or "
					 "value64");
	obj = cJSON_ParseWithLengthOpts(line.data, line.len, &rest, false);
	if (!cJSON_IsObject(obj) || !is_blank(rest, end))
		r = err_set(KV_EDATA, "not a JSON object");
	else
		r = read_object(h, &rd, obj);
	forget_decoded(&rd);
	cJSON_Delete(obj);
	return r;
}

/* ---- writing ---- */

/* As text where that is short and plain, else in base64. */
static void write_bytes(struct buf *out, const char *name, struct slice s)
{
	bool plain = true;

	if (s.data == NULL) {
		buf_printf(out, ",\"%s\":null", name);
		return;
	}
	for (size_t i = 0; i < s.len; i++) {
		unsigned char c = (unsigned char)s.data[i];
		plain &= c >= 0x20 && c < 0x7f && c != '"' && c != '\\';
	}
	buf_printf(out, plain ? ",\"%s\":\"" : ",\"%s64\":\"", name);
	if (plain)
		buf_append_slice(out, s);
	else
		write_base64(out, s);
	buf_append_char(out, '"');
}

static void write_times(struct buf *out, const struct history_op *op)
{
	static const char *const results[] = {
		[HISTORY_OK] = "ok",
		[HISTORY_NO] = "no",
		[HISTORY_FAIL] = "fail",
		[HISTORY_UNKNOWN] = "unknown",
	};

	buf_printf(out, ",\"invoke\":%" PRIu64, op->invoke);
	if (op->ret != HISTORY_NEVER)
		buf_printf(out, ",\"return\":%" PRIu64, op->ret);
	buf_printf(out, ",\"result\":\"%s\"}\n", results[op->result]);
}

void history_write_line(struct buf *out, const struct history_op *op)
{
	static const char *const kinds[] = {
		[HISTORY_SET] = "set",
		[HISTORY_DELETE] = "delete",
		[HISTORY_GET] = "get",
		[HISTORY_CAS] = "cas",
	};

	buf_printf(out, "{\"client\":%" PRIu64 ",\"op\":\"%s\"", op->client,
		   kinds[op->kind]);
	write_bytes(out, "key", op->key);
	if (op->kind == HISTORY_CAS)
		write_bytes(out, "expect", op->expect);
	if (op->kind == HISTORY_SET || op->kind == HISTORY_CAS ||
	    (op->kind == HISTORY_GET && op->result == HISTORY_OK))
		write_bytes(out, "value", op->value);
	if (op->kind == HISTORY_DELETE && op->found != HISTORY_UNSAID)
		buf_append_str(out, op->found == HISTORY_FOUND
					    ? ",\"found\":true"
					    : ",\"found\":false");
	write_times(out, op);
}

void history_write_bulk(struct buf *out, const struct history_op *items,
			size_t n)
{
	buf_printf(out, "{\"client\":%" PRIu64 ",\"op\":\"bulk\",\"items\":[",
		   items[0].client);
	for (size_t i = 0; i < n; i++) {
		size_t open = out->len;

		write_bytes(out, "key", items[i].key);
		if (!buf_failed(out))
			out->data[open] = '{'; /* in place of the comma */
		write_bytes(out, "value", items[i].value);
		buf_append_str(out, i + 1 < n ? "}," : "}");
	}
	buf_append_char(out, ']');
	write_times(out, &items[0]);
}

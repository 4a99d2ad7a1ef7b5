/*
 * json_client.c - the client's side of replies; see json.h. A server is
 * checked as strictly as a client, save that it may say more than is known
 * here.
 */
#include "base/err.h"
#include "proto/json_field.h"
#include "proto/json_text.h"

#include <float.h>
#include <stdio.h>

/* Holds the longest "info" that a server may come to give. */
#define REPLY_VALUES_MAX 4096u

struct answer {
	struct json_arena *arena;
	struct json_scan scan;
	uint64_t now_ms;
	struct reply *reply;
};

/* Keeps the text that is set, and says what it is about. */
static int not_understood(int code)
{
	char text[ERR_TEXT_MAX];

	if (code == KV_ENOMEM)
		return code;
	snprintf(text, sizeof(text), "%s", err_text());
	return err_set(KV_EPROTO, "reply of the server not understood: %s",
		       text);
}

static int refuse(const struct json_place *place, const char *name,
		  const char *must)
{
	return json_refuse(place, KV_EDATA, "'%s' must be %s", name, must);
}

static const cJSON *member(const cJSON *object, const char *name)
{
	return cJSON_GetObjectItemCaseSensitive(object, name);
}

/* Bytes under `name` or name64; *given says whether there are any. */
static int read_bytes(struct answer *a, const cJSON *object, const char *name,
		      const char *name64, const struct json_place *place,
		      struct slice *out, bool *given)
{
	const cJSON *text = member(object, name);
	const cJSON *coded = text ? NULL : member(object, name64);
	size_t len, n;
	char *to;

	*given = text != NULL || coded != NULL;
	if (!*given)
		return 0;
	if (text != NULL) {
		if (!cJSON_IsString(text))
			return refuse(place, name, "a string");
		*out = slice_str(text->valuestring);
		return place->list == NULL
			       ? 0
			       : json_keep(a->arena, out->data, out->len, out);
	}
	if (!cJSON_IsString(coded))
		return refuse(place, name64, "a string");
	len = strlen(coded->valuestring);
	to = bump_alloc(&a->arena->keep, base64_decoded_max(len), 1);
	if (to == NULL)
		return json_no_memory();
	if (!base64_decode(coded->valuestring, len, to, &n))
		return refuse(place, name64, "base64");
	*out = slice_of(to, n);
	return 0;
}

static int read_version(const cJSON *object, const struct json_place *place,
			bool required, uint64_t *out)
{
	const cJSON *node = member(object, "version");

	if ((node == NULL && !required) ||
	    (cJSON_IsString(node) && json_parse_u64(node->valuestring, out)))
		return 0;
	return refuse(place, "version", "a string of digits");
}

static int read_ttl(const struct answer *a, const cJSON *object,
		    const struct json_place *place, uint64_t *expires_ms)
{
	const cJSON *node = member(object, "ttl");
	double v;

	if (node == NULL)
		return 0;
	v = cJSON_IsNumber(node) ? node->valuedouble : -1;
	if (!(v >= 0 && v <= JSON_TTL_MAX_S))
		return refuse(place, "ttl", "a number of seconds");
	*expires_ms = a->now_ms + (uint64_t)(v * 1000.0 + 0.5);
	return 0;
}

static int read_count(const cJSON *root, const char *name, uint64_t *out)
{
	static const struct json_place outermost = {0};

	if (json_whole_number(member(root, name), out))
		return 0;
	return refuse(&outermost, name, "a whole number");
}

/* Value, version and time to live. *given: there was a value. */
static int read_found(struct answer *a, const cJSON *object,
		      const struct json_place *place, struct item *item,
		      bool *given)
{
	int code = read_bytes(a, object, "value", "value64", place,
			      &item->value, given);

	item->found = true;
	if (code == 0)
		code = read_version(object, place, true, &item->version);
	return code ? code : read_ttl(a, object, place, &item->expires_ms);
}

/* What "found" promises: a value if it is true. */
static int read_result(struct answer *a, const cJSON *object,
		       const struct json_place *place, struct item *item)
{
	const cJSON *found = member(object, "found");
	bool given;
	int code;

	if (!cJSON_IsBool(found))
		return refuse(place, "found", "true or false");
	if (!cJSON_IsTrue(found))
		return 0;
	code = read_found(a, object, place, item, &given);
	if (code == 0 && !given)
		return refuse(place, "value", "there");
	return code;
}

static int new_items(struct answer *a, size_t n)
{
	struct reply *r = a->reply;

	r->items = json_arena_array(a->arena, n, sizeof(*r->items));
	if (r->items == NULL)
		return json_no_memory();
	r->nitems = n;
	return 0;
}

static int read_get(struct answer *a, const cJSON *root)
{
	static const struct json_place outermost = {0};
	int code = new_items(a, 1);

	if (code != 0)
		return code;
	a->reply->items[0] = (struct item){0};
	return read_result(a, root, &outermost, &a->reply->items[0]);
}

static int read_item(struct answer *a, const cJSON *object,
		     const struct json_place *place, struct item *item)
{
	bool given;
	int code;

	*item = (struct item){0};
	if (!cJSON_IsObject(object))
		return json_refuse(place, KV_EDATA, "must be an object");
	code = read_bytes(a, object, "key", "key64", place, &item->key, &given);
	if (code == 0 && !given)
		return refuse(place, "key", "there");
	if (code != 0)
		return code;
	if (a->reply->op == OP_MGET)
		return read_result(a, object, place, item);
	code = read_found(a, object, place, item, &given);
	if (code == 0 && !given)
		a->reply->keys_only = true;
	return code;
}

static int read_items(struct answer *a, const cJSON *root, const char *name)
{
	static const struct json_place outermost = {0};
	const cJSON *list = member(root, name), *node;
	struct json_list l;
	int code;

	/* Children in the tree: not the list that the scan took out. */
	if (!cJSON_IsArray(list) || list->child != NULL)
		return refuse(&outermost, name, "a list");
	json_list_init(&l, a->arena, &a->scan, name);
	code = new_items(a, l.left);
	for (size_t i = 0; code == 0 && i < a->reply->nitems; i++) {
		code = json_list_next(&l, &node);
		if (code == 0)
			code = read_item(a, node, &l.place,
					 &a->reply->items[i]);
	}
	return code;
}

static int read_scan(struct answer *a, const cJSON *root)
{
	static const struct json_place outermost = {0};
	const cJSON *cursor = member(root, "cursor");

	if (cursor != NULL && !cJSON_IsString(cursor))
		return refuse(&outermost, "cursor", "a string");
	if (cursor != NULL)
		a->reply->cursor = slice_str(cursor->valuestring);
	return read_items(a, root, "items");
}

/* A number is shown as a person would write it. */
static int number_text(struct answer *a, double v, struct slice *out)
{
	char text[40];
	int n;

	if (v >= -9e15 && v <= 9e15 && (double)(int64_t)v == v)
		n = snprintf(text, sizeof(text), "%lld", (long long)v);
	else
		n = snprintf(text, sizeof(text), "%.17g", v);
	return json_keep(a->arena, text, (size_t)n, out);
}

static int read_info(struct answer *a, const cJSON *root)
{
	static const struct json_place outermost = {0};
	const cJSON *info = member(root, "info"), *node;
	struct reply *r = a->reply;
	int code = 0;

	if (!cJSON_IsObject(info))
		return refuse(&outermost, "info", "an object");
	r->info =
		json_arena_array(a->arena, REPLY_VALUES_MAX, sizeof(*r->info));
	if (r->info == NULL)
		return json_no_memory();
	cJSON_ArrayForEach (node, info) {
		struct info_line *line = &r->info[r->ninfo++];

		line->name = node->string;
		line->is_number = cJSON_IsNumber(node);
		if (line->is_number && !(node->valuedouble >= -DBL_MAX &&
					 node->valuedouble <= DBL_MAX))
			code = refuse(&outermost, "info", "of finite numbers");
		else if (line->is_number)
			code = number_text(a, node->valuedouble, &line->text);
		else if (cJSON_IsString(node))
			line->text = slice_str(node->valuestring);
		else
			code = refuse(&outermost, "info",
				      "of texts and numbers");
		if (code != 0)
			break;
	}
	return code;
}

static int read_error(struct answer *a, const cJSON *root)
{
	static const struct json_place outermost = {0};
	const cJSON *name = member(root, "error");
	const cJSON *message = member(root, "message");

	if (!cJSON_IsString(name) || !cJSON_IsString(message))
		return refuse(&outermost, name ? "message" : "error",
			      "a string");
	a->reply->code = err_from_name(name->valuestring);
	if (a->reply->code == 0)
		return refuse(&outermost, "error", "the name of an error");
	a->reply->message = message->valuestring;
	return 0;
}

/* How far behind the node was; it does not know if it never heard of a leader.
 */
static int read_stale(const cJSON *root, struct reply *r)
{
	static const struct json_place outermost = {0};
	const cJSON *stale = member(root, "stale");
	int code;

	if (stale == NULL)
		return 0;
	if (!cJSON_IsBool(stale))
		return refuse(&outermost, "stale", "true or false");
	r->stale = cJSON_IsTrue(stale);
	r->lag_ms = UINT64_MAX;
	if (member(root, "lag_ms") == NULL)
		return 0;
	code = read_count(root, "lag", &r->lag);
	return code != 0 ? code : read_count(root, "lag_ms", &r->lag_ms);
}

static int read_answer(struct answer *a, const cJSON *root)
{
	static const struct json_place outermost = {0};
	struct reply *r = a->reply;
	int code;

	switch (r->op) {
	case OP_GET:
		return read_get(a, root);
	case OP_MGET:
		return read_items(a, root, "results");
	case OP_SET:
		return read_version(root, &outermost, true, &r->version);
	case OP_DELETE:
	case OP_BULK_SET:
		code = read_version(root, &outermost, false, &r->version);
		if (code != 0)
			return code;
		return read_count(root,
				  r->op == OP_DELETE ? "deleted" : "stored",
				  &r->count);
	case OP_SCAN:
		return read_scan(a, root);
	case OP_COUNT:
		return read_count(root, "count", &r->count);
	case OP_INFO:
		return read_info(a, root);
	case OP_PING:
	case OP_CLUSTER:
	case OP_COMMAND: /* not in JSON */
		break;
	}
	return 0;
}

static int read_reply(struct answer *a, const cJSON *root)
{
	static const struct json_place outermost = {0};
	const cJSON *ok = member(root, "ok");
	int code;

	if (!cJSON_IsBool(ok))
		return refuse(&outermost, "ok", "true or false");
	if (!cJSON_IsTrue(ok))
		return read_error(a, root);
	code = read_answer(a, root);
	return code != 0 ? code : read_stale(root, a->reply);
}

int json_reply_parse(struct json_arena *a, struct slice line, enum op op,
		     uint64_t now_ms, struct reply *reply)
{
	struct answer answer = {.arena = a, .now_ms = now_ms, .reply = reply};
	const cJSON *root;
	int code;

	*reply = (struct reply){.op = op};
	code = json_tree_parse(a, line, REPLY_VALUES_MAX, &answer.scan, &root);
	if (code == 0)
		code = read_reply(&answer, root);
	return code ? not_understood(code) : 0;
}

/*
 * json_request.c - see json.h. A table says which fields each op may and must
 * have; what is common to all of them is read in one place.
 */
#include "base/err.h"
#include "proto/json_field.h"
#include "proto/json_text.h"

/* Far above the fields that there are, far below what would cost much. */
#define REQUEST_VALUES_MAX 64u

#define KEY FIELD_BIT(FIELD_KEY)
#define VALUE FIELD_BIT(FIELD_VALUE)
#define PREFIX FIELD_BIT(FIELD_PREFIX)
#define KEYS FIELD_BIT(FIELD_KEYS)
#define ITEMS FIELD_BIT(FIELD_ITEMS)
#define NODE FIELD_BIT(FIELD_NODE)
#define NODE_ADDRESS (NODE | FIELD_BIT(FIELD_ADDRESS))
#define NODES FIELD_BIT(FIELD_NODES)
#define STALE FIELD_BIT(FIELD_STALE)
/* What goes with every write. */
#define WRITE                                               \
	(FIELD_BIT(FIELD_DEBUG) | FIELD_BIT(FIELD_CLIENT) | \
	 FIELD_BIT(FIELD_NUMBER))
#define CONDITIONS (FIELD_BIT(FIELD_IF) | FIELD_BIT(FIELD_IF_VERSION))
#define RANGE (PREFIX | FIELD_BIT(FIELD_FROM) | FIELD_BIT(FIELD_TO))
#define PAGE                                                 \
	(FIELD_BIT(FIELD_LIMIT) | FIELD_BIT(FIELD_REVERSE) | \
	 FIELD_BIT(FIELD_KEYS_ONLY) | FIELD_BIT(FIELD_CURSOR))

static const struct op_rule {
	const char *name;
	const char *shown;
	unsigned allowed; /* besides "op" and "id" */
	unsigned required;
	enum op op;
} rules[] = {
	{"get", "'get'", KEY | STALE, KEY, OP_GET},
	{"set", "'set'",
	 KEY | VALUE | FIELD_BIT(FIELD_TTL) | CONDITIONS | WRITE, KEY | VALUE,
	 OP_SET},
	{"mget", "'mget'", KEYS | STALE, KEYS, OP_MGET},
	{"delete", "'delete'", KEY | KEYS | PREFIX | CONDITIONS | WRITE, 0,
	 OP_DELETE},
	{"bulk_set", "'bulk_set'", ITEMS | WRITE, ITEMS, OP_BULK_SET},
	{"scan", "'scan'", RANGE | PAGE | STALE, 0, OP_SCAN},
	{"count", "'count'", RANGE | STALE, 0, OP_COUNT},
	{"info", "'info'", 0, 0, OP_INFO},
	{"ping", "'ping'", 0, 0, OP_PING},
	{"cluster_add", "'cluster_add'", NODE_ADDRESS, NODE_ADDRESS,
	 OP_CLUSTER},
	{"cluster_remove", "'cluster_remove'", NODE, NODE, OP_CLUSTER},
	{"cluster_transfer", "'cluster_transfer'", NODE, NODE, OP_CLUSTER},
	{"cluster_repair", "'cluster_repair'", NODE, NODE, OP_CLUSTER},
	{"cluster_cut", "'cluster_cut'", NODES, NODES, OP_CLUSTER},
};

struct parse {
	struct json_arena *arena;
	struct json_scan scan;
	struct json_fields f;
	uint64_t now_ms;
	struct request *req;
};

static int find_rule(struct parse *p, const struct op_rule **out)
{
	const char *name = NULL;
	char room[JSON_SHOWN_MAX];
	int code = json_field_text(&p->f, FIELD_OP, &name);

	if (code != 0)
		return code;
	if (name == NULL)
		return err_set(KV_EDATA, "'op' is missing");
	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
		if (strcmp(rules[i].name, name) == 0) {
			*out = &rules[i];
			return 0;
		}
	}
	return err_set(KV_EDATA, "unknown op '%s'",
		       json_shown(slice_str(name), room));
}

/* The scan looks for plainly written names; the parser sees any spelling. */
static int check_spelling(const struct parse *p)
{
	const struct json_fields *f = &p->f;

	if (json_field_given(f, FIELD_ID) && p->scan.id.data == NULL)
		return err_set(KV_EDATA,
			       "the name 'id' must be written without escapes");
	for (int i = FIELD_KEYS; i <= FIELD_ITEMS; i++) {
		if (!json_field_given(f, (enum json_field)i))
			continue;
		if (!cJSON_IsArray(f->at[i]))
			return err_set(KV_EDATA, "'%s' must be a list",
				       json_field_name((enum json_field)i));
		if (f->at[i]->child != NULL)
			return err_set(KV_EDATA,
				       "the name '%s' must be written without "
				       "escapes, and only one list given",
				       json_field_name((enum json_field)i));
	}
	return 0;
}

static int list_begin(struct parse *p, enum json_field field,
		      struct json_list *l)
{
	if (p->scan.list_count > JSON_LIST_MAX)
		return err_set(KV_ETOOBIG,
			       "'%s' has %zu members, over the limit of %u",
			       json_field_name(field), p->scan.list_count,
			       JSON_LIST_MAX);
	json_list_init(l, p->arena, &p->scan, json_field_name(field));
	return 0;
}

/* A member of "keys": a string, or an object with "key" or "key64". */
static int read_key(struct parse *p, const struct json_list *l,
		    const cJSON *member, struct slice *out)
{
	struct json_fields f;
	int code;

	if (cJSON_IsString(member)) {
		size_t len = strlen(member->valuestring);

		code = json_check_key(&l->place, "key", len);
		return code ? code
			    : json_keep(p->arena, member->valuestring, len,
					out);
	}
	if (!cJSON_IsObject(member))
		return json_refuse(
			&l->place, KV_EDATA,
			"must be a string or an object with 'key64'");
	code = json_fields_read(member, &l->place, &f);
	if (code == 0)
		code = json_fields_only(&f, KEY, KEY, "a key");
	return code ? code : json_field_key(p->arena, &f, out);
}

static int read_keys(struct parse *p)
{
	struct request *req = p->req;
	struct json_list l;
	const cJSON *member;
	int code = list_begin(p, FIELD_KEYS, &l);

	if (code != 0)
		return code;
	req->nkeys = l.left;
	req->keys = json_arena_array(p->arena, l.left, sizeof(*req->keys));
	if (req->keys == NULL)
		return json_no_memory();
	for (size_t i = 0; i < req->nkeys; i++) {
		code = json_list_next(&l, &member);
		if (code == 0)
			code = read_key(p, &l, member, &req->keys[i]);
		if (code != 0)
			return code;
	}
	return 0;
}

static int new_changes(struct parse *p, size_t n, enum change_kind kind)
{
	struct request *req = p->req;

	req->changes = json_arena_array(p->arena, n, sizeof(*req->changes));
	if (req->changes == NULL)
		return json_no_memory();
	req->nchanges = n;
	if (n == 1)
		req->changes[0] = (struct change){.kind = kind};
	return 0;
}

static int read_pair(struct parse *p, const struct json_list *l,
		     const cJSON *pair, struct change *out)
{
	const cJSON *key = pair->child, *value = key ? key->next : NULL;
	size_t len;
	int code;

	*out = (struct change){.kind = CHANGE_SET};
	if (!cJSON_IsString(key) || !cJSON_IsString(value) ||
	    value->next != NULL)
		return json_refuse(&l->place, KV_EDATA,
				   "a pair must be two strings, key and value");
	len = strlen(key->valuestring);
	code = json_check_key(&l->place, "key", len);
	if (code == 0)
		code = json_keep(p->arena, key->valuestring, len, &out->key);
	if (code != 0)
		return code;
	len = strlen(value->valuestring);
	if (len > KV_VALUE_MAX)
		return json_refuse(&l->place, KV_ETOOBIG,
				   "'value' has %zu bytes, over the limit of "
				   "%u",
				   len, KV_VALUE_MAX);
	return json_keep(p->arena, value->valuestring, len, &out->value);
}

static int read_items(struct parse *p)
{
	struct json_list l;
	const cJSON *member;
	int code = list_begin(p, FIELD_ITEMS, &l);

	if (code == 0)
		code = new_changes(p, l.left, CHANGE_SET);
	for (size_t i = 0; code == 0 && i < p->req->nchanges; i++) {
		struct change *c = &p->req->changes[i];

		code = json_list_next(&l, &member);
		if (code != 0)
			break;
		if (cJSON_IsArray(member))
			code = read_pair(p, &l, member, c);
		else if (cJSON_IsObject(member))
			code = json_record_read(p->arena, member, &l.place,
						p->now_ms, c);
		else
			code = json_refuse(&l.place, KV_EDATA,
					   "must be a pair, [key, value], or "
					   "an object");
	}
	return code;
}

static int read_condition(struct parse *p)
{
	struct request *req = p->req;
	const char *word = NULL;
	int code = json_field_text(&p->f, FIELD_IF, &word);

	if (code != 0)
		return code;
	if (json_field_given(&p->f, FIELD_IF_VERSION)) {
		if (word != NULL)
			return err_set(KV_EDATA, "'if' and 'if_version' "
						 "exclude each other");
		req->condition = KV_IF_VERSION;
		return json_field_version(&p->f, &req->if_version);
	}
	if (word == NULL)
		return 0;
	if (strcmp(word, "absent") == 0)
		req->condition = KV_IF_ABSENT;
	else if (strcmp(word, "present") == 0)
		req->condition = KV_IF_PRESENT;
	else
		return err_set(KV_EDATA,
			       "'if' must be \"absent\" or \"present\"");
	return 0;
}

static int read_set(struct parse *p)
{
	struct change *c;
	int code = new_changes(p, 1, CHANGE_SET);

	if (code != 0)
		return code;
	c = p->req->changes;
	code = json_field_key(p->arena, &p->f, &c->key);
	if (code == 0)
		code = json_field_bytes(p->arena, &p->f, FIELD_VALUE,
					KV_VALUE_MAX, &c->value);
	if (code == 0)
		code = json_field_ttl(&p->f, p->now_ms, &c->expires_ms);
	return code;
}

static int read_delete_keys(struct parse *p)
{
	struct request *req = p->req;
	int code = read_keys(p);

	if (code == 0)
		code = new_changes(p, req->nkeys, CHANGE_DELETE);
	if (code != 0)
		return code;
	for (size_t i = 0; i < req->nkeys; i++)
		req->changes[i] = (struct change){.key = req->keys[i],
						  .kind = CHANGE_DELETE};
	req->keys = NULL;
	req->nkeys = 0;
	return 0;
}

static int read_delete(struct parse *p)
{
	unsigned which = p->f.have & (KEY | KEYS | PREFIX);
	int code;

	if (__builtin_popcount(which) != 1)
		return err_set(KV_EDATA, "'delete' takes exactly one of 'key', "
					 "'keys' and 'prefix'");
	if (which != KEY && (p->f.have & CONDITIONS))
		return err_set(KV_EDATA, "'if' and 'if_version' go with 'key', "
					 "not with 'keys' or 'prefix'");
	if (which == KEYS)
		return read_delete_keys(p);
	if (which == PREFIX) {
		p->req->has_range = true;
		return json_field_bytes(p->arena, &p->f, FIELD_PREFIX,
					KV_KEY_MAX, &p->req->range.prefix);
	}
	code = new_changes(p, 1, CHANGE_DELETE);
	return code ? code
		    : json_field_key(p->arena, &p->f, &p->req->changes[0].key);
}

static int read_range(struct parse *p)
{
	const struct json_fields *f = &p->f;
	struct range *r = &p->req->range;
	const char *cursor = NULL;
	int code;

	code = json_field_bytes(p->arena, f, FIELD_PREFIX, KV_KEY_MAX,
				&r->prefix);
	if (code == 0)
		code = json_field_bytes(p->arena, f, FIELD_FROM, KV_KEY_MAX,
					&r->from);
	if (code == 0)
		code = json_field_bytes(p->arena, f, FIELD_TO, KV_KEY_MAX,
					&r->to);
	if (code == 0)
		code = json_field_limit(f, &r->limit);
	if (code == 0)
		code = json_field_bool(f, FIELD_REVERSE, &r->reverse);
	if (code == 0)
		code = json_field_bool(f, FIELD_KEYS_ONLY, &r->keys_only);
	if (code == 0)
		code = json_field_text(f, FIELD_CURSOR, &cursor);
	if (code == 0 && cursor != NULL)
		p->req->cursor = slice_str(cursor);
	return code;
}

static int read_get(struct parse *p)
{
	struct request *req = p->req;

	req->keys = json_arena_array(p->arena, 1, sizeof(*req->keys));
	if (req->keys == NULL)
		return json_no_memory();
	req->nkeys = 1;
	return json_field_key(p->arena, &p->f, &req->keys[0]);
}

static int read_word(struct parse *p, enum json_field field, struct slice *out)
{
	const char *word = NULL;
	int code = json_field_text(&p->f, field, &word);

	if (code == 0 && word != NULL)
		*out = slice_str(word);
	return code;
}

static enum cluster_order_kind order_kind(const char *op)
{
	static const char *const names[] = {
		[CLUSTER_ADD] = "cluster_add",
		[CLUSTER_REMOVE] = "cluster_remove",
		[CLUSTER_TRANSFER] = "cluster_transfer",
		[CLUSTER_REPAIR] = "cluster_repair",
		[CLUSTER_CUT] = "cluster_cut",
	};
	int kind = CLUSTER_ADD;

	while (kind < CLUSTER_CUT && strcmp(names[kind], op) != 0)
		kind++;
	return (enum cluster_order_kind)kind;
}

static int read_order(struct parse *p)
{
	struct cluster_order *order = &p->req->order;
	int code = read_word(p, FIELD_NODE, &order->node);

	if (code == 0)
		code = read_word(p, FIELD_ADDRESS, &order->address);
	return code ? code : read_word(p, FIELD_NODES, &order->nodes);
}

static int read_op(struct parse *p)
{
	switch (p->req->op) {
	case OP_GET:
		return read_get(p);
	case OP_MGET:
		return read_keys(p);
	case OP_SET:
		return read_set(p);
	case OP_DELETE:
		return read_delete(p);
	case OP_BULK_SET:
		return read_items(p);
	case OP_SCAN:
	case OP_COUNT:
		return read_range(p);
	case OP_CLUSTER:
		return read_order(p);
	case OP_PING:
	case OP_INFO:
	case OP_COMMAND: /* not in JSON */
		break;
	}
	return 0;
}

/* What is not the matter itself. */
static int read_extras(struct parse *p)
{
	struct request *req = p->req;
	int code = json_field_bool(&p->f, FIELD_DEBUG, &req->debug_unreliable);

	if (code == 0)
		code = json_field_bool(&p->f, FIELD_STALE, &req->stale_ok);
	if (code == 0)
		code = json_field_client(p->arena, &p->f, &req->client);
	if (code == 0)
		code = json_field_number(&p->f, &req->number);
	if (code == 0 && json_field_given(&p->f, FIELD_CLIENT) !=
				 json_field_given(&p->f, FIELD_NUMBER))
		code = err_set(KV_EDATA, "'client' and 'number' go together");
	return code;
}

int json_request_parse(struct json_arena *a, struct slice line, uint64_t now_ms,
		       struct request *req, struct slice *id)
{
	static const struct json_place outermost = {0};
	struct parse p = {.arena = a, .now_ms = now_ms, .req = req};
	const struct op_rule *rule = NULL;
	const cJSON *root;
	int code;

	*req = (struct request){0};
	code = json_tree_parse(a, line, REQUEST_VALUES_MAX, &p.scan, &root);
	*id = p.scan.id;
	if (code == 0)
		code = json_fields_read(root, &outermost, &p.f);
	if (code == 0)
		code = find_rule(&p, &rule);
	if (code == 0)
		code = json_fields_only(&p.f,
					rule->allowed | FIELD_BIT(FIELD_OP) |
						FIELD_BIT(FIELD_ID),
					rule->required, rule->shown);
	if (code == 0)
		code = check_spelling(&p);
	if (code != 0)
		return code;
	req->op = rule->op;
	req->order.kind = order_kind(rule->name);
	req->raw = line;
	code = read_condition(&p);
	if (code == 0)
		code = read_extras(&p);
	return code ? code : read_op(&p);
}

int json_record_parse(struct json_arena *a, struct slice line, uint64_t now_ms,
		      struct change *out)
{
	static const struct json_place outermost = {0};
	struct json_scan scan;
	const cJSON *root;
	int code;

	code = json_tree_parse(a, line, REQUEST_VALUES_MAX, &scan, &root);
	return code ? code : json_record_read(a, root, &outermost, now_ms, out);
}

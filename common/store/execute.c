/*
 * execute.c - from a request to a reply.
 *
 * Everything happens at once and on one thread, so each request is atomic and
 * sees all that came before it. What a reply reveals may not be on disk yet:
 * reply.after says how far the disk must be before anybody may be told.
 */
#include "store/key_map.h"
#include "store/log.h"
#include "store/side.h"

#include <stdlib.h>
#include <unistd.h>

/* Expired keys that one request may have to remove first. */
#define EXPIRE_BATCH 1000

static void fail(struct reply *reply, int code)
{
	reply->code = code;
	reply->message = err_text();
}

struct item *reply_item(struct store *s, struct reply *reply)
{
	if (reply->nitems == s->items_cap) {
		size_t cap = s->items_cap ? 2 * s->items_cap : 64;
		struct item *items = realloc(s->items, cap * sizeof(*items));

		if (items == NULL) {
			fail(reply, err_set(KV_ENOMEM, "no memory to reply"));
			return NULL;
		}
		s->items = items;
		s->items_cap = cap;
	}
	reply->items = s->items;
	return &s->items[reply->nitems++];
}

static void reply_depends(struct reply *reply, const struct store *s,
			  uint64_t seq)
{
	if (seq > s->revealed && seq > reply->after)
		reply->after = seq;
}

static void execute_get(struct store *s, const struct request *req,
			struct reply *reply)
{
	size_t total = 0;

	for (size_t i = 0; i < req->nkeys; i++) {
		struct stored_item stored;
		struct item *item = reply_item(s, reply);
		uint64_t seq;
		location l;

		if (item == NULL)
			return;
		*item = (struct item){.key = req->keys[i]};
		if (store_find(s, req->keys[i], &l, &stored, &seq)) {
			item->found = true;
			item->value = stored.value;
			item->version = stored.version;
			item->expires_ms = stored.expires_ms;
		}
		reply_depends(reply, s, seq);
		total += item->key.len + item->value.len;
		if (req->reply_max != 0 && total > req->reply_max) {
			fail(reply, err_set(KV_ETOOBIG,
					    "the values are over the %zu "
					    "bytes that a reply may hold; "
					    "ask for fewer keys",
					    req->reply_max));
			return;
		}
	}
}

/* Whether the write may happen; if not, the reply says why. */
static bool condition_met(struct store *s, const struct request *req,
			  struct reply *reply)
{
	struct stored_item item;
	bool met, found;
	uint64_t seq;
	location l;

	if (req->condition == KV_ALWAYS)
		return true;
	found = store_find(s, req->changes[0].key, &l, &item, &seq);
	reply_depends(reply, s, seq);
	if (req->condition == KV_IF_ABSENT)
		met = !found;
	else if (req->condition == KV_IF_PRESENT)
		met = found;
	else
		met = found && item.version == req->if_version;
	if (met)
		return true;
	if (req->condition == KV_IF_VERSION && found)
		err_set(KV_ECONDITION,
			"condition not met: the key has version %llu, not %llu",
			(unsigned long long)item.version,
			(unsigned long long)req->if_version);
	else
		err_set(KV_ECONDITION, "condition not met: the key %s",
			found ? "exists" : "does not exist");
	fail(reply, KV_ECONDITION);
	return false;
}

static void append_and_reply(struct store *s, const struct request *req,
			     const struct change *changes, size_t n,
			     struct reply *reply)
{
	int r = 0;

	if (n != 0 && req->client.len != 0)
		r = once_append(s, req, changes, n);
	else if (n != 0)
		r = store_append(s, changes, n);
	if (r != 0) {
		fail(reply, r);
		return;
	}
	reply->count = n;
	if (n == 0)
		return;
	reply->version = s->version;
	reply_depends(reply, s, s->appended);
}

static void execute_set(struct store *s, const struct request *req,
			struct reply *reply)
{
	if (condition_met(s, req, reply))
		append_and_reply(s, req, req->changes, req->nchanges, reply);
}

/* Deletes those of the changes' keys that exist, each once, as one batch. */
static void execute_delete_keys(struct store *s, const struct request *req,
				struct reply *reply)
{
	struct change one, *list = &one;
	struct key_map seen = {.seed = s->id};
	size_t n = 0, place;

	if (!condition_met(s, req, reply))
		return;
	if (req->nchanges > 1) {
		list = malloc(req->nchanges * sizeof(*list));
		if (list == NULL ||
		    key_map_reserve(&seen, req->nchanges) != 0) {
			fail(reply, err_set(KV_ENOMEM, "no memory to delete"));
			goto out;
		}
	}
	for (size_t i = 0; i < req->nchanges; i++) {
		struct stored_item item;
		uint64_t seq;
		location l;

		if (!store_find(s, req->changes[i].key, &l, &item, &seq)) {
			reply_depends(reply, s, seq);
			continue;
		}
		if (key_map_find(&seen, list, item.key, &place))
			continue;
		list[n] = req->changes[i];
		if (list != &one)
			key_map_add(&seen, list, n);
		n++;
	}
	append_and_reply(s, req, list, n, reply);
out:
	key_map_release(&seen);
	if (list != &one)
		free(list);
}

struct key_list {
	struct change *changes;
	size_t n, cap;
	struct buf bytes;
};

static bool key_list_add(struct key_list *list, const struct buf *key)
{
	if (list->n == list->cap) {
		size_t cap = list->cap ? 2 * list->cap : 256;
		struct change *more =
			realloc(list->changes, cap * sizeof(*more));

		if (more == NULL)
			return false;
		list->changes = more;
		list->cap = cap;
	}
	/* The bytes may still move: only lengths for now. */
	list->changes[list->n++] = (struct change){
		.kind = CHANGE_DELETE,
		.key = slice_of(NULL, key->len),
	};
	buf_append(&list->bytes, key->data, key->len);
	return !buf_failed(&list->bytes);
}

static void execute_delete_range(struct store *s, const struct request *req,
				 struct reply *reply)
{
	struct key_list list = {0};
	struct range_walk w;
	bool ok = true;
	size_t at = 0;

	for (bool more = range_first(s, &w, &req->range, slice_of(NULL, 0));
	     more && ok; more = range_next(&w))
		ok = key_list_add(&list, &w.key);
	ok = ok && !w.failed;
	range_end(&w);
	for (size_t i = 0; i < list.n; i++) {
		list.changes[i].key.data = list.bytes.data + at;
		at += list.changes[i].key.len;
	}
	if (ok)
		append_and_reply(s, req, list.changes, list.n, reply);
	else
		fail(reply, err_set(KV_ENOMEM, "no memory to delete"));
	free(list.changes);
	buf_release(&list.bytes);
}

/* An item may have expired that store_expire() has not come to. */
static bool is_current(const struct store *s, location l, uint64_t now)
{
	struct stored_item item;
	uint64_t seq;

	if (!location_has_ttl(l))
		return true;
	store_item(s, l, &item, &seq);
	return item.expires_ms > now;
}

static void execute_count(struct store *s, const struct request *req,
			  struct reply *reply)
{
	const struct range *range = &req->range;
	uint64_t now = store_now(s);
	struct range_walk w;

	reply_depends(reply, s, s->applied);
	if (range->prefix.len == 0 && range->from.len == 0 &&
	    range->to.len == 0 && !store_has_expired(s)) {
		reply->count = index_count(s->index);
		return;
	}
	for (bool more = range_first(s, &w, range, slice_of(NULL, 0)); more;
	     more = range_next(&w))
		reply->count +=
			is_current(s, index_cursor_location(&w.cursor), now);
	if (w.failed)
		fail(reply, err_set(KV_ENOMEM, "no memory to count"));
	range_end(&w);
}

static void info_text(struct store *s, struct reply *reply, const char *name,
		      struct slice text, bool is_number)
{
	s->info[reply->ninfo++] = (struct info_line){
		.name = name,
		/* An offset for now; the text may still move. */
		.text = slice_of(NULL, text.len),
		.is_number = is_number,
	};
	buf_append_slice(&s->text, text);
}

static void info_number(struct store *s, struct reply *reply, const char *name,
			uint64_t value)
{
	size_t before = s->text.len;

	buf_append_u64(&s->text, value);
	s->info[reply->ninfo++] = (struct info_line){
		.name = name,
		.text = slice_of(NULL, s->text.len - before),
		.is_number = true,
	};
}

struct sizes {
	uint64_t segments, file_bytes, side_bytes, tombstones;
};

static struct sizes measure(const struct store *s)
{
	struct sizes z = {0};

	for (unsigned i = 0; i < s->nslots; i++) {
		const struct segment *seg = s->slots[i];

		if (seg == NULL || seg->forming)
			continue;
		z.segments++;
		if (seg->durable != SEGMENT_RECORDS_AT) /* it has a file */
			z.file_bytes += seg->mapped;
		z.tombstones += seg->tombstones;
		if (seg->side != NULL)
			z.side_bytes += side_bytes(seg->side);
	}
	for (unsigned i = 0; i < s->nspares; i++)
		z.file_bytes += s->spares[i].size;
	return z;
}

static void execute_info(struct store *s, struct reply *reply)
{
	struct sizes z = measure(s);
	size_t at = 0;

	buf_clear(&s->text);
	info_text(s, reply, "program_version", slice_str(KV_VERSION), false);
	info_text(s, reply, "dir", slice_str(s->dir), false);
	info_number(s, reply, "pid", (uint64_t)getpid());
	info_number(s, reply, "keys", index_count(s->index));
	info_number(s, reply, "keys_with_ttl",
		    index_count(s->expiries) - s->own_expiries);
	info_number(s, reply, "version", s->version);
	info_number(s, reply, "index_bytes",
		    index_memory(s->index) + index_memory(s->own) +
			    index_memory(s->expiries));
	info_number(s, reply, "live_bytes", store_live_bytes(s));
	info_number(s, reply, "tombstone_bytes", z.tombstones);
	info_number(s, reply, "used_bytes", store_used_bytes(s));
	info_number(s, reply, "disk_bytes", z.file_bytes + z.side_bytes);
	info_number(s, reply, "segments", z.segments);
	info_number(s, reply, "spare_segments", s->nspares);
	info_number(s, reply, "syncs", s->stats.syncs);
	info_number(s, reply, "sync_failures", s->stats.sync_failures);
	info_number(s, reply, "injected_failures", s->stats.injected_failures);
	info_number(s, reply, "written_bytes", s->stats.written_bytes);
	info_number(s, reply, "compacted_bytes", s->stats.compacted_bytes);
	info_number(s, reply, "released_segments", s->stats.released_segments);
	info_number(s, reply, "expired_keys", s->stats.expired_keys);
	info_number(s, reply, "read_only", s->failed != 0 || s->read_only);
	info_text(s, reply, "read_only_reason", slice_str(s->why), false);
	if (buf_failed(&s->text)) {
		fail(reply, err_set(KV_ENOMEM, "no memory to reply"));
		return;
	}
	for (size_t i = 0; i < reply->ninfo; i++) {
		s->info[i].text.data = s->text.data + at;
		at += s->info[i].text.len;
	}
	reply->info = s->info;
}

/* Whether a client means to set a key of the store's own. */
static bool sets_own(const struct request *req)
{
	for (size_t i = 0; i < req->nchanges; i++)
		if (key_is_own(req->changes[i].key) &&
		    req->changes[i].kind == CHANGE_SET)
			return true;
	return false;
}

/* A replicated store may have to take back first what nobody agreed on; and
 * writes are the leader's. */
static bool log_refuses(struct store *s, const struct request *req,
			struct reply *reply)
{
	bool writes = req->op == OP_SET || req->op == OP_DELETE ||
		      req->op == OP_BULK_SET;
	int r = log_settle(s);

	if (r == 0 && writes)
		r = store_may_append(s);
	if (r != 0)
		fail(reply, r);
	return r != 0;
}

static bool answered_before(struct store *s, const struct request *req,
			    struct reply *reply)
{
	uint64_t seq;
	bool answered = once_answered(s, req, reply, &seq);

	if (answered)
		reply_depends(reply, s, seq);
	return answered;
}

void store_execute(struct store *s, const struct request *req,
		   struct reply *reply)
{
	*reply = (struct reply){.op = req->op};
	if (s->incomplete && req->op != OP_PING && req->op != OP_INFO) {
		fail(reply, err_set(KV_ENOMEM, "%s", s->why));
		return;
	}
	if (s->log != NULL && log_refuses(s, req, reply))
		return;
	if (sets_own(req)) {
		fail(reply, key_refuse_own());
		return;
	}
	/* Commands mind expired keys themselves. */
	if (req->op != OP_COMMAND)
		store_expire(s, EXPIRE_BATCH);
	if (req->client.len != 0 && answered_before(s, req, reply))
		return;
	switch (req->op) {
	case OP_PING:
		break;
	case OP_GET:
	case OP_MGET:
		execute_get(s, req, reply);
		break;
	case OP_SET:
	case OP_BULK_SET:
		execute_set(s, req, reply);
		break;
	case OP_DELETE:
		if (req->has_range)
			execute_delete_range(s, req, reply);
		else
			execute_delete_keys(s, req, reply);
		break;
	case OP_SCAN:
		store_scan(s, req, reply);
		break;
	case OP_COUNT:
		execute_count(s, req, reply);
		break;
	case OP_INFO:
		execute_info(s, reply);
		break;
	case OP_COMMAND:
		store_transact(s, req, reply);
		break;
	default:
		fail(reply,
		     err_set(KV_EUSAGE, "unknown operation %d", (int)req->op));
	}
}

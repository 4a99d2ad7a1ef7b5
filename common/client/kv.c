/*
 * kv.c - the public calls of kv.h: each builds one request, has it answered by
 * the transport, and hands the answer out.
 */
#include "kv.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "client/client.h"
#include "client/open.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct kv {
	struct transport *transport;
	unsigned timeout_ms;
	bool stale_ok;
	struct client_lag lag;
};

int kv_open(kv **out, const struct kv_options *options)
{
	static const struct kv_options none;
	kv *db = calloc(1, sizeof(*db));
	int r;

	if (options == NULL)
		options = &none;
	if (db == NULL)
		return err_sys(ENOMEM, "cannot open a store");
	db->timeout_ms = open_timeout_ms(options);
	db->stale_ok = options->stale_ok;
	r = open_transport(&db->transport, options);
	if (r != 0) {
		free(db);
		return r;
	}
	*out = db;
	return 0;
}

void kv_close(kv *db)
{
	if (db == NULL)
		return;
	db->transport->ops->close(db->transport);
	free(db);
}

void kv_free(void *p)
{
	free(p);
}

static void note_lag(struct client_lag *lag, const struct reply *reply)
{
	if (!reply->stale)
		return;
	lag->stale = true;
	if (reply->lag_ms == UINT64_MAX) {
		lag->unknown = true;
		return;
	}
	if (reply->lag > lag->entries)
		lag->entries = reply->lag;
	if (reply->lag_ms > lag->heard_ms)
		lag->heard_ms = reply->lag_ms;
}

struct client_lag client_lag(const kv *db)
{
	return db->lag;
}

int client_ask(kv *db, const struct request *req, struct reply *reply)
{
	uint64_t deadline_ms = clock_monotonic_ms() + db->timeout_ms;
	struct request asked = *req;
	int r;

	asked.stale_ok = asked.stale_ok || db->stale_ok;
	*reply = (struct reply){0};
	r = db->transport->ops->ask(db->transport, &asked, deadline_ms, reply);
	if (r == 0 && reply->code != 0) {
		r = reply->code;
		/* A store's own message is the text that is kept already. */
		if (reply->message != err_text())
			err_set(r, "%s",
				reply->message != NULL ? reply->message
						       : kv_strerror(r));
	}
	if (r == 0)
		note_lag(&db->lag, reply);
	return r;
}

uint64_t client_expiry(uint64_t ttl_ms)
{
	uint64_t when;

	if (ttl_ms == 0)
		return 0;
	if (__builtin_add_overflow(clock_wall_ms(), ttl_ms, &when))
		return UINT64_MAX;
	return when;
}

int client_check_key(struct slice key)
{
	if (key.len == 0)
		return err_set(KV_EUSAGE, "a key has at least one byte");
	if (key.len > KV_KEY_MAX)
		return err_set(KV_ETOOBIG,
			       "the key has %zu bytes; at most %u are allowed",
			       key.len, KV_KEY_MAX);
	return 0;
}

int client_check_value(struct slice value)
{
	if (value.len > KV_VALUE_MAX)
		return err_set(
			KV_ETOOBIG,
			"the value has %zu bytes; at most %u are allowed",
			value.len, KV_VALUE_MAX);
	return 0;
}

/* A copy for the caller, with a NUL behind it. */
static int copy_out(struct slice s, void **out, size_t *len)
{
	char *copy = malloc(s.len + 1);

	if (copy == NULL)
		return err_sys(ENOMEM, "cannot take a value of %zu bytes",
			       s.len);
	if (s.len != 0)
		memcpy(copy, s.data, s.len);
	copy[s.len] = '\0';
	*out = copy;
	*len = s.len;
	return 0;
}

int kv_get(kv *db, const void *key, size_t key_len, void **value,
	   size_t *value_len, uint64_t *version)
{
	struct slice k = slice_of(key, key_len);
	struct request req = {.op = OP_GET, .keys = &k, .nkeys = 1};
	struct reply reply;
	int r = client_check_key(k);

	if (r == 0)
		r = client_ask(db, &req, &reply);
	if (r != 0)
		return r;
	if (reply.nitems != 1 || !reply.items[0].found)
		return err_set(KV_ENOTFOUND, "there is no such key");
	if (version != NULL)
		*version = reply.items[0].version;
	return copy_out(reply.items[0].value, value, value_len);
}

int kv_set(kv *db, const void *key, size_t key_len, const void *value,
	   size_t value_len, const struct kv_write *write, uint64_t *version)
{
	struct kv_write w = write != NULL ? *write : (struct kv_write){0};
	struct change change = {
		.key = slice_of(key, key_len),
		.value = slice_of(value, value_len),
		.expires_ms = client_expiry(w.ttl_ms),
		.kind = CHANGE_SET,
	};
	struct request req = {
		.op = OP_SET,
		.changes = &change,
		.nchanges = 1,
		.condition = w.condition,
		.if_version = w.version,
		.debug_unreliable = w.debug_unreliable,
	};
	struct reply reply;
	int r = client_check_key(change.key);

	if (r == 0)
		r = client_check_value(change.value);
	if (r == 0)
		r = client_ask(db, &req, &reply);
	if (r == 0 && version != NULL)
		*version = reply.version;
	return r;
}

int kv_delete(kv *db, const void *key, size_t key_len,
	      const struct kv_write *write)
{
	struct kv_write w = write != NULL ? *write : (struct kv_write){0};
	struct change change = {
		.key = slice_of(key, key_len),
		.kind = CHANGE_DELETE,
	};
	struct request req = {
		.op = OP_DELETE,
		.changes = &change,
		.nchanges = 1,
		.if_version = w.version,
		.debug_unreliable = w.debug_unreliable,
	};
	struct reply reply;
	int r = client_check_key(change.key);

	/* Deleting what is absent does nothing, and what is present is what is
	 * deleted anyway: only the version is a condition. */
	if (w.condition == KV_IF_VERSION)
		req.condition = KV_IF_VERSION;
	else if (w.condition == KV_IF_ABSENT)
		return err_set(KV_EUSAGE,
			       "a delete cannot want the key to be absent");
	if (r == 0)
		r = client_ask(db, &req, &reply);
	if (r == 0 && reply.count == 0)
		return err_set(KV_ENOTFOUND, "there is no such key");
	return r;
}

static int pair_to_change(const struct kv_pair *p, struct change *change)
{
	int r;

	*change = (struct change){
		.key = slice_of(p->key, p->key_len),
		.value = slice_of(p->value, p->value_len),
		.expires_ms = client_expiry(p->ttl_ms),
		.kind = CHANGE_SET,
	};
	r = client_check_key(change->key);
	return r != 0 ? r : client_check_value(change->value);
}

int kv_bulk_set(kv *db, const struct kv_pair *pairs, size_t count,
		const struct kv_write *write)
{
	struct request req = {.op = OP_BULK_SET, .nchanges = count};
	struct reply reply;
	int r = 0;

	if (write != NULL && write->condition != KV_ALWAYS)
		return err_set(KV_EUSAGE, "a bulk has no condition");
	if (write != NULL)
		req.debug_unreliable = write->debug_unreliable;
	req.changes = calloc(count != 0 ? count : 1, sizeof(*req.changes));
	if (req.changes == NULL)
		return err_sys(ENOMEM, "cannot send %zu pairs", count);
	for (size_t i = 0; i < count && r == 0; i++)
		r = pair_to_change(&pairs[i], &req.changes[i]);
	if (r == 0)
		r = client_ask(db, &req, &reply);
	free(req.changes);
	return r;
}

int kv_delete_prefix(kv *db, const void *prefix, size_t prefix_len,
		     uint64_t *deleted)
{
	struct request req = {
		.op = OP_DELETE,
		.range.prefix = slice_of(prefix, prefix_len),
		.has_range = true,
	};
	struct reply reply;
	int r = client_ask(db, &req, &reply);

	if (r == 0 && deleted != NULL)
		*deleted = reply.count;
	return r;
}

int kv_info(kv *db, char **text)
{
	struct request req = {.op = OP_INFO};
	struct reply reply;
	struct buf b;
	int r = client_ask(db, &req, &reply);

	if (r != 0)
		return r;
	buf_init(&b);
	for (size_t i = 0; i < reply.ninfo; i++) {
		buf_append_str(&b, reply.info[i].name);
		buf_append_str(&b, ": ");
		buf_append_slice(&b, reply.info[i].text);
		buf_append_char(&b, '\n');
	}
	buf_append_char(&b, '\0');
	if (buf_failed(&b)) {
		buf_release(&b);
		return err_sys(ENOMEM, "cannot take the server's description");
	}
	*text = b.data;
	return 0;
}

int kv_ping(kv *db)
{
	struct request req = {.op = OP_PING};
	struct reply reply;

	return client_ask(db, &req, &reply);
}

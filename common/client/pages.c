/*
 * pages.c - scans of any length in pages of bounded size. The server (or the
 * store) keeps what the first page saw for the ones after it, so that all of
 * them show one moment.
 */
#include "base/buf.h"
#include "base/err.h"
#include "client/client.h"

#include <errno.h>

static struct range range_of(const struct kv_range *r)
{
	return (struct range){
		.prefix = slice_of(r->prefix, r->prefix_len),
		.from = slice_of(r->from, r->from_len),
		.to = slice_of(r->to, r->to_len),
		.limit = r->limit,
		.reverse = r->reverse,
		.keys_only = r->keys_only,
	};
}

/* Keeps the cursor, whose bytes the next request would overwrite. */
static int keep_cursor(struct buf *kept, struct slice cursor)
{
	buf_clear(kept);
	buf_append_slice(kept, cursor);
	if (buf_failed(kept))
		return err_sys(ENOMEM, "cannot go on with the scan");
	return 0;
}

int client_scan(kv *db, const struct range *range, client_item_fn *fn,
		void *arg)
{
	struct request req = {
		.op = OP_SCAN, .range = *range, .has_range = true};
	struct buf cursor;
	struct reply reply;
	bool more = true;
	int r = 0;

	buf_init(&cursor);
	while (r == 0 && more) {
		req.cursor = buf_slice(&cursor);
		r = client_ask(db, &req, &reply);
		for (size_t i = 0; r == 0 && i < reply.nitems; i++)
			r = fn(arg, &reply.items[i]);
		if (r != 0)
			break;
		more = reply.cursor.len != 0;
		if (range->limit != 0) {
			req.range.limit -= reply.nitems < req.range.limit
						   ? reply.nitems
						   : req.range.limit;
			more = more && req.range.limit != 0;
		}
		r = keep_cursor(&cursor, reply.cursor);
	}
	buf_release(&cursor);
	return r;
}

struct scan_call {
	kv_scan_fn *fn;
	void *arg;
};

static int call_scan_fn(void *arg, const struct item *item)
{
	const struct scan_call *call = arg;

	return call->fn(call->arg, item->key.data, item->key.len,
			item->value.data, item->value.len);
}

int kv_scan(kv *db, const struct kv_range *range, kv_scan_fn *fn, void *arg)
{
	struct scan_call call = {.fn = fn, .arg = arg};
	struct range r = range_of(range);

	return client_scan(db, &r, call_scan_fn, &call);
}

int kv_count(kv *db, const struct kv_range *range, uint64_t *count)
{
	struct request req = {
		.op = OP_COUNT,
		.range = range_of(range),
		.has_range = true,
	};
	struct reply reply;
	int r = client_ask(db, &req, &reply);

	if (r != 0)
		return r;
	*count = reply.count;
	if (range->limit != 0 && *count > range->limit)
		*count = range->limit;
	return 0;
}

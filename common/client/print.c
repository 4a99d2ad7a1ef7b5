/*
 * print.c - see print.h.
 */
#include "client/print.h"

#include "base/err.h"
#include "client/client.h"

#include <unistd.h>

/* Keys asked for in one request; how many hardly matters beyond a few. */
#define KEYS_AT_ONCE 1000

static int print_item(void *arg, const struct item *item)
{
	struct printer *p = arg;
	int r = record_write(&p->out.buf, p->format, item->key,
			     p->keys_only ? NULL : &item->value);

	p->printed = true;
	return r != 0 ? r : out_step(&p->out);
}

int print_range(struct printer *p, const struct range *range)
{
	int r = client_scan(p->db, range, print_item, p);

	return r == 0 && !p->printed ? KV_ENOTFOUND : r;
}

int print_count(struct printer *p, const struct range *range)
{
	struct request req = {
		.op = OP_COUNT, .range = *range, .has_range = true};
	struct reply reply;
	int r = client_ask(p->db, &req, &reply);
	uint64_t count = reply.count;

	if (r != 0)
		return r;
	if (range->limit != 0 && count > range->limit)
		count = range->limit;
	buf_append_u64(&p->out.buf, count);
	buf_append_char(&p->out.buf, '\n');
	return 0;
}

static int ask_one(struct printer *p, struct slice key, struct reply *reply)
{
	struct request req = {.op = OP_GET, .keys = &key, .nkeys = 1};
	int r = client_ask(p->db, &req, reply);

	if (r != 0)
		return r;
	return reply->nitems == 1 && reply->items[0].found ? 0 : KV_ENOTFOUND;
}

int print_value(struct printer *p, struct slice key)
{
	struct reply reply;
	int r = ask_one(p, key, &reply);

	if (r != 0)
		return r;
	r = out_put(&p->out, reply.items[0].value.data,
		    reply.items[0].value.len);
	if (isatty(p->out.fd))
		buf_append_char(&p->out.buf, '\n');
	return r;
}

int print_version(struct printer *p, struct slice key)
{
	struct reply reply;
	int r = ask_one(p, key, &reply);

	if (r != 0)
		return r;
	buf_append_u64(&p->out.buf, reply.items[0].version);
	buf_append_char(&p->out.buf, '\n');
	return 0;
}

/* Asks for all at once; in halves if their values do not fit one reply. */
static int print_some(struct printer *p, struct slice *keys, size_t count,
		      bool *missed)
{
	struct request req = {.op = OP_MGET, .keys = keys, .nkeys = count};
	struct reply reply;
	size_t half = count / 2;
	int r = client_ask(p->db, &req, &reply);

	if (r == KV_ETOOBIG && half > 0) {
		r = print_some(p, keys, half, missed);
		return r != 0 ? r
			      : print_some(p, keys + half, count - half,
					   missed);
	}
	if (r == 0 && reply.nitems != count)
		r = err_set(KV_EPROTO, "%zu keys asked for, %zu answered",
			    count, reply.nitems);
	for (size_t i = 0; r == 0 && i < count; i++) {
		if (!reply.items[i].found) {
			*missed = true;
			continue;
		}
		reply.items[i].key = keys[i];
		r = print_item(p, &reply.items[i]);
	}
	return r;
}

int print_keys(struct printer *p, char *const *keys, size_t count)
{
	struct slice slices[KEYS_AT_ONCE];
	bool missed = false;
	int r = 0;

	while (r == 0 && count > 0) {
		size_t n = count < KEYS_AT_ONCE ? count : KEYS_AT_ONCE;

		for (size_t i = 0; i < n; i++)
			slices[i] = slice_str(keys[i]);
		r = print_some(p, slices, n, &missed);
		keys += n;
		count -= n;
	}
	return r == 0 && missed ? KV_ENOTFOUND : r;
}

/*
 * bulk.c - see bulk.h.
 */
#include "client/bulk.h"

#include "base/err.h"
#include "client/batch.h"
#include "client/client.h"

#include <inttypes.h>

/* Gathers the records of the next write: 1 if more may follow, 0 at the end,
 * or a code. */
static int gather(struct record_reader *reader, const struct bulk_options *o,
		  struct batch *batch)
{
	uint64_t expires_ms = client_expiry(o->ttl_ms);

	batch_clear(batch);
	while (o->chunk == 0 || batch->count < o->chunk) {
		struct change change;
		int r = record_reader_next(reader, &change);

		if (r != 1)
			return r;
		if (change.expires_ms == 0)
			change.expires_ms = expires_ms;
		r = batch_add(batch, &change);
		if (r != 0)
			return r;
	}
	return 1;
}

static int store_batch(kv *db, const struct batch *batch,
		       const struct bulk_options *o)
{
	struct request req = {
		.op = OP_BULK_SET,
		.changes = batch->changes,
		.nchanges = batch->count,
		.debug_unreliable = o->debug_unreliable,
	};
	struct reply reply;

	if (batch->count == 0)
		return 0;
	return client_ask(db, &req, &reply);
}

/* Adds to a failure what is known about the chunks before it. */
static int failed_after(int code, uint64_t stored)
{
	char text[ERR_TEXT_MAX / 2];

	strncpy(text, err_text(), sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	return err_set(code, "%s; the first %" PRIu64 " records are stored",
		       text, stored);
}

int bulk_load(kv *db, struct record_reader *reader,
	      const struct bulk_options *options, uint64_t *stored)
{
	struct batch batch;
	int more = 1, r = 0;

	batch_init(&batch);
	*stored = 0;
	while (more == 1 && r == 0) {
		more = gather(reader, options, &batch);
		if (more < 0)
			break;
		r = store_batch(db, &batch, options);
		if (r != 0)
			break;
		*stored += batch.count;
		if (options->progress != NULL)
			progress_update(options->progress, *stored,
					record_reader_bytes(reader));
	}
	batch_release(&batch);
	r = more < 0 ? more : r;
	return r != 0 && options->chunk != 0 ? failed_after(r, *stored) : r;
}

/*
 * embedded.c - requests to a store opened in this process: executed, synced
 * and answered in place, by the very code that a server runs.
 */
#include "client/transport.h"

#include "base/err.h"
#include "store/store.h"

#include <bsd/stdlib.h>
#include <errno.h>
#include <stdlib.h>

/* Bytes of one page of a scan: large enough to forget the cost of a call. */
#define PAGE_BYTES (1u << 20)

/* One write in so many that asks for it meets a failing sync. */
#define UNRELIABLE_ONE_IN 100

struct embedded {
	struct transport transport;
	struct store *store;
	bool wrote;
};

static bool is_write(enum op op)
{
	return op == OP_SET || op == OP_DELETE || op == OP_BULK_SET;
}

/* One piece of upkeep after each write keeps pace with any writer; it is
 * tried again later if it fails, and the write is safe either way. */
static void keep_up(struct store *s)
{
	struct store_task *task = store_task_begin(s);

	if (task == NULL)
		return;
	store_task_run(task);
	(void)!store_task_end(s, task);
}

static int embedded_ask(struct transport *t, const struct request *req,
			uint64_t deadline_ms, struct reply *reply)
{
	struct embedded *e = (struct embedded *)t;
	struct request paged = *req;
	int r;

	(void)deadline_ms; /* nothing here waits for anybody else */
	if (req->op == OP_SCAN)
		paged.reply_max = PAGE_BYTES;
	store_execute(e->store, &paged, reply);
	if (reply->code != 0 || !is_write(req->op))
		return 0;
	e->wrote = true;
	if (req->debug_unreliable && arc4random_uniform(UNRELIABLE_ONE_IN) == 0)
		store_inject_sync_failure(e->store);
	r = store_sync(e->store);
	if (r == 0)
		keep_up(e->store);
	return r;
}

static void embedded_close(struct transport *t)
{
	struct embedded *e = (struct embedded *)t;

	/* Every write was synced when it was answered, so neither failure can
	 * lose one; upkeep that failed is tried again by the next owner. */
	if (e->wrote)
		(void)!store_maintain(e->store);
	(void)!store_close(e->store);
	free(e);
}

int embedded_open(struct transport **out, const char *dir,
		  const struct embedded_options *options)
{
	static const struct transport_ops ops = {
		.ask = embedded_ask,
		.close = embedded_close,
	};
	struct store_options so = {
		.lock_timeout_ms = options->lock_timeout_ms,
		.read_only = options->read_only,
		.create = options->create && !options->read_only,
	};
	struct embedded *e = calloc(1, sizeof(*e));
	int r;

	if (e == NULL)
		return err_sys(ENOMEM, "cannot open '%s'", dir);
	e->transport.ops = &ops;
	r = store_open(&e->store, dir, &so);
	if (r != 0) {
		free(e);
		return r;
	}
	*out = &e->transport;
	return 0;
}

int embedded_find_server(const char *dir, char **address)
{
	return store_find_server(dir, address);
}

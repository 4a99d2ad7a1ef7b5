/*
 * cmd_multi.c - transactions that a client spells out.
 *
 * MULTI queues copies of the commands; EXEC runs them all in one transaction,
 * so that they are one record in the log: on disk as a whole or not at all.
 *
 * WATCH notes the version of a key, which every write changes. A key that was
 * absent then and is absent again at EXEC counts as unchanged.
 */
#include "proto/resp_conn.h"

#include <stdlib.h>

/* Bytes that may be queued by one connection. */
#define QUEUE_MAX ((size_t)256 << 20)

#define NO_MEMORY "OOM command not allowed: no memory to queue it"

void multi_discard(struct resp_conn *conn)
{
	for (size_t i = 0; i < conn->nqueued; i++)
		free(conn->queue[i]);
	free(conn->queue);
	conn->queue = NULL;
	conn->nqueued = conn->queue_cap = conn->queue_bytes = 0;
	conn->multi = conn->spoilt = conn->queue_writes = false;
}

static struct queued *copy_command(const struct call *c, size_t *size)
{
	size_t head = sizeof(struct queued) + c->argc * sizeof(struct slice);
	struct queued *q;
	char *to;

	*size = head;
	for (size_t i = 0; i < c->argc; i++)
		*size += c->argv[i].len;
	q = malloc(*size);
	if (q == NULL)
		return NULL;
	q->command = c->command;
	q->argc = c->argc;
	to = (char *)q + head;
	for (size_t i = 0; i < c->argc; i++) {
		q->argv[i] = slice_of(to, c->argv[i].len);
		if (c->argv[i].len != 0)
			memcpy(to, c->argv[i].data, c->argv[i].len);
		to += c->argv[i].len;
	}
	return q;
}

static bool enqueue(struct resp_conn *conn, struct queued *q, size_t size)
{
	if (conn->nqueued == conn->queue_cap) {
		size_t cap = conn->queue_cap != 0 ? 2 * conn->queue_cap : 8;
		struct queued **queue =
			realloc(conn->queue, cap * sizeof(struct queued *));

		if (queue == NULL)
			return false;
		conn->queue = queue;
		conn->queue_cap = cap;
	}
	conn->queue[conn->nqueued++] = q;
	conn->queue_bytes += size;
	return true;
}

void multi_queue(struct call *c)
{
	struct resp_conn *conn = c->conn;
	struct queued *q;
	size_t size;

	/* It would act on another connection than this one. */
	if (conn->shared->clustered && c->command->flags & CMD_LOCAL &&
	    c->command->flags & CMD_CONNECTION) {
		conn->spoilt = true;
		resp_error(c->out,
			   "ERR Command not allowed inside a transaction");
		return;
	}
	if (conn->queue_bytes > QUEUE_MAX) {
		conn->spoilt = true;
		resp_error(c->out,
			   "ERR a transaction may have %zu bytes of "
			   "commands",
			   QUEUE_MAX);
		return;
	}
	q = copy_command(c, &size);
	if (q == NULL || !enqueue(conn, q, size)) {
		free(q);
		conn->spoilt = true;
		resp_error(c->out, NO_MEMORY);
		return;
	}
	if (!(c->command->flags & (CMD_READ | CMD_LOCAL)))
		conn->queue_writes = true;
	resp_status(c->out, "QUEUED");
}

void multi_refuse_exec(struct call *c)
{
	multi_discard(c->conn);
	watch_forget(c->conn);
	resp_error(c->out, "EXECABORT Transaction discarded because of: wrong "
			   "number of arguments for 'exec' command");
}

void cmd_multi(struct call *c)
{
	if (c->conn->multi) {
		resp_error(c->out, "ERR MULTI calls can not be nested");
		return;
	}
	c->conn->multi = true;
	call_ok(c);
}

void cmd_discard(struct call *c)
{
	if (!c->conn->multi) {
		resp_error(c->out, "ERR DISCARD without MULTI");
		return;
	}
	multi_discard(c->conn);
	watch_forget(c->conn);
	call_ok(c);
}

void watch_drop(struct resp_conn *conn, size_t n)
{
	for (; n != 0; n--)
		free((void *)(uintptr_t)conn->watched[--conn->nwatched]
			     .key.data);
}

void watch_forget(struct resp_conn *conn)
{
	watch_drop(conn, conn->nwatched);
	free(conn->watched);
	conn->watched = NULL;
	conn->watched_cap = 0;
}

static uint64_t version_of(struct call *c, struct slice key)
{
	struct item item;

	return txn_get(c->txn, key, &item) ? item.version : 0;
}

bool watch_has(const struct resp_conn *conn, struct slice key)
{
	for (size_t i = 0; i < conn->nwatched; i++)
		if (slice_eq(conn->watched[i].key, key))
			return true;
	return false;
}

bool watch_add(struct resp_conn *conn, struct slice key, uint64_t version)
{
	char *copy;

	if (conn->nwatched == conn->watched_cap) {
		size_t cap = conn->watched_cap != 0 ? 2 * conn->watched_cap : 4;
		struct watched *more =
			realloc(conn->watched, cap * sizeof(*more));

		if (more == NULL)
			return false;
		conn->watched = more;
		conn->watched_cap = cap;
	}
	copy = malloc(key.len + 1);
	if (copy == NULL)
		return false;
	if (key.len != 0)
		memcpy(copy, key.data, key.len);
	conn->watched[conn->nwatched++] = (struct watched){
		.key = slice_of(copy, key.len),
		.version = version,
	};
	return true;
}

void cmd_watch(struct call *c)
{
	struct resp_conn *conn = c->conn;

	if (conn->multi) {
		resp_error(c->out, "ERR WATCH inside MULTI is not allowed");
		return;
	}
	for (size_t i = 1; i < c->argc; i++) {
		struct slice key = c->argv[i];

		if (watch_has(conn, key))
			continue;
		if (!watch_add(conn, key, version_of(c, key))) {
			call_fail(c, err_set(KV_ENOMEM, "no memory to watch"));
			return;
		}
	}
	call_ok(c);
}

void cmd_unwatch(struct call *c)
{
	watch_forget(c->conn);
	call_ok(c);
}

static bool watched_unchanged(struct call *c)
{
	const struct resp_conn *conn = c->conn;

	for (size_t i = 0; i < conn->nwatched; i++)
		if (version_of(c, conn->watched[i].key) !=
		    conn->watched[i].version)
			return false;
	return true;
}

static void run_queue(struct call *c)
{
	struct resp_conn *conn = c->conn;
	size_t mark = c->out->len;

	resp_array(c->out, conn->nqueued);
	for (size_t i = 0; i < conn->nqueued && c->failed == 0; i++) {
		struct call one = *c;

		one.command = conn->queue[i]->command;
		one.argv = conn->queue[i]->argv;
		one.argc = conn->queue[i]->argc;
		one.resp3 = conn->resp3; /* HELLO may have changed it */
		resp_run(&one);
		c->failed = one.failed;
		if (!call_has_room(c, mark))
			call_fail(c, err_set(KV_ENOMEM,
					     "the replies of the transaction "
					     "are over %zu bytes",
					     CALL_REPLY_MAX));
	}
}

/* The queue outlives this call: what was set must stay until the transaction
 * has ended. resp_settle() discards it then. */
void cmd_exec(struct call *c)
{
	struct resp_conn *conn = c->conn;

	if (!conn->multi) {
		resp_error(c->out, "ERR EXEC without MULTI");
		return;
	}
	if (conn->spoilt)
		resp_error(c->out, "EXECABORT Transaction discarded because of "
				   "previous errors.");
	else if (!watched_unchanged(c))
		resp_null_array(c->out, c->resp3);
	else
		run_queue(c);
	conn->multi = conn->spoilt = false;
	watch_forget(conn);
}

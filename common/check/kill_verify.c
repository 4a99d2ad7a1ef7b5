/*
 * kill_verify.c - what the clients of kill.h saw, and whether the store agrees.
 */
#include "check/kill_test.h"

#include "base/clock.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define VERIFY_TIMEOUT_MS 60000

void kill_tell(struct kill_test *t, const char *fmt, ...)
{
	char line[256];
	va_list ap;

	if (t->details++ >= KILL_DETAILS_MAX)
		return;
	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	buf_printf(&t->report->details, "round %" PRIu64 ": %s\n",
		   t->report->rounds + 1, line);
}

/* ---- the history ---- */

static void op_text(const struct kill_client *c, const struct kill_op *op,
		    char key[KILL_KEY_MAX], char value[KILL_KEY_MAX],
		    struct history_op *out)
{
	kill_key(c, op->key, key);
	/* The beginning of the value, which is unique; the rest follows from
	 * it and was compared when it was read. */
	snprintf(value, KILL_KEY_MAX, "w%" PRIu64 ".%" PRIu64, op->write >> 40,
		 op->write & ((UINT64_C(1) << 40) - 1));
	*out = (struct history_op){.client = c->reads ? 0 : c->id,
				   .kind = op->kind,
				   .result = op->result,
				   .found = op->found,
				   .in_bulk = op->in_bulk,
				   .key = slice_str(key),
				   .value = op->write != 0 ? slice_str(value)
							   : history_missing(),
				   .invoke = op->invoke,
				   .ret = op->ret};
	if (op->kind == HISTORY_DELETE && op->result == HISTORY_UNKNOWN)
		out->found = HISTORY_UNSAID;
}

/* Moves a client's log into the history, and out to who wants its lines. */
static int take_log(struct kill_test *t, struct kill_client *c)
{
	char keys[KILL_BULK_MAX][KILL_KEY_MAX];
	char values[KILL_BULK_MAX][KILL_KEY_MAX];
	struct history_op ops[KILL_BULK_MAX];
	size_t n = 0;
	int r = 0;

	buf_clear(&t->lines);
	for (size_t i = 0; r == 0 && i < c->nlog; i++) {
		op_text(c, &c->log[i], keys[n], values[n], &ops[n]);
		r = history_add(t->history, &ops[n]);
		n++;
		if (c->log[i].in_bulk && !c->log[i].bulk_ends)
			continue;
		if (t->options->history != NULL && c->log[i].in_bulk)
			history_write_bulk(&t->lines, ops, n);
		else if (t->options->history != NULL)
			history_write_line(&t->lines, &ops[0]);
		n = 0;
	}
	c->nlog = 0;
	if (r == 0 && buf_failed(&t->lines))
		r = err_set(KV_ENOMEM, "out of memory for the history");
	if (r == 0 && t->lines.len > 0)
		r = t->options->history(t->options->arg, buf_slice(&t->lines));
	return r;
}

int kill_take_logs(struct kill_test *t)
{
	int r = 0;

	/* Entry 0 is the reader that verifies. */
	for (unsigned i = 0; r == 0 && i <= t->options->clients; i++)
		r = take_log(t, &t->clients[i]);
	return r;
}

/* ---- reading back ---- */

static kill_write *cell(struct kill_test *t, unsigned client, uint32_t key)
{
	const struct kill_client *c = &t->clients[client];
	size_t own = (size_t)t->clients[1].own;

	return key < c->own
		       ? &t->found[(client - 1) * own + key]
		       : &t->found[t->options->clients * own + key - c->own];
}

static int found_pair(void *arg, const void *key, size_t key_len,
		      const void *value, size_t value_len)
{
	struct kill_test *t = arg;
	char name[KILL_KEY_MAX] = "";
	unsigned client = 1;
	uint32_t number = 0;
	kill_write write = 0;
	bool known;

	if (key_len < sizeof(name))
		memcpy(name, key, key_len);
	if (sscanf(name, "shared-%" SCNu32, &number) == 1)
		number += t->clients[1].own;
	else if (sscanf(name, "own-%u-%" SCNu32, &client, &number) != 2)
		client = 0;
	known = client >= 1 && client <= t->options->clients &&
		number < t->clients[client].own + t->shared &&
		kill_value_parse(slice_of(value, value_len), number,
				 &t->clients[0].value, &write);
	if (!known) {
		t->report->wrong++;
		kill_tell(t, "'%.*s' holds what nobody wrote", (int)key_len,
			  (const char *)key);
		return 0;
	}
	*cell(t, client, number) = write;
	return 0;
}

/* The read that verified is a part of the history, for every key. */
static int log_reads(struct kill_test *t, uint64_t invoke, uint64_t ret)
{
	struct kill_client *reader = &t->clients[0];
	bool ok = true;
	int r = 0;

	for (unsigned i = 1; r == 0 && i <= t->options->clients; i++) {
		struct kill_client *c = &t->clients[i];
		uint32_t n = c->own + (i == 1 ? t->shared : 0);

		/* Keys are named by their client: it lends its number. */
		reader->id = c->id;
		reader->own = c->own;
		for (uint32_t key = 0; ok && key < n; key++)
			ok = kill_log(
				reader,
				(struct kill_op){.kind = HISTORY_GET,
						 .invoke = invoke,
						 .ret = ret,
						 .key = key,
						 .write = *cell(t, i, key)});
		r = ok ? take_log(t, reader)
		       : err_set(KV_ENOMEM, "out of memory for the history");
	}
	return r;
}

static void judge_key(struct kill_test *t, struct kill_client *c, uint32_t key,
		      unsigned *applied)
{
	kill_write found = *cell(t, c->id, key);
	bool pending = false;
	char name[KILL_KEY_MAX];

	for (unsigned i = 0; i < c->pending.n; i++)
		pending |= c->pending.keys[i] == key;
	if (pending && found == c->pending.write)
		(*applied)++;
	else if (found != c->acked[key]) {
		kill_key(c, key, name);
		t->report->lost++;
		kill_tell(t,
			  "'%s' holds write %" PRIu64
			  " of its client, not the acknowledged %" PRIu64
			  " (0: missing)",
			  name, found & ((UINT64_C(1) << 40) - 1),
			  c->acked[key] & ((UINT64_C(1) << 40) - 1));
	}
}

/* Compares what was found with what each client knows. */
static void judge(struct kill_test *t)
{
	for (unsigned i = 1; i <= t->options->clients; i++) {
		struct kill_client *c = &t->clients[i];
		unsigned applied = 0, same = 0;

		for (uint32_t key = 0; key < c->own; key++)
			judge_key(t, c, key, &applied);
		/* A delete of what was missing anyway tells nothing. */
		for (unsigned k = 0; k < c->pending.n; k++)
			same += c->acked[c->pending.keys[k]] ==
				c->pending.write;
		if (same == 0 && applied != 0 && applied != c->pending.n) {
			t->report->torn++;
			kill_tell(
				t,
				"of a bulk of %u keys by client %u only %u are "
				"there",
				c->pending.n, i, applied);
		}
		c->pending.n = 0;
		for (uint32_t key = 0; key < c->own; key++)
			c->acked[key] = *cell(t, i, key);
	}
}

int kill_read_back(struct kill_test *t)
{
	struct kv_options options = {.address = t->address,
				     .timeout_ms = VERIFY_TIMEOUT_MS};
	size_t cells =
		(size_t)t->options->clients * t->clients[1].own + t->shared;
	uint64_t invoke;
	kv *db;
	int r = kv_open(&db, &options);

	if (r != 0)
		return r;
	memset(t->found, 0, cells * sizeof(*t->found));
	invoke = clock_monotonic_ns() - t->begun_ns;
	r = kv_scan(db, &(struct kv_range){0}, found_pair, t);
	if (r == 0)
		r = log_reads(t, invoke, clock_monotonic_ns() - t->begun_ns);
	kv_close(db);
	if (r == 0)
		judge(t);
	return r;
}

/*
 * sim_load.c - the clients of a simulated run, and what they saw.
 *
 * Each asks one thing at a time, of any node. No two writes write the same
 * value, so that a value tells which write it is of. Keys:
 *
 *	k0..k2	read, written, deleted, on conditions too
 *	b0, b1	written together only
 *	t0, t1	written with a lifetime
 *	c0	counted up
 */
#include "check/sim_run_impl.h"

#include "base/err.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COUNTER "c0"
/* How often a once-only write is asked for, at most. */
#define TRIES 6u
#define PAUSE_US 30000u
#define TTL_MAX_MS 1500u
#define WALL_START_MS 1750000000000u

/* Of sixteen questions. */
static const enum sim_ask mix[16] = {
	SIM_GET,
	SIM_GET,
	SIM_GET,
	SIM_GET,
	SIM_GET_STALE,
	SIM_MGET,
	SIM_SET,
	SIM_SET,
	SIM_SET,
	SIM_DELETE,
	SIM_SET_IF_ABSENT,
	SIM_SET_IF_VERSION,
	SIM_SET_IF_VERSION,
	SIM_BULK,
	SIM_SET_TTL,
	SIM_COUNT,
};

static const char *const names[] = {
	[SIM_GET] = "get",
	[SIM_GET_STALE] = "get, stale",
	[SIM_MGET] = "mget",
	[SIM_SET] = "set",
	[SIM_SET_TTL] = "set for a while",
	[SIM_DELETE] = "delete",
	[SIM_SET_IF_ABSENT] = "set if absent",
	[SIM_SET_IF_VERSION] = "set if the same",
	[SIM_BULK] = "bulk",
	[SIM_COUNT] = "count",
};

/* ---- asking ---- */

static void choose_key(struct sim_run *run, struct sim_client *c)
{
	static const char *const read[] = {"k0", "k1", "k2",   "k0",
					   "t0", "t1", COUNTER};
	const char *key;

	switch (c->what) {
	case SIM_GET:
	case SIM_GET_STALE:
		key = read[sim_run_draw(run, 7)];
		break;
	case SIM_MGET:
	case SIM_BULK:
		key = "b0";
		break;
	case SIM_SET_TTL:
		key = read[4 + sim_run_draw(run, 2)];
		break;
	case SIM_COUNT:
		key = COUNTER;
		break;
	default:
		key = read[sim_run_draw(run, 3)];
		break;
	}
	if (c->what == SIM_SET_IF_VERSION)
		key = c->seen_key;
	snprintf(c->key, sizeof(c->key), "%s", key);
}

static void choose(struct sim_run *run, struct sim_client *c)
{
	c->what = mix[sim_run_draw(run, 16)];
	if (c->what == SIM_SET_IF_VERSION && c->seen_version == 0)
		c->what = SIM_GET;
	choose_key(run, c);
	snprintf(c->value, sizeof(c->value), "v%llu",
		 (unsigned long long)++run->load.serial);
	c->record = (struct history_op){
		.client = (uint64_t)(c - run->load.clients),
		.key = slice_str(c->key),
		.value = slice_str(c->value),
		.invoke = sim_now_us(run->net) * 1000,
	};
	c->tries = 0;
	c->doubtful = false;
	c->number = 0;
	if (c->what != SIM_COUNT && c->what >= SIM_SET &&
	    sim_run_draw(run, 2) == 0)
		c->number = ++c->numbers;
}

static void fill_read(struct sim_client *c, struct request *req,
		      struct slice keys[2])
{
	req->op = c->what == SIM_MGET ? OP_MGET : OP_GET;
	req->keys = keys;
	req->nkeys = c->what == SIM_MGET ? 2 : 1;
	req->stale_ok = c->what == SIM_GET_STALE;
	c->record.kind = HISTORY_GET;
}

static void fill_write(struct sim_run *run, struct sim_client *c,
		       struct request *req)
{
	struct change *change = req->changes;

	req->op = OP_SET;
	c->record.kind = HISTORY_SET;
	switch (c->what) {
	case SIM_DELETE:
		req->op = OP_DELETE;
		change->kind = CHANGE_DELETE;
		c->record.kind = HISTORY_DELETE;
		break;
	case SIM_SET_TTL:
		change->expires_ms = WALL_START_MS +
				     sim_now_us(run->net) / 1000 +
				     sim_run_draw(run, TTL_MAX_MS);
		break;
	case SIM_SET_IF_ABSENT:
		req->condition = KV_IF_ABSENT;
		c->record.kind = HISTORY_CAS;
		c->record.expect = history_missing();
		break;
	case SIM_SET_IF_VERSION:
		req->condition = KV_IF_VERSION;
		req->if_version = c->seen_version;
		c->record.kind = HISTORY_CAS;
		c->record.expect = slice_str(c->seen_value);
		break;
	case SIM_BULK:
		req->op = OP_BULK_SET;
		req->nchanges = 2;
		c->record.in_bulk = true;
		break;
	default:
		break;
	}
	if (c->number != 0) {
		req->client = slice_of(c->name, sizeof(c->name));
		req->number = c->number;
	}
}

static void ask(struct sim_run *run, struct sim_client *c)
{
	struct slice keys[] = {slice_str(c->key), slice_str("b1")};
	struct change changes[] = {
		{.key = keys[0], .value = slice_str(c->value)},
		{.key = keys[1], .value = slice_str(c->value)},
	};
	struct request req = {.changes = changes, .nchanges = 1};
	unsigned node = sim_any_node(run);

	c->tries++;
	sim_log(run->net, "client %u asks n%u: %s %s %s (write %llu)",
		(unsigned)(c - run->load.clients), node, names[c->what], c->key,
		c->what > SIM_MGET ? c->value : "",
		(unsigned long long)c->number);
	if (c->what == SIM_COUNT) {
		c->op = sim_increment(run->net, node, c->key);
		return;
	}
	if (c->what <= SIM_MGET)
		fill_read(c, &req, keys);
	else
		fill_write(run, c, &req);
	c->op = sim_submit(run->net, node, &req);
}

/* ---- what came back ---- */

static enum history_result result_of(const struct sim_op *op)
{
	switch (op->code) {
	case 0:
		return HISTORY_OK;
	case KV_EUNKNOWN:
	case KV_EUNREACHABLE:
		return HISTORY_UNKNOWN;
	default:
		return HISTORY_FAIL;
	}
}

static void add(struct sim_run *run, const struct history_op *op)
{
	if (history_add(run->load.history, op) != 0)
		sim_break(run->net, "a history cannot be: %s", err_text());
}

static void log_answer(const struct sim_run *run, const struct sim_client *c)
{
	const struct sim_op *op = c->op;

	sim_log(run->net, "client %u: %s %.*s %s",
		(unsigned)(c - run->load.clients), err_name(op->code),
		(int)op->value.len, op->value.len != 0 ? op->value.data : "",
		op->message);
}

static void check_value(struct sim_run *run, const struct sim_client *c)
{
	const struct sim_op *op = c->op;

	if (op->found && !sim_was_written(run->net, slice_str(c->key),
					  buf_slice(&op->value), op->version))
		sim_break(run->net, "n%u answers %s=%.*s, which was not agreed",
			  op->node, c->key, (int)op->value.len, op->value.data);
}

static void record_read(struct sim_run *run, struct sim_client *c)
{
	const struct sim_op *op = c->op;

	check_value(run, c);
	if (c->what == SIM_GET_STALE)
		return;
	c->record.value = op->found ? buf_slice(&op->value) : history_missing();
	add(run, &c->record);
	if (c->key[0] == 'k' && op->found) {
		snprintf(c->seen_key, sizeof(c->seen_key), "%s", c->key);
		snprintf(c->seen_value, sizeof(c->seen_value), "%.*s",
			 (int)op->value.len, op->value.data);
		c->seen_version = op->version;
	}
	if (c->what != SIM_MGET)
		return;
	if (op->found != op->found_2 ||
	    !slice_eq(buf_slice(&op->value), buf_slice(&op->value_2)))
		sim_break(run->net, "n%u shows half of a bulk", op->node);
	c->record.key = slice_str("b1");
	add(run, &c->record);
}

/* Some time after it was written, perhaps, the value is there no more. Clocks
 * differ, so nobody knows when. */
static void record_end_of_life(struct sim_run *run, const struct sim_client *c)
{
	struct history_op end = {
		.client = c->record.client,
		.kind = HISTORY_CAS,
		.result = HISTORY_UNKNOWN,
		.key = c->record.key,
		.expect = c->record.value,
		.value = history_missing(),
		.invoke = c->record.invoke,
		.ret = HISTORY_NEVER,
	};

	add(run, &end);
}

static void record_write(struct sim_run *run, struct sim_client *c)
{
	struct history_op *r = &c->record;
	const struct sim_op *op = c->op;

	if (r->kind == HISTORY_CAS && op->code == KV_ECONDITION)
		r->result = HISTORY_NO;
	if (c->doubtful &&
	    (r->result == HISTORY_FAIL ||
	     (r->result == HISTORY_NO && c->what == SIM_SET_IF_ABSENT)))
		r->result = HISTORY_UNKNOWN;
	if (r->result == HISTORY_UNKNOWN)
		r->ret = HISTORY_NEVER;
	if (r->kind == HISTORY_DELETE && r->result == HISTORY_OK)
		r->found = op->count != 0 ? HISTORY_FOUND : HISTORY_ABSENT;
	add(run, r);
	if (c->what == SIM_SET_TTL && r->result != HISTORY_FAIL)
		record_end_of_life(run, c);
	if (c->what == SIM_BULK) {
		r->key = slice_str("b1");
		add(run, r);
	}
}

static void count_outcome(struct sim_run *run, enum history_result result)
{
	struct sim_run_report *report = run->report;

	report->operations++;
	report->acked += result == HISTORY_OK || result == HISTORY_NO;
	report->unknown += result == HISTORY_UNKNOWN;
	report->refused += result == HISTORY_FAIL;
}

static void record(struct sim_run *run, struct sim_client *c, bool is_over)
{
	struct history_op *r = &c->record;

	r->result = is_over ? HISTORY_UNKNOWN : result_of(c->op);
	r->ret = r->result == HISTORY_UNKNOWN ? HISTORY_NEVER
					      : c->op->ended_us * 1000 + 999;
	count_outcome(run, r->result);
	if (c->what == SIM_COUNT)
		sim_count_add(run, c->op, r->invoke, r->result);
	else if (c->what > SIM_MGET)
		record_write(run, c);
	else if (r->result == HISTORY_OK)
		record_read(run, c);
}

/* ---- a client's life ---- */

static bool is_asked_again(struct sim_run *run, struct sim_client *c)
{
	enum history_result result = result_of(c->op);

	if (c->number == 0 || c->tries >= TRIES || result == HISTORY_OK ||
	    c->op->code == KV_ECONDITION)
		return false;
	c->doubtful = c->doubtful || result == HISTORY_UNKNOWN;
	c->op = NULL;
	c->next_us = sim_now_us(run->net) + sim_run_draw(run, 300000);
	return true;
}

static void serve(struct sim_run *run, struct sim_client *c)
{
	if (c->op != NULL && c->op->done)
		log_answer(run, c);
	if (c->op != NULL && c->op->done && !is_asked_again(run, c)) {
		record(run, c, false);
		c->op = NULL;
		c->tries = 0;
		c->next_us = sim_now_us(run->net) + sim_run_draw(run, PAUSE_US);
	}
	if (c->op != NULL || c->next_us > sim_now_us(run->net))
		return;
	if (c->tries == 0)
		choose(run, c);
	ask(run, c);
}

void sim_load_step(struct sim_run *run)
{
	for (unsigned i = 0; i < SIM_CLIENTS; i++)
		serve(run, &run->load.clients[i]);
}

int sim_load_begin(struct sim_run *run)
{
	run->load.history = history_new();
	if (run->load.history == NULL)
		return err_set(KV_ENOMEM, "no memory for a history");
	for (unsigned i = 0; i < SIM_CLIENTS; i++) {
		struct sim_client *c = &run->load.clients[i];

		memset(c->name, 'A' + (int)i, sizeof(c->name));
		c->next_us = sim_now_us(run->net) + sim_run_draw(run, PAUSE_US);
	}
	return 0;
}

/* One that is to be asked again, but was not yet, may have happened. */
static void give_up(struct sim_run *run, struct sim_client *c)
{
	static struct sim_op nothing = {.code = KV_EUNKNOWN};
	bool waits = c->op != NULL && !c->op->done;

	if (c->op == NULL && c->tries == 0)
		return;
	if (c->op == NULL)
		c->op = &nothing;
	record(run, c, waits);
	c->op = NULL;
	c->tries = 0;
}

int sim_load_judge(struct sim_run *run)
{
	struct history_report report;
	int r;

	for (unsigned i = 0; i < SIM_CLIENTS; i++)
		give_up(run, &run->load.clients[i]);
	r = sim_count_judge(run, COUNTER);
	if (r == 0)
		r = history_check(run->load.history, 0, &report);
	if (r != 0)
		return r;
	if (report.verdict == HISTORY_VIOLATION) {
		sim_break(run->net, "what the clients saw cannot be");
		buf_append_slice(&run->report->details,
				 buf_slice(&report.text));
	} else if (report.verdict == HISTORY_UNDECIDED) {
		sim_break(run->net, "what the clients saw was not decided");
	}
	history_report_release(&report);
	return 0;
}

void sim_load_end(struct sim_run *run)
{
	history_free(run->load.history);
	free(run->load.counts);
}

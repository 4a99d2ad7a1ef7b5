/*
 * storm_client.c - a client in the storm: random operations on keys that all
 * share, in JSON through the library, which goes from node to node, or in RESP
 * through one node after the other.
 *
 * What an answer means is taken at its word: an operation that was refused for
 * want of a quorum did not happen and never will; only where no answer came, or
 * it says so, may it have happened.
 */
#include "check/resp_client.h"
#include "check/storm_test.h"

#include "base/clock.h"
#include "base/random.h"
#include "kv.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define TIMEOUT_MS 3000u
#define FOREIGN_MS 200 /* before a node that is not there is tried again */

/* The way to the store. */
struct way {
	kv *db;
	struct resp_client resp;
	unsigned node; /* RESP: which one it is connected to */
};

static unsigned lot(struct storm_client *c, unsigned n)
{
	return (unsigned)random_below(&c->random, n);
}

static void make_key(char key[STORM_KEY_MAX], unsigned number)
{
	snprintf(key, STORM_KEY_MAX, "key-%u", number);
}

static void make_value(struct storm_client *c, char value[STORM_VALUE_MAX])
{
	snprintf(value, STORM_VALUE_MAX, "w%u.%" PRIu64, c->id, ++c->written);
}

/* ---- RESP ---- */

static int resp_connect(struct storm_client *c, struct way *way)
{
	const struct members *m = &c->storm->cluster.nodes;

	way->node = (way->node + 1) % m->n;
	return resp_client_open(&way->resp, m->list[way->node].address,
				clock_monotonic_ms() + FOREIGN_MS);
}

static int resp_ask(struct storm_client *c, struct way *way,
		    const struct slice *words, size_t n,
		    struct resp_client_reply *reply)
{
	int r;

	if (way->resp.fd < 0 && resp_connect(c, way) != 0)
		return KV_EUNREACHABLE;
	r = resp_client_ask(&way->resp, words, n,
			    clock_monotonic_ms() + TIMEOUT_MS, reply);
	if (r != 0)
		return r;
	switch (reply->answer) {
	case RESP_ANSWER_REFUSED:
		resp_client_close(&way->resp); /* another node may do better */
		return KV_EUNAVAILABLE;
	case RESP_ANSWER_ERROR:
		return KV_EUNKNOWN;
	default:
		return 0;
	}
}

static int resp_do(struct storm_client *c, struct way *way,
		   struct history_op *op, struct buf *read)
{
	struct slice words[3] = {slice_str("GET"), op->key, op->value};
	struct resp_client_reply reply;
	int r;

	if (op->kind == HISTORY_SET)
		words[0] = slice_str("SET");
	else if (op->kind == HISTORY_DELETE)
		words[0] = slice_str("DEL");
	r = resp_ask(c, way, words, op->kind == HISTORY_SET ? 3 : 2, &reply);
	if (r != 0)
		return r;
	if (op->kind == HISTORY_DELETE)
		op->found = reply.number != 0 ? HISTORY_FOUND : HISTORY_ABSENT;
	if (op->kind == HISTORY_GET && reply.answer == RESP_ANSWER_VALUE) {
		buf_append_slice(read, reply.value);
		op->value = buf_slice(read);
	}
	return 0;
}

/* ---- JSON ---- */

static int json_do(struct way *way, struct history_op *op, struct buf *read)
{
	void *value = NULL;
	size_t len;
	int r;

	switch (op->kind) {
	case HISTORY_SET:
		return kv_set(way->db, op->key.data, op->key.len,
			      op->value.data, op->value.len, NULL, NULL);
	case HISTORY_DELETE:
		r = kv_delete(way->db, op->key.data, op->key.len, NULL);
		op->found = r == 0 ? HISTORY_FOUND : HISTORY_ABSENT;
		return r == KV_ENOTFOUND ? 0 : r;
	default:
		r = kv_get(way->db, op->key.data, op->key.len, &value, &len,
			   NULL);
		if (r == 0) {
			buf_append(read, value, len);
			op->value = buf_slice(read);
		}
		kv_free(value);
		return r == KV_ENOTFOUND ? 0 : r;
	}
}

/* The nodes in an order of each client's own, so that all are used. */
static int json_open(struct storm_client *c, struct way *way)
{
	const struct members *m = &c->storm->cluster.nodes;
	struct kv_options options = {.timeout_ms = TIMEOUT_MS};
	struct buf list;
	int r;

	buf_init(&list);
	for (unsigned i = 0; i < m->n; i++)
		buf_printf(&list, "%s%s", i != 0 ? "," : "",
			   m->list[(c->id + i) % m->n].address);
	buf_append_char(&list, '\0');
	options.address = list.data;
	r = buf_failed(&list) ? KV_ENOMEM : kv_open(&way->db, &options);
	buf_release(&list);
	return r;
}

/* ---- operations ---- */

static void settle(struct storm_client *c, struct history_op *ops, size_t n,
		   int code)
{
	struct storm *s = c->storm;
	bool write = ops[0].kind != HISTORY_GET;
	enum history_result result =
		code == 0 ? HISTORY_OK
		: code == KV_EUNAVAILABLE || code == KV_EUNREACHABLE
			? HISTORY_FAIL
			: HISTORY_UNKNOWN;
	uint64_t now = storm_now(s);

	pthread_mutex_lock(&s->lock);
	s->report->acked += write && code == 0;
	s->report->unknown += write && result == HISTORY_UNKNOWN;
	s->report->refused += result == HISTORY_FAIL;
	pthread_mutex_unlock(&s->lock);
	if (!write && code != 0)
		return; /* a read that told nothing */
	for (size_t i = 0; i < n; i++) {
		ops[i].result = result;
		ops[i].ret = result == HISTORY_UNKNOWN ? HISTORY_NEVER : now;
		if (result != HISTORY_OK)
			ops[i].found = HISTORY_UNSAID;
	}
	storm_record(s, ops, n);
}

static void do_one(struct storm_client *c, struct way *way,
		   enum history_kind kind)
{
	char key[STORM_KEY_MAX], value[STORM_VALUE_MAX];
	struct history_op op = {.client = c->id, .kind = kind};
	struct buf read;
	int r;

	buf_init(&read);
	make_key(key, lot(c, c->storm->options->keys));
	op.key = slice_str(key);
	if (kind == HISTORY_SET) {
		make_value(c, value);
		op.value = slice_str(value);
	}
	op.invoke = storm_now(c->storm);
	r = c->resp ? resp_do(c, way, &op, &read) : json_do(way, &op, &read);
	settle(c, &op, 1, r);
	buf_release(&read);
}

static void do_bulk(struct storm_client *c, struct way *way)
{
	char keys[STORM_BULK_MAX][STORM_KEY_MAX], value[STORM_VALUE_MAX];
	struct history_op ops[STORM_BULK_MAX];
	struct kv_pair pairs[STORM_BULK_MAX];
	unsigned first = lot(c, c->storm->options->keys);
	uint64_t now;

	make_value(c, value);
	now = storm_now(c->storm);
	for (unsigned i = 0; i < STORM_BULK_MAX; i++) {
		make_key(keys[i], (first + i) % c->storm->options->keys);
		pairs[i] = (struct kv_pair){.key = keys[i],
					    .key_len = strlen(keys[i]),
					    .value = value,
					    .value_len = strlen(value)};
		ops[i] = (struct history_op){.client = c->id,
					     .kind = HISTORY_SET,
					     .in_bulk = true,
					     .key = slice_str(keys[i]),
					     .value = slice_str(value),
					     .invoke = now};
	}
	settle(c, ops, STORM_BULK_MAX,
	       kv_bulk_set(way->db, pairs, STORM_BULK_MAX, NULL));
}

static void work(struct storm_client *c, struct way *way)
{
	unsigned l = lot(c, 100);

	if (l < 45)
		do_one(c, way, HISTORY_GET);
	else if (l < 80)
		do_one(c, way, HISTORY_SET);
	else if (l < 90 || c->resp)
		do_one(c, way, HISTORY_DELETE);
	else
		do_bulk(c, way);
}

void *storm_client_thread(void *client)
{
	struct storm_client *c = client;
	struct way way = {.resp.fd = -1, .node = c->id};

	while (!atomic_load(&c->storm->stop)) {
		if (!c->resp && way.db == NULL && json_open(c, &way) != 0)
			continue;
		work(c, &way);
	}
	kv_close(way.db);
	resp_client_close(&way.resp);
	return NULL;
}

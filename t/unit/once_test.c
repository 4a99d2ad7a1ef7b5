/*
 * once_test.c - writes that are done once, and the store's own keys, which
 * remember them: in a store of its own and in a replicated one.
 */
#include "base/err.h"
#include "base/txn.h"
#include "check/simfs.h"
#include "store/store_log.h"
#include "store_ask.h"
#include "test.h"

#include <stdlib.h>

#define MINUTE 60000u

static struct simfs *sim;
static uint64_t now_ms;
static bool replicated;

static uint64_t fake_now(void *arg)
{
	(void)arg;
	return now_ms;
}

static void open_store(void)
{
	struct store_options o = {
		.fs = simfs_fs(sim),
		.now_ms = fake_now,
		.segment_min = 16384,
		.segment_max = 16384,
		.create = true,
		.replicated = replicated,
		.log_keep = 1,
	};

	CHECK_INT(store_open(&s, "db", &o), 0);
	if (replicated)
		CHECK_INT(store_log_lead(s, 1), 0);
}

static void fresh(bool as_node)
{
	sim = simfs_new(0);
	now_ms = 1700000000000;
	replicated = as_node;
	open_store();
}

static void reopen(void)
{
	uint64_t committed = replicated ? store_log_committed(s) : 0;

	CHECK_INT(store_close(s), 0);
	open_store();
	if (replicated)
		CHECK_INT(store_log_commit(s, committed), 0);
}

static void finish(void)
{
	CHECK_INT(store_close(s), 0);
	simfs_free(sim);
}

static void commit(void)
{
	CHECK_INT(store_sync(s), 0);
	if (replicated)
		CHECK_INT(store_log_commit(s, store_appended(s)), 0);
}

static struct reply once(enum op op, struct change *c, size_t n, char client,
			 uint64_t number)
{
	static char name[REQUEST_CLIENT];
	struct request req = {.op = op,
			      .changes = c,
			      .nchanges = n,
			      .client = slice_of(name, sizeof(name)),
			      .number = number};

	memset(name, client, sizeof(name));
	return execute(&req);
}

static struct reply set_once(const char *key, const char *value, char client,
			     uint64_t number)
{
	struct change c = {.key = slice_str(key), .value = slice_str(value)};

	return once(OP_SET, &c, 1, client, number);
}

static void check_once(void)
{
	struct change two[] = {
		{.key = slice_str("b"), .value = slice_str("1")},
		{.key = slice_str("c"), .value = slice_str("1")}};
	struct change gone = {.key = slice_str("b"), .kind = CHANGE_DELETE};
	struct reply first = set_once("a", "1", 'x', 1), r;
	uint64_t appended = store_appended(s);

	CHECK_INT(first.code, 0);
	CHECK(first.after == appended);
	r = set_once("a", "1", 'x', 1);
	CHECK_INT(r.code, 0);
	CHECK(r.version == first.version);
	CHECK_INT(r.count, 1);
	CHECK(r.after == appended); /* it waits as the first one does */
	CHECK(store_appended(s) == appended);
	commit();
	CHECK_INT(set_once("a", "1", 'x', 1).after, 0);
	/* Another client, and the next number, are other writes. */
	CHECK_INT(set_once("a", "2", 'y', 1).code, 0);
	CHECK_INT(set_once("a", "3", 'x', 2).code, 0);
	CHECK_INT(set_once("a", "1", 'x', 1).code, KV_EUSAGE);
	CHECK(has("a", "3"));
	r = once(OP_BULK_SET, two, 2, 'x', 3);
	CHECK_INT(r.count, 2);
	r = once(OP_DELETE, &gone, 1, 'x', 4);
	CHECK_INT(r.count, 1);
	r = once(OP_DELETE, &gone, 1, 'x', 4);
	CHECK_INT(r.count, 1);
	CHECK_INT(count_all(), 2);
	/* What changed nothing is tried again. */
	r = once(OP_DELETE, &gone, 1, 'x', 5);
	CHECK_INT(r.count, 0);
	commit();
	reopen();
	r = once(OP_DELETE, &gone, 1, 'x', 4);
	CHECK_INT(r.code, 0);
	CHECK_INT(r.count, 1);
	CHECK_INT(count_all(), 2);
	CHECK_INT(store_maintain(s), 0);
	now_ms += 16 * MINUTE;
	CHECK_INT(set_once("a", "4", 'x', 1).code, 0);
	CHECK(has("a", "4"));
}

static void a_write_asked_for_again_is_done_once(void)
{
	fresh(false);
	check_once();
	finish();
}

static void a_node_does_a_write_once_too(void)
{
	fresh(true);
	check_once();
	finish();
}

static void a_condition_that_failed_is_tried_again(void)
{
	struct change c = {.key = slice_str("a"), .value = slice_str("1")};
	struct request req = {.op = OP_SET,
			      .changes = &c,
			      .nchanges = 1,
			      .condition = KV_IF_PRESENT,
			      .client = slice_str("0123456789abcdef"),
			      .number = 1};

	fresh(false);
	CHECK_INT(execute(&req).code, KV_ECONDITION);
	CHECK_INT(store_appended(s), 0);
	CHECK_INT(set_once("a", "0", 'y', 1).code, 0);
	CHECK_INT(execute(&req).code, 0);
	/* Done now: the condition is not asked about any more. */
	req.condition = KV_IF_ABSENT;
	CHECK_INT(execute(&req).code, 0);
	req.number = 0;
	CHECK_INT(execute(&req).code, KV_EUSAGE);
	req.number = 2;
	req.client.len = 15;
	CHECK_INT(execute(&req).code, KV_EUSAGE);
	finish();
}

/* A leader that is deposed forgets what nobody agreed on. */
static void what_is_taken_back_was_not_done(void)
{
	fresh(true);
	CHECK_INT(set_once("a", "1", 'x', 1).code, 0);
	commit();
	CHECK_INT(set_once("a", "2", 'x', 2).code, 0);
	store_log_follow(s);
	CHECK_INT(set_once("a", "2", 'x', 2).code, KV_EUNAVAILABLE);
	CHECK_INT(store_sync(s), 0);
	CHECK_INT(store_log_truncate(s, 2), 0);
	CHECK_INT(store_log_lead(s, 2), 0);
	CHECK_INT(set_once("a", "1", 'x', 1).after, 0);
	CHECK(has("a", "1"));
	CHECK_INT(set_once("a", "2", 'x', 2).after, 2);
	CHECK(has("a", "2"));
	finish();
}

static int run_set_own(struct txn_call *call, struct txn *t, struct buf *out)
{
	(void)call;
	(void)out;
	return txn_set(t, slice_str(STORE_OWN_PREFIX "x"), slice_str("1"), 0);
}

static int run_clear(struct txn_call *call, struct txn *t, struct buf *out)
{
	struct slice key;

	(void)call;
	(void)out;
	CHECK_INT(txn_count(t), 1);
	CHECK_INT(txn_pick(t, &key), 0);
	CHECK(slice_eq(key, slice_str("a")));
	txn_clear(t);
	CHECK_INT(txn_count(t), 0);
	return 0;
}

static int command(int (*run)(struct txn_call *, struct txn *, struct buf *))
{
	struct txn_call call = {.run = run};
	struct buf out = {0};
	struct request req = {.op = OP_COMMAND, .call = &call, .out = &out};
	int code = execute(&req).code;

	buf_release(&out);
	return code;
}

static void clients_do_not_see_the_stores_own_keys(void)
{
	struct slice key = slice_str(STORE_OWN_PREFIX "once:xxxxxxxxxxxxxxxx");
	struct change c = {.key = key, .value = slice_str("1")};
	struct request req = {.op = OP_GET, .keys = &key, .nkeys = 1};
	struct slice value;

	fresh(false);
	CHECK_INT(set_once("a", "1", 'x', 1).code, 0);
	CHECK(store_own_get(s, key, &value));
	CHECK(!execute(&req).items[0].found);
	req = (struct request){.op = OP_SET, .changes = &c, .nchanges = 1};
	CHECK_INT(execute(&req).code, KV_EUSAGE);
	c.kind = CHANGE_DELETE;
	req.op = OP_DELETE;
	CHECK_INT(execute(&req).count, 0);
	req = (struct request){.op = OP_SCAN};
	CHECK_INT(execute(&req).nitems, 1);
	CHECK_INT(command(run_set_own), KV_EUSAGE);
	CHECK_INT(command(run_clear), 0);
	CHECK_INT(count_all(), 0);
	CHECK(store_own_get(s, key, &value));
	commit();
	reopen();
	CHECK(store_own_get(s, key, &value));
	now_ms += 16 * MINUTE;
	CHECK(!store_own_get(s, key, &value));
	CHECK_INT(store_expire(s, 10), 1);
	finish();
}

TEST_MAIN(T(a_write_asked_for_again_is_done_once),
	  T(a_node_does_a_write_once_too),
	  T(a_condition_that_failed_is_tried_again),
	  T(what_is_taken_back_was_not_done),
	  T(clients_do_not_see_the_stores_own_keys))

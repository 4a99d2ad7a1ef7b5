/*
 * store_memory_test.c - the store when memory runs out: at every step of
 * scripted workloads, once, and again from that step to the workload's end.
 *
 * What was acknowledged is there after each; what was refused changed nothing;
 * a reply that is no error is right; and all memory and files are given back.
 */
#include "base/err.h"
#include "base/txn.h"
#include "check/simfs.h"
#include "memory.h"
#include "store/store.h"
#include "test.h"

#define KEYS 40u
#define WRITES 600u
#define SOON 1700000001000u /* when keys of a workload may expire */

/* What every key holds after each write of the store's session: the number
 * that its value is made of, 0 for nothing. Indexed by sequence number. */
static unsigned states[WRITES][KEYS];
static uint64_t newest; /* the last one that there is */
static uint64_t acked;	/* durable, as far as anybody was told */

static struct simfs *sim;
static struct store *s;
static uint64_t now;

static uint64_t read_now(void *arg)
{
	(void)arg;
	return now;
}

/* ---- keys and values ---- */

/* Some so long that the index keeps them outside of its nodes. */
static struct slice key_of(unsigned key)
{
	static char names[KEYS][140];
	char *name = names[key];

	memset(name, 'x', sizeof(names[key]));
	name[0] = (char)('a' + key % 3);
	name[1] = (char)('0' + key / 10);
	name[2] = (char)('0' + key % 10);
	return slice_of(name, key % 4 == 0 ? sizeof(names[key]) : 3);
}

/* The value's slice lives until the KEYS-th call from now. */
static struct slice value_of(unsigned key, unsigned number)
{
	static char texts[KEYS][800];
	static unsigned turn;
	char *text = texts[turn++ % KEYS];
	size_t len = 20 + (key * 7 + number * 131) % 700;

	memset(text, '.', len);
	(void)snprintf(text, len, "%u of %u", number, key);
	return slice_of(text, len);
}

static struct change change_of(unsigned key, unsigned number)
{
	return (struct change){
		.kind = number != 0 ? CHANGE_SET : CHANGE_DELETE,
		.key = key_of(key),
		.value =
			number != 0 ? value_of(key, number) : slice_of(NULL, 0),
		.expires_ms = number != 0 && key % 5 == 1 ? SOON : 0,
	};
}

static bool has_ttl(unsigned key)
{
	return key % 5 == 1;
}

/* ---- what may happen ---- */

/* Whether it worked; if not, memory had run out, or the store had failed for
 * that reason. */
static bool worked(int r)
{
	if (r == 0)
		return true;
	if (!memory.failed)
		test_fail(__FILE__, __LINE__, "refused with memory left: %s",
			  err_text());
	return false;
}

static const unsigned *state(void)
{
	CHECK(store_appended(s) <= newest);
	return states[store_appended(s)];
}

/* Removing the expired is a write that nobody asked for. */
static void follow_expiry(void)
{
	while (newest < store_appended(s)) {
		memcpy(states[newest + 1], states[newest], sizeof(*states));
		newest++;
	}
}

static void note_durable(void)
{
	CHECK(store_durable(s) >= acked);
	CHECK(store_appended(s) >= store_durable(s));
	acked = store_durable(s);
}

static struct reply execute(const struct request *req)
{
	struct reply reply;

	store_execute(s, req, &reply);
	if (reply.code == 0)
		CHECK(reply.after <= store_appended(s));
	return reply;
}

/* ---- writes ---- */

static bool write_state(const struct request *req, const unsigned *next)
{
	uint64_t before = store_appended(s);
	struct reply reply;

	CHECK(before + 1 < WRITES);
	reply = execute(req);
	if (!worked(reply.code)) {
		const char *why;

		CHECK(store_appended(s) == before ||
		      store_failed(s, &why) != 0);
		return false;
	}
	if (store_appended(s) != before) {
		newest = store_appended(s);
		memcpy(states[newest], next, sizeof(*states));
	}
	return true;
}

static void put_many(unsigned first, unsigned step, unsigned n, unsigned number)
{
	struct change c[KEYS];
	unsigned next[KEYS];
	struct request req = {
		.op = number == 0 ? OP_DELETE
		      : n > 1	  ? OP_BULK_SET
				  : OP_SET,
		.changes = c,
		.nchanges = n,
	};

	memcpy(next, state(), sizeof(next));
	for (unsigned i = 0; i < n; i++) {
		unsigned key = (first + i * step) % KEYS;

		c[i] = change_of(key, number);
		next[key] = number;
	}
	write_state(&req, next);
}

static void put(unsigned key, unsigned number)
{
	put_many(key % KEYS, 1, 1, number);
}

static void delete_prefix(unsigned group)
{
	char prefix = (char)('a' + group);
	struct request req = {.op = OP_DELETE,
			      .range.prefix = slice_of(&prefix, 1),
			      .has_range = true};
	unsigned next[KEYS];

	memcpy(next, state(), sizeof(next));
	for (unsigned key = group; key < KEYS; key += 3)
		next[key] = 0;
	write_state(&req, next);
}

/* ---- reads ---- */

static bool is_there(unsigned key)
{
	return state()[key] != 0 && !(has_ttl(key) && now >= SOON);
}

static void get(unsigned key)
{
	struct slice name = key_of(key);
	struct request req = {.op = OP_GET, .keys = &name, .nkeys = 1};
	struct reply reply = execute(&req);

	follow_expiry();
	if (!worked(reply.code))
		return;
	CHECK_INT(reply.items[0].found, is_there(key));
	if (reply.items[0].found)
		CHECK(slice_eq(reply.items[0].value,
			       value_of(key, state()[key])));
}

static unsigned key_named(struct slice name)
{
	for (unsigned key = 0; key < KEYS; key++)
		if (slice_eq(name, key_of(key)))
			return key;
	test_fail(__FILE__, __LINE__, "a key that nobody wrote");
}

static unsigned there_are(char prefix)
{
	unsigned n = 0;

	for (unsigned key = 0; key < KEYS; key++)
		n += is_there(key) &&
		     (prefix == '\0' || key_of(key).data[0] == prefix);
	return n;
}

static void check_page(const struct reply *reply, const unsigned *shown)
{
	for (size_t i = 0; i < reply->nitems; i++) {
		unsigned key = key_named(reply->items[i].key);

		CHECK(slice_eq(reply->items[i].value,
			       value_of(key, shown[key])));
	}
}

/* All pages of a scan; `limit` and `max` say how they come to an end. */
static void scan(char prefix, bool reverse, uint64_t limit, size_t max)
{
	struct request req = {.op = OP_SCAN,
			      .range = {.limit = limit, .reverse = reverse},
			      .reply_max = max};
	unsigned shown[KEYS], expected = there_are(prefix), n = 0;
	char cursor[400];
	struct reply reply;

	if (prefix != '\0')
		req.range.prefix = slice_of(&prefix, 1);
	memcpy(shown, state(), sizeof(shown));
	do {
		reply = execute(&req);
		follow_expiry();
		if (!worked(reply.code))
			return;
		check_page(&reply, shown);
		n += (unsigned)reply.nitems;
		CHECK(reply.cursor.len <= sizeof(cursor));
		if (reply.cursor.len != 0)
			memcpy(cursor, reply.cursor.data, reply.cursor.len);
		req.cursor = slice_of(cursor, reply.cursor.len);
	} while (req.cursor.len != 0);
	CHECK_INT(n, expected);
}

static void count(char prefix)
{
	struct request req = {.op = OP_COUNT};
	struct reply reply;

	if (prefix != '\0')
		req.range.prefix = slice_of(&prefix, 1);
	reply = execute(&req);
	follow_expiry();
	if (worked(reply.code))
		CHECK_INT(reply.count, there_are(prefix));
}

static void info(void)
{
	struct request req = {.op = OP_INFO};

	(void)worked(execute(&req).code);
	follow_expiry();
}

static void read_all(void)
{
	for (unsigned key = 0; key < KEYS; key++)
		get(key);
	count('\0');
	scan('\0', false, 0, 0);
}

/* ---- transactions ---- */

struct call {
	struct txn_call call;
	bool clears;
	unsigned number;
	unsigned seen, expected;
};

static bool see(void *arg, struct slice key)
{
	struct call *c = arg;

	(void)key_named(key);
	c->seen++;
	return true;
}

/* Sets every third key, deletes its neighbour, and looks at all of it. */
static int change_much(struct txn_call *call, struct txn *t, struct buf *out)
{
	struct call *c = (struct call *)call;
	struct slice all = slice_of(NULL, 0), any;
	struct item item;
	int r = 0;

	if (c->clears)
		txn_clear(t);
	for (unsigned key = 0; key + 1 < KEYS && r == 0; key += 3) {
		struct change put = change_of(key, c->number);
		char *copy = txn_alloc(t, put.value.len);

		if (copy == NULL)
			return err_set(KV_ENOMEM, "no memory for a value");
		memcpy(copy, put.value.data, put.value.len);
		r = txn_set(t, put.key, slice_of(copy, put.value.len),
			    put.expires_ms);
		if (r == 0)
			r = txn_delete(t, key_of(key + 1));
	}
	if (r == 0)
		r = txn_scan(t, all, all, see, c);
	if (r == 0)
		r = txn_pick(t, &any);
	if (r != 0)
		return r;
	c->expected = (unsigned)txn_count(t);
	(void)txn_get(t, key_of(0), &item);
	buf_append_str(out, "done");
	return buf_failed(out) ? err_set(KV_ENOMEM, "no memory to reply") : 0;
}

static void transact(bool clears, unsigned number)
{
	struct call c = {
		.call.run = change_much, .clears = clears, .number = number};
	struct buf out = {0};
	struct request req = {.op = OP_COMMAND, .call = &c.call, .out = &out};
	unsigned next[KEYS];
	bool done;

	memcpy(next, state(), sizeof(next));
	if (clears)
		memset(next, 0, sizeof(next));
	for (unsigned key = 0; key + 1 < KEYS; key += 3) {
		next[key] = number;
		next[key + 1] = 0;
	}
	done = write_state(&req, next);
	buf_release(&out);
	if (done)
		CHECK_INT(c.seen, c.expected);
}

static int pick_one(struct txn_call *call, struct txn *t, struct buf *out)
{
	struct call *c = (struct call *)call;
	struct slice any;
	int r = txn_pick(t, &any);

	(void)out;
	if (r != 0)
		return r;
	c->seen = any.len != 0 && state()[key_named(any)] != 0;
	c->expected = (unsigned)txn_count(t);
	return 0;
}

static void pick(void)
{
	struct call c = {.call.run = pick_one};
	struct buf out = {0};
	struct request req = {.op = OP_COMMAND, .call = &c.call, .out = &out};

	if (!worked(execute(&req).code))
		return;
	CHECK_INT(c.expected, there_are('\0'));
	CHECK_INT(c.seen, c.expected != 0);
}

/* ---- the disk ---- */

static struct store_options options(void)
{
	return (struct store_options){
		.fs = simfs_fs(sim),
		.now_ms = read_now,
		.segment_min = 16384,
		.segment_max = 16384,
		.create = true,
	};
}

static void sync_all(void)
{
	const char *why;

	if (worked(store_sync(s)))
		CHECK_INT(store_durable(s), store_appended(s));
	note_durable();
	if (store_failed(s, &why) != 0)
		CHECK_INT(store_appended(s), store_durable(s));
}

static void sync_failing(void)
{
	store_inject_sync_failure(s);
	sync_all();
}

static void maintain(void)
{
	(void)worked(store_maintain(s));
	note_durable();
}

/* A flush while writes arrive, as beside another thread. */
static void flush_between(unsigned number, bool failing)
{
	struct store_flush *job;

	put(number, number + 4);
	if (failing)
		store_inject_sync_failure(s);
	job = store_flush_begin(s);
	put(number, number);
	if (job == NULL)
		return;
	store_flush_run(job);
	put_many(number, 1, 5, number + 1);
	put(number + 2, 0);
	transact(false, number + 3);
	(void)worked(store_flush_end(s, job));
	note_durable();
}

/* The number that the key's value is made of; 0: it is not there. */
static unsigned number_now(unsigned key)
{
	struct slice name = key_of(key);
	struct request req = {.op = OP_GET, .keys = &name, .nkeys = 1};
	struct reply reply = execute(&req);
	unsigned number;

	CHECK_INT(reply.code, 0);
	if (!reply.items[0].found)
		return 0;
	number = (unsigned)strtoul(reply.items[0].value.data, NULL, 10);
	CHECK(slice_eq(reply.items[0].value, value_of(key, number)));
	return number;
}

/* The store shows what it held after one of its writes, no earlier than the
 * last one that was acknowledged; that is where its new session begins. */
static void settle(void)
{
	unsigned found[KEYS];

	for (unsigned key = 0; key < KEYS; key++)
		found[key] = number_now(key);
	for (uint64_t i = newest + 1; i-- > acked;) {
		bool same = true;

		for (unsigned key = 0; key < KEYS; key++)
			same = same && (states[i][key] == found[key] ||
					(has_ttl(key) && now >= SOON));
		if (!same)
			continue;
		memcpy(states[0], states[i], sizeof(*states));
		acked = newest = 0;
		follow_expiry();
		return;
	}
	test_fail(__FILE__, __LINE__, "not as after any write");
}

static void open_store(void)
{
	struct store_options o = options();

	if (!worked(store_open(&s, "/db", &o)))
		s = NULL;
}

static void reopen(void)
{
	unsigned long in;

	if (s == NULL)
		return;
	if (worked(store_close(s)))
		acked = newest;
	in = memory.in;
	s = NULL;
	open_store();
	if (s != NULL) {
		memory.in = 0;
		settle();
		memory.in = in;
	}
}

/* ---- every step of a workload ---- */

static void begin(const struct simfs *from)
{
	sim = from != NULL ? simfs_clone(from) : simfs_new(0);
	CHECK(sim != NULL);
	s = NULL;
	now = 1700000000000u;
}

static void end(void)
{
	CHECK_INT(simfs_in_use(sim), 0);
	simfs_free(sim);
	sim = NULL;
}

/* Memory is back: all works again, if need be after opening anew. */
static void all_is_well(bool may_fail)
{
	struct store_check_report report;
	const char *why = "";

	if (s != NULL && store_failed(s, &why) != 0) {
		CHECK(may_fail);
		(void)store_close(s);
		s = NULL;
	}
	if (s == NULL) {
		open_store();
		settle();
	}
	read_all();
	put(3, 500);
	sync_all();
	maintain();
	read_all();
	reopen();
	read_all();
	CHECK_INT(store_close(s), 0);
	s = NULL;
	CHECK_INT(store_check("/db", simfs_fs(sim), &report), 0);
	CHECK_STR(report.damage, "");
}

typedef void workload(void);

static bool run_once(const struct simfs *base, const unsigned *start,
		     workload *work, unsigned long nth, bool sticky,
		     bool may_fail)
{
	long held = memory.held;
	bool failed;

	begin(base);
	memcpy(states[0], start, sizeof(*states));
	newest = acked = 0;
	if (base != NULL)
		open_store();
	memory_fail(nth, sticky);
	work();
	failed = memory_restore();
	all_is_well(may_fail || sticky);
	end();
	/* The simulated disks share a store of idle blocks, which only grows:
	 * the run without failures has made it. */
	if (nth != 0)
		CHECK_INT(memory.held, held);
	return failed;
}

/* Without failures; then each step fails, alone and with all that follow. */
static void fail_each_step(const struct simfs *base, const unsigned *start,
			   workload *work, bool may_fail)
{
	for (int sticky = 0; sticky <= 1; sticky++) {
		unsigned long n = 0;

		CHECK(!run_once(base, start, work, 0, false, false));
		do
			n++;
		while (run_once(base, start, work, n, sticky, may_fail));
		printf("# %lu steps%s\n", n - 1,
		       sticky ? ", each with all after it" : "");
		CHECK(n > 20);
	}
}

/* A store with something of everything: many segments, sealed and not, spares,
 * deletions, garbage that is due for compaction. */
static struct simfs *make_base(unsigned *start)
{
	begin(NULL);
	memset(states[0], 0, sizeof(*states));
	newest = acked = 0;
	open_store();
	for (unsigned i = 1; i <= 60; i++) {
		put(i * 7, i);
		if (i % 4 == 0)
			put_many(i, 3, 6, 100 + i);
		if (i % 9 == 0)
			put(i * 5, 0);
		if (i % 5 == 0)
			sync_all();
	}
	maintain();
	for (unsigned i = 1; i <= 20; i++) {
		put_many(0, 1, KEYS, 200 + i);
		sync_all();
	}
	delete_prefix(1);
	put_many(1, 3, 9, 300);
	sync_all();
	memcpy(start, state(), sizeof(*states));
	CHECK_INT(store_close(s), 0);
	s = NULL;
	return sim;
}

static void exhaust(workload *work, bool may_fail)
{
	unsigned start[KEYS];
	struct simfs *base = make_base(start);

	fail_each_step(base, start, work, may_fail);
	simfs_free(base);
}

/* ---- the workloads ---- */

static void create_and_open(void)
{
	open_store();
	if (s == NULL)
		return;
	put(1, 1);
	put_many(2, 1, 10, 2);
	sync_all();
	reopen();
}

static void creating_a_store(void)
{
	static const unsigned nothing[KEYS];

	fail_each_step(NULL, nothing, create_and_open, false);
}

static void open_twice(void)
{
	reopen();
	reopen();
}

static void opening_a_store(void)
{
	exhaust(open_twice, false);
}

static void write_some(void)
{
	for (unsigned i = 1; i <= 12; i++) {
		put(i * 3, 400 + i);
		put_many(i, 4, 5, 420 + i);
		put(i * 5, 0);
		if (i % 4 == 0)
			sync_all();
	}
	put_many(7, 2, 6, 0);
	delete_prefix(2);
	put_many(0, 1, KEYS, 440);
	put_many(0, 1, KEYS, 0);
	sync_all();
	flush_between(450, false);
	sync_all();
}

static void writing(void)
{
	exhaust(write_some, false);
}

/* One record that deletes and sets: if a set finds no memory, the deletions
 * before it are taken back. */
static void mixed_batches(void)
{
	transact(false, 400);
	put(5, 401);
	transact(true, 402);
	sync_all();
	transact(false, 403);
	put_many(0, 1, KEYS, 404);
	transact(true, 405);
	pick();
}

static void transactions(void)
{
	exhaust(mixed_batches, false);
}

static void read_in_all_ways(void)
{
	get(3);
	get(8);
	count('\0');
	count('b');
	scan('\0', false, 0, 0);
	scan('\0', false, 0, 3000);
	scan('\0', true, 7, 0);
	scan('a', false, 2, 0);
	scan('c', true, 0, 2000);
	info();
	pick();
	put(3, 400);
	put(9, 0);
	read_all();
}

static void reading(void)
{
	exhaust(read_in_all_ways, false);
}

static void let_time_pass(void)
{
	put_many(1, 5, 8, 400); /* these have a time to live */
	sync_all();
	now = SOON;
	count('\0');
	scan('\0', false, 0, 0);
	pick();
	info();
	sync_all();
}

static void expiring(void)
{
	exhaust(let_time_pass, false);
}

static void lose_syncs(void)
{
	put(1, 400);
	put_many(1, 1, 20, 401);
	sync_failing();
	put(2, 402);
	put(2, 0);
	put_many(0, 1, KEYS, 403);
	put_many(0, 1, KEYS, 404);
	sync_failing();
	flush_between(406, true);
	sync_all();
	put(8, 410);
	sync_failing();
	reopen();
}

static void failed_syncs(void)
{
	exhaust(lose_syncs, true);
}

static void compact_all(void)
{
	maintain();
	put_many(0, 2, KEYS / 2, 400);
	sync_all();
	put_many(1, 4, KEYS / 4, 0);
	maintain();
}

static void compaction(void)
{
	exhaust(compact_all, false);
}

/* ---- salvage ---- */

static unsigned lost_lines;

static void note_lost(void *arg, const char *line)
{
	(void)arg;
	(void)line;
	lost_lines++;
}

static int salvage_to(const char *dir, struct store_salvage_report *report)
{
	lost_lines = 0;
	return store_salvage("/db", dir, simfs_fs(sim), note_lost, NULL,
			     report);
}

/* A store that was put in order, with side files, and of which a sealed segment
 * is damaged then. */
static struct simfs *make_damaged(void)
{
	unsigned start[KEYS];
	struct simfs *base = make_base(start);
	char path[40];
	unsigned n = 99;
	int r;

	memcpy(states[0], start, sizeof(*states));
	newest = acked = 0;
	open_store();
	for (unsigned i = 0; i < 5; i++)
		put_many(i * 10 % KEYS, 1, 10, 310 + i);
	maintain();
	CHECK_INT(store_close(s), 0);
	s = NULL;
	do {
		snprintf(path, sizeof(path), "/db/%016x.idx", n);
		r = simfs_damage(base, path, 1, 0);
		snprintf(path, sizeof(path), "/db/%016x.log", n);
		if (r == 0)
			r = simfs_damage(base, path, 12000, 1);
	} while (r != 0 && --n > 0);
	CHECK(n > 0);
	return base;
}

/* Sound or damaged, nothing may be left out because memory ran out. */
static void salvaging(void)
{
	struct store_salvage_report all, report;
	struct simfs *base = make_damaged();
	unsigned lines;

	begin(base);
	CHECK_INT(salvage_to("/new", &all), 0);
	lines = lost_lines;
	CHECK(all.kept >= 20 && all.lost_keys > 0);
	end();
	for (int sticky = 0; sticky <= 1; sticky++) {
		bool failed = true;

		for (unsigned long n = 1; failed; n++) {
			int r;

			begin(base);
			memory_fail(n, sticky);
			r = salvage_to("/new", &report);
			failed = memory_restore();
			if (r != 0) {
				CHECK_INT(r, KV_ENOMEM);
				CHECK(failed);
				CHECK_INT(salvage_to("/again", &report), 0);
			}
			CHECK(memcmp(&report, &all, sizeof(all)) == 0);
			CHECK_INT(lost_lines, lines);
			end();
		}
	}
	simfs_free(base);
}

TEST_MAIN(T(creating_a_store), T(opening_a_store), T(writing), T(transactions),
	  T(reading), T(expiring), T(failed_syncs), T(compaction), T(salvaging))

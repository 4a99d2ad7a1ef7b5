/*
 * store_log_memory_test.c - a replicated store when memory runs out: at every
 * step of scripted workloads, once, and again from that step to the workload's
 * end.
 *
 * What was refused changed nothing, what a reader is shown is what is
 * committed, or for a leader the last entry, and at the end the log has every
 * entry that was durable, each with its term and what it does.
 */
#include "base/err.h"
#include "check/power_log_script.h"
#include "check/simfs.h"
#include "memory.h"
#include "store/format.h"
#include "store/store_log.h"
#include "test.h"

#define ENTRIES 500u
#define LENGTHS 1400u /* of values: a dozen entries fill a segment */

/* The model: what each entry is and what is there after it. The script's steps
 * are not used, its comparison with a store is. */
static struct log_script sc;
static struct log_state states[ENTRIES], states_before[ENTRIES];
static struct buf received; /* what a reader of the log was given */

/* ---- what may happen ---- */

/* Whether it worked; if not, memory had run out, or the store had failed for
 * that reason. */
static bool worked(int r)
{
	const char *why;

	if (sc.store != NULL && store_failed(sc.store, &why) != 0)
		sc.leading = false;
	if (r == 0)
		return true;
	if (!memory.failed)
		test_fail(__FILE__, __LINE__, "refused with memory left: %s",
			  err_text());
	return false;
}

static bool has_failed(void)
{
	const char *why;

	return store_failed(sc.store, &why) != 0;
}

static void note_durable(void)
{
	uint64_t durable = store_durable(sc.store);

	CHECK(durable <= store_appended(sc.store));
	if (has_failed())
		return;
	CHECK(durable >= sc.durable);
	if (durable > sc.durable)
		sc.before.n = 0; /* a truncation is on disk */
	sc.durable = durable;
}

/* An entry was appended that led to `values`. */
static void note_entry(const uint64_t *values)
{
	unsigned long in = memory.in;
	struct log_state *state = &sc.log.v[sc.log.n];

	CHECK_INT(store_appended(sc.store), sc.log.n);
	CHECK(sc.log.n + 1 < ENTRIES);
	memcpy(state->value, values, sizeof(state->value));
	memory.in = 0;
	state->content = log_script_content(sc.store, sc.log.n, &state->term);
	memory.in = in;
	CHECK(state->content != 0);
	CHECK_INT(state->term, sc.term);
	sc.log.n++;
}

static void copy_values(uint64_t values[MODEL_KEYS])
{
	memcpy(values, sc.log.v[sc.log.n - 1].value,
	       MODEL_KEYS * sizeof(*values));
}

/* ---- writes ---- */

static struct slice key_of(unsigned key)
{
	static char names[MODEL_KEYS][MODEL_KEY_MAX];

	model_key(key % MODEL_KEYS, names[key % MODEL_KEYS]);
	return slice_str(names[key % MODEL_KEYS]);
}

/* The slice lives until the MODEL_KEYS-th call from now. */
static struct slice value_of(unsigned key, unsigned number)
{
	static char texts[MODEL_KEYS][LENGTHS];
	static unsigned turn;
	char *text = texts[turn++ % MODEL_KEYS];
	size_t len = 40 + (key * 7 + number * 131) % (LENGTHS - 40);

	memset(text, '.', len);
	(void)snprintf(text, len, "write %u of key %u", number, key);
	return slice_of(text, len);
}

/* An entry of n items, which set keys from `first` on, or delete them if the
 * number is 0; as a leader sends it. */
static void follow_many(unsigned first, unsigned n, unsigned number)
{
	static char bytes[MODEL_KEYS * (LENGTHS + 64)];
	struct store_log_entry e = {.term = sc.term, .count = n};
	uint64_t values[MODEL_KEYS], index;
	size_t len = 0;

	if (sc.store == NULL)
		return;
	index = store_appended(sc.store) + 1;
	copy_values(values);
	for (unsigned i = 0; i < n; i++) {
		unsigned key = (first + i) % MODEL_KEYS;
		struct stored_item item = {
			.key = key_of(key),
			.version = index,
			.flags = i == 0 ? ITEM_FIRST : 0,
		};

		if (number != 0)
			item.value = value_of(key, number);
		else
			item.flags |= ITEM_TOMBSTONE;
		values[key] = number != 0 ? model_hash(item.value) : 0;
		item_encode(bytes + len, &item);
		len += item_size(&item);
	}
	e.items = slice_of(bytes, len);
	e.version = n > 1 ? index : 0;
	if (worked(store_log_append(sc.store, &e)))
		note_entry(values);
	else
		CHECK_INT(store_appended(sc.store), index - 1);
}

static void follow(unsigned key, unsigned number)
{
	follow_many(key, 1, number);
}

static void lead_write(unsigned first, unsigned n, unsigned number)
{
	struct change c[MODEL_KEYS] = {0};
	struct request req = {
		.op = number == 0 ? OP_DELETE : OP_BULK_SET,
		.changes = c,
		.nchanges = n,
	};
	uint64_t values[MODEL_KEYS], before;
	struct reply reply;

	if (sc.store == NULL || !sc.leading)
		return;
	before = store_appended(sc.store);
	copy_values(values);
	for (unsigned i = 0; i < n; i++) {
		unsigned key = (first + i) % MODEL_KEYS;

		c[i].kind = number != 0 ? CHANGE_SET : CHANGE_DELETE;
		c[i].key = key_of(key);
		if (number != 0)
			c[i].value = value_of(key, number);
		values[key] = number != 0 ? model_hash(c[i].value) : 0;
	}
	store_execute(sc.store, &req, &reply);
	if (!worked(reply.code))
		CHECK(store_appended(sc.store) == before || has_failed());
	else if (store_appended(sc.store) != before)
		note_entry(values);
}

static void propose(const char *value)
{
	struct change own = {.key = slice_str(STORE_OWN_PREFIX "members"),
			     .value = slice_str(value)};
	uint64_t values[MODEL_KEYS];
	struct slice found;

	if (sc.store == NULL || !sc.leading)
		return;
	copy_values(values);
	if (!worked(store_log_propose(sc.store, &own, 1)))
		return;
	note_entry(values);
	CHECK(store_own_get(sc.store, own.key, &found));
	CHECK(slice_eq(found, own.value));
}

/* ---- reads ---- */

static const struct log_state *shown(void)
{
	return &sc.log.v[sc.leading ? sc.log.n - 1
				    : store_log_committed(sc.store)];
}

static void read_all(void)
{
	for (unsigned key = 0; key < MODEL_KEYS && sc.store != NULL; key++) {
		struct slice name = key_of(key);
		struct request req = {.op = OP_GET, .keys = &name, .nkeys = 1};
		uint64_t value = shown()->value[key];
		struct reply reply;

		store_execute(sc.store, &req, &reply);
		if (!worked(reply.code))
			continue;
		CHECK_INT(reply.items[0].found, value != 0);
		if (value != 0)
			CHECK(model_hash(reply.items[0].value) == value);
	}
}

/* All entries, as a peer would be sent them. */
static void read_log(void)
{
	uint64_t index, last, fits;

	if (sc.store == NULL)
		return;
	last = store_appended(sc.store);
	for (index = store_log_first(sc.store); index <= last; index++) {
		struct slice bytes;
		uint64_t first = index;

		buf_clear(&received);
		fits = store_log_fit(sc.store, first, last, 6000);
		if (!worked(store_log_read(sc.store, first, last, 6000,
					   &received, &index))) {
			CHECK_INT(received.len, 0);
			CHECK(!buf_failed(&received));
			return;
		}
		CHECK_INT(index, fits);
		bytes = buf_slice(&received);
		for (uint64_t i = first; i <= index; i++) {
			struct store_log_entry e;

			CHECK_INT(store_log_entry_next(&bytes, &e), 0);
			CHECK_INT(e.term, sc.log.v[i].term);
		}
		CHECK_INT(bytes.len, 0);
	}
}

/* ---- agreement ---- */

static void commit(uint64_t index)
{
	uint64_t now;

	if (sc.store == NULL || index > store_appended(sc.store))
		return;
	if (worked(store_log_commit(sc.store, index)))
		CHECK(store_log_committed(sc.store) >= index);
	now = store_log_committed(sc.store);
	if (now > sc.committed)
		sc.committed = now;
}

static void commit_all(void)
{
	commit(sc.log.n - 1);
}

static void lead(void)
{
	if (sc.store == NULL)
		return;
	sc.term++;
	if (worked(store_log_lead(sc.store, sc.term)))
		sc.leading = true;
	read_all();
}

static void depose(void)
{
	if (sc.store == NULL)
		return;
	store_log_follow(sc.store);
	sc.leading = false;
	sc.term++;
	read_all();
}

static void sync_all(void)
{
	if (sc.store == NULL)
		return;
	if (worked(store_sync(sc.store)))
		CHECK_INT(store_durable(sc.store), store_appended(sc.store));
	note_durable();
}

static void truncate_from(uint64_t index)
{
	if (sc.store == NULL || index <= store_log_committed(sc.store) ||
	    index >= sc.log.n)
		return;
	sync_all();
	if (sc.durable + 1 != sc.log.n ||
	    !worked(store_log_truncate(sc.store, index)))
		return;
	if (sc.before.n == 0) {
		memcpy(sc.before.v, sc.log.v, sc.log.n * sizeof(*sc.log.v));
		sc.before.n = sc.log.n;
	}
	sc.log.n = index;
	sc.durable = index - 1;
	sc.term++;
	CHECK_INT(store_appended(sc.store), index - 1);
	CHECK_INT(store_durable(sc.store), index - 1);
	read_all();
}

static void maintain(void)
{
	if (sc.store == NULL)
		return;
	(void)worked(store_maintain(sc.store));
	note_durable();
}

/* A flush while entries arrive, as beside another thread. */
static void flush_between(unsigned number)
{
	struct store_flush *job;

	if (sc.store == NULL)
		return;
	follow(number, number);
	job = store_flush_begin(sc.store);
	follow(number + 1, number);
	if (job == NULL)
		return;
	store_flush_run(job);
	follow_many(number + 2, 4, number);
	commit_all();
	(void)worked(store_flush_end(sc.store, job));
	note_durable();
}

/* ---- opening ---- */

/* What an opened store has is what there is. */
static void settle(void)
{
	struct store *s = sc.store;
	uint64_t last = store_appended(s), term;

	sc.leading = false;
	if (sc.switching != 0 && last == sc.switching &&
	    store_log_first(s) == last + 1) {
		sc.before.n = 0;
	} else if (sc.before.n != 0 && last + 1 == sc.before.n &&
		   log_script_content(s, last, &term) ==
			   sc.before.v[last].content) {
		memcpy(sc.log.v, sc.before.v, sc.before.n * sizeof(*sc.log.v));
		sc.before.n = 0;
	} else {
		CHECK(last >= sc.durable);
		CHECK(last < sc.log.n);
		if (store_durable(s) > sc.durable)
			sc.before.n = 0;
	}
	sc.switching = 0;
	sc.log.n = last + 1;
	sc.durable = store_durable(s);
}

static void open_store(void)
{
	unsigned long in;

	if (!worked(log_script_open(sc.sim, &sc.store))) {
		sc.store = NULL;
		return;
	}
	in = memory.in;
	memory.in = 0;
	settle();
	read_all();
	memory.in = in;
}

static void close_store(void)
{
	uint64_t last;

	if (sc.store == NULL)
		return;
	last = store_appended(sc.store);
	if (worked(store_close(sc.store)) && last > sc.durable) {
		sc.durable = last;
		sc.before.n = 0;
	}
	sc.store = NULL;
}

static void reopen(void)
{
	if (sc.store == NULL)
		return;
	close_store();
	open_store();
}

/* ---- every step of a workload ---- */

struct base {
	struct simfs *sim;
	struct log_state states[ENTRIES];
	struct log_script sc; /* without what it points to */
};

static void begin(const struct base *base)
{
	sc = base != NULL ? base->sc : (struct log_script){.term = 1};
	sc.log.v = states;
	sc.before.v = states_before;
	if (base != NULL)
		memcpy(states, base->states, sizeof(states));
	else
		sc.log.n = 1;
	sc.sim = base != NULL ? simfs_clone(base->sim) : simfs_new(0);
	CHECK(sc.sim != NULL);
	sc.store = NULL;
	memset(&states[0], 0, sizeof(states[0]));
}

static void end(void)
{
	buf_release(&received);
	buf_release(&sc.failure);
	CHECK_INT(simfs_in_use(sc.sim), 0);
	simfs_free(sc.sim);
	sc.sim = NULL;
}

static void check_log(void)
{
	if (!log_script_matches(&sc, sc.store, &sc.failure))
		test_fail(__FILE__, __LINE__, "%.*s", (int)sc.failure.len,
			  sc.failure.data);
	sc.committed = sc.log.n - 1;
	sc.leading = false;
}

/* Memory is back: all works again, if need be after opening anew. */
static void all_is_well(bool may_fail)
{
	struct store_check_report report;

	if (sc.store != NULL && has_failed()) {
		CHECK(may_fail);
		(void)store_close(sc.store);
		sc.store = NULL;
	}
	if (sc.store == NULL)
		open_store();
	read_all();
	store_log_follow(sc.store);
	sc.leading = false;
	read_log();
	check_log();
	sc.term = 900;
	follow_many(3, 5, 900);
	sync_all();
	commit_all();
	maintain();
	read_all();
	reopen();
	check_log();
	close_store();
	CHECK_INT(store_check(SCRIPT_DIR, simfs_fs(sc.sim), &report), 0);
	CHECK_STR(report.damage, "");
}

typedef void workload(void);

static bool run_once(const struct base *base, workload *work, unsigned long nth,
		     bool sticky, bool may_fail)
{
	long held = memory.held;
	bool failed;

	begin(base);
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
static void fail_each_step(const struct base *base, workload *work,
			   bool may_fail)
{
	for (int sticky = 0; sticky <= 1; sticky++) {
		unsigned long n = 0;

		CHECK(!run_once(base, work, 0, false, false));
		do
			n++;
		while (run_once(base, work, n, sticky, may_fail));
		printf("# %lu steps%s\n", n - 1,
		       sticky ? ", each with all after it" : "");
		CHECK(n > 20);
	}
}

/* A log of many segments, sealed, compacted and not; with an own key, a
 * truncation behind it, and entries that are not committed. */
static struct base *make_base(void)
{
	static struct base base;

	begin(NULL);
	open_store();
	for (unsigned i = 1; i <= 60; i++) {
		if (i % 7 == 0)
			follow_many(i, 6, i);
		else
			follow(i * 5, i % 9 == 0 ? 0 : i);
		sync_all();
	}
	lead();
	propose("n1 n2 n3");
	sync_all();
	commit_all();
	maintain();
	depose();
	for (unsigned i = 1; i <= 30; i++) {
		follow(i * 7, 100 + i);
		sync_all();
	}
	truncate_from(sc.log.n - 20);
	for (unsigned i = 1; i <= 20; i++) {
		follow(i * 11, 150 + i);
		sync_all();
	}
	commit(sc.log.n - 15);
	base.sc = sc;
	memcpy(base.states, states, sizeof(states));
	close_store();
	base.sim = sc.sim;
	return &base;
}

static void exhaust(workload *work, bool may_fail)
{
	struct base *base = make_base();

	fail_each_step(base, work, may_fail);
	simfs_free(base->sim);
}

/* ---- the workloads ---- */

static void create_and_open(void)
{
	open_store();
	follow(1, 1);
	follow_many(2, 5, 2);
	sync_all();
	commit_all();
	reopen();
}

static void creating_a_log(void)
{
	fail_each_step(NULL, create_and_open, false);
}

static void open_twice(void)
{
	reopen();
	reopen();
}

static void opening_a_log(void)
{
	exhaust(open_twice, false);
}

static void take_entries(void)
{
	for (unsigned i = 1; i <= 8; i++) {
		follow(i * 3, 200 + i);
		follow_many(i, 3, i % 3 == 0 ? 0 : 220 + i);
		if (i % 4 == 0)
			sync_all();
	}
	commit(sc.log.n - 6);
	read_all();
	flush_between(240);
	flush_between(250);
	sync_all();
	read_log();
	commit_all();
	maintain();
	read_all();
}

/* A flush that finds no memory fails like one that finds no disk, which is the
 * end of a replicated store until it is opened anew. */
static void following(void)
{
	exhaust(take_entries, true);
}

/* More than the lists of what is pending, and of its undo, begin with. */
static void take_many(void)
{
	for (unsigned i = 0; i < 90; i++)
		follow_many(i, 2, i % 5 == 0 ? 0 : 300 + i % 3);
	lead();
	commit(sc.log.n - 40);
	for (unsigned i = 0; i < 20; i++)
		lead_write(i, 4, 310 + i % 3);
	sync_all();
	depose();
}

static void growing(void)
{
	exhaust(take_many, true);
}

static void lead_and_lose(void)
{
	lead();
	lead_write(2, 1, 200);
	lead_write(3, 6, 201);
	propose("n1 n2");
	lead_write(4, 3, 0);
	sync_all();
	commit(sc.log.n - 3);
	read_all();
	lead_write(0, MODEL_KEYS, 202);
	lead_write(0, MODEL_KEYS, 0);
	depose();
	lead();
	lead_write(9, 2, 203);
	commit_all();
	sync_all();
	maintain();
	depose();
}

/* A deletion that cannot be taken back is why a store may fail. */
static void leading(void)
{
	exhaust(lead_and_lose, true);
}

static void cut_often(void)
{
	for (unsigned i = 0; i < 16; i++) {
		follow(i * 5, 200 + i);
		sync_all();
	}
	truncate_from(sc.log.n - 14);
	follow(3, 220);
	sync_all();
	truncate_from(sc.log.n - 4);
	truncate_from(sc.log.n - 2);
	follow_many(5, 4, 221);
	lead();
	lead_write(7, 2, 222);
	depose();
	truncate_from(sc.log.n - 1);
	reopen();
	follow(8, 223);
	commit_all();
	sync_all();
	maintain();
}

static void truncating(void)
{
	exhaust(cut_often, true);
}

static int copy_items(struct store_snapshot *snap, struct store_import *im)
{
	struct buf piece = {0};
	bool done = false;
	int r = 0;

	while (r == 0 && !done) {
		buf_clear(&piece);
		r = store_snapshot_next(sc.store, snap, 3000, &piece, &done);
		if (r == 0)
			r = store_import_add(im, buf_slice(&piece));
	}
	buf_release(&piece);
	return r;
}

/* The store's own snapshot takes its place. */
static void replace(void)
{
	struct store_options options = {.fs = simfs_fs(sc.sim),
					.segment_max = 16384};
	struct store_snapshot *snap = NULL;
	struct store_import *im = NULL;
	uint64_t index, term;
	int r;

	lead();
	lead_write(3, 4, 200);
	lead_write(9, 4, 0);
	propose("n1");
	if (sc.store == NULL)
		return;
	r = store_snapshot_begin(sc.store, &snap, &index, &term);
	if (!worked(r))
		return;
	r = store_import_begin(&im, SCRIPT_DIR, &options);
	if (r == 0)
		r = copy_items(snap, im);
	store_snapshot_end(sc.store, snap);
	if (r == 0)
		r = store_import_finish(im, index, term);
	store_import_free(im);
	if (!worked(r))
		return;
	close_store();
	sc.switching = index;
	if (worked(store_import_switch(SCRIPT_DIR, simfs_fs(sc.sim))))
		sc.durable = index;
	open_store();
	lead();
	lead_write(1, 3, 201);
	sync_all();
}

static void replacing_by_a_snapshot(void)
{
	exhaust(replace, true);
}

/* The sync fails too, which a replicated store does not survive. */
static void lose_a_sync(void)
{
	lead();
	lead_write(2, 3, 200);
	lead_write(5, 2, 0);
	commit(sc.log.n - 2);
	if (sc.store == NULL || store_waiting(sc.store) == 0)
		return; /* no memory to write anything */
	store_inject_sync_failure(sc.store);
	if (store_sync(sc.store) == 0)
		test_fail(__FILE__, __LINE__, "a failed sync went by");
	sc.leading = sc.leading && !has_failed();
	read_all();
	read_log();
	CHECK(store_close(sc.store) != 0);
	sc.store = NULL;
	open_store();
}

static void a_failed_sync(void)
{
	exhaust(lose_a_sync, true);
}

TEST_MAIN(T(creating_a_log), T(opening_a_log), T(following), T(growing),
	  T(leading), T(truncating), T(replacing_by_a_snapshot),
	  T(a_failed_sync))

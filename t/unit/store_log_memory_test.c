/*
 * store_log_memory_test.c - a replicated store when memory runs out: at every
 * step of scripted workloads, once, and again from that step to the workload's
 * end.
 *
 * What was refused changed nothing, what a reader is shown is what is
 * committed, or for a leader the last entry, and at the end the log has every
 * entry that was durable, each with its term and what it does.
 */
#include "store_log_model.h"

/* ---- every step of a workload ---- */

struct base {
	struct simfs *sim;
	struct log_state states[ENTRIES];
	struct subject sc; /* without what it points to */
};

static void begin(const struct base *base)
{
	sc = base != NULL ? base->sc : (struct subject){.term = 1};
	sc.model.log.v = states;
	sc.model.before.v = states_before;
	if (base != NULL)
		memcpy(states, base->states, sizeof(states));
	else
		sc.model.log.n = 1;
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
	if (!log_model_matches(&sc.model, sc.store, &sc.failure))
		test_fail(__FILE__, __LINE__, "%.*s", (int)sc.failure.len,
			  sc.failure.data);
	sc.model.committed = sc.model.log.n - 1;
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
	CHECK_INT(store_check(WORKLOAD_DIR, simfs_fs(sc.sim), &report), 0);
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
	truncate_from(sc.model.log.n - 20);
	for (unsigned i = 1; i <= 20; i++) {
		follow(i * 11, 150 + i);
		sync_all();
	}
	commit(sc.model.log.n - 15);
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
	commit(sc.model.log.n - 6);
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
	commit(sc.model.log.n - 40);
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
	commit(sc.model.log.n - 3);
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
	truncate_from(sc.model.log.n - 14);
	follow(3, 220);
	sync_all();
	truncate_from(sc.model.log.n - 4);
	truncate_from(sc.model.log.n - 2);
	follow_many(5, 4, 221);
	lead();
	lead_write(7, 2, 222);
	depose();
	truncate_from(sc.model.log.n - 1);
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
	r = store_import_begin(&im, WORKLOAD_DIR, &options);
	if (r == 0)
		r = copy_items(snap, im);
	store_snapshot_end(sc.store, snap);
	if (r == 0)
		r = store_import_finish(im, index, term);
	store_import_free(im);
	if (!worked(r))
		return;
	close_store();
	sc.model.switching = index;
	if (worked(store_import_switch(WORKLOAD_DIR, simfs_fs(sc.sim))))
		sc.model.durable = index;
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
	commit(sc.model.log.n - 2);
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

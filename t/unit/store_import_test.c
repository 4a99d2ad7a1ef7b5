/*
 * store_import_test.c - a snapshot of one replicated store becomes another one,
 * or nothing of it does, wherever the power is cut.
 */
#include "base/err.h"
#include "check/simfs.h"
#include "store/store_log.h"
#include "test.h"

#include <errno.h>
#include <stdlib.h>

#define KEYS 120u

static uint64_t fixed_now(void *arg)
{
	(void)arg;
	return 1700000000000;
}

static struct store_options options(struct simfs *sim)
{
	return (struct store_options){
		.fs = simfs_fs(sim),
		.now_ms = fixed_now,
		.segment_min = 16384,
		.segment_max = 16384,
		.create = true,
		.replicated = true,
		.log_keep = 1,
	};
}

static struct store *opened(struct simfs *sim, const char *dir)
{
	struct store_options o = options(sim);
	struct store *s = NULL;
	int r = store_open(&s, dir, &o);

	if (r != 0)
		printf("# %s\n", err_text());
	CHECK_INT(r, 0);
	return s;
}

static void set(struct store *s, const char *key, const char *value)
{
	struct change c = {.key = slice_str(key), .value = slice_str(value)};
	struct request req = {.op = OP_SET, .changes = &c, .nchanges = 1};
	struct reply reply;

	store_execute(s, &req, &reply);
	CHECK_INT(reply.code, 0);
}

static void del(struct store *s, const char *key)
{
	struct change c = {.kind = CHANGE_DELETE, .key = slice_str(key)};
	struct request req = {.op = OP_DELETE, .changes = &c, .nchanges = 1};
	struct reply reply;

	store_execute(s, &req, &reply);
	CHECK_INT(reply.count, 1);
}

static bool has(struct store *s, const char *key, const char *value)
{
	struct slice k = slice_str(key);
	struct request req = {.op = OP_GET, .keys = &k, .nkeys = 1};
	struct reply reply;

	store_execute(s, &req, &reply);
	return reply.items[0].found &&
	       slice_eq(reply.items[0].value, slice_str(value));
}

static uint64_t count_all(struct store *s)
{
	struct request req = {.op = OP_COUNT};
	struct reply reply;

	store_execute(s, &req, &reply);
	return reply.count;
}

static void long_value(unsigned i, char value[900])
{
	int n = snprintf(value, 900, "value %u ", i);

	memset(value + n, 'a' + (int)(i % 26), (size_t)(899 - n));
	value[899] = '\0';
}

/* A leader with KEYS long values, an own key, and changes nobody agreed on. */
static struct store *source(struct simfs *sim)
{
	struct store *s = opened(sim, "source");
	struct change own = {.key = slice_str(STORE_OWN_PREFIX "members"),
			     .value = slice_str("n1 n2 n3")};
	char key[16], value[900];

	CHECK_INT(store_log_lead(s, 4), 0);
	for (unsigned i = 0; i < KEYS; i++) {
		snprintf(key, sizeof(key), "key%03u", i);
		long_value(i, value);
		set(s, key, value);
	}
	CHECK_INT(store_log_propose(s, &own, 1), 0);
	set(s, "gone", "1");
	del(s, "gone");
	CHECK_INT(store_log_commit(s, KEYS + 3), 0);
	set(s, "key000", "not agreed on");
	set(s, "new", "not agreed on");
	del(s, "key001");
	CHECK_INT(store_sync(s), 0);
	return s;
}

/* All pieces of a snapshot into an import of `dir`. */
static void copy(struct store *from, struct simfs *sim, const char *dir)
{
	struct store_options o = options(sim);
	struct store_snapshot *snap;
	struct store_import *im;
	struct buf piece = {0};
	uint64_t index, term;
	bool done = false;

	CHECK_INT(store_snapshot_begin(from, &snap, &index, &term), 0);
	CHECK_INT(index, KEYS + 3);
	CHECK_INT(term, 4);
	CHECK_INT(store_import_begin(&im, dir, &o), 0);
	while (!done) {
		buf_clear(&piece);
		CHECK_INT(store_snapshot_next(from, snap, 5000, &piece, &done),
			  0);
		CHECK_INT(store_import_add(im, buf_slice(&piece)), 0);
	}
	store_snapshot_end(from, snap);
	CHECK_INT(store_import_finish(im, index, term), 0);
	store_import_free(im);
	buf_release(&piece);
}

static void check_imported(struct store *s)
{
	char key[16], value[900];
	struct slice own;
	uint64_t term;

	CHECK_INT(count_all(s), KEYS);
	for (unsigned i = 0; i < KEYS; i++) {
		snprintf(key, sizeof(key), "key%03u", i);
		long_value(i, value);
		CHECK(has(s, key, value));
	}
	CHECK(store_own_get(s, slice_str(STORE_OWN_PREFIX "members"), &own));
	CHECK(slice_eq(own, slice_str("n1 n2 n3")));
	CHECK_INT(store_log_first(s), KEYS + 4);
	CHECK_INT(store_appended(s), KEYS + 3);
	CHECK_INT(store_log_committed(s), KEYS + 3);
	CHECK_INT(store_log_term(s, KEYS + 3, &term), 0);
	CHECK_INT(term, 4);
}

/* A store of its own that the import is to replace. */
static void old_store(struct simfs *sim)
{
	struct store *s = opened(sim, "node");
	char key[16], value[900];

	CHECK_INT(store_log_lead(s, 1), 0);
	for (unsigned i = 0; i < 40; i++) {
		snprintf(key, sizeof(key), "old%03u", i);
		long_value(i, value);
		set(s, key, value);
	}
	CHECK_INT(store_log_commit(s, 40), 0);
	CHECK_INT(store_maintain(s), 0);
	CHECK_INT(store_close(s), 0);
}

static void a_snapshot_becomes_a_store_whose_log_goes_on(void)
{
	struct simfs *sim = simfs_new(0);
	struct store *from = source(sim), *s;
	uint64_t term;

	old_store(sim);
	copy(from, sim, "node");
	CHECK_INT(store_close(from), 0);
	CHECK_INT(store_import_switch("node", simfs_fs(sim)), 0);
	s = opened(sim, "node");
	check_imported(s);
	CHECK_INT(store_log_lead(s, 5), 0);
	set(s, "key000", "afterwards");
	CHECK_INT(store_log_commit(s, KEYS + 4), 0);
	CHECK_INT(store_close(s), 0);
	s = opened(sim, "node");
	CHECK_INT(store_log_commit(s, KEYS + 4), 0);
	CHECK(has(s, "key000", "afterwards"));
	CHECK_INT(store_log_term(s, KEYS + 3, &term), 0);
	CHECK_INT(term, 4);
	CHECK_INT(store_log_term(s, KEYS + 4, &term), 0);
	CHECK_INT(term, 5);
	CHECK_INT(store_close(s), 0);
	simfs_free(sim);
}

/* The snapshot holds what it was taken of, whatever happens meanwhile. */
static void a_snapshot_outlives_compaction(void)
{
	struct simfs *sim = simfs_new(0);
	struct store *from = source(sim), *s;
	struct store_options o = options(sim);
	struct store_snapshot *snap;
	struct store_import *im;
	struct buf piece = {0};
	uint64_t index, term;
	char key[16], value[900];
	bool done = false;

	old_store(sim);
	CHECK_INT(store_snapshot_begin(from, &snap, &index, &term), 0);
	memset(value, '#', sizeof(value));
	value[899] = '\0';
	for (unsigned i = 0; i < 4 * KEYS; i++) {
		snprintf(key, sizeof(key), "key%03u", i % KEYS);
		set(from, key, value);
		CHECK_INT(store_sync(from), 0);
	}
	CHECK_INT(store_log_commit(from, store_appended(from)), 0);
	CHECK_INT(store_maintain(from), 0);
	CHECK_INT(store_import_begin(&im, "node", &o), 0);
	while (!done) {
		buf_clear(&piece);
		CHECK_INT(store_snapshot_next(from, snap, 1, &piece, &done), 0);
		CHECK_INT(store_import_add(im, buf_slice(&piece)), 0);
	}
	store_snapshot_end(from, snap);
	CHECK_INT(store_import_finish(im, index, term), 0);
	store_import_free(im);
	buf_release(&piece);
	CHECK_INT(store_import_switch("node", simfs_fs(sim)), 0);
	s = opened(sim, "node");
	check_imported(s);
	CHECK_INT(store_close(s), 0);
	CHECK_INT(store_close(from), 0);
	simfs_free(sim);
}

static void an_import_that_is_not_complete_is_not_put_in_place(void)
{
	struct simfs *sim = simfs_new(0);
	struct store_options o = options(sim);
	struct store_import *im;
	struct store *s;

	old_store(sim);
	CHECK(store_import_switch("node", simfs_fs(sim)) != 0);
	CHECK_INT(store_import_begin(&im, "node", &o), 0);
	CHECK_INT(store_import_add(im, slice_str("not an item at all")),
		  KV_EDATA);
	CHECK_INT(store_import_add(im, slice_str("")), KV_EUSAGE);
	CHECK_INT(store_import_finish(im, 1, 1), KV_EUSAGE);
	store_import_free(im);
	CHECK_INT(store_import_switch("node", simfs_fs(sim)), KV_EUSAGE);
	s = opened(sim, "node");
	CHECK_INT(store_log_commit(s, 40), 0);
	CHECK_INT(count_all(s), 40);
	CHECK_INT(store_close(s), 0);
	simfs_free(sim);
}

static void an_empty_snapshot_is_a_store(void)
{
	struct simfs *sim = simfs_new(0);
	struct store_options o = options(sim);
	struct store_import *im;
	struct store *s;
	uint64_t term;

	old_store(sim);
	CHECK_INT(store_import_begin(&im, "node", &o), 0);
	CHECK_INT(store_import_finish(im, 1000, 7), 0);
	store_import_free(im);
	CHECK_INT(store_import_switch("node", simfs_fs(sim)), 0);
	s = opened(sim, "node");
	CHECK_INT(count_all(s), 0);
	CHECK_INT(store_appended(s), 1000);
	CHECK_INT(store_log_term(s, 1000, &term), 0);
	CHECK_INT(term, 7);
	CHECK_INT(store_close(s), 0);
	simfs_free(sim);
}

/* ---- cuts ---- */

struct cut_test {
	uint64_t seed;
	unsigned states;
	bool switching; /* the marker may be on disk */
};

/* Opens what is left after a cut: the old store or the new one, whole. */
static void check_state(struct simfs *sim, bool may_be_new, bool must_be_new)
{
	struct store *s = opened(sim, "node");

	if (store_appended(s) == KEYS + 3) {
		CHECK(may_be_new);
		check_imported(s);
	} else {
		CHECK(!must_be_new);
		CHECK_INT(store_appended(s), 40);
		CHECK_INT(store_log_commit(s, 40), 0);
		CHECK_INT(count_all(s), 40);
	}
	CHECK_INT(store_close(s), 0);
}

static void cut_here(void *arg, const struct simfs *sim,
		     const struct simfs_step *step)
{
	struct cut_test *t = arg;
	struct simfs_cut cut;
	struct simfs_walk w;
	const unsigned *choice;

	if ((SIMFS_CHANGES & SIMFS_ONLY(step->op)) == 0)
		return;
	CHECK_INT(simfs_cut_init(&cut, sim), 0);
	CHECK_INT(simfs_walk_init(&w, &cut, 24, t->seed + step->number), 0);
	while ((choice = simfs_walk_next(&w)) != NULL) {
		struct simfs *next = simfs_restart(&cut, choice);

		CHECK(next != NULL);
		check_state(next, t->switching, false);
		/* A second opening finds the same as the first. */
		check_state(next, t->switching, false);
		simfs_free(next);
		t->states++;
	}
	simfs_walk_release(&w);
	simfs_cut_release(&cut);
}

static void a_cut_leaves_the_old_store_or_the_new_one(void)
{
	struct simfs *sim = simfs_new(0);
	struct store *from = source(sim);
	struct cut_test t = {.seed = 1};

	old_store(sim);
	simfs_watch(sim, cut_here, &t);
	copy(from, sim, "node");
	t.switching = true;
	CHECK_INT(store_import_switch("node", simfs_fs(sim)), 0);
	simfs_watch(sim, NULL, NULL);
	check_state(sim, true, true);
	CHECK_INT(store_close(from), 0);
	simfs_free(sim);
	printf("# %u states\n", t.states);
	CHECK(t.states > 100);
}

/* Every operation of a switch fails once; asking again completes it. */
static void a_switch_that_fails_can_be_completed(void)
{
	for (uint64_t nth = 1;; nth++) {
		struct simfs *sim = simfs_new(0);
		struct store *from = source(sim);
		struct simfs_fault fault = {
			.kind = SIMFS_FAIL, .nth = nth, .error = EIO};
		bool fired;
		int r;

		old_store(sim);
		copy(from, sim, "node");
		CHECK_INT(store_close(from), 0);
		simfs_inject(sim, &fault);
		r = store_import_switch("node", simfs_fs(sim));
		fired = simfs_fired(sim) != 0;
		simfs_clear_faults(sim);
		CHECK_INT(r == 0, !fired);
		check_state(sim, true, r == 0);
		simfs_free(sim);
		if (!fired)
			return;
	}
}

TEST_MAIN(T(a_snapshot_becomes_a_store_whose_log_goes_on),
	  T(a_snapshot_outlives_compaction),
	  T(an_import_that_is_not_complete_is_not_put_in_place),
	  T(an_empty_snapshot_is_a_store),
	  T(a_cut_leaves_the_old_store_or_the_new_one),
	  T(a_switch_that_fails_can_be_completed))

/*
 * store_log_test.c - a store whose log is replicated: what its entries do, and
 * what a restart finds of them. On the simulated file system, where a restart
 * can lose what no sync has covered.
 */
#include "base/err.h"
#include "check/simfs.h"
#include "store/store_log.h"
#include "store_ask.h"
#include "test.h"

#include <stdlib.h>

static struct simfs *sim;
static uint64_t now_ms = 1700000000000;
static uint64_t keep;

static uint64_t fake_now(void *arg)
{
	(void)arg;
	return now_ms;
}

static struct store_options options(void)
{
	return (struct store_options){
		.fs = simfs_fs(sim),
		.now_ms = fake_now,
		.segment_min = 16384,
		.segment_max = 16384,
		.create = true,
		.replicated = true,
		.log_keep = keep,
	};
}

static void open_store(void)
{
	struct store_options o = options();
	int r = store_open(&s, "db", &o);

	if (r != 0)
		printf("# %s\n", err_text());
	CHECK_INT(r, 0);
}

static void fresh(void)
{
	if (s != NULL)
		(void)!store_close(s);
	simfs_free(sim);
	sim = simfs_new(0);
	keep = 0;
	open_store();
}

static void finish(void)
{
	(void)!store_close(s);
	simfs_free(sim);
	s = NULL;
	sim = NULL;
}

/* The power goes, and everything that no sync has covered with it. */
static void power_cut(void)
{
	struct simfs *next = simfs_power_cycle(sim, NULL, NULL);

	CHECK(next != NULL);
	(void)!store_close(s);
	simfs_free(sim);
	sim = next;
	open_store();
}

static void reopen(void)
{
	CHECK_INT(store_close(s), 0);
	open_store();
}

/* ---- what a follower is sent ---- */

static struct buf wire;

static void put_u32(uint32_t v)
{
	char bytes[4] = {(char)v, (char)(v >> 8), (char)(v >> 16),
			 (char)(v >> 24)};

	buf_append(&wire, bytes, sizeof(bytes));
}

static void put_u64(uint64_t v)
{
	put_u32((uint32_t)v);
	put_u32((uint32_t)(v >> 32));
}

static void put_padding(void)
{
	while (wire.len % 8 != 0)
		buf_append_char(&wire, '\0');
}

/* An entry with one item (flag 1: the first), or with none for key "". */
static void wire_entry(uint64_t term, const char *key, const char *value)
{
	uint32_t klen = (uint32_t)strlen(key);
	uint32_t vlen = value != NULL ? (uint32_t)strlen(value) : 0;
	uint32_t flags = value != NULL ? 1 : 5;

	buf_clear(&wire);
	put_u64(term);
	put_u32(klen != 0 ? (8 + klen + vlen + 7) / 8 * 8 : 0);
	put_u32(klen != 0);
	if (klen == 0)
		return;
	put_u32(vlen);
	put_u32(klen | flags << 24);
	buf_append(&wire, key, klen);
	if (vlen != 0)
		buf_append(&wire, value, vlen);
	put_padding();
}

static int take_wire(void)
{
	struct slice bytes = buf_slice(&wire);
	int r = 0;

	while (r == 0 && bytes.len != 0) {
		struct store_log_entry e;

		r = store_log_entry_next(&bytes, &e);
		if (r == 0)
			r = store_log_append(s, &e);
	}
	return r;
}

static void follow_set(uint64_t term, const char *key, const char *value)
{
	wire_entry(term, key, value);
	CHECK_INT(take_wire(), 0);
}

/* A long value, so that a few dozen entries fill a segment. */
static void follow_many(uint64_t term, unsigned n)
{
	char key[16], value[700];

	memset(value, 'v', sizeof(value) - 1);
	value[sizeof(value) - 1] = '\0';
	for (unsigned i = 0; i < n; i++) {
		snprintf(key, sizeof(key), "many%04u", i);
		follow_set(term, key, value);
		CHECK_INT(store_sync(s), 0);
	}
}

static uint64_t term_of(uint64_t index)
{
	uint64_t term = 0;

	CHECK_INT(store_log_term(s, index, &term), 0);
	return term;
}

/* All entries can be read, one after the other, with these terms up to `last`.
 */
static void check_log(uint64_t last)
{
	struct buf out = {0};
	uint64_t got;

	CHECK_INT(store_appended(s), last);
	for (uint64_t i = store_log_first(s); i <= last; i++) {
		struct store_log_entry e;
		struct slice bytes;

		buf_clear(&out);
		CHECK_INT(store_log_read(s, i, i, 1, &out, &got), 0);
		CHECK_INT(got, i);
		bytes = buf_slice(&out);
		CHECK_INT(store_log_entry_next(&bytes, &e), 0);
		CHECK_INT(bytes.len, 0);
		CHECK_INT(e.term, term_of(i));
	}
	buf_release(&out);
}

/* ---- tests ---- */

static void a_new_log_is_empty(void)
{
	uint64_t term = 9;

	fresh();
	CHECK_INT(store_log_first(s), 1);
	CHECK_INT(store_appended(s), 0);
	CHECK_INT(store_log_committed(s), 0);
	CHECK_INT(store_log_term(s, 0, &term), 0);
	CHECK_INT(term, 0);
	CHECK_INT(store_log_term(s, 1, &term), KV_ENOTFOUND);
	finish();
}

static void a_follower_shows_what_is_committed(void)
{
	fresh();
	follow_set(1, "a", "1");
	follow_set(1, "b", "2");
	CHECK_INT(store_appended(s), 2);
	CHECK(missing("a"));
	CHECK_INT(store_log_commit(s, 1), 0);
	CHECK(has("a", "1"));
	CHECK(missing("b"));
	CHECK_INT(get("a").after, 0);
	CHECK_INT(store_sync(s), 0);
	CHECK_INT(store_durable(s), 2);
	CHECK_INT(store_log_commit(s, 2), 0);
	CHECK(has("b", "2"));
	CHECK_INT(store_log_commit(s, 3), KV_EUSAGE);
	CHECK_INT(set("c", "3"), KV_EUNAVAILABLE);
	finish();
}

static void a_leader_shows_all_and_waits_for_the_others(void)
{
	struct reply r;

	fresh();
	CHECK_INT(store_log_lead(s, 3), 0);
	CHECK_INT(store_log_propose(s, NULL, 0), 0);
	CHECK_INT(set("a", "1"), 0);
	r = get("a");
	CHECK(r.items[0].found);
	CHECK_INT(r.after, 2);
	CHECK_INT(r.items[0].version, 2);
	CHECK_INT(store_sync(s), 0);
	CHECK_INT(get("a").after, 2);
	CHECK_INT(store_log_commit(s, 2), 0);
	CHECK_INT(get("a").after, 0);
	CHECK_INT(del("a"), 1);
	CHECK_INT(get("a").after, 3);
	CHECK_INT(store_log_commit(s, 3), 0);
	CHECK_INT(get("a").after, 0);
	CHECK_INT(term_of(3), 3);
	check_log(3);
	finish();
}

static void a_deposed_leader_takes_back(void)
{
	fresh();
	CHECK_INT(store_log_lead(s, 1), 0);
	CHECK_INT(set("a", "1"), 0);
	CHECK_INT(set("b", "1"), 0);
	CHECK_INT(store_log_commit(s, 2), 0);
	CHECK_INT(set("a", "2"), 0);
	CHECK_INT(set("a", "3"), 0);
	CHECK_INT(del("b"), 1);
	CHECK_INT(set("c", "1"), 0);
	CHECK_INT(del("c"), 1);
	store_log_follow(s);
	CHECK(has("a", "1"));
	CHECK(has("b", "1"));
	CHECK(missing("c"));
	CHECK_INT(get("c").after, 0);
	CHECK_INT(count_all(), 2);
	CHECK_INT(store_appended(s), 7);
	/* Leading again, it all has effect again. */
	CHECK_INT(store_log_lead(s, 2), 0);
	CHECK(has("a", "3"));
	CHECK(missing("b"));
	CHECK_INT(get("a").after, 4);
	CHECK_INT(store_log_commit(s, 7), 0);
	CHECK_INT(get("a").after, 0);
	store_log_follow(s);
	CHECK(has("a", "3"));
	finish();
}

static void entries_survive_a_restart_and_wait_to_be_committed(void)
{
	fresh();
	follow_set(1, "a", "1");
	follow_set(2, "a", "2");
	CHECK_INT(store_log_commit(s, 1), 0);
	CHECK_INT(store_sync(s), 0);
	follow_set(2, "a", "3");
	power_cut();
	CHECK_INT(store_appended(s), 2);
	CHECK_INT(store_durable(s), 2);
	CHECK_INT(store_log_committed(s), 0);
	CHECK(missing("a"));
	CHECK_INT(store_log_commit(s, 2), 0);
	CHECK(has("a", "2"));
	CHECK_INT(term_of(1), 1);
	CHECK_INT(term_of(2), 2);
	check_log(2);
	reopen();
	check_log(2);
	finish();
}

static void truncated_entries_are_replaced(void)
{
	fresh();
	follow_set(1, "a", "1");
	follow_set(1, "a", "2");
	follow_set(1, "a", "3");
	CHECK_INT(store_log_truncate(s, 2), KV_EUSAGE); /* not yet on disk */
	CHECK_INT(store_sync(s), 0);
	CHECK_INT(store_log_commit(s, 1), 0);
	CHECK_INT(store_log_truncate(s, 1), KV_EUSAGE); /* committed */
	CHECK_INT(store_log_truncate(s, 2), 0);
	CHECK_INT(store_appended(s), 1);
	CHECK_INT(store_durable(s), 1);
	check_log(1);
	follow_set(2, "b", "1");
	CHECK_INT(term_of(2), 2);
	CHECK_INT(store_sync(s), 0);
	power_cut();
	CHECK_INT(store_appended(s), 2);
	CHECK_INT(term_of(2), 2);
	CHECK_INT(store_log_commit(s, 2), 0);
	CHECK(has("a", "1"));
	CHECK(has("b", "1"));
	check_log(2);
	finish();
}

static void truncation_reaches_back_over_segments(void)
{
	fresh();
	follow_many(1, 100); /* five segments */
	CHECK_INT(store_log_commit(s, 10), 0);
	CHECK_INT(store_log_truncate(s, 15), 0);
	check_log(14);
	follow_many(2, 30);
	check_log(44);
	CHECK_INT(store_log_truncate(s, 12), 0);
	follow_set(3, "last", "one");
	CHECK_INT(store_sync(s), 0);
	power_cut();
	CHECK_INT(term_of(11), 1);
	CHECK_INT(term_of(12), 3);
	check_log(12);
	CHECK_INT(store_log_commit(s, 12), 0);
	CHECK(has("last", "one"));
	CHECK_INT(count_all(), 12);
	finish();
}

static void sealing_and_compaction_keep_to_what_is_committed(void)
{
	fresh();
	keep = 1;
	reopen();
	for (unsigned round = 0; round < 6; round++)
		follow_many(1, 60);
	CHECK_INT(store_maintain(s), 0);
	CHECK_INT(store_log_first(s), 1); /* nothing is committed */
	CHECK_INT(store_log_commit(s, 300), 0);
	CHECK_INT(store_maintain(s), 0);
	CHECK(store_log_first(s) > 100);
	CHECK(store_log_first(s) < 301);
	CHECK_INT(term_of(store_log_first(s) - 1), 1);
	check_log(360);
	CHECK_INT(count_all(), 60);
	power_cut();
	CHECK(store_log_committed(s) > 100);
	CHECK(store_log_committed(s) <= 300);
	CHECK_INT(count_all(), 60);
	CHECK_INT(store_log_commit(s, 360), 0);
	CHECK_INT(count_all(), 60);
	check_log(360);
	finish();
}

/* Compaction leaves out what a leader has overwritten; when that is taken back,
 * the segment with the old value must not go. */
static void what_is_taken_back_during_compaction_is_still_there(void)
{
	uint64_t last;

	fresh();
	keep = 1;
	reopen();
	follow_set(1, "k", "old");
	for (unsigned round = 0; round < 4; round++)
		follow_many(1, 60);
	last = store_appended(s);
	CHECK_INT(store_log_commit(s, last), 0);
	CHECK_INT(store_log_lead(s, 2), 0);
	CHECK_INT(set("k", "new"), 0);
	/* As far as it goes: it waits for that entry to be committed. */
	CHECK_INT(store_maintain(s), 0);
	CHECK(store_log_first(s) > 1);
	store_log_follow(s);
	CHECK(has("k", "old"));
	CHECK_INT(store_log_truncate(s, last + 1), 0);
	follow_many(3, 3);
	CHECK_INT(store_log_commit(s, last + 3), 0);
	CHECK_INT(store_maintain(s), 0);
	CHECK(has("k", "old"));
	power_cut();
	CHECK(has("k", "old"));
	CHECK_INT(store_log_commit(s, last + 3), 0);
	CHECK(has("k", "old"));
	CHECK_INT(count_all(), 61);
	finish();
}

static void a_failed_sync_ends_writing_and_hides_what_is_not_committed(void)
{
	const char *why;

	fresh();
	CHECK_INT(store_log_lead(s, 1), 0);
	CHECK_INT(set("a", "1"), 0);
	CHECK_INT(store_sync(s), 0);
	CHECK_INT(set("b", "1"), 0);
	CHECK_INT(set("c", "1"), 0);
	CHECK_INT(store_log_commit(s, 2), 0); /* the others have it */
	store_inject_sync_failure(s);
	CHECK(store_sync(s) != 0);
	CHECK(store_failed(s, &why) != 0);
	CHECK_INT(store_waiting(s), 0); /* a server that stops would wait */
	CHECK(has("a", "1"));
	CHECK(has("b", "1"));
	CHECK(missing("c"));
	CHECK_INT(set("d", "1"), KV_EREADONLY);
	CHECK_INT(store_log_lead(s, 2), KV_EREADONLY);
	power_cut();
	CHECK_INT(store_appended(s), 1);
	finish();
}

static void the_two_kinds_of_store_are_not_mixed_up(void)
{
	struct store_options o;
	struct store *other;
	struct store_check_report report;

	fresh();
	follow_set(1, "a", "1");
	CHECK_INT(store_close(s), 0);
	s = NULL;
	o = options();
	o.replicated = false;
	CHECK_INT(store_open(&other, "db", &o), KV_EFORMAT);
	CHECK_INT(store_check("db", simfs_fs(sim), &report), 0);
	CHECK_INT(report.records, 1);
	CHECK_INT(store_open(&other, "solo", &o), 0);
	CHECK_INT(store_close(other), 0);
	o.replicated = true;
	CHECK_INT(store_open(&other, "solo", &o), KV_EFORMAT);
	open_store();
	finish();
}

TEST_MAIN(T(a_new_log_is_empty), T(a_follower_shows_what_is_committed),
	  T(a_leader_shows_all_and_waits_for_the_others),
	  T(a_deposed_leader_takes_back),
	  T(entries_survive_a_restart_and_wait_to_be_committed),
	  T(truncated_entries_are_replaced),
	  T(truncation_reaches_back_over_segments),
	  T(sealing_and_compaction_keep_to_what_is_committed),
	  T(what_is_taken_back_during_compaction_is_still_there),
	  T(a_failed_sync_ends_writing_and_hides_what_is_not_committed),
	  T(the_two_kinds_of_store_are_not_mixed_up))

/*
 * store_log_damage_test.c - a replicated log of which something is missing or
 * wrong: on disk, where it must not be taken for whole, and in what comes from
 * other nodes, which must not get into it.
 */
#include "base/err.h"
#include "check/power_log_script.h"
#include "check/simfs.h"
#include "store/format.h"
#include "store/segment.h"
#include "store/store_log.h"
#include "test.h"

#include <errno.h>
#include <stdlib.h>

#define ENTRIES 60u
#define SEGMENTS_MAX 20u

static struct simfs *sim;
static struct store *s;

/* Entries of three terms, that fill a handful of segments; the first `agreed`
 * of them are committed, and sealed as far as they fill segments. */
static void begin(unsigned agreed)
{
	char value[1300];

	memset(value, 'v', sizeof(value));
	sim = simfs_new(0);
	CHECK(sim != NULL);
	CHECK_INT(workload_open(&log_script_kind, sim, &s), 0);
	for (unsigned i = 0; i < ENTRIES; i++) {
		CHECK_INT(log_script_append(s, 1 + i / 20, i % MODEL_KEYS,
					    slice_of(value, sizeof(value))),
			  0);
		CHECK_INT(store_sync(s), 0);
	}
	CHECK_INT(store_log_commit(s, agreed), 0);
}

static void end(void)
{
	if (s != NULL)
		CHECK_INT(store_close(s), 0);
	simfs_free(sim);
	s = NULL;
}

/* ---- on disk ---- */

static int open_again(struct simfs *from)
{
	struct store *again;
	int r = workload_open(&log_script_kind, from, &again);

	if (r == 0)
		CHECK_INT(store_close(again), 0);
	return r;
}

/* After a failed sync a seal may be in the page cache only, which looks like
 * the disk until the power goes. */
static void what_a_failed_sync_left_is_not_built_on(void)
{
	struct simfs_fault fault = {.kind = SIMFS_FAIL,
				    .error = EIO,
				    .only = SIMFS_ONLY(SIMFS_SYNC)};
	bool fired = true;

	for (fault.nth = 1; fired; fault.nth++) {
		struct simfs *after;

		begin(ENTRIES);
		simfs_inject(sim, &fault);
		(void)!store_maintain(s);
		fired = simfs_fired(sim) > 0;
		simfs_clear_faults(sim);
		(void)!store_close(s);
		CHECK_INT(workload_open(&log_script_kind, sim, &s), 0);
		CHECK_INT(store_log_commit(s, ENTRIES), 0);
		CHECK_INT(store_maintain(s), 0);
		after = simfs_power_cycle(sim, NULL, NULL);
		CHECK(after != NULL);
		CHECK_INT(open_again(after), 0);
		simfs_free(after);
		end();
	}
	CHECK(fault.nth > 3);
}

/* The newest segment may never have been; one in front of it was. */
static void a_log_with_a_hole_is_not_opened(void)
{
	unsigned holes = 0;
	char *path;

	begin(0);
	CHECK_INT(store_close(s), 0);
	s = NULL;
	for (unsigned n = 2; n < SEGMENTS_MAX; n++) {
		struct simfs *copy = simfs_clone(sim);
		char *next = segment_path(WORKLOAD_DIR, n + 1);
		struct file *f = NULL;

		path = segment_path(WORKLOAD_DIR, n);
		CHECK(copy != NULL && path != NULL && next != NULL);
		if (fs_open(simfs_fs(copy), next, FS_READ, &f) == 0) {
			file_close(f);
			CHECK_INT(fs_unlink(simfs_fs(copy), path), 0);
			CHECK_INT(open_again(copy), KV_EDAMAGED);
			CHECK(strstr(err_text(), "missing") != NULL);
			holes++;
		}
		free(path);
		free(next);
		simfs_free(copy);
	}
	CHECK(holes >= 2);
	CHECK_INT(open_again(sim), 0);
	end();
}

/* The seal of a segment says that all in it is committed, and all before it. */
static void a_lost_seal_in_front_of_others_is_noticed(void)
{
	unsigned noticed = 0, last = 0;

	begin(ENTRIES);
	for (struct store_task *job; (job = store_task_begin(s)) != NULL;) {
		store_task_run(job);
		CHECK_INT(store_task_end(s, job), 0);
		if (++last == 3)
			break; /* sealed, not yet compacted */
	}
	CHECK_INT(store_close(s), 0);
	s = NULL;
	for (unsigned n = 1; n < SEGMENTS_MAX; n++) {
		struct simfs *copy = simfs_clone(sim);
		char *path = segment_path(WORKLOAD_DIR, n);

		CHECK(copy != NULL && path != NULL);
		if (simfs_damage(copy, path, SEGMENT_SEAL_AT, 1) == 0) {
			int r = open_again(copy);

			CHECK(r == 0 || r == KV_EDAMAGED);
			noticed += r != 0;
		}
		free(path);
		simfs_free(copy);
	}
	CHECK(noticed >= 1);
	end();
}

/* ---- what is sent ---- */

static void only_what_is_in_the_log_is_read(void)
{
	struct buf out = {0};
	uint64_t last = 0, term;

	begin(0);
	buf_append_str(&out, "before");
	CHECK_INT(store_log_read(s, 0, 1, 1, &out, &last), KV_ENOTFOUND);
	CHECK_INT(store_log_read(s, 1, ENTRIES + 1, 1, &out, &last),
		  KV_ENOTFOUND);
	CHECK_INT(store_log_read(s, 2, 1, 1, &out, &last), KV_ENOTFOUND);
	CHECK_INT(store_log_term(s, ENTRIES + 1, &term), KV_ENOTFOUND);
	CHECK_INT(out.len, 6);
	CHECK_INT(store_log_fit(s, ENTRIES + 1, ENTRIES + 2, 1), ENTRIES + 1);
	CHECK_INT(store_log_fit(s, 1, ENTRIES, 1 << 20), ENTRIES);
	CHECK_INT(store_log_commit(s, ENTRIES + 1), KV_EUSAGE);
	buf_release(&out);
	end();
}

/* A fresh checksum must not make it look sound elsewhere. */
static void what_has_rotted_is_not_sent_on(void)
{
	char *path = segment_path(WORKLOAD_DIR, 1);
	struct buf out = {0};
	uint64_t last = 0;

	begin(0);
	CHECK(path != NULL);
	CHECK_INT(store_log_read(s, 1, 2, 1 << 20, &out, &last), 0);
	CHECK_INT(last, 2);
	buf_clear(&out);
	CHECK_INT(simfs_damage(sim, path, SEGMENT_RECORDS_AT + 200, 1), 0);
	CHECK_INT(store_log_read(s, 1, 2, 1 << 20, &out, &last), KV_EDAMAGED);
	CHECK_INT(out.len, 0);
	CHECK_INT(store_log_read(s, 2, 3, 1 << 20, &out, &last), 0);
	free(path);
	buf_release(&out);
	end();
}

struct spans {
	unsigned n;
	uint64_t first[4], term[4];
};

static void note_span(void *arg, uint64_t first, uint64_t term)
{
	struct spans *spans = arg;

	CHECK(spans->n < 4);
	spans->first[spans->n] = first;
	spans->term[spans->n++] = term;
}

static void the_log_tells_where_its_terms_begin(void)
{
	struct spans spans = {0};

	begin(0);
	CHECK_INT(store_log_spans(s, note_span, &spans), 0);
	CHECK_INT(spans.n, 3);
	for (unsigned i = 0; i < 3; i++) {
		CHECK_INT(spans.first[i], 1 + 20 * i);
		CHECK_INT(spans.term[i], 1 + i);
	}
	end();
}

/* ---- what comes in ---- */

/* Two items: the first without a version, the second with one. */
static size_t make_entry(char *at, unsigned flags, uint64_t version,
			 uint32_t count)
{
	struct stored_item one = {.key = slice_str("one"),
				  .value = slice_str("1"),
				  .flags = ITEM_FIRST};
	struct stored_item two = {
		.key = slice_str("two"), .flags = flags, .version = version};
	size_t len = 16;

	item_encode(at + len, &one);
	len += item_size(&one);
	item_encode(at + len, &two);
	len += item_size(&two);
	put_le64(at, 7);
	put_le32(at + 8, (uint32_t)(len - 16));
	put_le32(at + 12, count);
	return len;
}

static int take(const char *at, size_t len)
{
	struct slice bytes = slice_of(at, len);
	struct store_log_entry e;
	int r = store_log_entry_next(&bytes, &e);

	return r == 0 ? store_log_append(s, &e) : r;
}

static void an_entry_that_is_none_is_refused(void)
{
	char at[256];
	size_t len;

	begin(0);
	len = make_entry(at, ITEM_TOMBSTONE, ENTRIES + 1, 2);
	for (size_t cut = 0; cut < len; cut++)
		CHECK_INT(take(at, cut), KV_EDATA);
	make_entry(at, ITEM_TOMBSTONE, ENTRIES + 1, 1); /* an item too many */
	CHECK_INT(take(at, len), KV_EDATA);
	make_entry(at, ITEM_TOMBSTONE, ENTRIES + 1, 3); /* one too few */
	CHECK_INT(take(at, len), KV_EDATA);
	make_entry(at, 128, ENTRIES + 1, 2); /* no flag of ours */
	CHECK_INT(take(at, len), KV_EDATA);
	make_entry(at, ITEM_TOMBSTONE, ENTRIES + 2, 2); /* for another index */
	CHECK_INT(take(at, len), KV_EDATA);
	make_entry(at, ITEM_TOMBSTONE, ENTRIES + 1, 2);
	put_le32(at + 8, (uint32_t)(len - 16) + 1);
	CHECK_INT(take(at, len), KV_EDATA);
	CHECK_INT(store_appended(s), ENTRIES);
	make_entry(at, ITEM_TOMBSTONE, ENTRIES + 1, 2);
	CHECK_INT(take(at, len), 0);
	CHECK_INT(store_appended(s), ENTRIES + 1);
	end();
}

static void an_entry_tells_what_it_sets(void)
{
	char at[256];
	struct slice bytes, value;
	struct store_log_entry e;

	bytes = slice_of(at, make_entry(at, ITEM_TOMBSTONE, 9, 2));
	CHECK_INT(store_log_entry_next(&bytes, &e), 0);
	CHECK_INT(e.term, 7);
	CHECK_INT(e.version, 9);
	CHECK(store_log_entry_get(&e, slice_str("one"), &value));
	CHECK(slice_eq(value, slice_str("1")));
	CHECK(!store_log_entry_get(&e, slice_str("two"), &value));
	CHECK(!store_log_entry_get(&e, slice_str("three"), &value));
}

TEST_MAIN(T(what_a_failed_sync_left_is_not_built_on),
	  T(a_log_with_a_hole_is_not_opened),
	  T(a_lost_seal_in_front_of_others_is_noticed),
	  T(only_what_is_in_the_log_is_read), T(what_has_rotted_is_not_sent_on),
	  T(the_log_tells_where_its_terms_begin),
	  T(an_entry_that_is_none_is_refused), T(an_entry_tells_what_it_sets))

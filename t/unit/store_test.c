/*
 * store_test.c - the store by itself, on the real file system.
 */
#include "base/err.h"
#include "store_ask.h"
#include "test.h"

#include <bsd/stdlib.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static char dir[64];
static uint64_t fake_now;

static uint64_t read_fake_now(void *arg)
{
	(void)arg;
	return fake_now;
}

static struct store_options options(void)
{
	return (struct store_options){
		.segment_min = 16384,
		.segment_max = 65536,
		.create = true,
		.now_ms = fake_now ? read_fake_now : NULL,
	};
}

static void reopen(void)
{
	struct store_options o = options();
	int r;

	if (s != NULL)
		CHECK_INT(store_close(s), 0);
	s = NULL;
	r = store_open(&s, dir, &o);
	if (r != 0)
		printf("# %s\n", err_text());
	CHECK_INT(r, 0);
}

static void fresh(void)
{
	if (s != NULL)
		(void)store_close(s);
	s = NULL;
	fake_now = 0;
	snprintf(dir, sizeof(dir), "/tmp/store_test.XXXXXX");
	CHECK(mkdtemp(dir) != NULL);
	reopen();
}

static void finish(void)
{
	char command[128];

	if (s != NULL)
		(void)store_close(s);
	s = NULL;
	snprintf(command, sizeof(command), "rm -rf '%s'", dir);
	CHECK_INT(system(command), 0);
}

static uint64_t info(const char *name)
{
	struct request req = {.op = OP_INFO};
	struct reply r = execute(&req);

	for (size_t i = 0; i < r.ninfo; i++)
		if (strcmp(r.info[i].name, name) == 0) {
			char text[32];

			snprintf(text, sizeof(text), "%.*s",
				 (int)r.info[i].text.len, r.info[i].text.data);
			return strtoull(text, NULL, 10);
		}
	test_fail(__FILE__, __LINE__, "info has no line '%s'", name);
}

/* Leaves as SIGKILL would: nothing more is written. */
static void abandon(void)
{
	struct store_options o = options();
	char copy[80], command[256];

	snprintf(copy, sizeof(copy), "%s.copy", dir);
	snprintf(command, sizeof(command), "rm -rf '%s' && cp -r '%s' '%s'",
		 copy, dir, copy);
	CHECK_INT(system(command), 0);
	(void)store_close(s);
	s = NULL;
	snprintf(command, sizeof(command), "rm -rf '%s' && mv '%s' '%s'", dir,
		 copy, dir);
	CHECK_INT(system(command), 0);
	CHECK_INT(store_open(&s, dir, &o), 0);
}

static void what_was_set_is_read_back(void)
{
	fresh();
	CHECK_INT(set("a", "1"), 0);
	CHECK(has("a", "1"));
	CHECK(missing("b"));
	CHECK_INT(set("a", "2"), 0);
	CHECK(has("a", "2"));
	CHECK_INT(count_all(), 1);
	finish();
}

static void a_reply_waits_for_the_disk(void)
{
	struct reply r;

	fresh();
	set("a", "1");
	r = get("a");
	CHECK(r.after == store_appended(s));
	CHECK(r.after > store_durable(s));
	CHECK_INT(store_sync(s), 0);
	CHECK_INT(get("a").after, 0);
	del("a");
	CHECK(get("a").after > store_durable(s));
	CHECK_INT(store_sync(s), 0);
	CHECK_INT(get("a").after, 0);
	finish();
}

static void synced_writes_survive_a_kill(void)
{
	fresh();
	set("a", "1");
	set("b", "2");
	del("a");
	CHECK_INT(store_sync(s), 0);
	abandon();
	CHECK(missing("a"));
	CHECK(has("b", "2"));
	set("c", "3");
	CHECK_INT(store_sync(s), 0);
	abandon();
	CHECK(has("b", "2"));
	CHECK(has("c", "3"));
	finish();
}

static void versions_only_grow(void)
{
	struct reply r;
	uint64_t v;

	fresh();
	set("a", "1");
	v = get("a").items[0].version;
	set("a", "1");
	CHECK(get("a").items[0].version > v);
	v = get("a").items[0].version;
	del("a");
	reopen();
	set("b", "1");
	r = get("b");
	CHECK(r.items[0].version > v + 1);
	finish();
}

/* A workload of overwrites and deletions against a plain table. */
#define MODEL_KEYS 300
static char model[MODEL_KEYS][40];

static void model_step(unsigned *seed)
{
	unsigned i = (unsigned)rand_r(seed) % MODEL_KEYS;
	char key[16];

	snprintf(key, sizeof(key), "key%04u", i);
	if (rand_r(seed) % 4 == 0) {
		CHECK_INT(del(key), model[i][0] != '\0');
		model[i][0] = '\0';
	} else {
		snprintf(model[i], sizeof(model[i]), "value-%d", rand_r(seed));
		CHECK_INT(set(key, model[i]), 0);
	}
}

static void model_compare(void)
{
	char key[16];
	uint64_t n = 0;

	for (unsigned i = 0; i < MODEL_KEYS; i++) {
		snprintf(key, sizeof(key), "key%04u", i);
		n += model[i][0] != '\0';
		if (model[i][0] != '\0' ? !has(key, model[i]) : !missing(key))
			test_fail(__FILE__, __LINE__, "%s is wrong", key);
	}
	CHECK_INT(count_all(), n);
}

/* What two threads make possible: a task between the begin of a flush and its
 * run, writes while both are under way. */
static void flush_around_a_task(unsigned *seed)
{
	struct store_flush *flush = store_flush_begin(s);
	struct store_task *task = store_task_begin(s);

	model_step(seed);
	if (task != NULL)
		store_task_run(task);
	if (task != NULL && rand_r(seed) % 2) {
		(void)store_task_end(s, task);
		task = NULL;
	}
	if (flush != NULL) {
		store_flush_run(flush);
		CHECK_INT(store_flush_end(s, flush), 0);
	}
	model_step(seed);
	if (task != NULL)
		(void)store_task_end(s, task);
}

static void jobs_side_by_side_match_the_model(void)
{
	unsigned seed = 4711;

	fresh();
	memset(model, 0, sizeof(model));
	for (int round = 0; round < 30; round++) {
		for (int i = 0; i < 600; i++) {
			flush_around_a_task(&seed);
			if (rand_r(&seed) % 50 == 0)
				store_inject_sync_failure(s);
		}
		model_compare();
		CHECK_INT(store_sync(s), 0);
		if (round % 2)
			reopen();
		else
			abandon();
		model_compare();
	}
	CHECK(info("segments") < 60);
	finish();
}

static void a_long_life_matches_the_model(void)
{
	unsigned seed = 42;

	fresh();
	memset(model, 0, sizeof(model));
	for (int round = 0; round < 60; round++) {
		for (int i = 0; i < 300; i++) {
			model_step(&seed);
			if (rand_r(&seed) % 8 == 0)
				CHECK_INT(store_sync(s), 0);
		}
		if (rand_r(&seed) % 3 == 0)
			CHECK_INT(store_maintain(s), 0);
		model_compare();
		CHECK_INT(store_sync(s), 0);
		if (rand_r(&seed) % 2)
			abandon();
		else
			reopen();
		model_compare();
	}
	CHECK(info("segments") < 40);
	finish();
}

/* Keys that only differ far behind what they have in common, and keys that
 * others begin with: a segment's side file has them in order, each once. */
static void alike_keys_are_told_apart_when_sealed(void)
{
	static const char *const forms[] = {
		"k",
		"k%d",
		"k%d-a-long-tail-%d",
		"k-a-long-head-that-is-%d",
	};
	char key[64], value[32];

	fresh();
	for (int round = 0; round < 3; round++) {
		for (int i = 0; i < 2000; i++) {
			snprintf(key, sizeof(key), forms[i % 4], i, i);
			snprintf(value, sizeof(value), "%d.%d", round, i);
			CHECK_INT(set(key, value), 0);
			if (i % 100 == 0)
				CHECK_INT(store_sync(s), 0);
		}
		CHECK_INT(store_maintain(s), 0);
	}
	CHECK(info("segments") > 2);
	for (int side = 0; side < 2; side++) {
		CHECK_INT((int)count_all(), 1501);
		CHECK(has("k", "2.1996"));
		for (int i = 1; i < 2000; i++) {
			if (i % 4 == 0)
				continue;
			snprintf(key, sizeof(key), forms[i % 4], i, i);
			snprintf(value, sizeof(value), "2.%d", i);
			CHECK(has(key, value));
		}
		if (side == 0)
			reopen();
	}
	finish();
}

static void overwritten_space_comes_back(void)
{
	char key[16], value[1000];

	fresh();
	memset(value, 'x', sizeof(value) - 1);
	value[sizeof(value) - 1] = '\0';
	for (int round = 0; round < 20; round++) {
		for (int i = 0; i < 500; i++) {
			snprintf(key, sizeof(key), "key%04d", i);
			CHECK_INT(set(key, value), 0);
			CHECK_INT(store_sync(s), 0);
		}
		CHECK_INT(store_maintain(s), 0);
	}
	CHECK(info("released_segments") > 0);
	if (info("disk_bytes") >= 5 * 500 * 1000 / 2)
		test_fail(__FILE__, __LINE__, "disk_bytes is %llu",
			  (unsigned long long)info("disk_bytes"));
	CHECK(info("compacted_bytes") * 2 <= info("written_bytes") * 3);
	finish();
}

static void deleted_space_comes_back_tombstones_too(void)
{
	char key[32];

	fresh();
	for (int round = 0; round < 10; round++) {
		for (int i = 0; i < 2000; i++) {
			snprintf(key, sizeof(key), "k%d.%d", round, i);
			CHECK_INT(set(key, "a value of some bytes"), 0);
		}
		for (int i = 0; i < 2000; i++) {
			snprintf(key, sizeof(key), "k%d.%d", round, i);
			CHECK_INT(del(key), 1);
		}
		CHECK_INT(store_maintain(s), 0);
	}
	CHECK_INT(count_all(), 0);
	if (info("used_bytes") > 400000)
		test_fail(__FILE__, __LINE__, "used_bytes is %llu",
			  (unsigned long long)info("used_bytes"));
	reopen();
	CHECK_INT(count_all(), 0);
	finish();
}

static void a_failed_sync_is_survived(void)
{
	unsigned seed = 7;

	fresh();
	memset(model, 0, sizeof(model));
	for (int i = 0; i < 2000; i++) {
		model_step(&seed);
		if (i % 7 == 0)
			store_inject_sync_failure(s);
		if (i % 3 == 0)
			CHECK_INT(store_sync(s), 0);
		if (i % 100 == 99) {
			model_compare();
			CHECK_INT(store_sync(s), 0);
			abandon();
			model_compare();
			CHECK_INT(store_maintain(s), 0);
		}
	}
	CHECK_INT(store_sync(s), 0);
	model_compare();
	finish();
}

/* A background task runs while a flush is under way, as in a server. */
static void flush_beside_a_task(void)
{
	struct store_flush *flush = store_flush_begin(s);
	struct store_task *task = store_task_begin(s);

	if (task != NULL)
		store_task_run(task);
	CHECK(flush != NULL);
	store_flush_run(flush);
	CHECK_INT(store_flush_end(s, flush), 0);
	if (task != NULL)
		CHECK_INT(store_task_end(s, task), 0);
}

static void jobs_overlap_also_after_a_restart(void)
{
	char value[12000];

	fresh();
	for (int life = 0; life < 20; life++) {
		for (int i = 0; i <= life % 4; i++) {
			/* More than half a segment: a spare is wanted again
			 * while the flush still holds the last one. */
			memset(value, 'a' + (life + i) % 26, sizeof(value));
			value[sizeof(value) - 1] = '\0';
			CHECK_INT(set("key", value), 0);
			flush_beside_a_task();
		}
		reopen();
		CHECK(has("key", value));
	}
	finish();
}

static int bulk(int from, int n, const char *value)
{
	struct change *c = calloc((size_t)n, sizeof(*c));
	char(*keys)[16] = calloc((size_t)n, sizeof(*keys));
	struct request req = {
		.op = OP_BULK_SET, .changes = c, .nchanges = (size_t)n};
	int r;

	for (int i = 0; i < n; i++) {
		snprintf(keys[i], sizeof(keys[i]), "bulk%07d", from + i);
		c[i].key = slice_str(keys[i]);
		c[i].value = slice_str(value);
	}
	r = execute(&req).code;
	free(c);
	free(keys);
	return r;
}

static void a_batch_larger_than_a_segment_works(void)
{
	fresh();
	CHECK_INT(bulk(0, 20000, "some value"), 0);
	CHECK_INT(store_sync(s), 0);
	CHECK_INT(count_all(), 20000);
	abandon();
	CHECK_INT(count_all(), 20000);
	CHECK_INT(bulk(5, 20000, "other"), 0);
	CHECK_INT(store_maintain(s), 0);
	reopen();
	CHECK_INT(count_all(), 20005);
	CHECK(has("bulk0000004", "some value"));
	CHECK(has("bulk0000005", "other"));
	finish();
}

static void conditions_decide(void)
{
	struct change c = {.key = slice_str("a"), .value = slice_str("1")};
	struct request req = {.op = OP_SET, .changes = &c, .nchanges = 1};

	fresh();
	req.condition = KV_IF_PRESENT;
	CHECK_INT(execute(&req).code, KV_ECONDITION);
	req.condition = KV_IF_ABSENT;
	CHECK_INT(execute(&req).code, 0);
	CHECK_INT(execute(&req).code, KV_ECONDITION);
	req.condition = KV_IF_VERSION;
	req.if_version = get("a").items[0].version;
	CHECK_INT(execute(&req).code, 0);
	CHECK_INT(execute(&req).code, KV_ECONDITION);
	finish();
}

static void the_expired_are_gone_and_stay_gone(void)
{
	fresh();
	fake_now = 1000000;
	reopen();
	set("a", "old");
	set_ttl("a", slice_str("new"), fake_now + 500);
	set_ttl("b", slice_str("x"), fake_now + 5000);
	CHECK(has("a", "new"));
	CHECK_INT(info("keys_with_ttl"), 2);
	fake_now += 501;
	CHECK(missing("a"));
	CHECK_INT(count_all(), 1);
	CHECK_INT(store_sync(s), 0);
	fake_now -= 501; /* the clock steps back */
	abandon();
	CHECK(missing("a"));
	CHECK(has("b", "x"));
	set("b", "for ever");
	CHECK_INT(info("keys_with_ttl"), 0);
	CHECK_INT(store_sync(s), 0);
	fake_now += 100000;
	abandon();
	CHECK(has("b", "for ever"));
	finish();
}

static size_t scan_all(struct request *req, char *first, char *last)
{
	char cursor[128];
	size_t n = 0;

	first[0] = last[0] = '\0';
	for (;;) {
		struct reply r = execute(req);

		CHECK_INT(r.code, 0);
		for (size_t i = 0; i < r.nitems; i++) {
			snprintf(last, 32, "%.*s", (int)r.items[i].key.len,
				 r.items[i].key.data);
			if (n++ == 0)
				memcpy(first, last, 32);
		}
		if (r.cursor.len == 0)
			return n;
		CHECK(r.cursor.len < sizeof(cursor));
		memcpy(cursor, r.cursor.data, r.cursor.len);
		req->cursor = slice_of(cursor, r.cursor.len);
	}
}

static void ranges_are_scanned_in_order_and_in_pages(void)
{
	struct request req = {.op = OP_SCAN, .reply_max = 300};
	char first[32], last[32];

	fresh();
	bulk(0, 1000, "v");
	set("a", "1");
	set("z", "1");
	CHECK_INT(scan_all(&req, first, last), 1002);
	CHECK_STR(first, "a");
	CHECK_STR(last, "z");
	req = (struct request){.op = OP_SCAN, .reply_max = 300};
	req.range.prefix = slice_str("bulk00001");
	CHECK_INT(scan_all(&req, first, last), 100);
	CHECK_STR(first, "bulk0000100");
	CHECK_STR(last, "bulk0000199");
	req.cursor.len = 0;
	req.range.reverse = true;
	CHECK_INT(scan_all(&req, first, last), 100);
	CHECK_STR(first, "bulk0000199");
	CHECK_STR(last, "bulk0000100");
	req = (struct request){.op = OP_SCAN, .reply_max = 300};
	req.range.from = slice_str("bulk0000990");
	req.range.to = slice_str("z");
	CHECK_INT(scan_all(&req, first, last), 10);
	req.cursor.len = 0;
	req.range.limit = 3;
	CHECK_INT(scan_all(&req, first, last), 10);
	req.cursor.len = 0;
	req.range.reverse = true;
	CHECK_INT(scan_all(&req, first, last), 10);
	CHECK_STR(first, "bulk0000999");
	finish();
}

static void a_paged_scan_shows_one_moment(void)
{
	struct request req = {.op = OP_SCAN, .reply_max = 300};
	char cursor[128];
	struct reply r;
	size_t n, pages = 0;

	fresh();
	bulk(0, 1000, "before");
	CHECK_INT(store_sync(s), 0);
	r = execute(&req);
	n = r.nitems;
	while (r.cursor.len != 0) {
		memcpy(cursor, r.cursor.data, r.cursor.len);
		req.cursor = slice_of(cursor, r.cursor.len);
		if (pages++ < 20) { /* overwrites, deletes, compacts */
			bulk(0, 1000, "after");
			del("bulk0000999");
			CHECK_INT(store_maintain(s), 0);
		}
		r = execute(&req);
		CHECK_INT(r.code, 0);
		for (size_t i = 0; i < r.nitems; i++)
			CHECK(slice_eq(r.items[i].value, slice_str("before")));
		n += r.nitems;
	}
	CHECK_INT(n, 1000);
	CHECK_INT(store_maintain(s), 0);
	finish();
}

static void deleting_a_prefix_is_one_write(void)
{
	struct request req = {.op = OP_DELETE, .has_range = true};
	uint64_t before;
	struct reply r;

	fresh();
	bulk(0, 500, "v");
	set("other", "1");
	before = store_appended(s);
	req.range.prefix = slice_str("bulk");
	r = execute(&req);
	CHECK_INT(r.count, 500);
	CHECK_INT(store_appended(s), before + 1);
	CHECK_INT(count_all(), 1);
	CHECK(has("other", "1"));
	finish();
}

static void a_second_owner_is_told_who_is_first(void)
{
	struct store_options o = options();
	struct store *other;
	char pid[16];

	fresh();
	snprintf(pid, sizeof(pid), "%ld", (long)getpid());
	CHECK_INT(store_open(&other, dir, &o), KV_ELOCKED);
	CHECK(strstr(err_text(), pid) != NULL);
	finish();
}

static void readers_share_and_may_not_write(void)
{
	struct store_options o = {.read_only = true};
	struct store *a, *b;
	struct change c = {.key = slice_str("x")};
	struct request req = {.op = OP_SET, .changes = &c, .nchanges = 1};
	struct reply reply;

	fresh();
	set("a", "1");
	(void)store_close(s);
	s = NULL;
	CHECK_INT(store_open(&a, dir, &o), 0);
	CHECK_INT(store_open(&b, dir, &o), 0);
	store_execute(a, &req, &reply);
	CHECK_INT(reply.code, KV_EREADONLY);
	CHECK_INT(store_close(a), 0);
	CHECK_INT(store_close(b), 0);
	reopen();
	CHECK(has("a", "1"));
	finish();
}

/* Damage: which files there are, and one byte of one of them. */

static void for_each_file(void (*fn)(const char *path))
{
	char path[512];
	struct dirent *e;
	DIR *d = opendir(dir);

	CHECK(d != NULL);
	while ((e = readdir(d)) != NULL) {
		snprintf(path, sizeof(path), "%s/%s", dir, e->d_name);
		if (strstr(e->d_name, ".log") != NULL ||
		    strstr(e->d_name, ".idx") != NULL ||
		    strcmp(e->d_name, "kv.format") == 0)
			fn(path);
	}
	closedir(d);
}

static uint64_t flips_done, flips_missed;

/* Where the bytes of a file end that have a meaning. The last record of a
 * store that was closed only vouches for those before it; nothing vouches for
 * itself. */
static off_t meaning_end(const char *path, int fd, off_t size)
{
	char c = 0;

	if (strstr(path, ".log") == NULL)
		return size;
	while (size > 4096 && pread(fd, &c, 1, size - 1) == 1 && c == 0)
		size--;
	return size - 40;
}

static void flip_each_byte(const char *path)
{
	struct store_check_report report;
	int fd = open(path, O_RDWR);
	struct stat st;
	off_t end;
	char c;

	CHECK(fd >= 0);
	CHECK_INT(fstat(fd, &st), 0);
	end = meaning_end(path, fd, st.st_size);
	for (off_t at = 0; at < end; at++) {
		if (strstr(path, ".log") != NULL && at >= 1024 && at < 4096)
			continue;
		CHECK_INT(pread(fd, &c, 1, at), 1);
		c = (char)(c ^ 1 << at % 8);
		CHECK_INT(pwrite(fd, &c, 1, at), 1);
		flips_done++;
		if (store_check(dir, NULL, &report) == 0) {
			printf("# missed: %s %lld\n", path, (long long)at);
			flips_missed++;
		}
		c = (char)(c ^ 1 << at % 8);
		CHECK_INT(pwrite(fd, &c, 1, at), 1);
	}
	close(fd);
}

static void every_flipped_bit_is_found(void)
{
	struct store_check_report report;

	fresh();
	for (int i = 0; i < 3; i++)
		bulk(i, 2, "v");
	del("bulk0000001");
	CHECK_INT(store_sync(s), 0);
	/* A second segment: the first gets a seal and a side file. */
	CHECK_INT(bulk(100, 150, "a value that fills the segment"), 0);
	CHECK_INT(bulk(100, 130, "a value that fills the segment"), 0);
	CHECK_INT(store_maintain(s), 0);
	CHECK_INT(store_close(s), 0);
	s = NULL;
	CHECK_INT(store_check(dir, NULL, &report), 0);
	CHECK_INT(report.live, 153);
	for_each_file(flip_each_byte);
	CHECK(flips_done > 10000);
	CHECK_INT(flips_missed, 0);
	reopen();
	finish();
}

static char lost_lines[4096];

static void note_lost(void *arg, const char *line)
{
	size_t n = strlen(lost_lines);

	(void)arg;
	snprintf(lost_lines + n, sizeof(lost_lines) - n, "%s\n", line);
}

static void damage_value(const char *path)
{
	char bytes[8192];
	int fd = open(path, O_RDWR);
	ssize_t n = pread(fd, bytes, sizeof(bytes), 0);
	char *at = n > 0 ? memmem(bytes, (size_t)n, "precious", 8) : NULL;

	if (at != NULL && strstr(path, ".log") != NULL)
		CHECK_INT(pwrite(fd, "X", 1, at - bytes), 1);
	close(fd);
}

static void what_is_sound_can_be_salvaged(void)
{
	struct store_salvage_report report;
	char to[80], command[256];

	fresh();
	set("a", "1");
	set("b", "old");
	CHECK_INT(store_sync(s), 0);
	set("b", "precious");
	CHECK_INT(store_sync(s), 0);
	set("c", "3");
	del("a");
	CHECK_INT(bulk(0, 400, "fills the segment so that it is sealed"), 0);
	CHECK_INT(bulk(0, 300, "fills the segment so that it is sealed"), 0);
	CHECK_INT(store_maintain(s), 0);
	CHECK_INT(store_close(s), 0);
	s = NULL;
	for_each_file(damage_value);
	lost_lines[0] = '\0';
	snprintf(to, sizeof(to), "%s.to", dir);
	CHECK_INT(store_salvage(dir, to, NULL, note_lost, NULL, &report), 0);
	CHECK_INT(report.kept, 402);
	CHECK_INT(report.lost_keys, 1);
	CHECK(strstr(lost_lines, "key 'b': version 3 is lost") != NULL);
	snprintf(command, sizeof(command), "rm -rf '%s' && mv '%s' '%s'", dir,
		 to, dir);
	CHECK_INT(system(command), 0);
	reopen();
	CHECK(has("b", "old"));
	CHECK(has("c", "3"));
	CHECK(missing("a"));
	finish();
}

static void somebody_elses_directory_is_left_alone(void)
{
	struct store_options o = options();
	char path[80], command[192];
	struct store *other;

	fresh();
	finish();
	snprintf(command, sizeof(command), "mkdir '%s' && touch '%s/mine'", dir,
		 dir);
	CHECK_INT(system(command), 0);
	CHECK_INT(store_open(&other, dir, &o), KV_EFORMAT);
	snprintf(path, sizeof(path), "%s/lock", dir);
	CHECK(access(path, F_OK) != 0);
	snprintf(command, sizeof(command), "rm -rf '%s'", dir);
	CHECK_INT(system(command), 0);
}

static int scan_code(const char *cursor)
{
	struct request req = {.op = OP_SCAN, .cursor = slice_str(cursor)};

	return execute(&req).code;
}

static void a_cursor_that_no_reply_gave_is_refused(void)
{
	fresh();
	bulk(0, 10, "v");
	CHECK_INT(scan_code("k"), KV_EDATA);
	CHECK_INT(scan_code("k6"), KV_EDATA);
	CHECK_INT(scan_code("k6z"), KV_EDATA);
	CHECK_INT(scan_code("x61"), KV_EDATA);
	CHECK_INT(scan_code("s"), KV_EDATA);
	CHECK_INT(scan_code("s0000000000000000.0"), KV_EDATA);
	/* As one that another server gave, or this one long ago. */
	CHECK_INT(scan_code("s0000000000000001.0"), KV_ETIMEOUT);
	CHECK_INT(scan_code("k61"), 0);
	finish();
}

static void too_many_long_scans_end_the_oldest(void)
{
	struct request req = {.op = OP_SCAN, .reply_max = 50};
	char first[128];
	struct reply r;

	fresh();
	bulk(0, 100, "v");
	r = execute(&req);
	snprintf(first, sizeof(first), "%.*s", (int)r.cursor.len,
		 r.cursor.data);
	for (int i = 0; i < 15; i++)
		CHECK_INT(execute(&req).code, 0);
	CHECK_INT(scan_code(first), 0);
	r = execute(&req);
	snprintf(first, sizeof(first), "%.*s", (int)r.cursor.len,
		 r.cursor.data);
	for (int i = 0; i < 16; i++)
		CHECK_INT(execute(&req).code, 0);
	CHECK_INT(scan_code(first), KV_ETIMEOUT);
	finish();
}

static void what_is_over_a_limit_is_refused_and_changes_nothing(void)
{
	static char byte;
	struct change c[20];
	struct request req = {.op = OP_SET, .changes = c, .nchanges = 1};
	struct slice key = slice_str("a");
	struct request read = {
		.op = OP_GET, .keys = &key, .nkeys = 1, .reply_max = 3};

	fresh();
	CHECK_INT(set("a", "12345"), 0);
	CHECK_INT(execute(&read).code, KV_ETOOBIG);
	c[0] = (struct change){.key = slice_str("")};
	CHECK_INT(execute(&req).code, KV_ETOOBIG);
	c[0] = (struct change){.key = slice_of(&byte, KV_KEY_MAX + 1)};
	CHECK_INT(execute(&req).code, KV_ETOOBIG);
	c[0] = (struct change){.key = slice_str("k"),
			       .value = slice_of(&byte, KV_VALUE_MAX + 1)};
	CHECK_INT(execute(&req).code, KV_ETOOBIG);
	/* Each value is allowed, all of them in one batch are not. */
	for (int i = 0; i < 20; i++)
		c[i] = (struct change){.key = slice_str("k"),
				       .value = slice_of(&byte, KV_VALUE_MAX)};
	req.op = OP_BULK_SET;
	req.nchanges = 20;
	CHECK_INT(execute(&req).code, KV_ETOOBIG);
	req.op = (enum op)99;
	CHECK_INT(execute(&req).code, KV_EUSAGE);
	CHECK_INT(count_all(), 1);
	CHECK(has("a", "12345"));
	finish();
}

static void the_server_of_a_store_is_found_through_its_directory(void)
{
	struct store_options o = options();
	char *address = NULL;

	fresh();
	CHECK_INT(store_find_server(dir, &address), 0);
	CHECK(address == NULL);
	CHECK_INT(store_close(s), 0);
	o.address = "unix:/somewhere/kv.sock";
	CHECK_INT(store_open(&s, dir, &o), 0);
	CHECK_INT(store_find_server(dir, &address), 0);
	CHECK_STR(address, "unix:/somewhere/kv.sock");
	free(address);
	CHECK_INT(store_close(s), 0);
	s = NULL;
	CHECK_INT(store_find_server(dir, &address), 0);
	CHECK(address == NULL);
	CHECK_INT(store_find_server("/nonexistent", &address), 0);
	CHECK(address == NULL);
	reopen();
	finish();
}

static void keys_named_twice_are_deleted_once(void)
{
	struct change c[3] = {
		{.kind = CHANGE_DELETE, .key = slice_str("a")},
		{.kind = CHANGE_DELETE, .key = slice_str("a")},
		{.kind = CHANGE_DELETE, .key = slice_str("none")},
	};
	struct request req = {.op = OP_DELETE, .changes = c, .nchanges = 3};

	fresh();
	set("a", "1");
	CHECK_INT(execute(&req).count, 1);
	CHECK(missing("a"));
	finish();
}

static void counting_a_range_leaves_the_expired_out(void)
{
	struct request req = {.op = OP_COUNT, .has_range = true};

	fresh();
	fake_now = 1000000;
	reopen();
	set("p1", "x");
	set_ttl("p2", slice_str("x"), fake_now + 500);
	req.range.prefix = slice_str("p");
	CHECK_INT(execute(&req).count, 2);
	fake_now += 501;
	CHECK_INT(execute(&req).count, 1);
	finish();
}

TEST_MAIN(T(what_was_set_is_read_back), T(a_reply_waits_for_the_disk),
	  T(synced_writes_survive_a_kill), T(versions_only_grow),
	  T(a_long_life_matches_the_model),
	  T(jobs_side_by_side_match_the_model),
	  T(alike_keys_are_told_apart_when_sealed),
	  T(overwritten_space_comes_back),
	  T(deleted_space_comes_back_tombstones_too),
	  T(a_failed_sync_is_survived), T(jobs_overlap_also_after_a_restart),
	  T(a_batch_larger_than_a_segment_works), T(conditions_decide),
	  T(the_expired_are_gone_and_stay_gone),
	  T(ranges_are_scanned_in_order_and_in_pages),
	  T(a_paged_scan_shows_one_moment), T(deleting_a_prefix_is_one_write),
	  T(a_second_owner_is_told_who_is_first),
	  T(readers_share_and_may_not_write), T(every_flipped_bit_is_found),
	  T(what_is_sound_can_be_salvaged),
	  T(somebody_elses_directory_is_left_alone),
	  T(a_cursor_that_no_reply_gave_is_refused),
	  T(too_many_long_scans_end_the_oldest),
	  T(what_is_over_a_limit_is_refused_and_changes_nothing),
	  T(the_server_of_a_store_is_found_through_its_directory),
	  T(keys_named_twice_are_deleted_once),
	  T(counting_a_range_leaves_the_expired_out))

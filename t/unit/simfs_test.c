/*
 * simfs_test.c - the simulated file system loses what it may, and nothing
 * else.
 */
#include "check/simfs.h"
#include "test.h"

#include <errno.h>
#include <stdlib.h>

static void put(struct file *f, const char *text, uint64_t off)
{
	CHECK_INT(file_pwrite(f, text, strlen(text), off), 0);
}

static struct file *create(struct simfs *sim, const char *path)
{
	struct file *f;

	CHECK_INT(fs_open(simfs_fs(sim), path, FS_WRITE | FS_CREATE, &f), 0);
	return f;
}

/* A file with these contents, on disk by name and data. */
static struct file *durable(struct simfs *sim, const char *path,
			    const char *text)
{
	struct file *f = create(sim, path);

	put(f, text, 0);
	CHECK_INT(file_sync(f), 0);
	CHECK_INT(fs_sync_dir(simfs_fs(sim), "/"), 0);
	return f;
}

/* What the file holds from off on; "(none)" if there is no such file. */
static const char *text_at(struct simfs *sim, const char *path, uint64_t off)
{
	static char text[4096];
	struct file *f;
	ssize_t n;

	if (fs_open(simfs_fs(sim), path, FS_READ, &f) != 0)
		return "(none)";
	n = file_pread(f, text, sizeof(text) - 1, off);
	file_close(f);
	CHECK(n >= 0);
	text[n] = '\0';
	return text;
}

static unsigned take_all(void *arg, const struct simfs_piece *piece)
{
	(void)arg;
	return piece->versions - 1;
}

static unsigned take_none(void *arg, const struct simfs_piece *piece)
{
	(void)arg;
	(void)piece;
	return 0;
}

/* Takes the pieces of the kinds in *arg (a mask). */
static unsigned take_kinds(void *arg, const struct simfs_piece *piece)
{
	return *(unsigned *)arg & (1u << piece->kind) ? piece->versions - 1 : 0;
}

/* After a power cut that keeps what `choose` says, `path` holds `text`. */
static void check_after(struct simfs *sim, simfs_choose *choose,
			const char *path, const char *text)
{
	struct simfs *next = simfs_power_cycle(sim, choose, NULL);

	CHECK(next != NULL);
	CHECK_STR(text_at(next, path, 0), text);
	simfs_free(next);
}

static size_t count_pieces(struct simfs *sim)
{
	struct simfs_cut cut;
	size_t n;

	CHECK_INT(simfs_cut_init(&cut, sim), 0);
	n = cut.npieces;
	simfs_cut_release(&cut);
	return n;
}

static void what_was_written_is_read_back(void)
{
	struct simfs *sim = simfs_new(0);
	struct file *f = create(sim, "/a");
	uint64_t size;

	put(f, "hello", 0);
	put(f, "world", 600);
	CHECK_STR(text_at(sim, "/a", 0), "hello");
	CHECK_STR(text_at(sim, "//./a", 600), "world");
	CHECK_INT(file_size(f, &size), 0);
	CHECK_INT(size, 605);
	file_close(f);
	simfs_free(sim);
}

static void names_obey_the_rules_of_open(void)
{
	struct simfs *sim = simfs_new(0);
	struct fs *fs = simfs_fs(sim);
	struct file *f = create(sim, "a"), *g;

	CHECK_INT(fs_open(fs, "a", FS_WRITE | FS_CREATE, &g), -EEXIST);
	CHECK_INT(fs_open(fs, "b", FS_READ, &g), -ENOENT);
	CHECK_INT(fs_open(fs, "d/a", FS_WRITE | FS_CREATE, &g), -ENOENT);
	CHECK_INT(fs_mkdir(fs, "d"), 0);
	CHECK_INT(fs_mkdir(fs, "d"), -EEXIST);
	CHECK_INT(fs_open(fs, "d", FS_READ, &g), -EISDIR);
	CHECK_INT(fs_rename(fs, "b", "c"), -ENOENT);
	CHECK_INT(fs_unlink(fs, "b"), -ENOENT);
	CHECK_INT(fs_sync_dir(fs, "x"), -ENOENT);
	file_close(f);
	CHECK_INT(fs_open(fs, "a", FS_READ, &f), 0);
	CHECK_INT(file_pwrite(f, "x", 1, 0), -EBADF);
	file_close(f);
	simfs_free(sim);
}

static void append_name(void *arg, const char *name)
{
	buf_append_str(arg, name);
	buf_append_char(arg, ' ');
}

static void a_directory_lists_its_own_entries_only(void)
{
	struct simfs *sim = simfs_new(0);
	struct fs *fs = simfs_fs(sim);
	struct buf b = {0};

	CHECK_INT(fs_mkdir(fs, "/d"), 0);
	CHECK_INT(fs_mkdir(fs, "/d/e"), 0);
	file_close(create(sim, "/d/x"));
	file_close(create(sim, "/d/e/y"));
	file_close(create(sim, "/dz"));
	CHECK_INT(fs_list(fs, "/d", append_name, &b), 0);
	buf_append(&b, "", 1);
	CHECK_STR(b.data, "e x ");
	CHECK_INT(fs_list(fs, "/q", append_name, &b), -ENOENT);
	buf_release(&b);
	simfs_free(sim);
}

static void a_map_shows_later_writes_and_outlives_unlink(void)
{
	struct simfs *sim = simfs_new(0);
	struct file *f = create(sim, "/a"), *other = create(sim, "/b");
	const void *map, *again;

	put(f, "one", 0);
	CHECK_INT(file_map(f, 8192, &map), 0);
	put(f, "two", 0);
	put(f, "far", 70000);
	CHECK_INT(file_map(f, 8192, &again), 0);
	CHECK(map == again);
	file_unmap(f, again, 8192);
	file_close(f);
	CHECK_INT(fs_unlink(simfs_fs(sim), "/a"), 0);
	CHECK_INT(fs_sync_dir(simfs_fs(sim), "/"), 0);
	CHECK(memcmp(map, "two", 3) == 0);
	CHECK_INT(simfs_in_use(sim), 2);
	file_unmap(other, map, 8192);
	file_close(other);
	CHECK_INT(simfs_in_use(sim), 0);
	simfs_free(sim);
}

static void a_name_needs_a_sync_of_its_directory(void)
{
	struct simfs *sim = simfs_new(0);
	struct file *f = create(sim, "/a");

	put(f, "x", 0);
	CHECK_INT(file_sync(f), 0);
	check_after(sim, take_none, "/a", "(none)");
	check_after(sim, take_all, "/a", "x");
	CHECK_INT(fs_sync_dir(simfs_fs(sim), "/"), 0);
	check_after(sim, take_none, "/a", "x");
	file_close(f);
	simfs_free(sim);
}

static void data_needs_a_sync_of_its_file(void)
{
	struct simfs *sim = simfs_new(0);
	struct file *f = durable(sim, "/a", "old");

	put(f, "new", 0);
	check_after(sim, take_none, "/a", "old");
	check_after(sim, take_all, "/a", "new");
	CHECK_INT(file_sync(f), 0);
	check_after(sim, take_none, "/a", "new");
	CHECK_INT(count_pieces(sim), 0);
	file_close(f);
	simfs_free(sim);
}

static void sectors_are_lost_one_by_one_in_any_order(void)
{
	struct simfs *sim = simfs_new(0);
	struct file *f = create(sim, "/a");
	static char block[3 * SIMFS_SECTOR];
	struct simfs_cut cut;
	struct simfs *next;

	memset(block, 'o', sizeof(block));
	CHECK_INT(file_pwrite(f, block, sizeof(block), 0), 0);
	CHECK_INT(file_sync(f), 0);
	CHECK_INT(fs_sync_dir(simfs_fs(sim), "."), 0);
	memset(block, 'n', sizeof(block));
	CHECK_INT(file_pwrite(f, block, sizeof(block), 0), 0);
	CHECK_INT(simfs_cut_init(&cut, sim), 0);
	CHECK_INT(cut.npieces, 3);
	next = simfs_restart(&cut, (const unsigned[]){1, 0, 1});
	CHECK(text_at(next, "/a", 511)[0] == 'n');
	CHECK(text_at(next, "/a", 512)[0] == 'o');
	CHECK(text_at(next, "/a", 1023)[0] == 'o');
	CHECK(text_at(next, "/a", 1024)[0] == 'n');
	simfs_free(next);
	simfs_cut_release(&cut);
	file_close(f);
	simfs_free(sim);
}

static void any_version_of_a_sector_may_be_the_last_one_written(void)
{
	struct simfs *sim = simfs_new(0);
	struct file *f = durable(sim, "/a", "v0");
	struct simfs_cut cut;
	unsigned i;

	put(f, "v1", 0);
	put(f, "v2", 0);
	put(f, "v3", 0);
	CHECK_INT(simfs_cut_init(&cut, sim), 0);
	CHECK_INT(cut.npieces, 1);
	CHECK_INT(cut.pieces[0].versions, 4);
	for (i = 0; i < 4; i++) {
		char want[] = {'v', (char)('0' + i), '\0'};
		struct simfs *next = simfs_restart(&cut, &i);
		CHECK_STR(text_at(next, "/a", 0), want);
		simfs_free(next);
	}
	simfs_cut_release(&cut);
	file_close(f);
	simfs_free(sim);
}

static void a_size_may_be_there_without_the_data_and_the_reverse(void)
{
	struct simfs *sim = simfs_new(0);
	struct file *f, *first = durable(sim, "/a", "");
	unsigned sizes = 1u << SIMFS_PIECE_SIZE;
	unsigned data = 1u << SIMFS_PIECE_SECTOR;
	struct simfs *next;
	uint64_t size;

	put(first, "abc", 0);
	put(first, "abc", 1000);
	next = simfs_power_cycle(sim, take_kinds, &sizes);
	CHECK_STR(text_at(next, "/a", 0), "");
	CHECK_INT(fs_open(simfs_fs(next), "/a", FS_WRITE, &f), 0);
	CHECK_INT(file_size(f, &size), 0);
	CHECK_INT(size, 1003);
	file_close(f);
	simfs_free(next);
	next = simfs_power_cycle(sim, take_kinds, &data);
	CHECK_INT(fs_open(simfs_fs(next), "/a", FS_WRITE, &f), 0);
	CHECK_INT(file_size(f, &size), 0);
	CHECK_INT(size, 0);
	put(f, "x", 1002); /* what lay beyond the end is gone */
	CHECK_STR(text_at(next, "/a", 1000), "");
	file_close(f);
	simfs_free(next);
	file_close(first);
	simfs_free(sim);
}

static void a_rename_is_the_old_name_or_the_new_one(void)
{
	struct simfs *sim = simfs_new(0);
	struct fs *fs = simfs_fs(sim);
	struct simfs_cut cut;

	file_close(durable(sim, "/a", "old"));
	file_close(durable(sim, "/a.tmp", "new"));
	CHECK_INT(fs_rename(fs, "/a.tmp", "/a"), 0);
	CHECK_INT(fs_rename(fs, "/a", "/b"), 0);
	CHECK_INT(simfs_cut_init(&cut, sim), 0);
	CHECK_INT(cut.npieces, 2);
	for (unsigned i = 0; i < 4; i++) {
		struct simfs *next =
			simfs_restart(&cut, (const unsigned[]){i & 1, i >> 1});
		const char *a = i == 1 ? "new" : i == 3 ? "(none)" : "old";
		CHECK_STR(text_at(next, "/a", 0), a);
		CHECK_STR(text_at(next, "/b", 0), i & 2 ? "new" : "(none)");
		CHECK_STR(text_at(next, "/a.tmp", 0),
			  i == 0 ? "new" : "(none)");
		simfs_free(next);
	}
	simfs_cut_release(&cut);
	CHECK_INT(fs_sync_dir(fs, "/"), 0);
	check_after(sim, take_none, "/b", "new");
	check_after(sim, take_none, "/a", "(none)");
	simfs_free(sim);
}

static void an_unlinked_file_may_come_back(void)
{
	struct simfs *sim = simfs_new(0);

	file_close(durable(sim, "/a", "x"));
	CHECK_INT(fs_unlink(simfs_fs(sim), "/a"), 0);
	CHECK_STR(text_at(sim, "/a", 0), "(none)");
	check_after(sim, take_none, "/a", "x");
	check_after(sim, take_all, "/a", "(none)");
	CHECK_INT(fs_sync_dir(simfs_fs(sim), "/"), 0);
	check_after(sim, take_none, "/a", "(none)");
	simfs_free(sim);
}

static void a_file_is_lost_with_its_directory(void)
{
	struct simfs *sim = simfs_new(0);
	struct fs *fs = simfs_fs(sim);
	struct file *f;

	CHECK_INT(fs_mkdir(fs, "/d"), 0);
	f = create(sim, "/d/a");
	put(f, "x", 0);
	CHECK_INT(file_sync(f), 0);
	file_close(f);
	CHECK_INT(fs_sync_dir(fs, "/d"), 0);
	check_after(sim, take_none, "/d/a", "(none)");
	CHECK_INT(fs_sync_dir(fs, "/"), 0);
	check_after(sim, take_none, "/d/a", "x");
	simfs_free(sim);
}

static void inject(struct simfs *sim, enum simfs_op op, uint64_t nth, int error)
{
	simfs_inject(sim, &(struct simfs_fault){.kind = SIMFS_FAIL,
						.only = SIMFS_ONLY(op),
						.nth = nth,
						.error = error});
}

static void the_nth_operation_fails_once(void)
{
	struct simfs *sim = simfs_new(0);
	struct file *f = create(sim, "/a");

	inject(sim, SIMFS_PWRITE, 2, ENOSPC);
	put(f, "a", 0);
	CHECK_INT(file_pwrite(f, "b", 1, 0), -ENOSPC);
	CHECK_STR(text_at(sim, "/a", 0), "a");
	put(f, "c", 0);
	CHECK_INT(simfs_fired(sim), 1);
	file_close(f);
	simfs_free(sim);
}

static void a_sticky_fault_goes_on(void)
{
	struct simfs *sim = simfs_new(0);
	struct simfs_fault fault = {
		.kind = SIMFS_FAIL, .nth = 1, .sticky = true, .error = EIO};
	struct file *f = create(sim, "/a");

	simfs_inject(sim, &fault);
	CHECK_INT(file_pwrite(f, "b", 1, 0), -EIO);
	CHECK_INT(fs_mkdir(simfs_fs(sim), "/d"), -EIO);
	CHECK_INT(file_sync(f), -EIO);
	simfs_clear_faults(sim);
	CHECK_INT(file_sync(f), 0);
	file_close(f);
	simfs_free(sim);
}

static void a_short_write_leaves_its_beginning(void)
{
	struct simfs *sim = simfs_new(0);
	struct file *f = create(sim, "/a");

	simfs_inject(sim, &(struct simfs_fault){.kind = SIMFS_FAIL,
						.nth = 1,
						.error = ENOSPC,
						.written = 3});
	CHECK_INT(file_pwrite(f, "abcdef", 6, 0), -ENOSPC);
	CHECK_STR(text_at(sim, "/a", 0), "abc");
	file_close(f);
	simfs_free(sim);
}

static void a_sync_after_a_failed_one_proves_nothing(void)
{
	struct simfs *sim = simfs_new(0);
	struct file *f = durable(sim, "/a", "old");

	put(f, "new", 0);
	inject(sim, SIMFS_SYNC, 1, EIO);
	CHECK_INT(file_sync(f), -EIO);
	CHECK_INT(file_sync(f), 0);
	CHECK_STR(text_at(sim, "/a", 0), "new");
	check_after(sim, take_none, "/a", "old");
	check_after(sim, take_all, "/a", "new");
	put(f, "new", 0); /* written again, the very same bytes */
	CHECK_INT(file_sync(f), 0);
	check_after(sim, take_none, "/a", "new");
	file_close(f);
	simfs_free(sim);
}

static void a_failed_directory_sync_leaves_names_for_the_next(void)
{
	struct simfs *sim = simfs_new(0);

	file_close(create(sim, "/a"));
	inject(sim, SIMFS_SYNC_DIR, 1, EIO);
	CHECK_INT(fs_sync_dir(simfs_fs(sim), "/"), -EIO);
	check_after(sim, take_none, "/a", "(none)");
	check_after(sim, take_all, "/a", "");
	CHECK_INT(fs_sync_dir(simfs_fs(sim), "/"), 0);
	check_after(sim, take_none, "/a", "");
	simfs_free(sim);
}

static void a_failed_rename_changes_nothing(void)
{
	struct simfs *sim = simfs_new(0);

	file_close(durable(sim, "/a", "x"));
	inject(sim, SIMFS_RENAME, 1, EIO);
	CHECK_INT(fs_rename(simfs_fs(sim), "/a", "/b"), -EIO);
	CHECK_STR(text_at(sim, "/a", 0), "x");
	CHECK_INT(count_pieces(sim), 0);
	simfs_free(sim);
}

static void a_flipped_bit_is_read_once_but_mapped_for_ever(void)
{
	struct simfs *sim = simfs_new(0);
	struct file *f = durable(sim, "/a", "aaa");
	struct simfs_fault flip = {.kind = SIMFS_FLIP, .nth = 1, .bit = 9};
	const void *map;

	simfs_inject(sim, &flip);
	CHECK_STR(text_at(sim, "/a", 0), "aca");
	CHECK_STR(text_at(sim, "/a", 0), "aaa");
	simfs_clear_faults(sim);
	simfs_inject(sim, &flip);
	CHECK_INT(file_map(f, 3, &map), 0);
	CHECK(memcmp(map, "aca", 3) == 0);
	CHECK_STR(text_at(sim, "/a", 0), "aca");
	file_unmap(f, map, 3);
	file_close(f);
	simfs_free(sim);
}

static void nothing_happens_after_the_power_is_cut(void)
{
	struct simfs *sim = simfs_new(0);
	struct file *f = durable(sim, "/a", "x"), *g;
	const void *map;

	CHECK_INT(file_map(f, 1, &map), 0);
	simfs_inject(sim, &(struct simfs_fault){.kind = SIMFS_CUT, .nth = 2});
	put(f, "y", 0);
	put(f, "z", 0);
	CHECK_INT(file_pwrite(f, "q", 1, 0), -EIO);
	CHECK_INT(file_sync(f), -EIO);
	CHECK_INT(fs_open(simfs_fs(sim), "/a", FS_READ, &g), -EIO);
	CHECK_INT(fs_unlink(simfs_fs(sim), "/a"), -EIO);
	CHECK(memcmp(map, "z", 1) == 0);
	check_after(sim, take_none, "/a", "x");
	check_after(sim, take_all, "/a", "z");
	file_unmap(f, map, 1);
	file_close(f);
	simfs_free(sim);
}

static void damage_is_on_disk_as_well(void)
{
	struct simfs *sim = simfs_new(0);
	struct file *f = durable(sim, "/a", "aa");

	put(f, "ba", 0);
	CHECK_INT(simfs_damage(sim, "/a", 1, 3), 0);
	CHECK_INT(simfs_damage(sim, "/a", 9, 3), -EINVAL);
	CHECK_INT(simfs_damage(sim, "/b", 1, 3), -ENOENT);
	CHECK_STR(text_at(sim, "/a", 0), "bb");
	check_after(sim, take_none, "/a", "ab");
	file_close(f);
	simfs_free(sim);
}

static void a_clone_keeps_the_unsynced_past(void)
{
	struct simfs *sim = simfs_new(0), *copy;
	struct file *f = durable(sim, "/a", "old");

	put(f, "new", 0);
	file_close(create(sim, "/b"));
	copy = simfs_clone(sim);
	CHECK(simfs_digest(copy) == simfs_digest(sim));
	put(f, "xxx", 0);
	CHECK(simfs_digest(copy) != simfs_digest(sim));
	file_close(f);
	simfs_free(sim);
	CHECK_STR(text_at(copy, "/a", 0), "new");
	check_after(copy, take_none, "/a", "old");
	check_after(copy, take_none, "/b", "(none)");
	check_after(copy, take_all, "/b", "");
	simfs_free(copy);
}

static int compare_u64(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

/* How many different states the walk leads to; *given: how many it gave. */
static size_t walk_states(struct simfs *sim, uint64_t limit, size_t *given)
{
	static uint64_t seen[2048];
	struct simfs_cut cut;
	struct simfs_walk w;
	const unsigned *choice;
	size_t n = 0, different = 0;

	CHECK_INT(simfs_cut_init(&cut, sim), 0);
	CHECK_INT(simfs_walk_init(&w, &cut, limit, 1), 0);
	while ((choice = simfs_walk_next(&w)) != NULL) {
		struct simfs *next = simfs_restart(&cut, choice);
		CHECK(n < 2048);
		seen[n++] = simfs_digest(next);
		simfs_free(next);
	}
	simfs_walk_release(&w);
	simfs_cut_release(&cut);
	qsort(seen, n, sizeof(*seen), compare_u64);
	for (size_t i = 0; i < n; i++)
		different += i == 0 || seen[i] != seen[i - 1];
	*given = n;
	return different;
}

static void a_walk_visits_every_state_when_they_are_few(void)
{
	struct simfs *sim = simfs_new(0);
	struct file *f = durable(sim, "/a", "0");
	size_t given;

	put(f, "1", 0);
	put(f, "2", 0); /* three versions */
	for (unsigned i = 1; i <= 4; i++)
		put(f, "x", i * (uint64_t)SIMFS_SECTOR);
	CHECK_INT(file_sync(f), 0);
	put(f, "3", 0);
	put(f, "4", 0);
	for (unsigned i = 1; i <= 4; i++)
		put(f, "y", i * (uint64_t)SIMFS_SECTOR);
	CHECK_INT(walk_states(sim, 48, &given), 3 * 16);
	CHECK_INT(given, 48);
	file_close(f);
	simfs_free(sim);
}

static void a_walk_of_many_begins_with_the_families(void)
{
	struct simfs *sim = simfs_new(0);
	struct file *f = create(sim, "/a");
	static char block[30 * SIMFS_SECTOR];
	size_t given;

	memset(block, 'x', sizeof(block));
	CHECK_INT(file_pwrite(f, block, sizeof(block), 0), 0);
	CHECK_INT(file_sync(f), 0);
	CHECK_INT(fs_sync_dir(simfs_fs(sim), "/"), 0);
	memset(block, 'y', sizeof(block));
	CHECK_INT(file_pwrite(f, block, sizeof(block), 0), 0);
	put(f, "z", 0); /* piece 0 has an old version besides the first */
	/* none, all, 30 missing, 30 present, 1 old, 2 halves, even and odd */
	CHECK_INT(walk_states(sim, 2 + 60 + 1 + 2 + 2, &given), 67);
	CHECK(walk_states(sim, 1000, &given) > 800);
	CHECK_INT(given, 1000);
	file_close(f);
	simfs_free(sim);
}

static void a_step_explains_itself(void)
{
	struct simfs *sim = simfs_new(0);
	struct file *f = create(sim, "/log-3");
	struct buf b = {0};

	simfs_trace(sim);
	put(f, "hello", 4096);
	inject(sim, SIMFS_SYNC, 1, EIO);
	CHECK_INT(file_sync(f), -EIO);
	CHECK_INT(fs_rename(simfs_fs(sim), "/log-3", "/b"), 0);
	simfs_trace_text(sim, 100, &b);
	buf_append(&b, "", 1);
	CHECK_STR(b.data, "op 2: pwrite '/log-3' 4096+5\n"
			  "op 3: sync '/log-3': Input/output error\n"
			  "op 4: rename '/log-3' to '/b'\n");
	buf_clear(&b);
	simfs_trace_text(sim, 1, &b);
	buf_append(&b, "", 1);
	CHECK_STR(b.data, "op 4: rename '/log-3' to '/b'\n");
	buf_release(&b);
	file_close(f);
	simfs_free(sim);
}

static void a_choice_explains_itself(void)
{
	struct simfs *sim = simfs_new(0);
	struct file *f = durable(sim, "/a", "old");
	struct simfs_cut cut;
	struct buf b = {0};

	put(f, "new", 0);
	file_close(create(sim, "/b"));
	CHECK_INT(simfs_cut_init(&cut, sim), 0);
	CHECK_INT(cut.npieces, 2);
	simfs_choice_text(&cut, (const unsigned[]){0, 0}, &b);
	buf_append(&b, "", 1);
	CHECK_STR(b.data, "name '/b' not there\n"
			  "sector 0 of '/a': version 0 of 2\n");
	buf_release(&b);
	simfs_cut_release(&cut);
	file_close(f);
	simfs_free(sim);
}

/* Cuts the power before every step of fs_replace(), in every way. */
struct replace_check {
	unsigned states, old, new;
};

static void check_replaced(void *arg, const struct simfs *sim,
			   const struct simfs_step *step)
{
	struct replace_check *check = arg;
	struct simfs_cut cut;
	struct simfs_walk w;
	const unsigned *choice;

	(void)step;
	CHECK_INT(simfs_cut_init(&cut, sim), 0);
	CHECK_INT(simfs_walk_init(&w, &cut, 4096, 1), 0);
	while ((choice = simfs_walk_next(&w)) != NULL) {
		struct simfs *next = simfs_restart(&cut, choice);
		const char *text = text_at(next, "/d/a", 0);
		check->states++;
		check->old += strcmp(text, "old") == 0;
		check->new += strcmp(text, "new") == 0;
		simfs_free(next);
	}
	simfs_walk_release(&w);
	simfs_cut_release(&cut);
}

static void fs_replace_leaves_the_old_or_the_new_at_every_cut(void)
{
	struct simfs *sim = simfs_new(0);
	struct fs *fs = simfs_fs(sim);
	struct replace_check check = {0};

	CHECK_INT(fs_mkdir(fs, "/d"), 0);
	CHECK_INT(fs_sync_dir(fs, "/"), 0);
	CHECK_INT(fs_replace(fs, "/d", "/d/a", "old", 3), 0);
	simfs_watch(sim, check_replaced, &check);
	CHECK_INT(fs_replace(fs, "/d", "/d/a", "new", 3), 0);
	CHECK(check.states > 10 && check.old > 0 && check.new > 0);
	CHECK_INT(check.old + check.new, check.states);
	simfs_watch(sim, NULL, NULL);
	check_after(sim, take_none, "/d/a", "new");
	simfs_free(sim);
}

TEST_MAIN(T(what_was_written_is_read_back), T(names_obey_the_rules_of_open),
	  T(a_directory_lists_its_own_entries_only),
	  T(a_map_shows_later_writes_and_outlives_unlink),
	  T(a_name_needs_a_sync_of_its_directory),
	  T(data_needs_a_sync_of_its_file),
	  T(sectors_are_lost_one_by_one_in_any_order),
	  T(any_version_of_a_sector_may_be_the_last_one_written),
	  T(a_size_may_be_there_without_the_data_and_the_reverse),
	  T(a_rename_is_the_old_name_or_the_new_one),
	  T(an_unlinked_file_may_come_back),
	  T(a_file_is_lost_with_its_directory), T(the_nth_operation_fails_once),
	  T(a_sticky_fault_goes_on), T(a_short_write_leaves_its_beginning),
	  T(a_sync_after_a_failed_one_proves_nothing),
	  T(a_failed_directory_sync_leaves_names_for_the_next),
	  T(a_failed_rename_changes_nothing),
	  T(a_flipped_bit_is_read_once_but_mapped_for_ever),
	  T(nothing_happens_after_the_power_is_cut),
	  T(damage_is_on_disk_as_well), T(a_clone_keeps_the_unsynced_past),
	  T(a_walk_visits_every_state_when_they_are_few),
	  T(a_walk_of_many_begins_with_the_families), T(a_step_explains_itself),
	  T(a_choice_explains_itself),
	  T(fs_replace_leaves_the_old_or_the_new_at_every_cut))

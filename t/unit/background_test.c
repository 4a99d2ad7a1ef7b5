/*
 * background_test.c - what background work has on disk when it is done. A power
 * cut rarely tells: what these syncs are for is to find damage, or not to keep
 * others waiting.
 */
#include "base/err.h"
#include "check/simfs.h"
#include "store/store.h"
#include "test.h"

#include <stdlib.h>

static struct simfs *sim;
static struct store *s;

static void open_store(uint64_t segment)
{
	struct store_options o = {
		.fs = simfs_fs(sim),
		.segment_min = segment,
		.segment_max = segment,
		.create = true,
	};

	CHECK_INT(store_open(&s, "/db", &o), 0);
}

static void begin(size_t file_max, uint64_t segment)
{
	sim = simfs_new(file_max);
	CHECK(sim != NULL);
	open_store(segment);
}

static void end(void)
{
	CHECK_INT(store_close(s), 0);
	s = NULL;
	simfs_free(sim);
	sim = NULL;
}

static void set(const char *key, size_t len)
{
	static char value[65536];
	struct change c = {.kind = CHANGE_SET, .key = slice_str(key)};
	struct request req = {.op = OP_SET, .changes = &c, .nchanges = 1};
	struct reply reply;

	memset(value, 'v', sizeof(value));
	c.value = slice_of(value, len);
	store_execute(s, &req, &reply);
	CHECK_INT(reply.code, 0);
	CHECK_INT(store_sync(s), 0);
}

static void set_numbered(char kind, unsigned n, size_t len)
{
	char key[16];

	snprintf(key, sizeof(key), "%c%u", kind, n);
	set(key, len);
}

static bool file_is_there(const char *path)
{
	struct file *f;

	if (fs_open(simfs_fs(sim), path, FS_READ, &f) != 0)
		return false;
	file_close(f);
	return true;
}

/* Where the last byte of a file is that is not zero. */
static uint64_t last_byte(const char *path)
{
	struct file *f;
	uint64_t size, last = 0;
	char *all;

	CHECK_INT(fs_open(simfs_fs(sim), path, FS_READ, &f), 0);
	CHECK_INT(file_size(f, &size), 0);
	all = malloc(size);
	CHECK(all != NULL);
	CHECK_INT(file_pread(f, all, size, 0), size);
	for (uint64_t i = 0; i < size; i++)
		if (all[i] != 0)
			last = i;
	free(all);
	file_close(f);
	return last;
}

#define FIRST "/db/0000000000000001.log"

/*
 * The end of a segment is known from the next one's header, until compaction
 * has taken that away; then from the seal only. Without it, damage of the last
 * record would pass for a write that was torn, and be cut off.
 */
static void a_seal_is_on_disk_before_the_next_segment_goes(void)
{
	struct simfs *after;

	begin(0, 16384);
	for (unsigned i = 0; i < 7; i++)
		set_numbered('a', i, 1000);
	for (unsigned i = 0; i < 60; i++)
		set("b", 1000);
	CHECK_INT(store_maintain(s), 0);
	CHECK(file_is_there(FIRST));
	CHECK(!file_is_there("/db/0000000000000002.log"));
	after = simfs_power_cycle(sim, NULL, NULL);
	CHECK(after != NULL);
	end();
	sim = after;
	/* With the side file gone as well, opening reads the records. */
	CHECK_INT(fs_unlink(simfs_fs(sim), "/db/0000000000000001.idx"), 0);
	CHECK_INT(simfs_damage(sim, FIRST, last_byte(FIRST), 1), 0);
	CHECK_INT(store_open(&s, "/db",
			     &(struct store_options){.fs = simfs_fs(sim)}),
		  KV_EDAMAGED);
	simfs_free(sim);
}

/* Else the first group of the segment would wait for all its zeros. */
static void a_spare_is_on_disk_when_it_is_taken(void)
{
	struct simfs_cut cut;
	struct store_task *task;

	begin(0, 16384);
	for (unsigned i = 0; i < 7; i++)
		set_numbered('a', i, 1000);
	task = store_task_begin(s);
	CHECK(task != NULL);
	store_task_run(task);
	CHECK_INT(store_task_end(s, task), 0);
	CHECK_INT(simfs_cut_init(&cut, sim), 0);
	CHECK(cut.npieces > 0); /* its name */
	for (size_t i = 0; i < cut.npieces; i++)
		CHECK_INT(cut.pieces[i].kind, SIMFS_PIECE_NAME);
	simfs_cut_release(&cut);
	end();
}

struct unsynced {
	uint64_t now, most, all;
};

static void count_unsynced(void *arg, const struct simfs *of,
			   const struct simfs_step *step)
{
	struct unsynced *u = arg;
	size_t len = strlen(step->path);

	(void)of;
	if (strcmp(step->path + (len > 4 ? len - 4 : 0), ".tmp") != 0)
		return;
	if (step->op == SIMFS_SYNC)
		u->now = 0;
	if (step->op != SIMFS_PWRITE)
		return;
	u->now += step->len;
	u->all += step->len;
	if (u->now > u->most)
		u->most = u->now;
}

/* Else a group that is flushed meanwhile would wait for all of it. */
static void compaction_syncs_as_it_goes(void)
{
	struct unsynced u = {0};

	begin((size_t)32 << 20, (uint64_t)16 << 20);
	for (unsigned round = 0; round < 2; round++)
		for (unsigned i = 0; i < 450; i++)
			if (round == 0 || i % 3 != 0)
				set_numbered('a', i, 60000);
	simfs_watch(sim, count_unsynced, &u);
	CHECK_INT(store_maintain(s), 0);
	CHECK(u.all > (uint64_t)8 << 20);
	CHECK(u.most < (uint64_t)6 << 20);
	simfs_watch(sim, NULL, NULL);
	end();
}

TEST_MAIN(T(a_seal_is_on_disk_before_the_next_segment_goes),
	  T(a_spare_is_on_disk_when_it_is_taken),
	  T(compaction_syncs_as_it_goes))

/*
 * task.c - background work: which piece is next.
 *
 *	spare	 a file of zeros, so that the next segment is there when needed
 *	seal	 a full segment gets its seal and its side file
 *	compact	 see compact.c
 *
 * A piece that fails is left as it was and tried again after a while.
 */
#include "base/clock.h"
#include "store/log.h"
#include "store/side.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define RETRY_MS 1000

/* Zeros are synced in pieces, so that a group that is flushed meanwhile does
 * not wait for all of them. The page cache of Linux keeps what comes in one
 * write in one piece (on ext4 since 6.16): larger pieces make random reads
 * faster, and each small write that follows slower. */
#define ZEROS_PIECE (256u << 10)
#define ZEROS_SYNC (4u << 20)

enum task_kind {
	TASK_SPARE,
	TASK_SEAL,
	TASK_COMPACT,
};

struct store_task {
	enum task_kind kind;
	struct store *store; /* _run reads only what does not change */
	struct segment *seg; /* TASK_SEAL */
	struct side *side;   /* TASK_SEAL: the outcome */
	uint64_t records;    /* TASK_SEAL: the outcome */
	bool sealed;	     /* TASK_SEAL: the seal is on disk */
	struct spare spare;  /* TASK_SPARE */
	uint64_t now_ms;
	int result;
	char why[ERR_TEXT_MAX];
};

int fill_zeros(struct file *f, uint64_t from, uint64_t to)
{
	/* Not const: that would be as many bytes in the program's file. */
	static char zeros[ZEROS_PIECE];
	uint64_t unsynced = 0;
	int r = 0;

	while (from < to && r == 0) {
		size_t n =
			to - from < sizeof(zeros) ? to - from : sizeof(zeros);

		r = file_pwrite(f, zeros, n, from);
		from += n;
		unsynced += n;
		if (r == 0 && (unsynced >= ZEROS_SYNC || from == to)) {
			r = file_sync(f);
			unsynced = 0;
		}
	}
	return r;
}

/* A spare is wanted once the active segment is half full. */
static bool spare_wanted(const struct store *s)
{
	const struct segment *seg = s->active;

	return s->nspares == 0 && seg != NULL && !seg->full &&
	       seg->tail > seg->header.size / 2;
}

static bool spare_prepare(struct store *s, struct store_task *task)
{
	char name[SEGMENT_NAME_MAX];

	spare_name(name, s->next_number++);
	task->kind = TASK_SPARE;
	task->spare.size = store_segment_size(s, 0);
	task->spare.path = store_path(s, name);
	return task->spare.path != NULL;
}

/* Half-made ones do no harm: what a spare holds means nothing. */
static int spare_run(struct store_task *task)
{
	struct spare *spare = &task->spare;
	struct fs *fs = task->store->fs;
	int r = fs_open(fs, spare->path, FS_WRITE | FS_CREATE, &spare->file);

	if (r != 0)
		return err_sys(-r, "cannot prepare '%s'", spare->path);
	r = fill_zeros(spare->file, 0, spare->size);
	return r == 0 ? 0 : err_sys(-r, "cannot prepare '%s'", spare->path);
}

static void spare_end(struct store *s, struct store_task *task)
{
	if (task->result == 0 && s->nspares < STORE_SPARES) {
		s->spares[s->nspares++] = task->spare;
		return;
	}
	if (task->spare.file != NULL)
		(void)!fs_unlink(s->fs, task->spare.path);
	file_close(task->spare.file);
	free(task->spare.path);
}

/* A full segment, all of it on disk, that lacks its seal or its side file. */
static struct segment *seal_wanted(const struct store *s)
{
	for (unsigned i = 0; i < s->nslots; i++) {
		struct segment *seg = s->slots[i];

		if (seg != NULL && seg->full && !seg->failed && !seg->victim &&
		    seg->durable == seg->tail && seg->side == NULL &&
		    seg->base != NULL &&
		    (s->log == NULL || log_may_seal(s, seg)))
			return seg;
	}
	return NULL;
}

static int seal_run(struct store_task *task)
{
	struct store *s = task->store;
	struct segment *seg = task->seg;
	struct refs refs;
	int r = refs_collect(&refs, seg);

	if (r != 0)
		return r;
	task->records = refs.records;
	if (!seg->sealed) {
		r = segment_write_seal(seg, refs.records, task->now_ms);
		if (r != 0) {
			refs_release(&refs);
			return err_sys(-r, "cannot seal segment %llu of '%s'",
				       (unsigned long long)seg->header.number,
				       s->dir);
		}
		task->sealed = true;
	}
	r = side_write(s->fs, s->dir, seg, &refs);
	refs_release(&refs);
	if (r != 0)
		return r;
	return side_open(s->fs, s->dir, seg, &task->side);
}

/* A replicated log is sealed in order, so that it ends where one segment cannot
 * be: what the disk does not take there is a failed sync. */
static void seal_end_log(struct store *s, struct store_task *task)
{
	if (task->sealed)
		task->seg->sealed = true;
	else if (!task->seg->sealed && task->result != KV_EDAMAGED &&
		 task->result != KV_ENOMEM)
		store_fail(s, task->result, task->why);
}

static void seal_end(struct store *s, struct store_task *task)
{
	if (task->result != 0 && s->log != NULL) {
		seal_end_log(s, task);
		return;
	}
	if (task->result != 0) {
		/* Whether the seal is on disk is not known; never write it
		 * again. Its end is in the header of the next segment. */
		if (!task->seg->sealed && task->result != KV_EDAMAGED)
			task->seg->failed = true;
		return;
	}
	task->seg->sealed = true;
	task->seg->records = task->records;
	task->seg->side = task->side;
}

struct store_task *store_task_begin(struct store *s)
{
	struct store_task *task;

	if (s->task != NULL || s->failed != 0 || s->read_only ||
	    (s->task_retry_ms != 0 && clock_monotonic_ms() < s->task_retry_ms))
		return NULL;
	task = calloc(1, sizeof(*task));
	if (task == NULL)
		return NULL;
	task->store = s;
	task->now_ms = store_now(s);
	if (spare_wanted(s) && spare_prepare(s, task)) {
		task->kind = TASK_SPARE;
	} else if ((task->seg = seal_wanted(s)) != NULL) {
		task->kind = TASK_SEAL;
	} else if (compact_begin(s)) {
		task->kind = TASK_COMPACT;
	} else {
		free(task);
		return NULL;
	}
	s->task_retry_ms = 0;
	s->task = task;
	return task;
}

void store_task_run(struct store_task *task)
{
	switch (task->kind) {
	case TASK_SPARE:
		task->result = spare_run(task);
		break;
	case TASK_SEAL:
		task->result = seal_run(task);
		break;
	case TASK_COMPACT:
		task->result = compact_run(task->store);
		break;
	}
	if (task->result != 0)
		snprintf(task->why, sizeof(task->why), "%s", err_text());
}

int store_task_end(struct store *s, struct store_task *task)
{
	int r = task->result;

	s->task = NULL;
	switch (task->kind) {
	case TASK_SPARE:
		spare_end(s, task);
		break;
	case TASK_SEAL:
		seal_end(s, task);
		break;
	case TASK_COMPACT:
		if (r == 0)
			compact_end(s);
		else
			compact_abandon(s);
		break;
	}
	if (r != 0) {
		s->task_retry_ms = clock_monotonic_ms() + RETRY_MS;
		err_set(r, "%s", task->why);
	}
	free(task);
	return r;
}

int store_maintain(struct store *s)
{
	struct store_task *task;
	int r;

	for (;;) {
		r = store_sync(s); /* some work waits for what it replaces */
		if (r != 0)
			return r;
		task = store_task_begin(s);
		if (task == NULL)
			return 0;
		store_task_run(task);
		r = store_task_end(s, task);
		if (r != 0)
			return r;
	}
}

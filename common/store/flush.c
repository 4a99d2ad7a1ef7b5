/*
 * flush.c - groups to disk.
 *
 * One group is under way at a time; what arrives meanwhile gathers in the next
 * one. Order is what makes recovery simple: nothing of a segment is written
 * before all of the segment before it is on disk.
 *
 * A segment's file comes into being with its first group: header and records
 * are written into a spare (or a new file, filled with zeros), synced once,
 * and only then renamed to the segment's name; so a file with that name always
 * has a valid header.
 */
#include "store/log.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

struct store_flush {
	struct store *store; /* _run reads only fs and dir of it */
	struct group *group;
	struct spare spare; /* path NULL: none */
	char *path;	    /* of the segment that is to be made, or NULL */
	uint64_t *doomed;   /* segments that it replaces: see log_cut.c */
	size_t ndoomed;
	int result;
	bool stray; /* the file was renamed and could not be removed again */
	char why[ERR_TEXT_MAX];
};

/* A spare that is large enough for the segment, taken out of the store. */
static struct spare take_spare(struct store *s, struct segment *seg)
{
	struct spare none = {0};

	for (unsigned i = 0; i < s->nspares; i++) {
		struct spare spare = s->spares[i];

		if (spare.size == seg->header.size) {
			s->spares[i] = s->spares[--s->nspares];
			return spare;
		}
	}
	return none;
}

struct store_flush *store_flush_begin(struct store *s)
{
	struct group *g = TAILQ_FIRST(&s->groups);
	struct store_flush *job;
	char name[SEGMENT_NAME_MAX];

	if (s->flush != NULL || g == NULL || s->failed != 0)
		return NULL;
	job = calloc(1, sizeof(*job));
	if (job == NULL)
		return NULL; /* memory may come back: the next call tries */
	job->store = s;
	job->group = g;
	if (g->opens) {
		segment_name(name, g->seg->header.number);
		job->path = store_path(s, name);
		if (job->path == NULL) {
			free(job);
			return NULL;
		}
		job->spare = take_spare(s, g->seg);
		if (s->log != NULL)
			log_take_doomed(s->log, &job->doomed, &job->ndoomed);
	}
	s->flush = job;
	return job;
}

/* The file that the segment begins in, under a name that recovery ignores. */
static int make_file(struct store_flush *job)
{
	struct segment *seg = job->group->seg;
	struct fs *fs = job->store->fs;
	int r;

	if (job->spare.path != NULL) {
		seg->file = job->spare.file;
		return 0;
	}
	if (asprintf(&job->spare.path, "%s.tmp", job->path) < 0) {
		job->spare.path = NULL;
		return -ENOMEM;
	}
	r = fs_open(fs, job->spare.path, FS_WRITE | FS_CREATE, &seg->file);
	if (r != 0)
		return r;
	return fill_zeros(seg->file, 0, seg->header.size);
}

static int write_header(struct segment *seg)
{
	/* A recycled file's old seal goes with the same write. */
	char blocks[2 * SEGMENT_BLOCK] = {0};

	segment_header_encode(blocks, &seg->header);
	return file_pwrite(seg->file, blocks, sizeof(blocks),
			   SEGMENT_HEADER_AT);
}

/*
 * A spare outlives a crash, and with it the records of a segment that did not
 * come to be. They must not pass as those of a later segment of the same
 * number, so the header is on disk before any of them: recovery reads it and
 * gives out higher numbers only.
 */
static int begin_file(struct store_flush *job)
{
	bool outlives = job->spare.path != NULL;
	int r = make_file(job);

	if (r == 0)
		r = write_header(job->group->seg);
	if (r == 0 && outlives)
		r = file_sync(job->group->seg->file);
	return r;
}

static int write_group(struct group *g)
{
	size_t len = g->bytes.len;
	int r;

	group_seal(g);
	if (g->inject) /* a dying disk: some of it, and no sync */
		len /= 2;
	r = file_pwrite(g->seg->file, g->bytes.data, len, g->base);
	if (r == 0)
		r = g->inject ? -EIO : file_sync(g->seg->file);
	return r;
}

/* Gives the new file its name. Should that fail, the file must not be found
 * under it later. */
static int name_file(struct store_flush *job)
{
	struct fs *fs = job->store->fs;
	int r = fs_rename(fs, job->spare.path, job->path);

	if (r == 0) {
		r = fs_sync_dir(fs, job->store->dir);
		if (r == 0)
			return 0;
	}
	if ((fs_unlink(fs, job->path) != 0 &&
	     fs_unlink(fs, job->spare.path) != 0) ||
	    fs_sync_dir(fs, job->store->dir) != 0)
		job->stray = true;
	return r;
}

void store_flush_run(struct store_flush *job)
{
	struct group *g = job->group;
	int r = 0;

	if (g->opens)
		r = begin_file(job);
	if (r == 0)
		r = write_group(g);
	if (r == 0 && g->opens) {
		r = segment_map(g->seg);
		if (r == 0)
			r = name_file(job);
		if (r == 0 && job->ndoomed != 0)
			r = log_remove_doomed(job->store->fs, job->store->dir,
					      job->doomed, job->ndoomed);
	}
	if (r == 0)
		return;
	job->result = err_sys(-r, "cannot write to segment %llu of '%s'",
			      (unsigned long long)g->seg->header.number,
			      job->store->dir);
	memcpy(job->why, err_text(), sizeof(job->why));
}

void store_fail(struct store *s, int code, const char *why)
{
	s->failed = code;
	snprintf(s->why, sizeof(s->why), "%s", why);
	snapshots_drop(s);
	if (s->log != NULL)
		log_fail(s);
	else
		store_take_back(s);
}

static void flush_succeeded(struct store *s, struct group *g)
{
	s->stats.syncs++;
	g->seg->durable = group_end(g);
	g->seg->unvouched = true;
	s->durable = g->last_seq;
	if (s->log == NULL)
		s->revealed = s->durable;
	s->waiting -= g->bytes.len;
	TAILQ_REMOVE(&s->groups, g, next);
	group_retire(g, &s->retired);
}

/* Removes the file of a segment that did not come to be. */
static void discard_file(struct store *s, struct store_flush *job)
{
	struct segment *seg = job->group->seg;

	if (seg->base != NULL)
		file_unmap(seg->file, seg->base, seg->mapped);
	seg->base = NULL;
	file_close(seg->file);
	seg->file = NULL;
	if (job->spare.path != NULL)
		(void)!fs_unlink(s->fs, job->spare.path);
}

static int flush_failed(struct store *s, struct store_flush *job)
{
	struct group *g = job->group;
	/* Others have what a replicated store loses: no second try. */
	bool again = g->attempts == 0 && !job->stray && s->log == NULL &&
		     s->failed == 0;

	s->stats.sync_failures++;
	if (g->inject)
		s->stats.injected_failures++;
	if (g->opens)
		discard_file(s, job);
	if (again) {
		snapshots_drop(s);
		if (store_relocate(s) == 0)
			return 0;
	}
	store_fail(s, job->result, job->why);
	return err_set(s->failed, "%s", s->why);
}

int store_flush_end(struct store *s, struct store_flush *job)
{
	int r = 0;

	s->flush = NULL;
	if (job->result == 0)
		flush_succeeded(s, job->group);
	else
		r = flush_failed(s, job);
	free(job->spare.path);
	free(job->path);
	free(job->doomed);
	free(job);
	return r;
}

int store_sync(struct store *s)
{
	while (!TAILQ_EMPTY(&s->groups) && s->failed == 0) {
		struct store_flush *job = store_flush_begin(s);
		int r;

		if (job == NULL)
			return err_set(KV_ENOMEM, "no memory to sync");
		store_flush_run(job);
		r = store_flush_end(s, job);
		if (r != 0)
			return r;
	}
	return s->failed != 0 ? err_set(s->failed, "%s", s->why) : 0;
}

void store_inject_sync_failure(struct store *s)
{
	struct group *last = TAILQ_LAST(&s->groups, group_queue);

	/* A group under way is not reached any more; the write that asks is in
	 * the last group, which is. One that is being repeated is spared: two
	 * failures in a row end the service, which nobody asked for. */
	if (last != NULL && last->attempts == 0 &&
	    (s->flush == NULL || s->flush->group != last))
		last->inject = true;
}

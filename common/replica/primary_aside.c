/*
 * primary_aside.c - a node whose store is damaged: the store is put aside, and
 * the node goes on without it, and without a vote, until it is repaired.
 *
 * kv.raft is told first. Then the store's files move to DIR/damaged-N, those
 * that make a store of them (kv.switch, kv.format) first: what a crash leaves
 * behind does not open as a store, and is put aside again.
 */
#include "replica/primary.h"

#include "base/err.h"
#include "replica/primary_state.h"
#include "store/segment.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NUMBER_MAX 1000u

struct names {
	struct buf list; /* each with its NUL */
};

static void note_name(void *arg, const char *name)
{
	struct names *n = arg;
	uint64_t number;

	if (segment_name_parse(name, ".log", &number) ||
	    segment_name_parse(name, ".idx", &number) ||
	    spare_name_parse(name, &number))
		buf_append(&n->list, name, strlen(name) + 1);
}

static int move(struct fs *fs, const char *dir, const char *to,
		const char *name)
{
	char *old = NULL, *new = NULL;
	int r = -ENOMEM;

	if (asprintf(&old, "%s/%s", dir, name) < 0)
		old = NULL;
	if (asprintf(&new, "%s/%s", to, name) < 0)
		new = NULL;
	if (old != NULL && new != NULL)
		r = fs_rename(fs, old, new);
	free(old);
	free(new);
	return r == -ENOENT ? 0 : r;
}

static int move_all(struct fs *fs, const char *dir, const char *to)
{
	struct names names = {0};
	int r = move(fs, dir, to, "kv.switch");

	if (r == 0)
		r = move(fs, dir, to, "kv.format");
	if (r == 0)
		r = fs_sync_dir(fs, dir);
	if (r == 0)
		r = fs_list(fs, dir, note_name, &names);
	if (buf_failed(&names.list))
		r = -ENOMEM;
	for (size_t at = 0; r == 0 && at < names.list.len;
	     at += strlen(names.list.data + at) + 1)
		r = move(fs, dir, to, names.list.data + at);
	if (r == 0)
		r = fs_sync_dir(fs, to);
	if (r == 0)
		r = fs_sync_dir(fs, dir);
	buf_release(&names.list);
	return r;
}

/* DIR/damaged-N with the first N that is free. */
static int make_place(struct fs *fs, const char *dir, char *path, size_t size)
{
	int r = -EEXIST;

	for (unsigned i = 1; i < NUMBER_MAX && r == -EEXIST; i++) {
		snprintf(path, size, "%s/damaged-%u", dir, i);
		r = fs_mkdir(fs, path);
	}
	return r;
}

int primary_set_aside(const char *dir, struct fs *fs, char *path, size_t size)
{
	struct primary_state state;
	int r;

	if (fs == NULL)
		fs = fs_posix();
	r = primary_state_load(&state, fs, dir);
	if (r == KV_ENOTFOUND)
		return err_set(KV_EUSAGE, "'%s' is not a node's", dir);
	if (r != 0)
		return r;
	state.lost = true;
	r = primary_state_save(&state, fs, dir);
	if (r != 0)
		return r;
	r = make_place(fs, dir, path, size);
	if (r == 0)
		r = move_all(fs, dir, path);
	return r == 0 ? 0
		      : err_sys(-r, "cannot put the store in '%s' aside", dir);
}

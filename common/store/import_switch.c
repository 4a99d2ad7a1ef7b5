/*
 * import_switch.c - puts an import in the place of the store.
 *
 * A marker, DIR/kv.switch, makes it so: from the moment that it is on disk, the
 * store in DIR is the imported one, and whoever opens DIR completes the switch.
 * It tells how many segments the new store has; they are numbered from 1. Each
 * of its files is renamed from DIR/incoming to DIR, over an old one of that
 * name if there is one; all other segments, side files and spares in DIR are
 * the old store's and go. Every step may be repeated, so a crash at any of them
 * leaves something that can be completed; the marker goes last.
 */
#include "base/buf.h"
#include "base/err.h"
#include "store/import.h"
#include "store/segment.h"
#include "store/store_log.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define MARKER_TEXT "kv-switch 1\nsegments %llu\n"
#define MARKER_MAX 96

char *import_path(const char *dir, const char *name)
{
	char *path;

	return asprintf(&path, name != NULL ? "%s/%s/%s" : "%s/%s", dir,
			IMPORT_DIR, name) < 0
		       ? NULL
		       : path;
}

static char *plain_path(const char *dir, const char *name)
{
	char *path;

	return asprintf(&path, "%s/%s", dir, name) < 0 ? NULL : path;
}

/* ---- what is there ---- */

struct names {
	struct buf list;   /* each with its NUL */
	uint64_t segments; /* keep those of numbers up to here */
	uint64_t count;
	bool complete;
};

static void any_name(void *arg, const char *name)
{
	struct names *n = arg;

	buf_append(&n->list, name, strlen(name) + 1);
}

static void imported_name(void *arg, const char *name)
{
	struct names *n = arg;
	uint64_t number;

	n->count += segment_name_parse(name, ".log", &number);
	n->complete = n->complete || strcmp(name, "kv.format") == 0;
}

static void replaced_name(void *arg, const char *name)
{
	struct names *n = arg;
	uint64_t number;

	if (((segment_name_parse(name, ".log", &number) ||
	      segment_name_parse(name, ".idx", &number)) &&
	     (number == 0 || number > n->segments)) ||
	    spare_name_parse(name, &number))
		buf_append(&n->list, name, strlen(name) + 1);
}

static int remove_all(struct fs *fs, const char *dir, const struct names *n)
{
	int r = buf_failed(&n->list) ? -ENOMEM : 0;

	for (size_t at = 0; at < n->list.len && r == 0;
	     at += strlen(n->list.data + at) + 1) {
		char *path = plain_path(dir, n->list.data + at);

		r = path != NULL ? fs_unlink(fs, path) : -ENOMEM;
		free(path);
	}
	return r;
}

int import_clear(struct fs *fs, const char *dir)
{
	char *incoming = import_path(dir, NULL);
	struct names n = {0};
	int r = incoming == NULL ? -ENOMEM : fs_mkdir(fs, incoming);

	/* kv.format goes first: what is left is not taken for complete. */
	if (r == -EEXIST) {
		char *format = import_path(dir, "kv.format");

		r = format == NULL ? -ENOMEM : fs_unlink(fs, format);
		if (r == 0)
			r = fs_sync_dir(fs, incoming);
		if (r == -ENOENT)
			r = 0;
		free(format);
		if (r == 0)
			r = fs_list(fs, incoming, any_name, &n);
		if (r == 0)
			r = remove_all(fs, incoming, &n);
		if (r == 0)
			r = fs_sync_dir(fs, incoming);
	}
	if (r == 0)
		r = fs_sync_dir(fs, dir);
	buf_release(&n.list);
	free(incoming);
	return r;
}

/* ---- the switch ---- */

/* Moves one file, unless an earlier try has. */
static int move_in(struct fs *fs, const char *dir, const char *name)
{
	char *from = import_path(dir, name), *to = plain_path(dir, name);
	int r = from == NULL || to == NULL ? -ENOMEM : fs_rename(fs, from, to);

	free(from);
	free(to);
	return r == -ENOENT ? 0 : r;
}

static int move_all(struct fs *fs, const char *dir, uint64_t segments)
{
	char name[SEGMENT_NAME_MAX];
	int r = 0;

	for (uint64_t i = 1; i <= segments && r == 0; i++) {
		segment_name(name, i);
		r = move_in(fs, dir, name);
		if (r == 0) {
			segment_side_name(name, i);
			r = move_in(fs, dir, name);
		}
	}
	return r == 0 ? move_in(fs, dir, "kv.format") : r;
}

static int complete_switch(struct fs *fs, const char *dir, uint64_t segments)
{
	char *incoming = import_path(dir, NULL);
	char *marker = plain_path(dir, IMPORT_MARKER);
	struct names old = {.segments = segments};
	int r = incoming == NULL || marker == NULL ? -ENOMEM : 0;

	if (r == 0)
		r = move_all(fs, dir, segments);
	if (r == 0)
		r = fs_list(fs, dir, replaced_name, &old);
	if (r == 0)
		r = remove_all(fs, dir, &old);
	if (r == 0)
		r = fs_sync_dir(fs, dir);
	if (r == 0)
		r = fs_sync_dir(fs, incoming);
	if (r == 0)
		r = fs_unlink(fs, marker);
	if (r == 0)
		r = fs_sync_dir(fs, dir);
	buf_release(&old.list);
	free(incoming);
	free(marker);
	return r == 0 ? 0
		      : err_sys(-r, "cannot replace the store in '%s'", dir);
}

static void marker_text(char *text, uint64_t segments)
{
	int n = snprintf(text, MARKER_MAX, MARKER_TEXT,
			 (unsigned long long)segments);

	snprintf(text + n, MARKER_MAX - (size_t)n, "sum %016llx\n",
		 (unsigned long long)segment_seed(segments, FORMAT_VERSION));
}

int import_resume(struct fs *fs, const char *dir)
{
	char *path = plain_path(dir, IMPORT_MARKER);
	char text[MARKER_MAX] = "", expected[MARKER_MAX];
	unsigned long long segments = 0;
	struct file *f;
	int r = path == NULL ? -ENOMEM : fs_open(fs, path, FS_READ, &f);

	if (r == 0) {
		ssize_t n = file_pread(f, text, sizeof(text) - 1, 0);

		file_close(f);
		r = n < 0 ? (int)n : 0;
	}
	if (r != 0) {
		r = err_sys(-r, "cannot read '%s/%s'", dir, IMPORT_MARKER);
	} else {
		(void)sscanf(text, MARKER_TEXT, &segments);
		marker_text(expected, segments);
		r = strcmp(text, expected) == 0
			    ? complete_switch(fs, dir, segments)
			    : err_set(KV_EDAMAGED, "'%s' is damaged", path);
	}
	free(path);
	return r;
}

int store_import_switch(const char *dir, struct fs *fs)
{
	char *incoming = import_path(dir, NULL);
	char *marker = plain_path(dir, IMPORT_MARKER);
	struct names n = {0};
	char text[MARKER_MAX];
	int r = incoming == NULL || marker == NULL ? -ENOMEM : 0;

	if (fs == NULL)
		fs = fs_posix();
	if (r == 0)
		r = fs_list(fs, incoming, imported_name, &n);
	if (r != 0) {
		r = err_sys(-r, "cannot read '%s/%s'", dir, IMPORT_DIR);
	} else if (!n.complete) {
		r = err_set(KV_EUSAGE, "there is no complete import in '%s'",
			    dir);
	} else {
		marker_text(text, n.count);
		r = fs_replace(fs, dir, marker, text, strlen(text));
		r = r == 0 ? complete_switch(fs, dir, n.count)
			   : err_sys(-r, "cannot replace the store in '%s'",
				     dir);
	}
	free(incoming);
	free(marker);
	return r;
}

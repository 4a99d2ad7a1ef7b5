/*
 * lock.c - one owner at a time, and how to find it.
 *
 * DIR/lock is locked with flock(2) as long as the store is open: exclusively
 * by a writer, shared by readers. A writer's pid stands in it, and on a second
 * line the address that it serves the store at, if it does.
 */
#include "store/store_internal.h"

#include "base/clock.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define LOCK_TEXT_MAX 512
#define LOCK_RETRY_MS 10

static void lock_read(struct file *f, char *text)
{
	ssize_t n = file_pread(f, text, LOCK_TEXT_MAX - 1, 0);

	text[n > 0 ? n : 0] = '\0';
}

static int lock_refused(struct store *s, const char *path)
{
	char text[LOCK_TEXT_MAX] = "";
	struct file *f;

	if (fs_open(s->fs, path, FS_READ, &f) == 0) {
		lock_read(f, text);
		file_close(f);
	}
	text[strcspn(text, "\n")] = '\0';
	if (text[0] == '\0')
		return err_set(KV_ELOCKED,
			       "'%s' is in use by a reader; try again", s->dir);
	return err_set(KV_ELOCKED,
		       "'%s' is in use by process %s; ask its server or end "
		       "it",
		       s->dir, text);
}

/* Locks with a time limit: flock(2) itself has none. */
static int lock_wait(struct store *s, const char *path)
{
	uint64_t end = clock_monotonic_ms() + s->options.lock_timeout_ms;

	for (;;) {
		struct timespec pause = {.tv_nsec = LOCK_RETRY_MS * 1000000L};
		int r = s->fs->ops->lock(s->fs, path, !s->read_only, &s->lock);

		if (r == 0)
			return 0;
		if (r == -ENOENT)
			return err_set(KV_EFORMAT, "'%s' is not a store",
				       s->dir);
		if (r != -EWOULDBLOCK)
			return err_sys(-r, "cannot lock '%s'", path);
		if (clock_monotonic_ms() >= end)
			return lock_refused(s, path);
		nanosleep(&pause, NULL);
	}
}

/* Says who owns the store; a reader says nothing. Not synced: it matters only
 * while this process lives. */
static int lock_sign(struct store *s, const char *path)
{
	char text[LOCK_TEXT_MAX] = {0};
	int r;

	if (s->read_only)
		return 0;
	snprintf(text, sizeof(text), "%ld\n%s\n", (long)getpid(),
		 s->options.address != NULL ? s->options.address : "");
	r = file_pwrite(s->lock, text, sizeof(text), 0);
	return r == 0 ? 0 : err_sys(-r, "cannot write '%s'", path);
}

int store_lock(struct store *s)
{
	char *path;
	int r = 0;

	if (s->fs->ops->lock == NULL)
		return 0;
	path = store_path(s, "lock");
	if (path == NULL)
		return err_set(KV_ENOMEM, "no memory to open '%s'", s->dir);
	r = lock_wait(s, path);
	if (r == 0)
		r = lock_sign(s, path);
	free(path);
	return r;
}

int store_find_server(const char *dir, char **address)
{
	struct fs *fs = fs_posix();
	char text[LOCK_TEXT_MAX];
	struct file *f;
	char *path, *line;
	int r;

	*address = NULL;
	if (asprintf(&path, "%s/lock", dir) < 0)
		return err_set(KV_ENOMEM, "no memory to look at '%s'", dir);
	r = fs->ops->lock(fs, path, false, &f);
	if (r == 0 || r == -ENOENT || r == -EACCES) {
		if (r == 0)
			file_close(f); /* nobody holds it for writing */
		free(path);
		return 0;
	}
	r = fs_open(fs, path, FS_READ, &f);
	free(path);
	if (r != 0)
		return 0;
	lock_read(f, text);
	file_close(f);
	line = strchr(text, '\n');
	if (line == NULL || line[1] == '\n' || line[1] == '\0')
		return 0;
	line++;
	line[strcspn(line, "\n")] = '\0';
	*address = strdup(line);
	return *address != NULL ? 0 : err_set(KV_ENOMEM, "no memory");
}

/*
 * fs.c - the real file system, and what is built on any of them. One system
 * call an operation; interrupted and short ones are gone on with.
 */
#include "base/fs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

struct posix_file {
	struct file file;
	int fd;
};

static int fd_of(struct file *f)
{
	return ((struct posix_file *)f)->fd;
}

static ssize_t posix_pread(struct file *f, void *buf, size_t len, uint64_t off)
{
	size_t done = 0;

	while (done < len) {
		ssize_t n = pread(fd_of(f), (char *)buf + done, len - done,
				  (off_t)(off + done));
		if (n == 0)
			break;
		if (n < 0 && errno != EINTR)
			return -errno;
		if (n > 0)
			done += (size_t)n;
	}
	return (ssize_t)done;
}

static int posix_pwrite(struct file *f, const void *buf, size_t len,
			uint64_t off)
{
	size_t done = 0;

	while (done < len) {
		ssize_t n = pwrite(fd_of(f), (const char *)buf + done,
				   len - done, (off_t)(off + done));
		if (n < 0 && errno != EINTR)
			return -errno;
		if (n > 0)
			done += (size_t)n;
	}
	return 0;
}

static int posix_sync(struct file *f)
{
	/* EINTR too is reported: whether the flush ended is not known. */
	return fdatasync(fd_of(f)) == 0 ? 0 : -errno;
}

static int posix_size(struct file *f, uint64_t *size)
{
	struct stat st;

	if (fstat(fd_of(f), &st) != 0)
		return -errno;
	*size = (uint64_t)st.st_size;
	return 0;
}

static int posix_map(struct file *f, size_t len, const void **out)
{
	void *p = mmap(NULL, len, PROT_READ, MAP_SHARED, fd_of(f), 0);

	if (p == MAP_FAILED)
		return -errno;
	*out = p;
	return 0;
}

static void posix_unmap(struct file *f, const void *base, size_t len)
{
	(void)f;
	munmap((void *)(uintptr_t)base, len);
}

static void posix_close(struct file *f)
{
	close(fd_of(f));
	free(f);
}

static const struct file_ops posix_file_ops = {
	.pread = posix_pread,
	.pwrite = posix_pwrite,
	.sync = posix_sync,
	.size = posix_size,
	.map = posix_map,
	.unmap = posix_unmap,
	.close = posix_close,
};

static int posix_open(struct fs *fs, const char *path, int flags,
		      struct file **out)
{
	struct posix_file *f;
	int oflags = flags & FS_WRITE ? O_RDWR : O_RDONLY;
	int e;

	(void)fs;
	if (flags & FS_CREATE)
		oflags |= O_CREAT | O_EXCL;
	f = malloc(sizeof(*f));
	if (f == NULL)
		return -ENOMEM;
	f->file.ops = &posix_file_ops;
	f->fd = open(path, oflags | O_CLOEXEC, 0600);
	if (f->fd < 0) {
		e = errno;
		free(f);
		return -e;
	}
	*out = &f->file;
	return 0;
}

static int posix_rename(struct fs *fs, const char *from, const char *to)
{
	(void)fs;
	return rename(from, to) == 0 ? 0 : -errno;
}

static int posix_unlink(struct fs *fs, const char *path)
{
	(void)fs;
	return unlink(path) == 0 ? 0 : -errno;
}

static int posix_mkdir(struct fs *fs, const char *path)
{
	(void)fs;
	return mkdir(path, 0700) == 0 ? 0 : -errno;
}

static int posix_sync_dir(struct fs *fs, const char *path)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int r;

	(void)fs;
	if (fd < 0)
		return -errno;
	r = fsync(fd) == 0 ? 0 : -errno;
	close(fd);
	return r;
}

static int posix_list(struct fs *fs, const char *path, fs_list_fn *fn,
		      void *arg)
{
	DIR *dir = opendir(path);
	struct dirent *entry;
	int r;

	(void)fs;
	if (dir == NULL)
		return -errno;
	while (errno = 0, (entry = readdir(dir)) != NULL)
		if (strcmp(entry->d_name, ".") != 0 &&
		    strcmp(entry->d_name, "..") != 0)
			fn(arg, entry->d_name);
	r = -errno;
	closedir(dir);
	return r;
}

static int posix_lock(struct fs *fs, const char *path, bool exclusive,
		      struct file **out)
{
	struct file *f;
	int r = fs_open(fs, path, exclusive ? FS_WRITE : FS_READ, &f);

	if (r == -ENOENT && exclusive) {
		r = fs_open(fs, path, FS_WRITE | FS_CREATE, &f);
		if (r == -EEXIST) /* somebody was faster */
			r = fs_open(fs, path, FS_WRITE, &f);
	}
	if (r != 0)
		return r;
	if (flock(fd_of(f), (exclusive ? LOCK_EX : LOCK_SH) | LOCK_NB) != 0) {
		r = -errno;
		file_close(f);
		return r;
	}
	*out = f;
	return 0;
}

struct fs *fs_posix(void)
{
	static const struct fs_ops ops = {
		.open = posix_open,
		.rename = posix_rename,
		.unlink = posix_unlink,
		.mkdir = posix_mkdir,
		.sync_dir = posix_sync_dir,
		.list = posix_list,
		.lock = posix_lock,
	};
	static struct fs fs = {.ops = &ops};

	return &fs;
}

static int write_whole(struct fs *fs, const char *path, const void *data,
		       size_t len)
{
	struct file *f;
	int r = fs_open(fs, path, FS_WRITE | FS_CREATE, &f);

	if (r != 0)
		return r;
	r = file_pwrite(f, data, len, 0);
	if (r == 0)
		r = file_sync(f);
	file_close(f);
	return r;
}

int fs_replace(struct fs *fs, const char *dir, const char *path,
	       const void *data, size_t len)
{
	char *tmp;
	int r;

	if (asprintf(&tmp, "%s.tmp", path) < 0)
		return -ENOMEM;
	r = fs_unlink(fs, tmp); /* what a crash may have left behind */
	if (r != 0 && r != -ENOENT)
		goto out;
	r = write_whole(fs, tmp, data, len);
	if (r == 0)
		r = fs_rename(fs, tmp, path);
	if (r == 0)
		r = fs_sync_dir(fs, dir);
	else
		(void)!fs_unlink(fs, tmp);
out:
	free(tmp);
	return r;
}

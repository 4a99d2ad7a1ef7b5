/*
 * fs.h - every file operation that the store does, behind two small tables, so
 * that tests can fail the Nth operation and cut the power between any two.
 * fs_posix() is the real one; it adds nothing to the system calls.
 *
 * Functions return 0 (or a size) on success and -errno on failure; they keep
 * no error text. Paths are as for open(2). A struct file may be used from
 * several threads for reading and writing disjoint places.
 */
#ifndef BASE_FS_H
#define BASE_FS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define MUST_CHECK __attribute__((warn_unused_result))

struct fs;
struct file;

enum fs_open_flags {
	FS_READ = 0,
	FS_WRITE = 1,  /* reading and writing */
	FS_CREATE = 2, /* with FS_WRITE: must not exist yet */
};

/* Called once a directory entry, without "." and "..". */
typedef void fs_list_fn(void *arg, const char *name);

struct fs_ops {
	int (*open)(struct fs *fs, const char *path, int flags,
		    struct file **out);
	int (*rename)(struct fs *fs, const char *from, const char *to);
	int (*unlink)(struct fs *fs, const char *path);
	int (*mkdir)(struct fs *fs, const char *path);
	/* Makes the entries of the directory durable. */
	int (*sync_dir)(struct fs *fs, const char *path);
	int (*list)(struct fs *fs, const char *path, fs_list_fn *fn, void *arg);
	/* Opens the file (a writer makes it if need be) and locks it until it
	 * is closed: exclusively or shared with other readers. -EWOULDBLOCK if
	 * somebody else holds it. NULL where nobody else can be. */
	int (*lock)(struct fs *fs, const char *path, bool exclusive,
		    struct file **out);
};

struct file_ops {
	/* Reads up to len bytes; returns how many (less only at the end of the
	 * file) or -errno. */
	ssize_t (*pread)(struct file *f, void *buf, size_t len, uint64_t off);
	/* Writes all of it, or fails with an unknown part written. */
	int (*pwrite)(struct file *f, const void *buf, size_t len,
		      uint64_t off);
	/* fdatasync: the data and the size. After a failure what was written
	 * since the last success is in an unknown state, and asking again
	 * proves nothing. */
	int (*sync)(struct file *f);
	int (*size)(struct file *f, uint64_t *size);
	/* A read-only view of the first len bytes that shows later pwrites at
	 * once. It outlives close; end it with unmap. */
	int (*map)(struct file *f, size_t len, const void **out);
	void (*unmap)(struct file *f, const void *base, size_t len);
	void (*close)(struct file *f);
};

struct fs {
	const struct fs_ops *ops;
};

struct file {
	const struct file_ops *ops;
};

/* The file system of the machine; a static object, nothing to release. */
struct fs *fs_posix(void);

static inline MUST_CHECK int fs_open(struct fs *fs, const char *path, int flags,
				     struct file **out)
{
	return fs->ops->open(fs, path, flags, out);
}

static inline MUST_CHECK int fs_rename(struct fs *fs, const char *from,
				       const char *to)
{
	return fs->ops->rename(fs, from, to);
}

static inline MUST_CHECK int fs_unlink(struct fs *fs, const char *path)
{
	return fs->ops->unlink(fs, path);
}

static inline MUST_CHECK int fs_mkdir(struct fs *fs, const char *path)
{
	return fs->ops->mkdir(fs, path);
}

static inline MUST_CHECK int fs_sync_dir(struct fs *fs, const char *path)
{
	return fs->ops->sync_dir(fs, path);
}

static inline MUST_CHECK int fs_list(struct fs *fs, const char *path,
				     fs_list_fn *fn, void *arg)
{
	return fs->ops->list(fs, path, fn, arg);
}

static inline MUST_CHECK ssize_t file_pread(struct file *f, void *buf,
					    size_t len, uint64_t off)
{
	return f->ops->pread(f, buf, len, off);
}

static inline MUST_CHECK int file_pwrite(struct file *f, const void *buf,
					 size_t len, uint64_t off)
{
	return f->ops->pwrite(f, buf, len, off);
}

static inline MUST_CHECK int file_sync(struct file *f)
{
	return f->ops->sync(f);
}

static inline MUST_CHECK int file_size(struct file *f, uint64_t *size)
{
	return f->ops->size(f, size);
}

static inline MUST_CHECK int file_map(struct file *f, size_t len,
				      const void **out)
{
	return f->ops->map(f, len, out);
}

static inline void file_unmap(struct file *f, const void *base, size_t len)
{
	f->ops->unmap(f, base, len);
}

static inline void file_close(struct file *f)
{
	if (f != NULL)
		f->ops->close(f);
}

/*
 * Makes `path` hold exactly these bytes, durably and all at once: writes
 * path.tmp, syncs it, renames it over path and syncs the directory `dir`. On
 * failure the old file, if any, is still there.
 */
MUST_CHECK int fs_replace(struct fs *fs, const char *dir, const char *path,
			  const void *data, size_t len);

#endif

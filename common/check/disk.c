/*
 * disk.c - see disk.h. Small writes one after the other, each followed by
 * fdatasync(2), as the log of a store with one client does them.
 */
#include "check/disk.h"

#include "base/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/vfs.h>
#include <unistd.h>

#define FILE_SIZE (16u << 20)
#define RECORD 144u /* a key of 16 bytes and a value of 100, as a record */
#define BLOCK 4096u /* what direct writes are aligned to */
#define SAMPLES_MAX 200000u
/* Flash with a capacitor answers a flush in 10 to 30 microseconds. */
#define TOO_FAST_NS 8000u

const char *disk_way_name(enum disk_way way)
{
	static const char *const names[] = {
		[DISK_APPENDING] = "appending",
		[DISK_PREPARED] = "pre-zeroed",
		[DISK_DIRECT] = "direct",
	};

	return names[way];
}

/* A file without a name, so that not even SIGKILL leaves it behind. */
static int open_file(const char *dir, bool direct, int *fd)
{
	int flags = O_RDWR | O_CLOEXEC | (direct ? O_DIRECT : 0);
	char *path;

	*fd = open(dir, flags | O_TMPFILE, 0600);
	if (*fd >= 0)
		return 0;
	if (errno != EOPNOTSUPP && errno != EISDIR && errno != EINVAL)
		return -errno;
	if (asprintf(&path, "%s/kv-crashtest.XXXXXX", dir) < 0)
		return -ENOMEM;
	*fd = mkostemp(path, flags & ~O_RDWR);
	if (*fd >= 0)
		unlink(path);
	free(path);
	return *fd >= 0 ? 0 : -errno;
}

static int write_all(int fd, const char *data, size_t len, off_t off)
{
	while (len > 0) {
		ssize_t n = pwrite(fd, data, len, off);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : -EIO;
		data += n;
		off += n;
		len -= (size_t)n;
	}
	return 0;
}

static int fill_zeros(int fd, char *block)
{
	int r = 0;

	memset(block, 0, BLOCK);
	for (off_t off = 0; r == 0 && off < (off_t)FILE_SIZE; off += BLOCK)
		r = write_all(fd, block, BLOCK, off);
	if (r == 0 && fdatasync(fd) != 0)
		r = -errno;
	return r;
}

static int compare_ns(const void *va, const void *vb)
{
	const uint64_t *a = va, *b = vb;

	return *a < *b ? -1 : *a > *b;
}

static void summarize(uint64_t *ns, size_t n, struct disk_timing *t)
{
	uint64_t sum = 0;

	qsort(ns, n, sizeof(*ns), compare_ns);
	for (size_t i = 0; i < n; i++)
		sum += ns[i];
	t->possible = true;
	t->samples = n;
	t->p50_ns = ns[n / 2];
	t->p99_ns = ns[n - 1 - n / 100];
	t->mean_ns = sum / n;
}

/* Writes and syncs until the time or the file is used up. */
static int sample(int fd, char *block, size_t record, uint64_t ms, uint64_t *ns,
		  size_t *n)
{
	uint64_t end = clock_monotonic_ms() + ms;
	off_t off = 0;

	*n = 0;
	while (*n < SAMPLES_MAX && off + (off_t)record <= (off_t)FILE_SIZE) {
		uint64_t start = clock_monotonic_ns();
		int r;

		memset(block, (int)('a' + *n % 26), record);
		r = write_all(fd, block, record, off);
		if (r == 0 && fdatasync(fd) != 0)
			r = -errno;
		if (r != 0)
			return r;
		ns[(*n)++] = clock_monotonic_ns() - start;
		off += (off_t)record;
		if (clock_monotonic_ms() >= end)
			break;
	}
	return 0;
}

static int measure_way(const char *dir, enum disk_way way, uint64_t ms,
		       char *block, uint64_t *ns, struct disk_timing *t)
{
	bool direct = way == DISK_DIRECT;
	size_t n = 0;
	int fd, r = open_file(dir, direct, &fd);

	if (r != 0 && direct)
		return 0; /* not possible here */
	if (r != 0)
		return err_sys(-r, "cannot make a file in '%s'", dir);
	if (way != DISK_APPENDING)
		r = fill_zeros(fd, block);
	if (r == 0)
		r = sample(fd, block, direct ? BLOCK : RECORD, ms, ns, &n);
	close(fd);
	if (r == -EINVAL && direct)
		return 0;
	if (r != 0)
		return err_sys(-r, "cannot write to a file in '%s'", dir);
	summarize(ns, n, t);
	return 0;
}

int disk_measure(const char *dir, uint64_t ms_each, struct disk_report *report)
{
	char *block = aligned_alloc(BLOCK, BLOCK);
	uint64_t *ns = calloc(SAMPLES_MAX, sizeof(*ns));
	struct statfs st;
	int r = 0;

	*report = (struct disk_report){0};
	if (block == NULL || ns == NULL)
		r = err_set(KV_ENOMEM, "out of memory");
	else if (statfs(dir, &st) != 0)
		r = err_sys(errno, "cannot look at '%s'", dir);
	else
		report->in_memory =
			st.f_type == TMPFS_MAGIC || st.f_type == RAMFS_MAGIC;
	for (enum disk_way way = 0; r == 0 && way < DISK_WAYS; way++)
		r = measure_way(dir, way, ms_each, block, ns,
				&report->ways[way]);
	report->too_fast =
		r == 0 && report->ways[DISK_PREPARED].p50_ns < TOO_FAST_NS;
	free(block);
	free(ns);
	return r;
}

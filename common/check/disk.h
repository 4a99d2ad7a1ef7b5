/*
 * disk.h - how long this file system takes to make a small write durable.
 *
 * What software can tell about a disk's honesty is time: a sync that returns
 * faster than any medium works has not waited for one. What it cannot tell is
 * whether a cache behind it survives a power cut.
 */
#ifndef CHECK_DISK_H
#define CHECK_DISK_H

#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

enum disk_way {
	DISK_APPENDING, /* the file grows with each write */
	DISK_PREPARED,	/* into space filled with zeros before: kv-serve */
	DISK_DIRECT,	/* the same past the page cache, 4096 bytes each */
	DISK_WAYS
};

struct disk_timing {
	bool possible; /* false: the file system refuses it */
	uint64_t samples;
	uint64_t p50_ns, p99_ns, mean_ns; /* write and fdatasync together */
};

struct disk_report {
	struct disk_timing ways[DISK_WAYS];
	bool in_memory; /* tmpfs or ramfs: nothing outlives a power cut */
	bool too_fast;	/* no medium is as fast as the median */
};

/* Measures in a file in `dir` that has no name and leaves nothing behind, up
 * to ms_each for each way. 0 or KV_E... */
int disk_measure(const char *dir, uint64_t ms_each, struct disk_report *report);

const char *disk_way_name(enum disk_way way);

#endif

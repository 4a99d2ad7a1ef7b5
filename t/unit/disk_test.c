/*
 * disk_test.c - the measurement of a disk measures.
 */
#include "check/disk.h"
#include "test.h"

#include <dirent.h>
#include <stdlib.h>
#include <unistd.h>

static size_t entries(const char *path)
{
	DIR *dir = opendir(path);
	size_t n = 0;

	CHECK(dir != NULL);
	while (readdir(dir) != NULL)
		n++;
	closedir(dir);
	return n;
}

static void every_way_that_is_possible_has_times(void)
{
	char dir[] = "/tmp/disk_test.XXXXXX";
	struct disk_report report;

	CHECK(mkdtemp(dir) != NULL);
	CHECK_INT(disk_measure(dir, 50, &report), 0);
	CHECK(report.ways[DISK_APPENDING].possible);
	CHECK(report.ways[DISK_PREPARED].possible);
	for (enum disk_way way = 0; way < DISK_WAYS; way++) {
		const struct disk_timing *t = &report.ways[way];

		if (!t->possible)
			continue;
		CHECK(t->samples > 0);
		CHECK(t->p50_ns > 0 && t->p50_ns <= t->p99_ns);
		CHECK(t->mean_ns > 0);
		CHECK(disk_way_name(way)[0] != '\0');
	}
	CHECK_INT(entries(dir), 2); /* "." and ".." */
	CHECK_INT(rmdir(dir), 0);
}

static void a_directory_that_is_not_there_is_an_error(void)
{
	struct disk_report report;

	CHECK_INT(disk_measure("/nonexistent/directory", 50, &report), KV_EIO);
	CHECK(strstr(err_text(), "'/nonexistent/directory'") != NULL);
}

TEST_MAIN(T(every_way_that_is_possible_has_times),
	  T(a_directory_that_is_not_there_is_an_error))

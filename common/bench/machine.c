/*
 * machine.c - see machine.h.
 */
#include "bench/machine.h"

#include <bsd/string.h>
#include <limits.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/utsname.h>

static void read_cpu(char *to, size_t size)
{
	static const char name[] = "model name";
	FILE *f = fopen("/proc/cpuinfo", "re");
	char line[512];

	strlcpy(to, "unknown CPU", size);
	while (f != NULL && fgets(line, sizeof(line), f) != NULL) {
		const char *colon = strchr(line, ':');

		if (colon == NULL || strncmp(line, name, sizeof(name) - 1) != 0)
			continue;
		snprintf(to, size, "%.*s", (int)strcspn(colon + 2, "\n"),
			 colon + 2);
		break;
	}
	if (f != NULL)
		fclose(f);
}

void machine_read(struct machine *m)
{
	struct utsname u;
	cpu_set_t set;

	*m = (struct machine){.cpus = 1};
	read_cpu(m->cpu, sizeof(m->cpu));
	if (sched_getaffinity(0, sizeof(set), &set) == 0)
		m->cpus = (unsigned)CPU_COUNT(&set);
	if (uname(&u) == 0)
		snprintf(m->kernel, sizeof(m->kernel), "%.40s %.60s %.20s",
			 u.sysname, u.release, u.machine);
}

/* Whether the path is the mount point or below it. */
static size_t mount_match(const char *path, const char *point)
{
	size_t len = strlen(point);

	if (len == 1)
		return 1;
	if (strncmp(path, point, len) != 0)
		return 0;
	return path[len] == '/' || path[len] == '\0' ? len : 0;
}

/* The longest mount point that holds the path wins, the last of equals: it
 * covers the one before. */
void machine_file_system(const char *path, char *to, size_t size)
{
	char real[PATH_MAX], line[8192], device[2048], point[4096], type[256];
	FILE *f = fopen("/proc/self/mounts", "re");
	size_t best = 0;

	strlcpy(to, "unknown", size);
	if (realpath(path, real) == NULL)
		best = SIZE_MAX;
	while (f != NULL && best != SIZE_MAX &&
	       fgets(line, sizeof(line), f) != NULL) {
		size_t match;

		if (sscanf(line, "%2047s %4095s %255s", device, point, type) !=
		    3)
			continue;
		match = mount_match(real, point);
		if (match == 0 || match < best)
			continue;
		best = match;
		snprintf(to, size, "%s on %s", type, device);
	}
	if (f != NULL)
		fclose(f);
}

/*
 * server_path.c - see server_path.h.
 */
#include "cluster/server_path.h"

#include "base/err.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* 1: "DIR/kv-serve" can be run. 0: it cannot. Or KV_ENOMEM. */
static int try_dir(const char *dir, size_t len, char **path)
{
	if (asprintf(path, "%.*s/kv-serve", (int)len, dir) < 0)
		return err_set(KV_ENOMEM, "out of memory");
	if (access(*path, X_OK) == 0)
		return 1;
	free(*path);
	return 0;
}

int server_path(char **path)
{
	char self[4096];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self));
	const char *slash = n > 0 ? memrchr(self, '/', (size_t)n) : NULL;
	const char *dirs = getenv("PATH");
	int r = slash != NULL ? try_dir(self, (size_t)(slash - self), path) : 0;

	while (r == 0 && dirs != NULL && *dirs != '\0') {
		size_t len = strcspn(dirs, ":");

		r = try_dir(dirs, len, path);
		dirs += len + (dirs[len] == ':');
	}
	if (r == 1)
		return 0;
	*path = NULL;
	return r != 0 ? r
		      : err_set(KV_EUNAVAILABLE,
				"there is no kv-serve beside this program or "
				"on the path");
}

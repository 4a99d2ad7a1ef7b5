/*
 * simfs_dir.c - names in the simulated file system, and which of the changes
 * to them are on disk: see simfs_node.h.
 */
#include "check/simfs_node.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* "/a//b/./c/" is "/a/b/c"; "/" and "." are "". NULL: out of memory. */
char *simfs_path_normal(const char *path)
{
	char *out = malloc(strlen(path) + 1);
	size_t n = 0;

	if (out == NULL)
		return NULL;
	while (*path != '\0') {
		size_t part = strcspn(path, "/");
		if (part > 0 && !(part == 1 && path[0] == '.')) {
			memcpy(out + n, path, part);
			n += part;
		}
		path += part;
		if (*path == '/') {
			path++;
			if (n == 0 || out[n - 1] != '/')
				out[n++] = '/';
		}
	}
	while (n > 0 && out[n - 1] == '/')
		n--;
	out[n] = '\0';
	return out;
}

/* The directory that holds a normal path. */
static char *path_parent(const char *path)
{
	const char *slash = strrchr(path, '/');

	return strndup(path, slash == NULL ? 0 : (size_t)(slash - path));
}

bool simfs_is_dir(const struct simfs *sim, const char *path)
{
	struct simfs_node *node;

	if (path[0] == '\0')
		return true;
	node = simfs_names_find(&sim->now, path);
	return node != NULL && node->is_dir;
}

void simfs_unref(void *arg, struct simfs_node *node)
{
	struct simfs *sim = arg;

	if (--node->refs > 0)
		return;
	TAILQ_REMOVE(&sim->nodes, node, link);
	simfs_node_free(node);
}

/* The name of node becomes `to` (NULL: none), on disk once dir is synced. */
static int change_name(struct simfs *sim, const char *dir, const char *to,
		       struct simfs_node *node)
{
	struct simfs_change c = {.node = node};
	int r;

	if (!simfs_grow((void **)&sim->changes, sim->nchanges,
			&sim->cap_changes, sizeof(*sim->changes)))
		return -ENOMEM;
	c.dir = strdup(dir);
	c.to = to != NULL ? strdup(to) : NULL;
	r = c.dir == NULL || (to != NULL && c.to == NULL) ? -ENOMEM : 0;
	node->refs++;
	if (r == 0)
		r = simfs_names_place(&sim->now, to, node, simfs_unref, sim);
	if (r != 0) {
		free(c.dir);
		free(c.to);
		simfs_unref(sim, node);
		return r;
	}
	c.number = sim->next_number++;
	sim->changes[sim->nchanges++] = c;
	return 0;
}

int simfs_dir_add(struct simfs *sim, const char *path, bool dir,
		  struct simfs_node **out)
{
	char *parent = path_parent(path);
	struct simfs_node *node;
	int r;

	if (parent == NULL)
		return -ENOMEM;
	if (!simfs_is_dir(sim, parent)) {
		free(parent);
		return -ENOENT;
	}
	node = simfs_node_new(sim->pool, sim->next_number++, dir);
	if (node == NULL) {
		free(parent);
		return -ENOMEM;
	}
	TAILQ_INSERT_TAIL(&sim->nodes, node, link);
	node->refs++; /* so that a failure finds it alive */
	r = change_name(sim, parent, path, node);
	simfs_unref(sim, node);
	free(parent);
	*out = node;
	return r;
}

int simfs_dir_rename(struct simfs *sim, const char *from, const char *to)
{
	struct simfs_node *node = simfs_names_find(&sim->now, from);
	char *parent;
	int r;

	if (node == NULL)
		return -ENOENT;
	if (node->is_dir || simfs_is_dir(sim, to))
		return -EISDIR; /* nobody needs it, and paths would change */
	if (strcmp(from, to) == 0)
		return 0;
	parent = path_parent(to);
	if (parent == NULL)
		return -ENOMEM;
	r = simfs_is_dir(sim, parent) ? change_name(sim, parent, to, node)
				      : -ENOENT;
	free(parent);
	return r;
}

int simfs_dir_unlink(struct simfs *sim, const char *path)
{
	struct simfs_node *node = simfs_names_find(&sim->now, path);
	char *parent;
	int r;

	if (node == NULL)
		return path[0] == '\0' ? -EISDIR : -ENOENT;
	if (node->is_dir)
		return -EISDIR;
	parent = path_parent(path);
	if (parent == NULL)
		return -ENOMEM;
	r = change_name(sim, parent, NULL, node);
	free(parent);
	return r;
}

int simfs_dir_make(struct simfs *sim, const char *path)
{
	struct simfs_node *node;

	if (path[0] == '\0' || simfs_names_find(&sim->now, path) != NULL)
		return -EEXIST;
	return simfs_dir_add(sim, path, true, &node);
}

void simfs_change_release(struct simfs *sim, struct simfs_change *c)
{
	free(c->dir);
	free(c->to);
	simfs_unref(sim, c->node);
}

/* Puts change i on disk. What happened before to the same file or name has
 * been overtaken: a restart cannot find it any more. */
static int persist_change(struct simfs *sim, size_t i)
{
	struct simfs_change done = sim->changes[i];
	size_t kept = 0;
	int r = simfs_names_place(&sim->disk, done.to, done.node, simfs_unref,
				  sim);

	if (r != 0)
		return r;
	for (size_t j = 0; j < sim->nchanges; j++) {
		struct simfs_change *c = &sim->changes[j];
		bool overtaken = j < i && (c->node == done.node ||
					   (c->to != NULL && done.to != NULL &&
					    strcmp(c->to, done.to) == 0));
		if (overtaken)
			simfs_change_release(sim, c);
		else if (j != i)
			sim->changes[kept++] = *c;
	}
	sim->nchanges = kept;
	simfs_change_release(sim, &done);
	return 0;
}

int simfs_dir_sync(struct simfs *sim, const char *dir)
{
	size_t i = 0;

	if (!simfs_is_dir(sim, dir))
		return -ENOENT;
	while (i < sim->nchanges) {
		size_t before = sim->nchanges;
		struct simfs_change *c = &sim->changes[i];
		int r;

		if (strcmp(c->dir, dir) != 0) {
			i++;
			continue;
		}
		r = persist_change(sim, i);
		if (r != 0)
			return r;
		/* It and those overtaken, all at or before i, are gone. */
		i = i + 1 - (before - sim->nchanges);
	}
	return 0;
}

/* The part of `path` below `dir` if it lies directly in it, else NULL. */
static const char *entry_in(const char *dir, const char *path)
{
	size_t n = strlen(dir);
	const char *rest;

	if (strncmp(path, dir, n) != 0)
		return NULL;
	rest = path + n;
	if (*rest == '/')
		rest++;
	else if (n > 0)
		return NULL;
	return *rest != '\0' && strchr(rest, '/') == NULL ? rest : NULL;
}

void simfs_dir_list(const struct simfs *sim, const char *dir, fs_list_fn *fn,
		    void *arg)
{
	for (size_t i = 0; i < sim->now.n; i++) {
		const char *entry = entry_in(dir, sim->now.v[i].path);
		if (entry != NULL)
			fn(arg, entry);
	}
}

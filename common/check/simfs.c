/*
 * simfs.c - the operations of the simulated file system: see simfs.h.
 *
 * Each one is a step: it is counted, shown to the watcher, and met by a fault
 * if one waits for it; then it is done on the nodes; then it is traced.
 */
#include "check/simfs.h"
#include "check/simfs_node.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#define FILE_MAX_DEFAULT (4u << 20)

struct handle {
	struct file file;
	struct simfs *sim;
	struct simfs_node *node;
	bool writable;
	char path[]; /* for watching */
};

static struct simfs *sim_of(struct fs *fs)
{
	return (struct simfs *)fs; /* its first member */
}

static struct handle *handle_of(struct file *f)
{
	return (struct handle *)f; /* its first member */
}

/* ---- files ---- */

static ssize_t sim_pread(struct file *f, void *buf, size_t len, uint64_t off)
{
	struct handle *h = handle_of(f);
	struct simfs_running st;
	size_t n = off < h->node->size ? (size_t)(h->node->size - off) : 0;
	int r;

	if (n > len)
		n = len;
	r = simfs_step_begin(&st, h->sim,
			     (struct simfs_step){.op = SIMFS_PREAD,
						 .path = h->path,
						 .off = off,
						 .len = n});
	if (r != 0)
		return simfs_step_end(&st, r);
	if (n > 0)
		memcpy(buf, h->node->data + off, n);
	if (st.flip && n > 0)
		((unsigned char *)buf)[st.bit / 8 % n] ^=
			(unsigned char)(1u << st.bit % 8);
	simfs_step_done(&st, (ssize_t)n);
	return (ssize_t)n;
}

static int sim_pwrite(struct file *f, const void *buf, size_t len, uint64_t off)
{
	struct handle *h = handle_of(f);
	struct simfs_running st;
	int r = simfs_step_begin(&st, h->sim,
				 (struct simfs_step){.op = SIMFS_PWRITE,
						     .path = h->path,
						     .off = off,
						     .len = len});

	if (!h->writable)
		return simfs_step_end(&st, -EBADF);
	if (r == 0)
		r = simfs_node_write(h->node, buf, len, off);
	else if (st.written > 0 && !h->sim->dead)
		(void)!simfs_node_write(
			h->node, buf, st.written < len ? st.written : len, off);
	return simfs_step_end(&st, r);
}

static int sim_sync(struct file *f)
{
	struct handle *h = handle_of(f);
	struct simfs_running st;
	int r = simfs_step_begin(
		&st, h->sim,
		(struct simfs_step){.op = SIMFS_SYNC, .path = h->path});

	if (r == 0)
		simfs_node_sync(h->node);
	else if (!h->sim->dead)
		simfs_node_sync_failed(h->node);
	return simfs_step_end(&st, r);
}

static int sim_size(struct file *f, uint64_t *size)
{
	struct handle *h = handle_of(f);
	struct simfs_running st;
	int r = simfs_step_begin(
		&st, h->sim,
		(struct simfs_step){.op = SIMFS_SIZE, .path = h->path});

	if (r == 0)
		*size = h->node->size;
	return simfs_step_end(&st, r);
}

static int sim_map(struct file *f, size_t len, const void **out)
{
	struct handle *h = handle_of(f);
	struct simfs_node *node = h->node;
	struct simfs_running st;
	int r = simfs_step_begin(&st, h->sim,
				 (struct simfs_step){.op = SIMFS_MAP,
						     .path = h->path,
						     .len = len});

	if (r == 0 && (len == 0 || len > node->pool->file_max))
		r = -EINVAL;
	if (r != 0)
		return simfs_step_end(&st, r);
	if (st.flip && node->size > 0)
		node->data[st.bit / 8 %
			   (len < node->size ? len : node->size)] ^=
			(char)(1u << st.bit % 8);
	node->refs++;
	node->maps++;
	h->sim->in_use++;
	*out = node->data;
	return simfs_step_end(&st, 0);
}

static void sim_unmap(struct file *f, const void *base, size_t len)
{
	struct simfs *sim = handle_of(f)->sim;
	struct simfs_node *node;

	(void)len;
	/* Not h->node: any file may be used to end the map of another. */
	for (node = TAILQ_FIRST(&sim->nodes); node != NULL;
	     node = TAILQ_NEXT(node, link)) {
		if (node->data != base || node->maps == 0)
			continue;
		node->maps--;
		sim->in_use--;
		simfs_unref(sim, node);
		return;
	}
}

static void sim_close(struct file *f)
{
	struct handle *h = handle_of(f);

	h->sim->in_use--;
	simfs_unref(h->sim, h->node);
	free(h);
}

static const struct file_ops sim_file_ops = {
	.pread = sim_pread,
	.pwrite = sim_pwrite,
	.sync = sim_sync,
	.size = sim_size,
	.map = sim_map,
	.unmap = sim_unmap,
	.close = sim_close,
};

/* ---- names ---- */

static int open_node(struct simfs *sim, const char *path, int flags,
		     struct file **out)
{
	struct simfs_node *node = simfs_names_find(&sim->now, path);
	struct handle *h;
	int r = 0;

	if (flags & FS_CREATE)
		r = node != NULL || path[0] == '\0' ? -EEXIST : 0;
	else if (node == NULL)
		r = path[0] == '\0' ? -EISDIR : -ENOENT;
	else if (node->is_dir)
		r = -EISDIR;
	if (r != 0)
		return r;
	h = malloc(sizeof(*h) + strlen(path) + 1);
	if (h == NULL)
		return -ENOMEM;
	if (flags & FS_CREATE)
		r = simfs_dir_add(sim, path, false, &node);
	if (r != 0) {
		free(h);
		return r;
	}
	h->file.ops = &sim_file_ops;
	h->sim = sim;
	h->node = node;
	h->writable = (flags & FS_WRITE) != 0;
	memcpy(h->path, path, strlen(path) + 1);
	node->refs++;
	sim->in_use++;
	*out = &h->file;
	return 0;
}

static int sim_open(struct fs *fs, const char *name, int flags,
		    struct file **out)
{
	struct simfs *sim = sim_of(fs);
	char *path = simfs_path_normal(name);
	struct simfs_running st;
	int r;

	if (path == NULL)
		return -ENOMEM;
	r = simfs_step_begin(&st, sim,
			     (struct simfs_step){.op = flags & FS_CREATE
							       ? SIMFS_CREATE
							       : SIMFS_OPEN,
						 .path = path});
	if (r == 0)
		r = open_node(sim, path, flags, out);
	r = simfs_step_end(&st, r);
	free(path);
	return r;
}

static int sim_rename(struct fs *fs, const char *from_name, const char *to_name)
{
	struct simfs *sim = sim_of(fs);
	char *from = simfs_path_normal(from_name);
	char *to = simfs_path_normal(to_name);
	struct simfs_running st;
	int r = -ENOMEM;

	if (from != NULL && to != NULL) {
		r = simfs_step_begin(&st, sim,
				     (struct simfs_step){.op = SIMFS_RENAME,
							 .path = from,
							 .to = to});
		if (r == 0)
			r = simfs_dir_rename(sim, from, to);
		r = simfs_step_end(&st, r);
	}
	free(from);
	free(to);
	return r;
}

/* unlink, mkdir and sync_dir differ in what is done between the steps. */
static int sim_on_path(struct fs *fs, const char *name, enum simfs_op op)
{
	struct simfs *sim = sim_of(fs);
	char *path = simfs_path_normal(name);
	struct simfs_running st;
	int r;

	if (path == NULL)
		return -ENOMEM;
	r = simfs_step_begin(&st, sim,
			     (struct simfs_step){.op = op, .path = path});
	if (op == SIMFS_SYNC_DIR && r == 0)
		r = simfs_dir_sync(sim, path);
	else if (op == SIMFS_UNLINK && r == 0)
		r = simfs_dir_unlink(sim, path);
	else if (op == SIMFS_MKDIR && r == 0)
		r = simfs_dir_make(sim, path);
	r = simfs_step_end(&st, r);
	free(path);
	return r;
}

static int sim_unlink(struct fs *fs, const char *path)
{
	return sim_on_path(fs, path, SIMFS_UNLINK);
}

static int sim_mkdir(struct fs *fs, const char *path)
{
	return sim_on_path(fs, path, SIMFS_MKDIR);
}

static int sim_sync_dir(struct fs *fs, const char *path)
{
	return sim_on_path(fs, path, SIMFS_SYNC_DIR);
}

static int sim_list(struct fs *fs, const char *name, fs_list_fn *fn, void *arg)
{
	struct simfs *sim = sim_of(fs);
	char *dir = simfs_path_normal(name);
	struct simfs_running st;
	int r;

	if (dir == NULL)
		return -ENOMEM;
	r = simfs_step_begin(
		&st, sim, (struct simfs_step){.op = SIMFS_LIST, .path = dir});
	if (r == 0 && !simfs_is_dir(sim, dir))
		r = -ENOENT;
	if (r == 0)
		simfs_dir_list(sim, dir, fn, arg);
	r = simfs_step_end(&st, r);
	free(dir);
	return r;
}

/* ---- the whole ---- */

struct simfs *simfs_new_in(struct simfs_pool *pool)
{
	static const struct fs_ops ops = {
		.open = sim_open,
		.rename = sim_rename,
		.unlink = sim_unlink,
		.mkdir = sim_mkdir,
		.sync_dir = sim_sync_dir,
		.list = sim_list,
	};
	struct simfs *sim = calloc(1, sizeof(*sim));

	if (sim == NULL)
		return NULL;
	sim->fs.ops = &ops;
	sim->pool = pool;
	pool->refs++;
	TAILQ_INIT(&sim->nodes);
	buf_init(&sim->trace);
	return sim;
}

struct simfs *simfs_new(size_t file_max)
{
	struct simfs_pool *pool =
		simfs_pool_new(file_max ? file_max : FILE_MAX_DEFAULT);
	struct simfs *sim;

	if (pool == NULL)
		return NULL;
	sim = simfs_new_in(pool);
	simfs_pool_unref(pool);
	return sim;
}

void simfs_free(struct simfs *sim)
{
	if (sim == NULL)
		return;
	for (size_t i = 0; i < sim->nchanges; i++)
		simfs_change_release(sim, &sim->changes[i]);
	free(sim->changes);
	simfs_names_release(&sim->now, simfs_unref, sim);
	simfs_names_release(&sim->disk, simfs_unref, sim);
	buf_release(&sim->trace);
	simfs_pool_unref(sim->pool);
	free(sim);
}

struct fs *simfs_fs(struct simfs *sim)
{
	return &sim->fs;
}

size_t simfs_in_use(const struct simfs *sim)
{
	return sim->in_use;
}

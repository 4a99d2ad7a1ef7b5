/*
 * simfs_node.c - files of the simulated file system: see simfs_node.h.
 */
#include "check/simfs_node.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#if defined(__SANITIZE_ADDRESS__)
#define HAVE_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define HAVE_ASAN 1
#endif
#endif

#ifdef HAVE_ASAN
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(p, n) ((void)(p), (void)(n))
#define ASAN_UNPOISON_MEMORY_REGION(p, n) ((void)(p), (void)(n))
#endif

/* A buffer that held more than this goes back to the system rather than being
 * zeroed for the next file. */
#define POOL_KEEP_MAX (256u << 10)

bool simfs_grow(void **v, size_t n, size_t *cap, size_t size)
{
	size_t want = *cap ? *cap * 2 : 8;
	void *p;

	if (n < *cap)
		return true;
	p = reallocarray(*v, want, size);
	if (p == NULL)
		return false;
	*v = p;
	*cap = want;
	return true;
}

struct simfs_pool *simfs_pool_new(size_t file_max)
{
	struct simfs_pool *pool = calloc(1, sizeof(*pool));

	if (pool == NULL)
		return NULL;
	pool->refs = 1;
	pool->file_max = (file_max + 4095) / 4096 * 4096;
	return pool;
}

void simfs_pool_unref(struct simfs_pool *pool)
{
	if (--pool->refs > 0)
		return;
	for (size_t i = 0; i < pool->nidle; i++) {
		/* Whoever is given these addresses next starts afresh. */
		ASAN_UNPOISON_MEMORY_REGION(pool->idle[i], pool->file_max);
		munmap(pool->idle[i], pool->file_max);
	}
	free(pool->idle);
	free(pool);
}

static char *pool_get(struct simfs_pool *pool)
{
	void *p;

	if (pool->nidle > 0)
		return pool->idle[--pool->nidle];
	p = mmap(NULL, pool->file_max, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (p == MAP_FAILED)
		return NULL;
	ASAN_POISON_MEMORY_REGION(p, pool->file_max);
	return p;
}

static void pool_put(struct simfs_pool *pool, char *data, uint64_t used)
{
	if (used > POOL_KEEP_MAX ||
	    !simfs_grow((void **)&pool->idle, pool->nidle, &pool->cap,
			sizeof(*pool->idle))) {
		ASAN_UNPOISON_MEMORY_REGION(data, pool->file_max);
		munmap(data, pool->file_max);
		return;
	}
	memset(data, 0, used);
	ASAN_POISON_MEMORY_REGION(data, pool->file_max);
	pool->idle[pool->nidle++] = data;
}

struct simfs_node *simfs_node_new(struct simfs_pool *pool, uint64_t number,
				  bool is_dir)
{
	struct simfs_node *node = calloc(1, sizeof(*node));

	if (node == NULL)
		return NULL;
	node->number = number;
	node->is_dir = is_dir;
	node->pool = pool;
	node->data = pool_get(pool);
	if (node->data == NULL) {
		free(node);
		return NULL;
	}
	pool->refs++;
	return node;
}

void simfs_node_free(struct simfs_node *node)
{
	for (size_t i = 0; i < node->npast; i++)
		free(node->past[i].old);
	free(node->past);
	free(node->old_sizes);
	pool_put(node->pool, node->data, node->size);
	simfs_pool_unref(node->pool);
	free(node);
}

/* Where the sector is among those with a past, or would be. */
static size_t past_find(const struct simfs_node *node, uint64_t number)
{
	size_t lo = 0, hi = node->npast;

	while (lo < hi) {
		size_t mid = (lo + hi) / 2;
		if (node->past[mid].number < number)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static int past_keep(struct simfs_node *node, size_t at, uint64_t number)
{
	struct simfs_sector *s;
	unsigned char *old;

	if (at == node->npast || node->past[at].number != number) {
		if (!simfs_grow((void **)&node->past, node->npast,
				&node->cap_past, sizeof(*node->past)))
			return -ENOMEM;
		s = &node->past[at];
		memmove(s + 1, s, (node->npast - at) * sizeof(*s));
		*s = (struct simfs_sector){.number = number};
		node->npast++;
	}
	s = &node->past[at];
	old = reallocarray(s->old, s->nold + 1, SIMFS_SECTOR);
	if (old == NULL)
		return -ENOMEM;
	memcpy(old + (size_t)s->nold * SIMFS_SECTOR,
	       node->data + number * SIMFS_SECTOR, SIMFS_SECTOR);
	s->old = old;
	s->nold++;
	return 0;
}

/* Writes within one sector. A write that changes nothing makes no version of
 * its own, as no restart could tell; it does make a clean sector dirty. */
static int write_sector(struct simfs_node *node, const void *buf, size_t len,
			uint64_t off)
{
	uint64_t number = off / SIMFS_SECTOR;
	size_t at = past_find(node, number);
	bool known = at < node->npast && node->past[at].number == number;

	if (memcmp(node->data + off, buf, len) != 0) {
		int r = past_keep(node, at, number);
		if (r != 0)
			return r;
		known = true;
	}
	if (known)
		node->past[at].queued = true;
	memcpy(node->data + off, buf, len);
	return 0;
}

static int grow_to(struct simfs_node *node, uint64_t size)
{
	uint64_t sectors = (size + SIMFS_SECTOR - 1) / SIMFS_SECTOR;

	if (!simfs_grow((void **)&node->old_sizes, node->nold_sizes,
			&node->cap_sizes, sizeof(*node->old_sizes)))
		return -ENOMEM;
	node->old_sizes[node->nold_sizes++] = node->size;
	node->size_queued = true;
	node->size = size;
	/* Whole sectors: versions are copied sector by sector. */
	ASAN_UNPOISON_MEMORY_REGION(node->data, sectors * SIMFS_SECTOR);
	return 0;
}

int simfs_node_write(struct simfs_node *node, const void *buf, size_t len,
		     uint64_t off)
{
	uint64_t end;
	int r = 0;

	if (len == 0)
		return 0;
	if (__builtin_add_overflow(off, len, &end) ||
	    end > node->pool->file_max)
		return -EFBIG;
	if (end > node->size)
		r = grow_to(node, end);
	while (r == 0 && len > 0) {
		size_t n = SIMFS_SECTOR - off % SIMFS_SECTOR;
		if (n > len)
			n = len;
		r = write_sector(node, buf, n, off);
		buf = (const char *)buf + n;
		off += n;
		len -= n;
	}
	return r;
}

void simfs_node_sync(struct simfs_node *node)
{
	size_t kept = 0;

	for (size_t i = 0; i < node->npast; i++) {
		if (node->past[i].queued)
			free(node->past[i].old);
		else
			node->past[kept++] = node->past[i];
	}
	node->npast = kept;
	if (node->size_queued)
		node->nold_sizes = 0;
	node->size_queued = false;
}

void simfs_node_sync_failed(struct simfs_node *node)
{
	for (size_t i = 0; i < node->npast; i++)
		node->past[i].queued = false;
	node->size_queued = false;
}

static int copy_past(struct simfs_node *to, const struct simfs_node *from)
{
	to->old_sizes = calloc(from->nold_sizes + 1, sizeof(*to->old_sizes));
	to->past = calloc(from->npast + 1, sizeof(*to->past));
	if (to->old_sizes == NULL || to->past == NULL)
		return -ENOMEM;
	to->cap_sizes = from->nold_sizes + 1;
	to->cap_past = from->npast + 1;
	for (size_t i = 0; i < from->nold_sizes; i++)
		to->old_sizes[to->nold_sizes++] = from->old_sizes[i];
	for (size_t i = 0; i < from->npast; i++) {
		struct simfs_sector *s = &to->past[i];
		*s = from->past[i];
		s->old = reallocarray(NULL, s->nold, SIMFS_SECTOR);
		if (s->old == NULL)
			return -ENOMEM;
		to->npast++;
		memcpy(s->old, from->past[i].old,
		       (size_t)s->nold * SIMFS_SECTOR);
	}
	return 0;
}

void simfs_node_load(struct simfs_node *node, const void *data, uint64_t size)
{
	uint64_t sectors = (size + SIMFS_SECTOR - 1) / SIMFS_SECTOR;

	ASAN_UNPOISON_MEMORY_REGION(node->data, sectors * SIMFS_SECTOR);
	if (size > 0)
		memcpy(node->data, data, size);
	node->size = size;
}

struct simfs_node *simfs_node_copy(const struct simfs_node *node)
{
	struct simfs_node *copy =
		simfs_node_new(node->pool, node->number, node->is_dir);

	if (copy == NULL)
		return NULL;
	simfs_node_load(copy, node->data, node->size);
	copy->size_queued = node->size_queued;
	if (copy_past(copy, node) == 0)
		return copy;
	simfs_node_free(copy);
	return NULL;
}

struct simfs_node *simfs_names_find(const struct simfs_names *names,
				    const char *path)
{
	for (size_t i = 0; i < names->n; i++)
		if (strcmp(names->v[i].path, path) == 0)
			return names->v[i].node;
	return NULL;
}

static void names_remove(struct simfs_names *names, size_t i,
			 simfs_unref_fn *unref, void *arg)
{
	struct simfs_name gone = names->v[i];

	memmove(&names->v[i], &names->v[i + 1],
		(names->n - i - 1) * sizeof(gone));
	names->n--;
	free(gone.path);
	unref(arg, gone.node);
}

int simfs_names_place(struct simfs_names *names, const char *path,
		      struct simfs_node *node, simfs_unref_fn *unref, void *arg)
{
	char *copy = NULL;

	if (path != NULL) {
		copy = strdup(path);
		if (copy == NULL ||
		    !simfs_grow((void **)&names->v, names->n, &names->cap,
				sizeof(*names->v))) {
			free(copy);
			return -ENOMEM;
		}
	}
	node->refs++;
	for (size_t i = names->n; i-- > 0;)
		if (names->v[i].node == node ||
		    (path != NULL && strcmp(names->v[i].path, path) == 0))
			names_remove(names, i, unref, arg);
	if (path == NULL) {
		unref(arg, node);
		return 0;
	}
	names->v[names->n++] = (struct simfs_name){.path = copy, .node = node};
	return 0;
}

void simfs_names_release(struct simfs_names *names, simfs_unref_fn *unref,
			 void *arg)
{
	while (names->n > 0)
		names_remove(names, names->n - 1, unref, arg);
	free(names->v);
	*names = (struct simfs_names){0};
}

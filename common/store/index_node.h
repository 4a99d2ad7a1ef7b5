/*
 * index_node.h - the inside of the ordered index; only index*.c and its tests
 * include it. What users see is index.h.
 *
 * A node is NODE_SIZE bytes:
 *
 *	header | prefix | heads[n] | slots[n] | values[n] | free | heap
 *
 * Every key in a node begins with the prefix, kept once. Of what follows it,
 * the suffix, the first four bytes stand in heads[] as a big-endian number
 * padded with zeros, so that a search is a binary search among numbers that
 * lie in a few cache lines; the rest lies in the heap, which grows downwards.
 * slots[i] says where: up to HEAD_BYTES it is the length of a suffix that is
 * all in its head, else the offset in the node of
 *
 *	one byte r > 0, then the r bytes of the suffix behind the head, or
 *	a zero byte, then a pointer to a struct long_key that holds the key.
 *
 * Whether a key is kept outside depends on its length alone, never on the node
 * that it is in; therefore moving entries between nodes needs no memory.
 *
 * values[i] is a location in a leaf. In an inner node it is the child whose
 * keys are >= key i; `first` is the child below key 0. An inner node may have
 * no key, a leaf has at least one. All leaves are at level 0.
 */
#ifndef STORE_INDEX_NODE_H
#define STORE_INDEX_NODE_H

#include "store/index.h"

#include <stdint.h>
#include <sys/queue.h>

/* index.c says why. */
#ifndef NODE_SIZE
#define NODE_SIZE 2048u
#endif
#define NODE_HEADER 32u
#define NODE_PREFIX_MAX (NODE_SIZE / 8 < 255 ? NODE_SIZE / 8 : 255)
/* Longer keys are kept outside the nodes. */
#define KEY_INLINE_MAX NODE_PREFIX_MAX
#define HEAD_BYTES 4u
/* A head, a value and a slot. */
#define ENTRY_FIXED 14u
#define ENTRY_OUTSIDE (1 + sizeof(void *))
#define ENTRY_MAX (ENTRY_FIXED + 1 + KEY_INLINE_MAX)
#define CACHE_LINE 64u

/* A tree this high would take more splits than there is time for; reaching it
 * is answered like running out of memory. */
#define INDEX_HEIGHT_MAX 48

struct node {
	uint16_t n;
	uint16_t heap; /* offset of the heap's first byte */
	uint16_t dead; /* bytes in the heap that nobody uses any more */
	uint16_t last; /* where the last insertion was, and how many before it
			  went up or down from one to the next */
	uint8_t up;
	uint8_t down;
	uint8_t prefix_len;
	uint8_t level;
	union {
		struct {
			struct node *prev, *next;
		};
		struct node *first;
	};
	unsigned char bytes[NODE_SIZE - NODE_HEADER];
};

_Static_assert(sizeof(struct node) == NODE_SIZE, "a node is one size");
/* Half of a full node and of a new entry, and one entry that would not be
 * halved, fit a node together with its prefix: so any split in the middle by
 * bytes has room on both sides. */
_Static_assert((NODE_SIZE + 3 * ENTRY_MAX) / 2 + NODE_PREFIX_MAX + 16 <=
		       NODE_SIZE - NODE_HEADER,
	       "entries are small enough for splits");

struct long_key {
	uint32_t len;
	char data[];
};

/* A key with its value. A long one owns its block; `key` points into it. */
struct entry {
	struct slice key;
	uint64_t value;
	struct long_key *block; /* NULL: the key is kept in the node */
};

/* An entry taken out of a node, with room for its key. Do not copy. */
struct held {
	struct entry e;
	char space[KEY_INLINE_MAX];
};

struct slab;
LIST_HEAD(slab_list, slab);

struct pool {
	struct slab_list roomy; /* slabs with a free node */
	struct slab_list full;
	size_t spare; /* nodes that need no further memory */
	size_t used;  /* nodes handed out */
	size_t slab_bytes;
	size_t long_bytes;
	size_t long_keys;
};

struct index {
	struct node *root; /* NULL: no key at all */
	unsigned height;   /* levels; 0: no root */
	uint64_t count;
	uint64_t changes;
	uint64_t shape; /* moves when a key comes or goes */
	bool loading;	/* between index_load() and index_load_end() */
	struct pool pool;
};

/* The way from a leaf, node[0], to the root. slot[i] says which child of
 * node[i] it takes: -1 is the first. */
struct path {
	struct node *node[INDEX_HEIGHT_MAX];
	int slot[INDEX_HEIGHT_MAX];
};

/* ---- index_pool.c: memory ---- */

void pool_init(struct pool *pool);
void pool_release(struct pool *pool); /* nodes only; free long keys first */
size_t pool_memory(const struct pool *pool);
/* The next `nodes` calls of node_new() will succeed. */
bool pool_reserve(struct pool *pool, size_t nodes);
/* An empty node, not linked to anything; only after pool_reserve(). */
struct node *node_new(struct pool *pool, unsigned level);
void node_free(struct pool *pool, struct node *nd);
/* NULL: out of memory. */
struct long_key *long_key_new(struct pool *pool, struct slice key);
void long_key_free(struct pool *pool, struct long_key *block); /* or NULL */

/* ---- index_node.c: one node ---- */

/* The first entry whose head is not below the key's: where node_search() will
 * begin to compare. */
unsigned node_guess(const struct node *nd, struct slice key);
/* Where the key is, or where it would be inserted. */
unsigned node_search(const struct node *nd, struct slice key, bool *found);
/* Whether the key is there, and where, given *at from node_guess(). */
bool node_find(const struct node *nd, struct slice key, unsigned *at);
void node_entry(const struct node *nd, unsigned i, struct held *out);
/* The length of key i, and whether it is kept outside. */
size_t node_key_len(const struct node *nd, unsigned i, bool *outside);
/*
 * Inserts at `at`, rebuilding the node with another prefix or without dead
 * bytes when that is what it takes. False, and nothing changed: no room. A
 * block then belongs to the node.
 */
bool node_admit(struct node *nd, unsigned at, const struct entry *e);
/* Writes entry i, whose place in the arrays is there and whose key begins with
 * the prefix, and pushes its rest on the heap, which has room. */
void node_write(struct node *nd, unsigned i, const struct entry *e);
/* The same with entry j of a node whose prefix is equally long. */
void node_copy(struct node *nd, unsigned i, const struct node *from,
	       unsigned j);
/* Takes entry i out; its block, if any, belongs to the caller again. */
struct long_key *node_remove(struct node *nd, unsigned i);
/* Bytes in use, header included. */
size_t node_live(const struct node *nd);

/* ---- index_build.c: nodes out of others' entries ---- */

/* A run of entries: those of `left`, then of `right` (or NULL), with `extra`
 * (or NULL) put in at extra_at. The nodes are copies that nobody changes. */
struct source {
	const struct node *left;
	const struct node *right;
	const struct entry *extra;
	unsigned extra_at;
};

unsigned source_count(const struct source *src);
/* Copies an entry; a key without a block goes to out's own space. */
void held_set(struct held *out, const struct entry *e);
/* The entry; its key lies in `out` or in its block. */
void source_entry(const struct source *src, unsigned i, struct held *out);
/* Whether a node can hold the entries from <= i < to. */
bool source_fits(const struct source *src, unsigned from, unsigned to);
/* The size of the node that would hold them; above NODE_SIZE: it cannot. */
size_t source_bytes(const struct source *src, unsigned from, unsigned to);
/* Cuts the run into `parts` pieces of about the same size in bytes; piece i
 * ends before cuts[i], i < parts - 1. A piece can come out empty. */
void source_cut(const struct source *src, unsigned parts, unsigned *cuts);
/* The shortest key that is above entry m - 1 and not above entry m. It lies in
 * `out`; without a block yet, however long. */
void source_separator(const struct source *src, unsigned m, struct held *left,
		      struct held *out);
/* Makes nd hold exactly the entries from <= i < to, which must fit. Its level
 * and links stay. */
void node_build(struct node *nd, const struct source *src, unsigned from,
		unsigned to);

/* ---- index.c, index_put.c ---- */

/* The leaf where the key is or belongs; NULL: no leaves. */
struct node *index_leaf(const struct index *ix, struct slice key);
/* The same with the way to it; there must be a leaf. */
struct node *index_path(const struct index *ix, struct slice key,
			struct path *path);
/* Inserts a new key at `at` in the leaf of the path. 0 or KV_ENOMEM with the
 * index unchanged. */
int index_insert(struct index *ix, struct path *path, unsigned at,
		 struct slice key, uint64_t loc);
/* The first key of an empty index. */
int index_insert_first(struct index *ix, struct slice key, uint64_t loc);

/* ---- the arrays of a node ---- */

typedef uint32_t __attribute__((may_alias)) head_t;
typedef uint64_t __attribute__((may_alias)) value_t;
typedef uint16_t __attribute__((may_alias)) slot_t;

static inline size_t heads_at(size_t prefix_len)
{
	return NODE_HEADER + ((prefix_len + 3) & ~(size_t)3);
}

static inline size_t slots_at(size_t prefix_len, size_t n)
{
	return heads_at(prefix_len) + 4 * n;
}

static inline size_t values_at(size_t prefix_len, size_t n)
{
	return (slots_at(prefix_len, n) + 2 * n + 7) & ~(size_t)7;
}

static inline size_t arrays_end(size_t prefix_len, size_t n)
{
	return values_at(prefix_len, n) + 8 * n;
}

static inline char *node_at(const struct node *nd, size_t offset)
{
	return (char *)((uintptr_t)nd + offset);
}

static inline char *node_prefix(const struct node *nd)
{
	return node_at(nd, NODE_HEADER);
}

static inline head_t *node_heads(const struct node *nd)
{
	return (head_t *)node_at(nd, heads_at(nd->prefix_len));
}

static inline value_t *node_values(const struct node *nd)
{
	return (value_t *)node_at(nd, values_at(nd->prefix_len, nd->n));
}

static inline slot_t *node_slots(const struct node *nd)
{
	return (slot_t *)node_at(nd, slots_at(nd->prefix_len, nd->n));
}

static inline struct node *node_child(const struct node *nd, int slot)
{
	if (slot < 0)
		return nd->first;
	return (struct node *)(uintptr_t)node_values(nd)[slot];
}

static inline uint64_t child_value(const struct node *child)
{
	return (uintptr_t)child;
}

/* Brings what a search reads first, the header and most of the heads, nearer
 * all at once instead of line after line. */
static inline void node_prefetch(const struct node *nd)
{
	for (size_t line = 0; line < 6; line++)
		__builtin_prefetch(node_at(nd, line * CACHE_LINE));
}

/* The child of nd that the key leads to. */
static inline int node_descend(const struct node *nd, struct slice key)
{
	bool found;
	unsigned at = node_search(nd, key, &found);

	return found ? (int)at : (int)at - 1;
}

/* Bytes of heap that a key takes in a node with that prefix. */
static inline size_t heap_bytes(size_t key_len, bool outside, size_t prefix_len)
{
	if (outside)
		return ENTRY_OUTSIDE;
	if (key_len - prefix_len <= HEAD_BYTES)
		return 0;
	return 1 + key_len - prefix_len - HEAD_BYTES;
}

#endif

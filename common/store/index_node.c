/*
 * index_node.c - searching and changing one node; index_node.h draws it.
 */
#include "store/index_node.h"

#include "base/bytes.h"

/* What follows the head of a suffix. */
struct rest {
	size_t suffix_len;
	const char *data; /* of suffix_len - HEAD_BYTES bytes, if positive */
	struct long_key *block;
};

static struct long_key *block_at(const char *p)
{
	struct long_key *block;

	memcpy(&block, p + 1, sizeof(block));
	return block;
}

/* Of what the key has from byte `at` on. A short rest is the end of a load that
 * begins before it, so that nearly no key needs a loop. */
static inline uint32_t head_of(struct slice key, size_t at)
{
	size_t len = key.len - at, lacking;
	uint32_t head = 0;

	if (len >= HEAD_BYTES) {
		memcpy(&head, key.data + at, HEAD_BYTES);
		return be32toh(head);
	}
	lacking = HEAD_BYTES - len;
	if (key.len >= HEAD_BYTES) {
		memcpy(&head, key.data + key.len - HEAD_BYTES, HEAD_BYTES);
		return (uint32_t)((uint64_t)be32toh(head) << 8 * lacking);
	}
	for (; at < key.len; at++)
		head = head << 8 | (unsigned char)key.data[at];
	return (uint32_t)((uint64_t)head << 8 * lacking);
}

static struct rest node_rest(const struct node *nd, unsigned i)
{
	size_t slot = node_slots(nd)[i];
	struct rest r = {.suffix_len = slot};
	const char *p;

	if (slot <= HEAD_BYTES)
		return r;
	p = node_at(nd, slot);
	if (*p != 0) {
		r.suffix_len = HEAD_BYTES + (unsigned char)*p;
		r.data = p + 1;
		return r;
	}
	r.block = block_at(p);
	r.suffix_len = r.block->len - nd->prefix_len;
	if (r.suffix_len > HEAD_BYTES)
		r.data = r.block->data + nd->prefix_len + HEAD_BYTES;
	return r;
}

/*
 * The order of two suffixes with equal heads. Where one of them ends within
 * the head, the other one has zeros there, so that the shorter is a prefix of
 * the longer.
 */
static int compare_rest(struct slice suffix, const struct node *nd, unsigned i)
{
	struct rest r = node_rest(nd, i);

	if (suffix.len <= HEAD_BYTES || r.suffix_len <= HEAD_BYTES)
		return (suffix.len > r.suffix_len) -
		       (suffix.len < r.suffix_len);
	return slice_cmp(
		slice_of(suffix.data + HEAD_BYTES, suffix.len - HEAD_BYTES),
		slice_of(r.data, r.suffix_len - HEAD_BYTES));
}

/* The first of n heads that is not below `head`, without a branch that the
 * processor would have to guess. */
static inline unsigned lower_bound(const head_t *heads, unsigned n,
				   uint32_t head)
{
	const head_t *base = heads;

	if (n == 0)
		return 0;
	while (n > 1) {
		unsigned half = n / 2;

		base += half & (0 - (size_t)(base[half - 1] < head));
		n -= half;
	}
	return (unsigned)(base - heads) + (*base < head);
}

/* Among the entries from `low` on that share the head. */
static unsigned search_ties(const struct node *nd, unsigned low, uint32_t head,
			    struct slice suffix, bool *found)
{
	const head_t *heads = node_heads(nd);
	unsigned high = low + 1;

	if (high < nd->n && heads[high] == head)
		high = head == UINT32_MAX
			       ? nd->n
			       : low + lower_bound(heads + low, nd->n - low,
						   head + 1);
	while (low < high) {
		unsigned mid = low + (high - low) / 2;
		int c = compare_rest(suffix, nd, mid);

		if (c == 0) {
			*found = true;
			return mid;
		}
		if (c < 0)
			high = mid;
		else
			low = mid + 1;
	}
	return low;
}

unsigned node_guess(const struct node *nd, struct slice key)
{
	if (key.len < nd->prefix_len)
		return 0;
	return lower_bound(node_heads(nd), nd->n, head_of(key, nd->prefix_len));
}

/* Compares with the prefix; of a key that has it all, *suffix gets the rest. */
static inline int compare_prefix(const struct node *nd, struct slice key,
				 struct slice *suffix)
{
	size_t n = nd->prefix_len;

	if (key.len < n) {
		/* What an empty key points to may not be compared. */
		int c = key.len != 0
				? memcmp(key.data, node_prefix(nd), key.len)
				: 0;

		return c != 0 ? c : -1;
	}
	*suffix = slice_of(key.data + n, key.len - n);
	if (bytes_equal(key.data, node_prefix(nd), n))
		return 0;
	return memcmp(key.data, node_prefix(nd), n);
}

unsigned node_search(const struct node *nd, struct slice key, bool *found)
{
	struct slice suffix;
	int c = compare_prefix(nd, key, &suffix);
	uint32_t head;
	unsigned at;

	*found = false;
	if (c != 0)
		return c < 0 ? 0 : nd->n;
	head = head_of(key, nd->prefix_len);
	at = lower_bound(node_heads(nd), nd->n, head);
	if (at == nd->n || node_heads(nd)[at] != head)
		return at;
	return search_ties(nd, at, head, suffix, found);
}

bool node_find(const struct node *nd, struct slice key, unsigned *at)
{
	struct slice suffix;
	bool found = false;
	uint32_t head;

	if (*at == nd->n || compare_prefix(nd, key, &suffix) != 0)
		return false;
	head = head_of(key, nd->prefix_len);
	if (node_heads(nd)[*at] == head)
		*at = search_ties(nd, *at, head, suffix, &found);
	return found;
}

void node_entry(const struct node *nd, unsigned i, struct held *out)
{
	struct rest r = node_rest(nd, i);
	size_t prefix_len = nd->prefix_len;
	uint32_t head;

	out->e.value = node_values(nd)[i];
	out->e.block = r.block;
	if (r.block != NULL) {
		out->e.key = slice_of(r.block->data, r.block->len);
		return;
	}
	memcpy(out->space, node_prefix(nd), prefix_len);
	head = htobe32(node_heads(nd)[i]);
	memcpy(out->space + prefix_len, &head,
	       r.suffix_len < HEAD_BYTES ? r.suffix_len : HEAD_BYTES);
	if (r.suffix_len > HEAD_BYTES)
		memcpy(out->space + prefix_len + HEAD_BYTES, r.data,
		       r.suffix_len - HEAD_BYTES);
	out->e.key = slice_of(out->space, prefix_len + r.suffix_len);
}

size_t node_key_len(const struct node *nd, unsigned i, bool *outside)
{
	struct rest r = node_rest(nd, i);

	*outside = r.block != NULL;
	return nd->prefix_len + r.suffix_len;
}

size_t node_live(const struct node *nd)
{
	return arrays_end(nd->prefix_len, nd->n) + (NODE_SIZE - nd->heap) -
	       nd->dead;
}

/* ---- changing a node in place ---- */

/* Makes room for one entry at `at` in the arrays, the last array first. */
static void open_gap(struct node *nd, unsigned at)
{
	head_t *heads = node_heads(nd);
	value_t *values = node_values(nd), *new_values;
	slot_t *slots = node_slots(nd), *new_slots;
	size_t behind = nd->n - (size_t)at;

	nd->n++;
	new_values = node_values(nd);
	new_slots = node_slots(nd);
	memmove(new_values + at + 1, values + at, behind * sizeof(*values));
	if (new_values != values)
		memmove(new_values, values, at * sizeof(*values));
	memmove(new_slots + at + 1, slots + at, behind * sizeof(*slots));
	memmove(new_slots, slots, at * sizeof(*slots));
	memmove(heads + at + 1, heads + at, behind * sizeof(*heads));
}

static void close_gap(struct node *nd, unsigned at)
{
	head_t *heads = node_heads(nd);
	value_t *values = node_values(nd), *new_values;
	slot_t *slots = node_slots(nd), *new_slots;
	size_t behind = nd->n - (size_t)at - 1;

	nd->n--;
	new_values = node_values(nd);
	new_slots = node_slots(nd);
	memmove(heads + at, heads + at + 1, behind * sizeof(*heads));
	memmove(new_slots, slots, at * sizeof(*slots));
	memmove(new_slots + at, slots + at + 1, behind * sizeof(*slots));
	if (new_values != values)
		memmove(new_values, values, at * sizeof(*values));
	memmove(new_values + at, values + at + 1, behind * sizeof(*values));
}

void node_write(struct node *nd, unsigned i, const struct entry *e)
{
	const char *suffix = e->key.data + nd->prefix_len;
	size_t len = e->key.len - nd->prefix_len;
	size_t need = heap_bytes(e->key.len, e->block != NULL, nd->prefix_len);
	char *p;

	node_heads(nd)[i] = head_of(e->key, nd->prefix_len);
	node_values(nd)[i] = e->value;
	if (need == 0) {
		node_slots(nd)[i] = (uint16_t)len;
		return;
	}
	nd->heap = (uint16_t)(nd->heap - need);
	node_slots(nd)[i] = nd->heap;
	p = node_at(nd, nd->heap);
	if (e->block != NULL) {
		*p = 0;
		memcpy(p + 1, &e->block, sizeof(e->block));
	} else {
		*p = (char)(unsigned char)(len - HEAD_BYTES);
		memcpy(p + 1, suffix + HEAD_BYTES, len - HEAD_BYTES);
	}
}

void node_copy(struct node *nd, unsigned i, const struct node *from, unsigned j)
{
	size_t slot = node_slots(from)[j];

	node_heads(nd)[i] = node_heads(from)[j];
	node_values(nd)[i] = node_values(from)[j];
	if (slot > HEAD_BYTES) {
		const char *p = node_at(from, slot);
		size_t need = *p ? 1u + (unsigned char)*p : ENTRY_OUTSIDE;

		slot = nd->heap - need;
		nd->heap = (uint16_t)slot;
		memcpy(node_at(nd, slot), p, need);
	}
	node_slots(nd)[i] = (uint16_t)slot;
}

static void note_insertion(struct node *nd, unsigned at)
{
	nd->up = at == nd->last + 1u ? (uint8_t)(nd->up + (nd->up < 255)) : 0;
	nd->down = at == nd->last ? (uint8_t)(nd->down + (nd->down < 255)) : 0;
	nd->last = (uint16_t)at;
}

static bool admit_rebuilt(struct node *nd, unsigned at, const struct entry *e)
{
	struct node old;
	struct source src = {.left = &old, .extra = e, .extra_at = at};

	/* Only a longer prefix could still help then: too rare to look. */
	if (node_live(nd) - nd->prefix_len + ENTRY_FIXED > NODE_SIZE)
		return false;
	old = *nd;
	if (!source_fits(&src, 0, nd->n + 1u))
		return false;
	node_build(nd, &src, 0, nd->n + 1u);
	return true;
}

/* A new root begins empty and would keep its empty prefix until it is full: all
 * heads the same, if all keys begin alike. So each time that it has doubled it
 * gets the prefix that its keys allow. */
static void renew_prefix(struct node *nd)
{
	struct node old = *nd;
	struct source src = {.left = &old};

	node_build(nd, &src, 0, old.n);
}

bool node_admit(struct node *nd, unsigned at, const struct entry *e)
{
	size_t need;

	if (!slice_has_prefix(e->key,
			      slice_of(node_prefix(nd), nd->prefix_len))) {
		if (!admit_rebuilt(nd, at, e))
			return false;
	} else {
		need = heap_bytes(e->key.len, e->block != NULL, nd->prefix_len);
		if (arrays_end(nd->prefix_len, nd->n + 1u) + need > nd->heap) {
			if (!admit_rebuilt(nd, at, e))
				return false;
		} else {
			open_gap(nd, at);
			node_write(nd, at, e);
		}
	}
	note_insertion(nd, at);
	if (nd->level > 0 && (nd->n & (nd->n - 1u)) == 0)
		renew_prefix(nd);
	return true;
}

struct long_key *node_remove(struct node *nd, unsigned i)
{
	struct rest r = node_rest(nd, i);
	size_t slot = node_slots(nd)[i];
	size_t freed = heap_bytes(nd->prefix_len + r.suffix_len,
				  r.block != NULL, nd->prefix_len);

	if (slot == nd->heap)
		nd->heap = (uint16_t)(nd->heap + freed);
	else
		nd->dead = (uint16_t)(nd->dead + freed);
	close_gap(nd, i);
	if (nd->n == 0) {
		nd->heap = NODE_SIZE;
		nd->dead = 0;
	}
	return r.block;
}

/*
 * sim_model.c - what the committed entries of a simulated cluster come to.
 *
 * Each entry is applied once, when the first node has committed it, to a plain
 * list of keys. Nothing of the store's own way of applying is used, so that its
 * errors show when a node that is at the same index holds something else.
 */
#include "check/sim_impl.h"

#include "base/err.h"
#include "store/format.h"

#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

static uint64_t hash_of(struct slice s)
{
	return XXH64(s.data, s.len, 1) | 1;
}

static uint64_t state_hash(struct slice value, uint64_t version,
			   uint64_t expires_ms)
{
	const uint64_t numbers[] = {version, expires_ms};

	return XXH64(value.data, value.len,
		     XXH64(numbers, sizeof(numbers), 0)) |
	       1;
}

/* ---- entries ---- */

/* The key's place; made if it is not there. */
static struct sim_live *find(struct sim_model *m, struct slice key)
{
	size_t low = 0, high = m->nlive, middle;
	struct sim_live *made;
	int c;

	while (low < high) {
		middle = low + (high - low) / 2;
		c = slice_cmp(buf_slice(&m->live[middle].key), key);
		if (c == 0)
			return &m->live[middle];
		if (c < 0)
			low = middle + 1;
		else
			high = middle;
	}
	m->live =
		sim_grow(m->live, &m->live_cap, m->nlive + 1, sizeof(*m->live));
	made = &m->live[low];
	memmove(made + 1, made, (m->nlive++ - low) * sizeof(*made));
	*made = (struct sim_live){0};
	buf_append_slice(&made->key, key);
	if (buf_failed(&made->key))
		abort();
	return made;
}

/* No two writes of the clients write the same, so it is one that was carried
 * out twice. */
static void check_once(struct sim_net *net, const struct sim_fact *fact,
		       const struct stored_item *item)
{
	const struct sim_model *m = &net->model;

	for (size_t i = m->nfacts; i-- > 0;)
		if (m->facts[i].value == fact->value &&
		    m->facts[i].key == fact->key)
			sim_break(net,
				  "entries %llu and %llu both set %.*s=%.*s",
				  (unsigned long long)m->facts[i].index,
				  (unsigned long long)fact->index,
				  (int)item->key.len, item->key.data,
				  (int)item->value.len, item->value.data);
}

static void apply_item(struct sim_net *net, uint64_t index,
		       const struct stored_item *item)
{
	bool gone = (item->flags & ITEM_TOMBSTONE) != 0;
	struct sim_model *m = &net->model;
	struct sim_fact fact = {
		.index = index,
		.key = hash_of(item->key),
		.value = gone ? 0 : hash_of(item->value),
	};

	sim_log(net, "entry %llu is committed: %.*s=%.*s",
		(unsigned long long)index, (int)item->key.len, item->key.data,
		key_is_own(item->key) ? 0 : (int)item->value.len,
		item->value.data);
	find(m, item->key)->hash =
		gone ? 0 : state_hash(item->value, index, item->expires_ms);
	if (key_is_own(item->key))
		return;
	if (net->options.unique_values && !gone)
		check_once(net, &fact, item);
	m->facts = sim_grow(m->facts, &m->facts_cap, m->nfacts + 1,
			    sizeof(*m->facts));
	m->facts[m->nfacts++] = fact;
}

void sim_model_apply(struct sim_net *net, uint64_t index,
		     const struct store_log_entry *e)
{
	struct sim_model *m = &net->model;
	const char *at = e->items.data;
	size_t left = e->items.len;
	struct stored_item item;

	if (index != m->index + 1)
		m->unknown = true;
	if (e->count == 0)
		sim_log(net, "entry %llu is committed: nothing",
			(unsigned long long)index);
	m->index = index;
	for (uint32_t i = 0; i < e->count; i++) {
		/* store_log_entry_next() has checked it. */
		if (!item_decode_apart(at, left, &item))
			abort();
		apply_item(net, index, &item);
		at += item.size;
		left -= item.size;
	}
}

void sim_model_release(struct sim_model *m)
{
	for (size_t i = 0; i < m->nlive; i++)
		buf_release(&m->live[i].key);
	free(m->live);
	free(m->facts);
}

bool sim_was_written(const struct sim_net *net, struct slice key,
		     struct slice value, uint64_t version)
{
	const struct sim_model *m = &net->model;

	if (m->unknown)
		return true;
	for (size_t i = m->nfacts; i-- > 0;)
		if (m->facts[i].index == version &&
		    m->facts[i].key == hash_of(key) &&
		    m->facts[i].value == hash_of(value))
			return true;
	return false;
}

/* ---- stores ---- */

static const struct sim_live *next_live(const struct sim_model *m, size_t *at)
{
	while (*at < m->nlive && m->live[*at].hash == 0)
		++*at;
	return *at < m->nlive ? &m->live[(*at)++] : NULL;
}

static void compare(struct sim_node *n, struct slice items)
{
	const struct sim_live *live;
	struct stored_item item;
	size_t at = 0;

	while (items.len != 0) {
		live = next_live(&n->net->model, &at);
		if (!item_decode_apart(items.data, items.len, &item)) {
			sim_break(n->net, "%s has a garbled snapshot", n->name);
			return;
		}
		if (live == NULL ||
		    !slice_eq(buf_slice(&live->key), item.key) ||
		    live->hash != state_hash(item.value, item.version,
					     item.expires_ms)) {
			sim_break(n->net,
				  "%s holds another '%.*s' than entries up to "
				  "%llu make",
				  n->name, (int)item.key.len, item.key.data,
				  (unsigned long long)n->net->model.index);
			return;
		}
		items.data += item.size;
		items.len -= item.size;
	}
	live = next_live(&n->net->model, &at);
	if (live != NULL)
		sim_break(n->net, "%s lacks '%.*s' after entry %llu", n->name,
			  (int)live->key.len, live->key.data,
			  (unsigned long long)n->net->model.index);
}

static void audit(struct sim_node *n)
{
	struct store_snapshot *snap;
	uint64_t index, term;
	bool done = false;
	struct buf items;
	int r = 0;

	/* Others may be reading as many as there can be. */
	if (store_snapshot_begin(n->store, &snap, &index, &term) != 0)
		return;
	buf_init(&items);
	while (r == 0 && !done)
		r = store_snapshot_next(n->store, snap, SIZE_MAX, &items,
					&done);
	store_snapshot_end(n->store, snap);
	if (r != 0)
		sim_break(n->net, "%s cannot be read: %s", n->name, err_text());
	else if (index == n->net->model.index)
		compare(n, buf_slice(&items));
	buf_release(&items);
}

void sim_audit(struct sim_net *net)
{
	for (unsigned i = 1; i <= net->options.nodes; i++) {
		struct sim_node *n = &net->nodes[i];

		if (n->up && n->store != NULL && n->swap == NULL &&
		    !net->model.unknown && net->model.index != 0 &&
		    store_log_committed(n->store) == net->model.index)
			audit(n);
	}
}

/*
 * power_model.c - see power_model.h.
 */
#include "check/power_model.h"

#include "base/err.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

int model_init(struct model *m)
{
	*m = (struct model){.cap = 64};
	m->v = calloc(m->cap, sizeof(*m->v));
	if (m->v == NULL)
		return err_set(KV_ENOMEM, "no memory for a model");
	m->n = 1;
	return 0;
}

void model_release(struct model *m)
{
	free(m->v);
	*m = (struct model){0};
}

void model_key(unsigned key, char text[MODEL_KEY_MAX])
{
	snprintf(text, MODEL_KEY_MAX, "%c-%02u", 'a' + (char)(key % 3), key);
}

static bool key_number(struct slice name, unsigned *key)
{
	char text[MODEL_KEY_MAX];

	for (*key = 0; *key < MODEL_KEYS; (*key)++) {
		model_key(*key, text);
		if (slice_eq(name, slice_str(text)))
			return true;
	}
	return false;
}

uint64_t model_hash(struct slice value)
{
	uint64_t h = XXH3_64bits(value.data, value.len);

	return h != 0 ? h : 1;
}

struct model_state *model_next(struct model *m)
{
	if (m->n == m->cap) {
		void *v = reallocarray(m->v, m->cap * 2, sizeof(*m->v));

		if (v == NULL)
			return NULL;
		m->v = v;
		m->cap *= 2;
	}
	m->v[m->n] = m->v[m->n - 1];
	return &m->v[m->n++];
}

void model_ack(struct model *m, uint64_t durable)
{
	while (m->acked + 1 < m->n && m->v[m->acked + 1].seq <= durable)
		m->acked++;
}

static int read_item(const struct item *item, struct model_state *found)
{
	unsigned key;

	if (!key_number(item->key, &key))
		return err_set(KV_EDAMAGED, "a key that nobody wrote: '%.*s'",
			       (int)item->key.len, item->key.data);
	if (found->value[key] != 0)
		return err_set(KV_EDAMAGED, "the key '%.*s' is there twice",
			       (int)item->key.len, item->key.data);
	found->value[key] = model_hash(item->value);
	return 0;
}

int model_read(struct store *s, struct model_state *found)
{
	struct request req = {.op = OP_SCAN};
	struct buf cursor = {0};
	struct reply reply;
	int r = 0;

	*found = (struct model_state){0};
	do {
		store_execute(s, &req, &reply);
		if (reply.code != 0)
			r = err_set(KV_EDAMAGED, "cannot scan: %s",
				    reply.message);
		for (size_t i = 0; r == 0 && i < reply.nitems; i++)
			r = read_item(&reply.items[i], found);
		buf_clear(&cursor);
		buf_append_slice(&cursor, reply.cursor);
		req.cursor = buf_slice(&cursor);
	} while (r == 0 && req.cursor.len > 0);
	buf_release(&cursor);
	return r;
}

static bool same(const struct model_state *a, const struct model_state *b)
{
	return memcmp(a->value, b->value, sizeof(a->value)) == 0;
}

bool model_match(const struct model *m, const struct model_state *found,
		 size_t *which)
{
	for (size_t i = m->n; i-- > m->acked;) {
		if (same(&m->v[i], found)) {
			*which = i;
			return true;
		}
	}
	return false;
}

void model_settle(struct model *m, size_t which)
{
	m->n = which + 1;
	m->acked = which;
}

/* The write that left this value under the key; "missing" is of a write too. */
static void explain_value(const struct model *m, unsigned key, uint64_t value,
			  struct buf *out)
{
	for (size_t i = m->n; i-- > 0;) {
		bool here = m->v[i].value[key] == value;

		if (here && (i == 0 || m->v[i - 1].value[key] != value)) {
			buf_printf(out, "%s by write %zu",
				   value != 0 ? "as set" : "missing as left",
				   i);
			return;
		}
	}
	buf_append_str(out, "a value that nobody wrote");
}

void model_explain(const struct model *m, const struct model_state *found,
		   struct buf *out)
{
	const struct model_state *acked = &m->v[m->acked];
	char text[MODEL_KEY_MAX];

	buf_printf(out,
		   "The store is in none of the states from write %zu (the "
		   "last acknowledged) to %zu.\n",
		   m->acked, m->n - 1);
	for (unsigned key = 0; key < MODEL_KEYS; key++) {
		if (found->value[key] == acked->value[key])
			continue;
		model_key(key, text);
		buf_printf(out, "  '%s' is ", text);
		explain_value(m, key, found->value[key], out);
		buf_append_str(out, "; acknowledged was: ");
		explain_value(m, key, acked->value[key], out);
		buf_append_char(out, '\n');
	}
}

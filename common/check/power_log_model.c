/*
 * power_log_model.c - see power_log_model.h.
 */
#include "check/power_log_model.h"

#include "base/bytes.h"

#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

/* A new state, a copy of the last one but for what the entry is. */
static struct log_state *add_state(struct log_states *l)
{
	if (l->n == l->cap) {
		size_t cap = l->cap ? 2 * l->cap : 64;
		void *v = reallocarray(l->v, cap, sizeof(*l->v));

		if (v == NULL)
			return NULL;
		l->v = v;
		l->cap = cap;
	}
	if (l->n == 0)
		memset(&l->v[0], 0, sizeof(l->v[0]));
	else
		l->v[l->n] = l->v[l->n - 1];
	l->v[l->n].content = 0;
	return &l->v[l->n++];
}

static int copy_states(struct log_states *to, const struct log_states *from)
{
	to->n = 0;
	for (size_t i = 0; i < from->n; i++) {
		struct log_state *state = add_state(to);

		if (state == NULL)
			return err_set(KV_ENOMEM, "no memory for a model");
		*state = from->v[i];
	}
	return 0;
}

int log_model_init(struct log_model *m)
{
	*m = (struct log_model){0};
	return add_state(&m->log) != NULL
		       ? 0
		       : err_set(KV_ENOMEM, "no memory for a model");
}

void log_model_release(struct log_model *m)
{
	free(m->log.v);
	free(m->before.v);
	*m = (struct log_model){0};
}

uint64_t log_model_content(struct store *s, uint64_t index, uint64_t *term)
{
	struct buf b = {0};
	uint64_t last, h = 0;

	if (store_log_term(s, index, term) == 0 &&
	    store_log_read(s, index, index, 1, &b, &last) == 0 && b.len >= 16 &&
	    get_le64(b.data) == *term)
		h = XXH3_64bits(b.data, b.len) | 1;
	buf_release(&b);
	return h;
}

/* ---- what happens to the log ---- */

int log_model_append(struct log_model *m, struct store *s, uint64_t term,
		     const uint64_t *values)
{
	uint64_t index = store_appended(s);
	struct log_state *state;

	if (index != m->log.n)
		return err_set(KV_EDAMAGED, "entry %llu was appended, not %zu",
			       (unsigned long long)index, m->log.n);
	state = add_state(&m->log);
	if (state == NULL)
		return err_set(KV_ENOMEM, "no memory for a model");
	memcpy(state->value, values, sizeof(state->value));
	state->content = log_model_content(s, index, &state->term);
	return state->content != 0 && state->term == term
		       ? 0
		       : err_set(KV_EDAMAGED,
				 "an entry is not what was appended");
}

int log_model_truncate(struct log_model *m, uint64_t index)
{
	int r = m->before.n == 0 ? copy_states(&m->before, &m->log) : 0;

	if (r == 0)
		m->log.n = index;
	return r;
}

void log_model_switch(struct log_model *m, uint64_t index)
{
	m->log.n = index + 1;
	m->before.n = 0;
	m->durable = index;
	m->switching = 0;
}

void log_model_ack(struct log_model *m, uint64_t durable)
{
	if (durable >= m->log.n)
		durable = m->log.n - 1;
	if (durable > m->durable)
		m->before.n = 0; /* the truncation is on disk */
	m->durable = durable;
}

/* ---- comparing ---- */

bool log_model_shows(struct store *s, const struct log_state *state,
		     const char *when, struct buf *failure)
{
	struct model_state found;

	if (model_read(s, &found) != 0) {
		buf_printf(failure, "%s: %s\n", when, err_text());
		return false;
	}
	for (unsigned i = 0; i < MODEL_KEYS; i++) {
		if (found.value[i] == state->value[i])
			continue;
		buf_printf(failure,
			   "%s (committed %llu, last %llu): key %u is wrong\n",
			   when, (unsigned long long)store_log_committed(s),
			   (unsigned long long)store_appended(s), i);
		return false;
	}
	return true;
}

/* Whether the log of the store is this one, as far as it goes. */
static bool same_log(struct store *s, const struct log_states *l)
{
	uint64_t first = store_log_first(s), last = store_appended(s), term;

	if (last >= l->n || store_log_term(s, first - 1, &term) != 0 ||
	    term != l->v[first - 1].term)
		return false;
	for (uint64_t i = first; i <= last; i++)
		if (log_model_content(s, i, &term) != l->v[i].content)
			return false;
	return true;
}

/* Whether the store has the log as it was before a truncation. */
static bool not_truncated(const struct log_model *m, struct store *s)
{
	return m->before.n != 0 && store_appended(s) + 1 == m->before.n &&
	       same_log(s, &m->before);
}

bool log_model_settle(struct log_model *m, struct store *s, const char *when,
		      struct buf *failure)
{
	bool ok;

	if (not_truncated(m, s) && copy_states(&m->log, &m->before) != 0) {
		buf_append_str(failure, err_text());
		return false;
	}
	m->before.n = 0;
	ok = same_log(s, &m->log);
	if (!ok)
		buf_printf(failure, "%s: another log\n", when);
	ok = ok && log_model_shows(s, &m->log.v[store_log_committed(s)], when,
				   failure);
	m->log.n = store_appended(s) + 1;
	m->durable = store_durable(s);
	return ok;
}

static bool steps_match(const struct log_states *l, struct store *s,
			struct buf *failure)
{
	uint64_t last = store_appended(s);

	if (!log_model_shows(s, &l->v[store_log_committed(s)], "opened",
			     failure))
		return false;
	for (uint64_t i = store_log_committed(s); i < last;) {
		/* All the last ones, and some before. */
		i += i + 8 < last ? (last - i) / 2 : 1;
		if (i == last - (last - store_log_first(s)) / 3) {
			if (store_log_lead(s, 1000) != 0 ||
			    !log_model_shows(s, &l->v[last], "leading",
					     failure))
				return false;
			store_log_follow(s);
			if (!log_model_shows(s, &l->v[store_log_committed(s)],
					     "taken back", failure))
				return false;
		}
		if (store_log_commit(s, i) != 0 ||
		    !log_model_shows(s, &l->v[i], "committed", failure))
			return false;
	}
	return true;
}

bool log_model_matches(const struct log_model *m, struct store *s,
		       struct buf *failure)
{
	uint64_t last = store_appended(s), committed = store_log_committed(s);
	const struct log_states *l = NULL;

	if (m->switching != 0 && last == m->switching &&
	    store_log_first(s) == last + 1 && committed == last &&
	    same_log(s, &m->log))
		return steps_match(&m->log, s, failure);
	if (last >= m->durable && same_log(s, &m->log))
		l = &m->log;
	else if (not_truncated(m, s))
		l = &m->before;
	if (l == NULL) {
		buf_printf(failure,
			   "the log from %llu to %llu is not one that was "
			   "there (durable was %llu)\n",
			   (unsigned long long)store_log_first(s),
			   (unsigned long long)last,
			   (unsigned long long)m->durable);
		return false;
	}
	if (committed > m->committed || committed + 1 < store_log_first(s)) {
		buf_printf(failure, "%llu counts as committed, but %llu is\n",
			   (unsigned long long)committed,
			   (unsigned long long)m->committed);
		return false;
	}
	return steps_match(l, s, failure);
}

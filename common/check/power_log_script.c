/*
 * power_log_script.c - see power_log_script.h. Steps are drawn by lot, as in
 * power_script.c.
 */
#include "check/power_log_script.h"

#include "base/err.h"
#include "base/random.h"
#include "store/format.h"

#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#define SEGMENT (16u << 10)
#define VALUE_MAX 1500u

static unsigned lot(struct log_script *sc, unsigned n)
{
	return (unsigned)(random_next(&sc->random) % n);
}

static uint64_t stopped_clock(void *arg)
{
	(void)arg;
	return 1700000000000;
}

int log_script_open(struct simfs *sim, struct store **out)
{
	struct store_options options = {
		.fs = simfs_fs(sim),
		.now_ms = stopped_clock,
		.segment_min = SEGMENT,
		.segment_max = SEGMENT,
		.create = true,
		.replicated = true,
		.log_keep = 1,
	};

	*out = NULL;
	return store_open(out, SCRIPT_DIR, &options);
}

static bool fail(struct log_script *sc, const char *what)
{
	buf_printf(&sc->failure, "%s: %s\n", what, err_text());
	return false;
}

/* ---- the model ---- */

static struct log_state *model_add(struct log_model *m)
{
	if (m->n == m->cap) {
		size_t cap = m->cap ? 2 * m->cap : 64;
		void *v = reallocarray(m->v, cap, sizeof(*m->v));

		if (v == NULL)
			return NULL;
		m->v = v;
		m->cap = cap;
	}
	if (m->n == 0)
		memset(&m->v[0], 0, sizeof(m->v[0]));
	else
		m->v[m->n] = m->v[m->n - 1];
	m->v[m->n].content = 0;
	return &m->v[m->n++];
}

static bool model_copy(struct log_model *to, const struct log_model *from)
{
	to->n = 0;
	for (size_t i = 0; i < from->n; i++) {
		struct log_state *state = model_add(to);

		if (state == NULL)
			return false;
		*state = from->v[i];
	}
	return true;
}

uint64_t log_script_content(struct store *s, uint64_t index, uint64_t *term)
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

/* What the store has durably now. */
static void note(struct log_script *sc)
{
	if (sc->store == NULL)
		return;
	if (store_durable(sc->store) > sc->durable)
		sc->before.n = 0; /* the truncation is on disk */
	sc->durable = store_durable(sc->store);
}

/* An entry was appended that led to `next`. */
static bool appended(struct log_script *sc, const struct log_state *next)
{
	uint64_t index = store_appended(sc->store);
	struct log_state *state;

	if (index != sc->log.n) {
		buf_printf(&sc->failure, "entry %llu was appended, not %zu\n",
			   (unsigned long long)index, sc->log.n);
		return false;
	}
	state = model_add(&sc->log);
	if (state == NULL)
		return fail(sc, "no memory");
	memcpy(state->value, next->value, sizeof(state->value));
	state->content = log_script_content(sc->store, index, &state->term);
	if (state->content == 0 || state->term != sc->term)
		return fail(sc, "an entry is not what was appended");
	return true;
}

/* ---- comparing ---- */

static bool same_contents(struct store *s, const struct log_state *state,
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

/* Whether the log of the store is the model's, as far as it goes. */
static bool same_log(struct store *s, const struct log_model *m)
{
	uint64_t first = store_log_first(s), last = store_appended(s), term;

	if (last >= m->n || store_log_term(s, first - 1, &term) != 0 ||
	    term != m->v[first - 1].term)
		return false;
	for (uint64_t i = first; i <= last; i++)
		if (log_script_content(s, i, &term) != m->v[i].content)
			return false;
	return true;
}

static bool steps_match(const struct log_model *m, struct store *s,
			struct buf *failure)
{
	uint64_t last = store_appended(s);

	if (!same_contents(s, &m->v[store_log_committed(s)], "opened", failure))
		return false;
	for (uint64_t i = store_log_committed(s); i < last;) {
		/* All the last ones, and some before. */
		i += i + 8 < last ? (last - i) / 2 : 1;
		if (i == last - (last - store_log_first(s)) / 3) {
			if (store_log_lead(s, 1000) != 0 ||
			    !same_contents(s, &m->v[last], "leading", failure))
				return false;
			store_log_follow(s);
			if (!same_contents(s, &m->v[store_log_committed(s)],
					   "taken back", failure))
				return false;
		}
		if (store_log_commit(s, i) != 0 ||
		    !same_contents(s, &m->v[i], "committed", failure))
			return false;
	}
	return true;
}

bool log_script_matches(const struct log_script *sc, struct store *s,
			struct buf *failure)
{
	uint64_t last = store_appended(s), committed = store_log_committed(s);
	const struct log_model *m = NULL;

	if (sc->switching != 0 && last == sc->switching &&
	    store_log_first(s) == last + 1 && committed == last &&
	    same_log(s, &sc->log))
		return steps_match(&sc->log, s, failure);
	if (last >= sc->durable && same_log(s, &sc->log))
		m = &sc->log;
	else if (sc->before.n != 0 && last + 1 == sc->before.n &&
		 same_log(s, &sc->before))
		m = &sc->before;
	if (m == NULL) {
		buf_printf(failure,
			   "the log from %llu to %llu is not one that was "
			   "there (durable was %llu)\n",
			   (unsigned long long)store_log_first(s),
			   (unsigned long long)last,
			   (unsigned long long)sc->durable);
		return false;
	}
	if (committed > sc->committed || committed + 1 < store_log_first(s)) {
		buf_printf(failure, "%llu counts as committed, but %llu is\n",
			   (unsigned long long)committed,
			   (unsigned long long)sc->committed);
		return false;
	}
	return steps_match(m, s, failure);
}

/* ---- opening ---- */

/* The store was opened: what it has is the truth now. */
static bool settle(struct log_script *sc)
{
	struct buf why = {0};
	bool ok;

	sc->leading = false;
	if (sc->before.n != 0 &&
	    store_appended(sc->store) + 1 == sc->before.n &&
	    same_log(sc->store, &sc->before)) {
		if (!model_copy(&sc->log, &sc->before))
			return fail(sc, "no memory");
	}
	sc->before.n = 0;
	ok = store_appended(sc->store) < sc->log.n &&
	     same_log(sc->store, &sc->log) &&
	     same_contents(sc->store,
			   &sc->log.v[store_log_committed(sc->store)],
			   "opened again", &why);
	if (!ok)
		buf_printf(&sc->failure, "opened again: another log %.*s\n",
			   (int)why.len, why.data);
	buf_release(&why);
	sc->log.n = store_appended(sc->store) + 1;
	sc->durable = store_durable(sc->store);
	return ok;
}

static bool reopen(struct log_script *sc)
{
	int r = store_close(sc->store);

	sc->store = NULL;
	if (r != 0 && !sc->faulty)
		return fail(sc, "closing failed");
	r = log_script_open(sc->sim, &sc->store);
	if (r != 0 && sc->faulty)
		r = log_script_open(sc->sim, &sc->store);
	if (r != 0)
		return sc->faulty ? false : fail(sc, "opening failed");
	return settle(sc);
}

/* ---- writes ---- */

static struct slice new_value(struct log_script *sc, unsigned key)
{
	size_t len = lot(sc, VALUE_MAX);

	buf_clear(&sc->value);
	buf_printf(&sc->value, "write %llu of key %u ",
		   (unsigned long long)sc->writes++, key);
	while (sc->value.len < len && !buf_failed(&sc->value))
		buf_append_char(&sc->value, '.');
	return buf_slice(&sc->value);
}

int log_script_append(struct store *s, uint64_t term, unsigned key,
		      struct slice value)
{
	char name[MODEL_KEY_MAX], bytes[VALUE_MAX + 128];
	struct stored_item item = {.flags = ITEM_FIRST, .value = value};
	struct store_log_entry e = {.term = term, .count = 1};

	model_key(key, name);
	item.key = slice_str(name);
	if (value.len == 0)
		item.flags |= ITEM_TOMBSTONE;
	item_encode(bytes, &item);
	e.items = slice_of(bytes, item_size(&item));
	return store_log_append(s, &e);
}

static bool do_append(struct log_script *sc)
{
	struct log_state next = sc->log.v[sc->log.n - 1];
	unsigned key = lot(sc, MODEL_KEYS);
	struct slice value = slice_of(NULL, 0);
	struct store_log_entry empty = {.term = sc->term};
	int r;

	if (lot(sc, 10) == 0) {
		r = store_log_append(sc->store, &empty);
	} else {
		if (lot(sc, 6) != 0)
			value = new_value(sc, key);
		next.value[key] = value.len != 0 ? model_hash(value) : 0;
		r = log_script_append(sc->store, sc->term, key, value);
	}
	if (r != 0)
		return sc->faulty ? true : fail(sc, "appending failed");
	return appended(sc, &next);
}

static bool do_lead_write(struct log_script *sc)
{
	struct log_state next = sc->log.v[sc->log.n - 1];
	char names[2][MODEL_KEY_MAX];
	struct change c[2] = {0};
	struct request req = {.op = OP_BULK_SET, .changes = c};
	uint64_t before = store_appended(sc->store);
	unsigned key = lot(sc, MODEL_KEYS);
	struct reply reply;

	req.nchanges = 1 + lot(sc, 2);
	if (lot(sc, 4) == 0)
		req.op = OP_DELETE;
	for (size_t i = 0; i < req.nchanges; i++) {
		unsigned k = (key + (unsigned)i) % MODEL_KEYS;

		model_key(k, names[i]);
		c[i].key = slice_str(names[i]);
		/* Both have the same one, which is enough. */
		c[i].value = i == 0 ? new_value(sc, k) : c[0].value;
		next.value[k] = model_hash(c[i].value);
		if (req.op != OP_DELETE)
			continue;
		c[i].kind = CHANGE_DELETE;
		next.value[k] = 0;
	}
	store_execute(sc->store, &req, &reply);
	if (reply.code != 0)
		return sc->faulty ? true : fail(sc, "a write was refused");
	return store_appended(sc->store) == before || appended(sc, &next);
}

static bool do_write(struct log_script *sc)
{
	return sc->leading ? do_lead_write(sc) : do_append(sc);
}

static bool do_writes(struct log_script *sc, unsigned max)
{
	bool ok = true;

	for (unsigned n = lot(sc, max + 1); ok && n > 0; n--)
		ok = do_write(sc);
	return ok;
}

/* ---- the rest ---- */

/* A store that has failed shows what is committed, and that is the end. */
static bool after_failure(struct log_script *sc, const char *what)
{
	const char *why;

	note(sc);
	if (!sc->faulty)
		return fail(sc, what);
	if (store_failed(sc->store, &why) == 0)
		return true;
	(void)same_contents(sc->store,
			    &sc->log.v[store_log_committed(sc->store)],
			    "failed", &sc->failure);
	return false;
}

static bool do_sync(struct log_script *sc)
{
	int r = store_sync(sc->store);

	if (r != 0)
		return after_failure(sc, "a sync failed");
	note(sc);
	return true;
}

static bool do_flush(struct log_script *sc)
{
	struct store_flush *job = store_flush_begin(sc->store);
	bool ok = do_writes(sc, 2);
	int r;

	if (job == NULL)
		return ok;
	store_flush_run(job);
	ok = ok && do_writes(sc, 2);
	r = store_flush_end(sc->store, job);
	if (r != 0)
		return after_failure(sc, "a flush failed") && ok;
	note(sc);
	return ok;
}

static bool do_commit(struct log_script *sc)
{
	uint64_t from = store_log_committed(sc->store);
	uint64_t to = from + lot(sc, (unsigned)(sc->log.n - from));

	/* What was committed once is so for ever. */
	if (to < sc->committed && sc->committed < sc->log.n)
		to = sc->committed;
	if (store_log_commit(sc->store, to) != 0)
		return fail(sc, "committing failed");
	if (to > sc->committed)
		sc->committed = to;
	return sc->leading || same_contents(sc->store, &sc->log.v[to],
					    "committed", &sc->failure);
}

static bool do_role(struct log_script *sc)
{
	sc->term++;
	if (sc->leading) {
		uint64_t committed = store_log_committed(sc->store);

		store_log_follow(sc->store);
		sc->leading = false;
		return same_contents(sc->store, &sc->log.v[committed],
				     "deposed", &sc->failure);
	}
	if (store_log_lead(sc->store, sc->term) != 0)
		return fail(sc, "leading failed");
	sc->leading = true;
	return same_contents(sc->store, &sc->log.v[sc->log.n - 1], "leading",
			     &sc->failure);
}

static bool do_truncate(struct log_script *sc)
{
	uint64_t least = sc->committed, index;

	if (sc->leading && !do_role(sc))
		return false;
	if (!do_sync(sc))
		return false;
	if (least + 1 >= sc->log.n)
		return true;
	index = least + 1 + lot(sc, (unsigned)(sc->log.n - 1 - least));
	sc->term++;
	if (sc->before.n == 0 && !model_copy(&sc->before, &sc->log))
		return fail(sc, "no memory");
	if (store_log_truncate(sc->store, index) != 0)
		return fail(sc, "truncating failed");
	sc->log.n = index;
	sc->durable = store_durable(sc->store);
	return do_writes(sc, 3) && (lot(sc, 2) == 0 || do_sync(sc));
}

static bool do_task(struct log_script *sc)
{
	struct store_task *job = store_task_begin(sc->store);
	bool ok = do_writes(sc, 2);
	int r;

	if (job == NULL)
		return ok;
	store_task_run(job);
	ok = ok && do_commit(sc);
	r = store_task_end(sc->store, job);
	return r == 0 ? ok : after_failure(sc, "a task failed") && ok;
}

static bool do_maintain(struct log_script *sc)
{
	int r = store_maintain(sc->store);

	if (r != 0)
		return after_failure(sc, "maintenance failed");
	note(sc);
	return true;
}

static int copy_items(struct log_script *sc, struct store_snapshot *snap,
		      struct store_import *im)
{
	struct buf piece = {0};
	bool done = false;
	int r = 0;

	while (r == 0 && !done) {
		buf_clear(&piece);
		r = store_snapshot_next(sc->store, snap, 3000, &piece, &done);
		if (r == 0)
			r = store_import_add(im, buf_slice(&piece));
	}
	buf_release(&piece);
	return r;
}

/* Is replaced by a snapshot, here by one of its own. */
static bool do_import(struct log_script *sc)
{
	struct store_options options = {.fs = simfs_fs(sc->sim),
					.now_ms = stopped_clock,
					.segment_max = SEGMENT};
	struct store_snapshot *snap = NULL;
	struct store_import *im = NULL;
	uint64_t index = 0, term;
	int r = store_snapshot_begin(sc->store, &snap, &index, &term);

	if (r == 0)
		r = store_import_begin(&im, SCRIPT_DIR, &options);
	if (r == 0)
		r = copy_items(sc, snap, im);
	store_snapshot_end(sc->store, snap);
	if (r == 0)
		r = store_import_finish(im, index, term);
	store_import_free(im);
	if (r != 0 || index == 0)
		return r == 0 || sc->faulty || fail(sc, "importing failed");
	r = store_close(sc->store);
	sc->store = NULL;
	if (r == 0)
		r = (sc->switching = index,
		     store_import_switch(SCRIPT_DIR, simfs_fs(sc->sim)));
	if (r != 0)
		return sc->faulty ? false : fail(sc, "switching failed");
	sc->log.n = index + 1;
	sc->before.n = 0;
	sc->durable = index;
	sc->switching = 0;
	r = log_script_open(sc->sim, &sc->store);
	if (r != 0)
		return sc->faulty ? false : fail(sc, "opening failed");
	return settle(sc);
}

bool log_script_step(struct log_script *sc)
{
	unsigned l = lot(sc, 64);

	if (sc->store == NULL) {
		int r = log_script_open(sc->sim, &sc->store);

		return r == 0 || sc->faulty ? r == 0
					    : fail(sc, "creating failed");
	}
	if (l < 28)
		return do_write(sc);
	if (l < 36)
		return do_sync(sc);
	if (l < 42)
		return do_flush(sc);
	if (l < 48)
		return do_commit(sc);
	if (l < 51)
		return do_role(sc);
	if (l < 54)
		return do_truncate(sc);
	if (l < 58)
		return do_task(sc);
	if (l < 61)
		return do_maintain(sc);
	return l < 63 ? reopen(sc) : do_import(sc);
}

int log_script_begin(struct log_script *sc, struct simfs *sim, uint64_t seed)
{
	*sc = (struct log_script){.sim = sim, .random = seed, .term = 1};
	return model_add(&sc->log) != NULL
		       ? 0
		       : err_set(KV_ENOMEM, "no memory for a model");
}

void log_script_end(struct log_script *sc)
{
	if (sc->store != NULL)
		(void)!store_close(sc->store);
	sc->store = NULL;
	free(sc->log.v);
	free(sc->before.v);
	buf_release(&sc->value);
	buf_release(&sc->failure);
}

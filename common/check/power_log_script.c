/*
 * power_log_script.c - see power_log_script.h. Steps are drawn by lot, as in
 * power_script.c.
 */
#include "check/power_log_script.h"

#include "store/format.h"

static struct log_script *script_of(struct workload *w)
{
	return (struct log_script *)w; /* its first member */
}

/* What the store shows has to be this. */
static bool shows(struct log_script *sc, const struct log_state *state,
		  const char *when)
{
	return log_model_shows(sc->work.store, state, when, &sc->work.failure);
}

static const struct log_state *committed_state(const struct log_script *sc)
{
	return &sc->model.log.v[store_log_committed(sc->work.store)];
}

/* ---- the kind ---- */

static int begin(struct workload *w)
{
	struct log_script *sc = script_of(w);

	sc->term = 1;
	sc->leading = false;
	return log_model_init(&sc->model);
}

static void end(struct workload *w)
{
	log_model_release(&script_of(w)->model);
}

static void ack(struct workload *w, uint64_t durable)
{
	log_model_ack(&script_of(w)->model, durable);
}

static uint64_t acked(const struct workload *w)
{
	return ((const struct log_script *)w)->model.durable;
}

/* A store that has failed shows what is committed. */
static bool shows_allowed(struct workload *w, const char *when)
{
	struct log_script *sc = script_of(w);

	return shows(sc, committed_state(sc), when);
}

static bool settle(struct workload *w, const char *when)
{
	struct log_script *sc = script_of(w);

	sc->leading = false;
	return log_model_settle(&sc->model, w->store, when, &w->failure);
}

static bool matches(struct workload *w, struct store *s, struct buf *why)
{
	return log_model_matches(&script_of(w)->model, s, why);
}

/* ---- writes ---- */

int log_script_append(struct store *s, uint64_t term, unsigned key,
		      struct slice value)
{
	char name[MODEL_KEY_MAX], bytes[WORKLOAD_VALUE_MAX + 128];
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

static struct slice new_value(struct log_script *sc, unsigned key)
{
	struct workload *w = &sc->work;

	return workload_value(&w->value, w->writes++, key,
			      workload_lot(w, WORKLOAD_VALUE_MAX));
}

static bool note_entry(struct log_script *sc, const struct log_state *next)
{
	return log_model_append(&sc->model, sc->work.store, sc->term,
				next->value) == 0 ||
	       workload_fail(&sc->work, "appending");
}

static bool follow_write(struct log_script *sc)
{
	struct workload *w = &sc->work;
	struct log_state next = *log_model_last(&sc->model);
	unsigned key = workload_lot(w, MODEL_KEYS);
	struct slice value = slice_of(NULL, 0);
	struct store_log_entry empty = {.term = sc->term};
	int r;

	if (workload_lot(w, 10) == 0) {
		r = store_log_append(w->store, &empty);
	} else {
		if (workload_lot(w, 6) != 0)
			value = new_value(sc, key);
		next.value[key] = value.len != 0 ? model_hash(value) : 0;
		r = log_script_append(w->store, sc->term, key, value);
	}
	if (r != 0)
		return w->faulty ? true : workload_fail(w, "appending failed");
	return note_entry(sc, &next);
}

static bool lead_write(struct log_script *sc)
{
	struct workload *w = &sc->work;
	struct log_state next = *log_model_last(&sc->model);
	char names[2][MODEL_KEY_MAX];
	struct change c[2] = {0};
	struct request req = {.op = OP_BULK_SET, .changes = c};
	uint64_t before = store_appended(w->store);
	unsigned key = workload_lot(w, MODEL_KEYS);
	struct reply reply;

	req.nchanges = 1 + workload_lot(w, 2);
	if (workload_lot(w, 4) == 0)
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
	store_execute(w->store, &req, &reply);
	if (reply.code != 0)
		return w->faulty ? true
				 : workload_fail(w, "a write was refused");
	return store_appended(w->store) == before || note_entry(sc, &next);
}

static bool write_any(struct workload *w)
{
	struct log_script *sc = script_of(w);

	return sc->leading ? lead_write(sc) : follow_write(sc);
}

/* ---- the rest ---- */

static bool do_commit(struct log_script *sc)
{
	struct workload *w = &sc->work;
	struct log_model *m = &sc->model;
	uint64_t from = store_log_committed(w->store);
	uint64_t to = from + workload_lot(w, (unsigned)(m->log.n - from));

	/* What was committed once is so for ever. */
	if (to < m->committed && m->committed < m->log.n)
		to = m->committed;
	if (store_log_commit(w->store, to) != 0)
		return workload_fail(w, "committing failed");
	if (to > m->committed)
		m->committed = to;
	return sc->leading || shows(sc, &m->log.v[to], "committed");
}

static bool do_role(struct log_script *sc)
{
	sc->term++;
	if (sc->leading) {
		store_log_follow(sc->work.store);
		sc->leading = false;
		return shows(sc, committed_state(sc), "deposed");
	}
	if (store_log_lead(sc->work.store, sc->term) != 0)
		return workload_fail(&sc->work, "leading failed");
	sc->leading = true;
	return shows(sc, log_model_last(&sc->model), "leading");
}

static bool do_truncate(struct log_script *sc)
{
	struct workload *w = &sc->work;
	struct log_model *m = &sc->model;
	uint64_t least = m->committed, index;

	if (sc->leading && !do_role(sc))
		return false;
	if (!workload_sync(w))
		return false;
	if (least + 1 >= m->log.n)
		return true;
	index = least + 1 + workload_lot(w, (unsigned)(m->log.n - 1 - least));
	sc->term++;
	if (log_model_truncate(m, index) != 0 ||
	    store_log_truncate(w->store, index) != 0)
		return workload_fail(w, "truncating failed");
	m->durable = store_durable(w->store);
	return workload_writes(w, 3) &&
	       (workload_lot(w, 2) == 0 || workload_sync(w));
}

static bool do_task(struct log_script *sc)
{
	struct workload *w = &sc->work;
	struct store_task *job = store_task_begin(w->store);
	bool ok = workload_writes(w, 2);
	int r;

	if (job == NULL)
		return ok;
	store_task_run(job);
	ok = ok && do_commit(sc);
	r = store_task_end(w->store, job);
	return ok && (r == 0 || workload_survive(w, "a task failed"));
}

/* ---- being replaced by a snapshot ---- */

static int copy_items(struct store *s, struct store_snapshot *snap,
		      struct store_import *im)
{
	struct buf piece = {0};
	bool done = false;
	int r = 0;

	while (r == 0 && !done) {
		buf_clear(&piece);
		r = store_snapshot_next(s, snap, 3000, &piece, &done);
		if (r == 0)
			r = store_import_add(im, buf_slice(&piece));
	}
	buf_release(&piece);
	return r;
}

/* Lays a snapshot of the store beside it. *index: of which entry; 0: there is
 * nothing to lay. */
static int lay_snapshot(struct workload *w, uint64_t *index)
{
	struct store_options options = workload_options(w->kind, w->sim);
	struct store_snapshot *snap = NULL;
	struct store_import *im = NULL;
	uint64_t term;
	int r = store_snapshot_begin(w->store, &snap, index, &term);

	if (r == 0)
		r = store_import_begin(&im, WORKLOAD_DIR, &options);
	if (r == 0)
		r = copy_items(w->store, snap, im);
	store_snapshot_end(w->store, snap);
	if (r == 0)
		r = store_import_finish(im, *index, term);
	store_import_free(im);
	return r;
}

/* By one of its own, here. */
static bool do_import(struct log_script *sc)
{
	struct workload *w = &sc->work;
	uint64_t index = 0;
	int r = lay_snapshot(w, &index);

	if (r != 0 || index == 0)
		return r == 0 || w->faulty ||
		       workload_fail(w, "importing failed");
	r = store_close(w->store);
	w->store = NULL;
	if (r == 0) {
		sc->model.switching = index;
		r = store_import_switch(WORKLOAD_DIR, simfs_fs(w->sim));
	}
	if (r != 0)
		return w->faulty ? false : workload_fail(w, "switching failed");
	log_model_switch(&sc->model, index);
	return workload_start(w, "opening failed", "after a snapshot");
}

static bool step(struct workload *w)
{
	struct log_script *sc = script_of(w);
	unsigned l = workload_lot(w, 64);

	if (w->store == NULL)
		return workload_start(w, "creating failed", "after creating");
	if (l < 28)
		return write_any(w);
	if (l < 36)
		return workload_sync(w);
	if (l < 42)
		return workload_flush(w);
	if (l < 48)
		return do_commit(sc);
	if (l < 51)
		return do_role(sc);
	if (l < 54)
		return do_truncate(sc);
	if (l < 58)
		return do_task(sc);
	if (l < 61)
		return workload_maintain(w);
	return l < 63 ? workload_reopen(w) : do_import(sc);
}

const struct workload_kind log_script_kind = {
	.replicated = true,
	.begin = begin,
	.end = end,
	.step = step,
	.write = write_any,
	.ack = ack,
	.acked = acked,
	.shows_allowed = shows_allowed,
	.settle = settle,
	.matches = matches,
};

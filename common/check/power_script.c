/*
 * power_script.c - see power_script.h.
 *
 * Steps are drawn by lot, with weights that make each path through the store
 * common within a few hundred steps: with segments of 16 KiB and values of some
 * hundred bytes a segment is full after a few dozen writes, and as most keys
 * are overwritten often, compaction and recycling follow soon.
 */
#include "check/power_script.h"

#include <string.h>

#define BATCH_MAX 6u

static struct script *script_of(struct workload *w)
{
	return (struct script *)w; /* its first member */
}

/* ---- the kind ---- */

static int begin(struct workload *w)
{
	return model_init(&script_of(w)->model);
}

static void end(struct workload *w)
{
	model_release(&script_of(w)->model);
}

static void ack(struct workload *w, uint64_t durable)
{
	model_ack(&script_of(w)->model, durable);
}

static uint64_t acked(const struct workload *w)
{
	return ((const struct script *)w)->model.acked;
}

static bool matches(struct workload *w, struct store *s, struct buf *why)
{
	struct script *sc = script_of(w);

	if (model_read(s, &sc->found) != 0) {
		buf_printf(why, "%s\n", err_text());
		return false;
	}
	if (model_match(&sc->model, &sc->found, &sc->which))
		return true;
	model_explain(&sc->model, &sc->found, why);
	return false;
}

static bool shows_allowed(struct workload *w, const char *when)
{
	struct buf why = {0};
	bool ok = matches(w, w->store, &why);

	if (!ok)
		buf_printf(&w->failure, "%s: %.*s", when, (int)why.len,
			   why.data);
	buf_release(&why);
	return ok;
}

static bool settle(struct workload *w, const char *when)
{
	struct script *sc = script_of(w);

	if (!shows_allowed(w, when))
		return false;
	model_settle(&sc->model, sc->which);
	return true;
}

/* ---- writes ---- */

/* What the next write starts from. */
static struct model_state last_state(const struct script *sc)
{
	struct model_state state = *model_last(&sc->model);

	state.set_len = 0;
	return state;
}

/* Executes a write and keeps account of it; `next` is what it leads to. */
static bool write_and_note(struct script *sc, const struct request *req,
			   const struct model_state *next)
{
	uint64_t before = store_appended(sc->work.store);
	struct model_state *state;
	struct reply reply;

	store_execute(sc->work.store, req, &reply);
	if (reply.code != 0) {
		if (store_appended(sc->work.store) > before)
			return workload_fail(&sc->work,
					     "a refused write was appended");
		return sc->work.faulty ? true
				       : workload_fail(&sc->work,
						       "a write was refused");
	}
	if (store_appended(sc->work.store) == before) /* it changed nothing */
		return memcmp(next->value, model_last(&sc->model)->value,
			      sizeof(next->value)) == 0 ||
		       workload_fail(&sc->work, "a write was not appended");
	state = model_next(&sc->model);
	if (state == NULL)
		return workload_fail(&sc->work, "no memory");
	memcpy(state->value, next->value, sizeof(state->value));
	state->seq = store_appended(sc->work.store);
	state->set_key = next->set_key;
	state->set_len = next->set_len;
	return true;
}

static bool do_set(struct script *sc)
{
	unsigned key = workload_lot(&sc->work, MODEL_KEYS);
	struct model_state next = last_state(sc);
	char name[MODEL_KEY_MAX];
	struct change c = {.kind = CHANGE_SET};
	struct request req = {.op = OP_SET, .changes = &c, .nchanges = 1};

	model_key(key, name);
	c.key = slice_str(name);
	c.value = workload_value(&sc->work.value, sc->work.writes++, key,
				 workload_lot(&sc->work, WORKLOAD_VALUE_MAX));
	/* Never due: the clock stands still. */
	c.expires_ms = workload_lot(&sc->work, 8) == 0 ? 1800000000000 : 0;
	next.value[key] = model_hash(c.value);
	next.set_key = key;
	next.set_len = c.expires_ms == 0 ? c.value.len : 0;
	return write_and_note(sc, &req, &next);
}

static bool do_delete(struct script *sc)
{
	struct model_state next = last_state(sc);
	char names[2][MODEL_KEY_MAX];
	struct change c[2] = {{.kind = CHANGE_DELETE}, {.kind = CHANGE_DELETE}};
	struct request req = {.op = OP_DELETE, .changes = c};

	req.nchanges = 1 + workload_lot(&sc->work, 2);
	for (size_t i = 0; i < req.nchanges; i++) {
		unsigned key = workload_lot(&sc->work, MODEL_KEYS);

		model_key(key, names[i]);
		c[i].key = slice_str(names[i]);
		next.value[key] = 0;
	}
	return write_and_note(sc, &req, &next);
}

static bool do_delete_prefix(struct script *sc)
{
	struct model_state next = last_state(sc);
	unsigned group = workload_lot(&sc->work, 3);
	char prefix[] = {(char)('a' + group), '-', '\0'};
	struct request req = {.op = OP_DELETE,
			      .range.prefix = slice_str(prefix),
			      .has_range = true};

	for (unsigned key = group; key < MODEL_KEYS; key += 3)
		next.value[key] = 0;
	return write_and_note(sc, &req, &next);
}

static bool do_bulk(struct script *sc)
{
	struct model_state next = last_state(sc);
	char names[BATCH_MAX][MODEL_KEY_MAX];
	struct buf values[BATCH_MAX] = {0};
	struct change c[BATCH_MAX] = {0};
	struct request req = {.op = OP_BULK_SET, .changes = c};
	unsigned first = workload_lot(&sc->work, MODEL_KEYS);
	bool ok;

	req.nchanges = 2 + workload_lot(&sc->work, BATCH_MAX - 1);
	for (unsigned i = 0; i < req.nchanges; i++) {
		unsigned key = (first + 5 * i) % MODEL_KEYS;

		model_key(key, names[i]);
		c[i].key = slice_str(names[i]);
		c[i].value = workload_value(
			&values[i], sc->work.writes, key,
			workload_lot(&sc->work, WORKLOAD_VALUE_MAX));
		next.value[key] = model_hash(c[i].value);
	}
	sc->work.writes++;
	ok = write_and_note(sc, &req, &next);
	for (size_t i = 0; i < BATCH_MAX; i++)
		buf_release(&values[i]);
	return ok;
}

static bool write_any(struct workload *w)
{
	struct script *sc = script_of(w);
	unsigned l = workload_lot(w, 16);

	if (l < 10)
		return do_set(sc);
	if (l < 12)
		return do_delete(sc);
	return l < 15 ? do_bulk(sc) : do_delete_prefix(sc);
}

/* ---- the rest ---- */

static bool do_task(struct workload *w)
{
	struct store_task *job = store_task_begin(w->store);
	bool ok = workload_writes(w, 1);
	int r;

	if (job == NULL)
		return ok;
	store_task_run(job);
	ok = ok && workload_writes(w, 1);
	r = store_task_end(w->store, job);
	ack(w, store_durable(w->store));
	if (r != 0 && !w->faulty)
		return workload_fail(w, "a background task failed");
	return ok;
}

static bool step(struct workload *w)
{
	unsigned l = workload_lot(w, 32);

	if (w->store == NULL)
		return workload_start(w, "creating failed", "after creating");
	if (l < 16)
		return write_any(w);
	if (l < 22)
		return workload_sync(w);
	if (l < 26)
		return workload_flush(w);
	if (l < 29)
		return do_task(w);
	return l < 31 ? workload_maintain(w) : workload_reopen(w);
}

const struct workload_kind script_kind = {
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

int script_write_once(struct store *s, const struct model *m, size_t which,
		      struct model_state *state)
{
	const struct model_state *lost =
		which + 1 < m->n ? &m->v[which + 1] : NULL;
	unsigned key = lost != NULL && lost->set_len > 0 ? lost->set_key : 0;
	size_t len = lost != NULL && lost->set_len > 0 ? lost->set_len : 100;
	struct change c = {.kind = CHANGE_SET};
	struct request req = {.op = OP_SET, .changes = &c, .nchanges = 1};
	char name[MODEL_KEY_MAX];
	char value[WORKLOAD_VALUE_MAX + 64];
	struct reply reply;

	if (len > sizeof(value))
		len = sizeof(value);
	memset(value, '!', len);
	model_key(key, name);
	c.key = slice_str(name);
	c.value = slice_of(value, len);
	state->value[key] = model_hash(c.value);
	store_execute(s, &req, &reply);
	return reply.code != 0 ? reply.code : store_sync(s);
}

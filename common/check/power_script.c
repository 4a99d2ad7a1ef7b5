/*
 * power_script.c - see power_script.h.
 *
 * Steps are drawn by lot, with weights that make each path through the store
 * common within a few hundred steps: with segments of 16 KiB and values of some
 * hundred bytes a segment is full after a few dozen writes, and as most keys
 * are overwritten often, compaction and recycling follow soon.
 */
#include "check/power_script.h"

#include "base/err.h"
#include "base/random.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SEGMENT (16u << 10)
#define VALUE_MAX 1500u
#define BATCH_MAX 6u

static unsigned lot(struct script *sc, unsigned n)
{
	return (unsigned)(random_next(&sc->random) % n);
}

static uint64_t stopped_clock(void *arg)
{
	(void)arg;
	return 1700000000000;
}

int script_open(struct simfs *sim, struct store **out)
{
	struct store_options options = {
		.fs = simfs_fs(sim),
		.now_ms = stopped_clock,
		.segment_min = SEGMENT,
		.segment_max = SEGMENT,
		.create = true,
	};

	*out = NULL;
	return store_open(out, SCRIPT_DIR, &options);
}

static bool fail(struct script *sc, const char *what)
{
	buf_printf(&sc->failure, "%s: %s\n", what, err_text());
	return false;
}

static void ack(struct script *sc)
{
	if (sc->store != NULL)
		model_ack(&sc->model, store_durable(sc->store));
}

/* The store shows one of the allowed states, which becomes the truth. */
static bool settle(struct script *sc, const char *when)
{
	struct model_state found;
	size_t which;

	if (model_read(sc->store, &found) != 0)
		return fail(sc, when);
	if (!model_match(&sc->model, &found, &which)) {
		buf_printf(&sc->failure, "%s:\n", when);
		model_explain(&sc->model, &found, &sc->failure);
		return false;
	}
	model_settle(&sc->model, which);
	return true;
}

/* Closes and opens. Where operations fail, one failure to open is forgiven:
 * the next opening may be past it. */
static bool reopen(struct script *sc)
{
	int r = store_close(sc->store);

	sc->store = NULL;
	if (r == 0)
		sc->model.acked = sc->model.n - 1;
	else if (!sc->faulty)
		return fail(sc, "closing failed");
	r = script_open(sc->sim, &sc->store);
	if (r != 0 && sc->faulty)
		r = script_open(sc->sim, &sc->store);
	if (r != 0)
		return sc->faulty ? false : fail(sc, "opening failed");
	return settle(sc, "after re-opening");
}

/* ---- writes ---- */

/* A value that tells its write and key, of any length up to VALUE_MAX. */
static struct slice new_value(struct buf *value, uint64_t write, unsigned key,
			      size_t len)
{
	buf_clear(value);
	buf_printf(value, "write %llu of key %u ", (unsigned long long)write,
		   key);
	while (value->len < len && !buf_failed(value))
		buf_append_char(value, (char)('a' + (write + value->len) % 26));
	return buf_slice(value);
}

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
	uint64_t before = store_appended(sc->store);
	struct model_state *state;
	struct reply reply;

	store_execute(sc->store, req, &reply);
	if (reply.code != 0) {
		if (store_appended(sc->store) > before)
			return fail(sc, "a refused write was appended");
		return sc->faulty ? true : fail(sc, "a write was refused");
	}
	if (store_appended(sc->store) == before) /* it changed nothing */
		return memcmp(next->value, model_last(&sc->model)->value,
			      sizeof(next->value)) == 0 ||
		       fail(sc, "a write was not appended");
	state = model_next(&sc->model);
	if (state == NULL)
		return fail(sc, "no memory");
	memcpy(state->value, next->value, sizeof(state->value));
	state->seq = store_appended(sc->store);
	state->set_key = next->set_key;
	state->set_len = next->set_len;
	return true;
}

static bool do_set(struct script *sc)
{
	unsigned key = lot(sc, MODEL_KEYS);
	struct model_state next = last_state(sc);
	char name[MODEL_KEY_MAX];
	struct change c = {.kind = CHANGE_SET};
	struct request req = {.op = OP_SET, .changes = &c, .nchanges = 1};

	model_key(key, name);
	c.key = slice_str(name);
	c.value = new_value(&sc->value, sc->writes++, key, lot(sc, VALUE_MAX));
	/* Never due: the clock stands still. */
	c.expires_ms = lot(sc, 8) == 0 ? 1800000000000 : 0;
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

	req.nchanges = 1 + lot(sc, 2);
	for (size_t i = 0; i < req.nchanges; i++) {
		unsigned key = lot(sc, MODEL_KEYS);

		model_key(key, names[i]);
		c[i].key = slice_str(names[i]);
		next.value[key] = 0;
	}
	return write_and_note(sc, &req, &next);
}

static bool do_delete_prefix(struct script *sc)
{
	struct model_state next = last_state(sc);
	unsigned group = lot(sc, 3);
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
	unsigned first = lot(sc, MODEL_KEYS);
	bool ok;

	req.nchanges = 2 + lot(sc, BATCH_MAX - 1);
	for (unsigned i = 0; i < req.nchanges; i++) {
		unsigned key = (first + 5 * i) % MODEL_KEYS;

		model_key(key, names[i]);
		c[i].key = slice_str(names[i]);
		c[i].value = new_value(&values[i], sc->writes, key,
				       lot(sc, VALUE_MAX));
		next.value[key] = model_hash(c[i].value);
	}
	sc->writes++;
	ok = write_and_note(sc, &req, &next);
	for (size_t i = 0; i < BATCH_MAX; i++)
		buf_release(&values[i]);
	return ok;
}

static bool do_some_write(struct script *sc)
{
	unsigned l = lot(sc, 16);

	if (l < 10)
		return do_set(sc);
	if (l < 12)
		return do_delete(sc);
	return l < 15 ? do_bulk(sc) : do_delete_prefix(sc);
}

static bool do_some_writes(struct script *sc, unsigned max)
{
	bool ok = true;

	for (unsigned n = lot(sc, max + 1); ok && n > 0; n--)
		ok = do_some_write(sc);
	return ok;
}

/* ---- the rest ---- */

/* A store that has become read-only says so and shows an allowed state. */
static bool after_failure(struct script *sc)
{
	struct model_state found;
	const char *why;
	size_t which;

	if (!sc->faulty)
		return fail(sc, "a flush failed");
	if (store_failed(sc->store, &why) == 0)
		return true;
	if (model_read(sc->store, &found) != 0)
		return fail(sc, "reading a read-only store");
	if (!model_match(&sc->model, &found, &which)) {
		buf_append_str(&sc->failure, "read-only after a failure:\n");
		model_explain(&sc->model, &found, &sc->failure);
		return false;
	}
	return reopen(sc);
}

static bool do_sync(struct script *sc)
{
	int r = store_sync(sc->store);

	ack(sc);
	if (r != 0)
		return after_failure(sc);
	if (sc->model.acked + 1 != sc->model.n) {
		buf_append_str(&sc->failure, "a sync left a write waiting\n");
		return false;
	}
	return true;
}

/* A flush as another thread would do it: writes come in between. */
static bool do_flush(struct script *sc)
{
	struct store_flush *job = store_flush_begin(sc->store);
	bool ok = do_some_writes(sc, 2);
	int r = 0;

	if (job == NULL)
		return ok;
	store_flush_run(job);
	ok = ok && do_some_writes(sc, 2);
	r = store_flush_end(sc->store, job);
	ack(sc);
	return ok && (r == 0 || after_failure(sc));
}

static bool do_task(struct script *sc)
{
	struct store_task *job = store_task_begin(sc->store);
	bool ok = do_some_writes(sc, 1);
	int r;

	if (job == NULL)
		return ok;
	store_task_run(job);
	ok = ok && do_some_writes(sc, 1);
	r = store_task_end(sc->store, job);
	ack(sc);
	if (r != 0 && !sc->faulty)
		return fail(sc, "a background task failed");
	return ok;
}

static bool do_maintain(struct script *sc)
{
	int r = store_maintain(sc->store);

	ack(sc);
	if (r != 0 && !sc->faulty)
		return fail(sc, "maintenance failed");
	return r == 0 || after_failure(sc);
}

/* Opens for the first time. */
static bool do_open(struct script *sc)
{
	int r = script_open(sc->sim, &sc->store);

	if (r != 0 && sc->faulty)
		r = script_open(sc->sim, &sc->store);
	if (r != 0)
		return sc->faulty ? false : fail(sc, "creating failed");
	return settle(sc, "after creating");
}

bool script_step(struct script *sc)
{
	unsigned l = lot(sc, 32);

	if (sc->store == NULL)
		return do_open(sc);
	if (l < 16)
		return do_some_write(sc);
	if (l < 22)
		return do_sync(sc);
	if (l < 26)
		return do_flush(sc);
	if (l < 29)
		return do_task(sc);
	return l < 31 ? do_maintain(sc) : reopen(sc);
}

int script_begin(struct script *sc, struct simfs *sim, uint64_t seed)
{
	*sc = (struct script){.sim = sim, .random = seed};
	return model_init(&sc->model);
}

void script_end(struct script *sc)
{
	if (sc->store != NULL)
		(void)store_close(sc->store);
	sc->store = NULL;
	model_release(&sc->model);
	buf_release(&sc->value);
	buf_release(&sc->failure);
}

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
	char value[VALUE_MAX + 64];
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

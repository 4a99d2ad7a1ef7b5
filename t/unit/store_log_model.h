/*
 * store_log_model.h - a replicated store next to a model of its log, for the
 * test in which memory runs out: each operation may be refused for want of it,
 * and whatever comes of it is checked against the model at once.
 */
#ifndef UNIT_STORE_LOG_MODEL_H
#define UNIT_STORE_LOG_MODEL_H

#include "base/err.h"
#include "check/power_log_script.h"
#include "check/simfs.h"
#include "memory.h"
#include "store/format.h"
#include "store/store_log.h"
#include "test.h"

#define ENTRIES 500u
#define LENGTHS 1400u /* of values: a dozen entries fill a segment */

/* The store, and the model: what each entry is and what is there after it. */
struct subject {
	struct simfs *sim;
	struct store *store; /* NULL: not open */
	struct log_model model;
	uint64_t term;
	bool leading;
	struct buf failure;
};
static struct subject sc;
static struct log_state states[ENTRIES], states_before[ENTRIES];
static struct buf received; /* what a reader of the log was given */

/* ---- what may happen ---- */

/* Whether it worked; if not, memory had run out, or the store had failed for
 * that reason. */
static bool worked(int r)
{
	const char *why;

	if (sc.store != NULL && store_failed(sc.store, &why) != 0)
		sc.leading = false;
	if (r == 0)
		return true;
	if (!memory.failed)
		test_fail(__FILE__, __LINE__, "refused with memory left: %s",
			  err_text());
	return false;
}

static bool has_failed(void)
{
	const char *why;

	return store_failed(sc.store, &why) != 0;
}

static void note_durable(void)
{
	uint64_t durable = store_durable(sc.store);

	CHECK(durable <= store_appended(sc.store));
	if (has_failed())
		return;
	CHECK(durable >= sc.model.durable);
	if (durable > sc.model.durable)
		sc.model.before.n = 0; /* a truncation is on disk */
	sc.model.durable = durable;
}

/* An entry was appended that led to `values`. */
static void note_entry(const uint64_t *values)
{
	unsigned long in = memory.in;
	struct log_state *state = &sc.model.log.v[sc.model.log.n];

	CHECK_INT(store_appended(sc.store), sc.model.log.n);
	CHECK(sc.model.log.n + 1 < ENTRIES);
	memcpy(state->value, values, sizeof(state->value));
	memory.in = 0;
	state->content =
		log_model_content(sc.store, sc.model.log.n, &state->term);
	memory.in = in;
	CHECK(state->content != 0);
	CHECK_INT(state->term, sc.term);
	sc.model.log.n++;
}

static void copy_values(uint64_t values[MODEL_KEYS])
{
	memcpy(values, sc.model.log.v[sc.model.log.n - 1].value,
	       MODEL_KEYS * sizeof(*values));
}

/* ---- writes ---- */

static struct slice key_of(unsigned key)
{
	static char names[MODEL_KEYS][MODEL_KEY_MAX];

	model_key(key % MODEL_KEYS, names[key % MODEL_KEYS]);
	return slice_str(names[key % MODEL_KEYS]);
}

/* The slice lives until the MODEL_KEYS-th call from now. */
static struct slice value_of(unsigned key, unsigned number)
{
	static char texts[MODEL_KEYS][LENGTHS];
	static unsigned turn;
	char *text = texts[turn++ % MODEL_KEYS];
	size_t len = 40 + (key * 7 + number * 131) % (LENGTHS - 40);

	memset(text, '.', len);
	(void)snprintf(text, len, "write %u of key %u", number, key);
	return slice_of(text, len);
}

/* An entry of n items, which set keys from `first` on, or delete them if the
 * number is 0; as a leader sends it. */
static void follow_many(unsigned first, unsigned n, unsigned number)
{
	static char bytes[MODEL_KEYS * (LENGTHS + 64)];
	struct store_log_entry e = {.term = sc.term, .count = n};
	uint64_t values[MODEL_KEYS], index;
	size_t len = 0;

	if (sc.store == NULL)
		return;
	index = store_appended(sc.store) + 1;
	copy_values(values);
	for (unsigned i = 0; i < n; i++) {
		unsigned key = (first + i) % MODEL_KEYS;
		struct stored_item item = {
			.key = key_of(key),
			.version = index,
			.flags = i == 0 ? ITEM_FIRST : 0,
		};

		if (number != 0)
			item.value = value_of(key, number);
		else
			item.flags |= ITEM_TOMBSTONE;
		values[key] = number != 0 ? model_hash(item.value) : 0;
		item_encode(bytes + len, &item);
		len += item_size(&item);
	}
	e.items = slice_of(bytes, len);
	e.version = n > 1 ? index : 0;
	if (worked(store_log_append(sc.store, &e)))
		note_entry(values);
	else
		CHECK_INT(store_appended(sc.store), index - 1);
}

static void follow(unsigned key, unsigned number)
{
	follow_many(key, 1, number);
}

static void lead_write(unsigned first, unsigned n, unsigned number)
{
	struct change c[MODEL_KEYS] = {0};
	struct request req = {
		.op = number == 0 ? OP_DELETE : OP_BULK_SET,
		.changes = c,
		.nchanges = n,
	};
	uint64_t values[MODEL_KEYS], before;
	struct reply reply;

	if (sc.store == NULL || !sc.leading)
		return;
	before = store_appended(sc.store);
	copy_values(values);
	for (unsigned i = 0; i < n; i++) {
		unsigned key = (first + i) % MODEL_KEYS;

		c[i].kind = number != 0 ? CHANGE_SET : CHANGE_DELETE;
		c[i].key = key_of(key);
		if (number != 0)
			c[i].value = value_of(key, number);
		values[key] = number != 0 ? model_hash(c[i].value) : 0;
	}
	store_execute(sc.store, &req, &reply);
	if (!worked(reply.code))
		CHECK(store_appended(sc.store) == before || has_failed());
	else if (store_appended(sc.store) != before)
		note_entry(values);
}

static void propose(const char *value)
{
	struct change own = {.key = slice_str(STORE_OWN_PREFIX "members"),
			     .value = slice_str(value)};
	uint64_t values[MODEL_KEYS];
	struct slice found;

	if (sc.store == NULL || !sc.leading)
		return;
	copy_values(values);
	if (!worked(store_log_propose(sc.store, &own, 1)))
		return;
	note_entry(values);
	CHECK(store_own_get(sc.store, own.key, &found));
	CHECK(slice_eq(found, own.value));
}

/* ---- reads ---- */

static const struct log_state *shown(void)
{
	return &sc.model.log.v[sc.leading ? sc.model.log.n - 1
					  : store_log_committed(sc.store)];
}

static void read_all(void)
{
	for (unsigned key = 0; key < MODEL_KEYS && sc.store != NULL; key++) {
		struct slice name = key_of(key);
		struct request req = {.op = OP_GET, .keys = &name, .nkeys = 1};
		uint64_t value = shown()->value[key];
		struct reply reply;

		store_execute(sc.store, &req, &reply);
		if (!worked(reply.code))
			continue;
		CHECK_INT(reply.items[0].found, value != 0);
		if (value != 0)
			CHECK(model_hash(reply.items[0].value) == value);
	}
}

/* All entries, as a peer would be sent them. */
static void read_log(void)
{
	uint64_t index, last, fits;

	if (sc.store == NULL)
		return;
	last = store_appended(sc.store);
	for (index = store_log_first(sc.store); index <= last; index++) {
		struct slice bytes;
		uint64_t first = index;

		buf_clear(&received);
		fits = store_log_fit(sc.store, first, last, 6000);
		if (!worked(store_log_read(sc.store, first, last, 6000,
					   &received, &index))) {
			CHECK_INT(received.len, 0);
			CHECK(!buf_failed(&received));
			return;
		}
		CHECK_INT(index, fits);
		bytes = buf_slice(&received);
		for (uint64_t i = first; i <= index; i++) {
			struct store_log_entry e;

			CHECK_INT(store_log_entry_next(&bytes, &e), 0);
			CHECK_INT(e.term, sc.model.log.v[i].term);
		}
		CHECK_INT(bytes.len, 0);
	}
}

/* ---- agreement ---- */

static void commit(uint64_t index)
{
	uint64_t now;

	if (sc.store == NULL || index > store_appended(sc.store))
		return;
	if (worked(store_log_commit(sc.store, index)))
		CHECK(store_log_committed(sc.store) >= index);
	now = store_log_committed(sc.store);
	if (now > sc.model.committed)
		sc.model.committed = now;
}

static void commit_all(void)
{
	commit(sc.model.log.n - 1);
}

static void lead(void)
{
	if (sc.store == NULL)
		return;
	sc.term++;
	if (worked(store_log_lead(sc.store, sc.term)))
		sc.leading = true;
	read_all();
}

static void depose(void)
{
	if (sc.store == NULL)
		return;
	store_log_follow(sc.store);
	sc.leading = false;
	sc.term++;
	read_all();
}

static void sync_all(void)
{
	if (sc.store == NULL)
		return;
	if (worked(store_sync(sc.store)))
		CHECK_INT(store_durable(sc.store), store_appended(sc.store));
	note_durable();
}

static void truncate_from(uint64_t index)
{
	if (sc.store == NULL || index <= store_log_committed(sc.store) ||
	    index >= sc.model.log.n)
		return;
	sync_all();
	if (sc.model.durable + 1 != sc.model.log.n ||
	    !worked(store_log_truncate(sc.store, index)))
		return;
	if (sc.model.before.n == 0) {
		memcpy(sc.model.before.v, sc.model.log.v,
		       sc.model.log.n * sizeof(*sc.model.log.v));
		sc.model.before.n = sc.model.log.n;
	}
	sc.model.log.n = index;
	sc.model.durable = index - 1;
	sc.term++;
	CHECK_INT(store_appended(sc.store), index - 1);
	CHECK_INT(store_durable(sc.store), index - 1);
	read_all();
}

static void maintain(void)
{
	if (sc.store == NULL)
		return;
	(void)worked(store_maintain(sc.store));
	note_durable();
}

/* A flush while entries arrive, as beside another thread. */
static void flush_between(unsigned number)
{
	struct store_flush *job;

	if (sc.store == NULL)
		return;
	follow(number, number);
	job = store_flush_begin(sc.store);
	follow(number + 1, number);
	if (job == NULL)
		return;
	store_flush_run(job);
	follow_many(number + 2, 4, number);
	commit_all();
	(void)worked(store_flush_end(sc.store, job));
	note_durable();
}

/* ---- opening ---- */

/* What an opened store has is what there is. */
static void settle(void)
{
	struct store *s = sc.store;
	uint64_t last = store_appended(s), term;

	sc.leading = false;
	if (sc.model.switching != 0 && last == sc.model.switching &&
	    store_log_first(s) == last + 1) {
		sc.model.before.n = 0;
	} else if (sc.model.before.n != 0 && last + 1 == sc.model.before.n &&
		   log_model_content(s, last, &term) ==
			   sc.model.before.v[last].content) {
		memcpy(sc.model.log.v, sc.model.before.v,
		       sc.model.before.n * sizeof(*sc.model.log.v));
		sc.model.before.n = 0;
	} else {
		CHECK(last >= sc.model.durable);
		CHECK(last < sc.model.log.n);
		if (store_durable(s) > sc.model.durable)
			sc.model.before.n = 0;
	}
	sc.model.switching = 0;
	sc.model.log.n = last + 1;
	sc.model.durable = store_durable(s);
}

static void open_store(void)
{
	unsigned long in;

	if (!worked(workload_open(&log_script_kind, sc.sim, &sc.store))) {
		sc.store = NULL;
		return;
	}
	in = memory.in;
	memory.in = 0;
	settle();
	read_all();
	memory.in = in;
}

static void close_store(void)
{
	struct store *store = sc.store;
	uint64_t last;

	if (store == NULL)
		return;
	last = store_appended(store);
	sc.store = NULL;
	if (worked(store_close(store)) && last > sc.model.durable) {
		sc.model.durable = last;
		sc.model.before.n = 0;
	}
}

static void reopen(void)
{
	if (sc.store == NULL)
		return;
	close_store();
	open_store();
}

#endif

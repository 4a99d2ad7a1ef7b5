/*
 * power_workload.c - see power_workload.h.
 */
#include "check/power_workload.h"

#include "base/random.h"

static uint64_t stopped_clock(void *arg)
{
	(void)arg;
	return 1700000000000;
}

struct store_options workload_options(const struct workload_kind *kind,
				      struct simfs *sim)
{
	return (struct store_options){
		.fs = simfs_fs(sim),
		.now_ms = stopped_clock,
		.segment_min = WORKLOAD_SEGMENT,
		.segment_max = WORKLOAD_SEGMENT,
		.create = true,
		.replicated = kind->replicated,
		/* Segments before the last are let go. */
		.log_keep = kind->replicated ? 1 : 0,
	};
}

int workload_open(const struct workload_kind *kind, struct simfs *sim,
		  struct store **out)
{
	struct store_options options = workload_options(kind, sim);

	*out = NULL;
	return store_open(out, WORKLOAD_DIR, &options);
}

int workload_begin(struct workload *w, const struct workload_kind *kind,
		   struct simfs *sim, uint64_t seed)
{
	*w = (struct workload){.kind = kind, .sim = sim, .random = seed};
	return kind->begin(w);
}

void workload_end(struct workload *w)
{
	if (w->store != NULL)
		(void)!store_close(w->store);
	w->store = NULL;
	w->kind->end(w);
	buf_release(&w->value);
	buf_release(&w->failure);
}

unsigned workload_lot(struct workload *w, unsigned n)
{
	return (unsigned)(random_next(&w->random) % n);
}

bool workload_fail(struct workload *w, const char *what)
{
	buf_printf(&w->failure, "%s: %s\n", what, err_text());
	return false;
}

struct slice workload_value(struct buf *value, uint64_t write, unsigned key,
			    size_t len)
{
	buf_clear(value);
	buf_printf(value, "write %llu of key %u ", (unsigned long long)write,
		   key);
	while (value->len < len && !buf_failed(value))
		buf_append_char(value, (char)('a' + (write + value->len) % 26));
	return buf_slice(value);
}

/* ---- steps ---- */

/* Where operations fail, one failure to open is forgiven: the next opening may
 * be past it. */
bool workload_start(struct workload *w, const char *failing, const char *when)
{
	int r = workload_open(w->kind, w->sim, &w->store);

	if (r != 0 && w->faulty)
		r = workload_open(w->kind, w->sim, &w->store);
	if (r != 0)
		return w->faulty ? false : workload_fail(w, failing);
	return w->kind->settle(w, when);
}

bool workload_reopen(struct workload *w)
{
	int r = store_close(w->store);

	w->store = NULL;
	if (r == 0)
		w->kind->ack(w, UINT64_MAX);
	else if (!w->faulty)
		return workload_fail(w, "closing failed");
	return workload_start(w, "opening failed", "after re-opening");
}

bool workload_survive(struct workload *w, const char *what)
{
	const char *why;

	if (!w->faulty)
		return workload_fail(w, what);
	if (store_failed(w->store, &why) == 0)
		return true;
	return w->kind->shows_allowed(w, "read-only after a failure") &&
	       workload_reopen(w);
}

bool workload_writes(struct workload *w, unsigned max)
{
	bool ok = true;

	for (unsigned n = workload_lot(w, max + 1); ok && n > 0; n--)
		ok = w->kind->write(w);
	return ok;
}

static void ack(struct workload *w)
{
	w->kind->ack(w, store_durable(w->store));
}

bool workload_sync(struct workload *w)
{
	int r = store_sync(w->store);

	ack(w);
	if (r != 0)
		return workload_survive(w, "a sync failed");
	if (store_durable(w->store) != store_appended(w->store)) {
		buf_append_str(&w->failure, "a sync left a write waiting\n");
		return false;
	}
	return true;
}

bool workload_flush(struct workload *w)
{
	struct store_flush *job = store_flush_begin(w->store);
	bool ok = workload_writes(w, 2);
	int r;

	if (job == NULL)
		return ok;
	store_flush_run(job);
	ok = ok && workload_writes(w, 2);
	r = store_flush_end(w->store, job);
	ack(w);
	return ok && (r == 0 || workload_survive(w, "a flush failed"));
}

bool workload_maintain(struct workload *w)
{
	int r = store_maintain(w->store);

	ack(w);
	return r == 0 || workload_survive(w, "maintenance failed");
}

/*
 * committer.c - see committer.h. Two workers, one for syncs and one for
 * background work, and a tick that does what depends on time.
 */
#include "serve/committer.h"

#include "base/clock.h"
#include "base/err.h"
#include "serve/worker.h"
#include "store/store.h"

#include <assert.h>
#include <stdlib.h>

#define TICK_MS 100u

/* Expired keys removed at a time, so that a tick stays short; while there are
 * more, the next tick comes soon. */
#define EXPIRE_MAX 1000u
#define EXPIRE_AGAIN_MS 1u

/* In place: only up to so many bytes, while syncs take less than this on
 * average, and after so many groups of one client only or while so few requests
 * are reads. */
#define INPLACE_MAX ((size_t)256 << 10)
#define INPLACE_NS 1000000u
#define LONE_GROUPS 16u
#define WRITES_PER_READ 8u

/* A group weighs an eighth of all before; a storm of reads counts as this. */
#define READS_MAX 64u

struct committer {
	struct store *store;
	struct committer_events events;
	enum committer_mode mode;
	uint64_t last_client;
	unsigned lone_groups;	/* in a row for last_client only */
	uint64_t noted;		/* requests since the last group */
	uint64_t appended;	/* by the store, at the last group */
	uint64_t reads, writes; /* decaying sums, in 256ths */
	uint64_t sync_ns;	/* decaying mean */
	uint64_t started_ns;	/* the group under way */
	bool winding_down;
	bool held;
	struct worker *syncer;
	struct worker *tasker;
	uv_timer_t tick;
};

static void run_flush(void *job)
{
	store_flush_run(job);
}

static void run_task(void *job)
{
	store_task_run(job);
}

static void start_task(struct committer *c)
{
	struct store_task *task;

	if (c->winding_down || c->held || worker_is_busy(c->tasker))
		return;
	task = store_task_begin(c->store);
	if (task != NULL)
		worker_start(c->tasker, task);
}

static void on_task_done(void *arg, void *job)
{
	struct committer *c = arg;

	/* One that failed is left alone until the next tick. */
	if (store_task_end(c->store, job) != 0)
		c->events.task_failed(c->events.arg);
	else
		start_task(c);
}

static void end_flush(struct committer *c, struct store_flush *flush)
{
	int r = store_flush_end(c->store, flush);
	uint64_t took = clock_monotonic_ns() - c->started_ns;

	c->sync_ns += took / 8 - c->sync_ns / 8;
	c->events.committed(c->events.arg, r);
	start_task(c);
}

static void on_flush_done(void *arg, void *job)
{
	struct committer *c = arg;

	end_flush(c, job);
	committer_run(c);
}

static uint64_t decay(uint64_t sum, uint64_t n)
{
	return sum - sum / 8 + n * 256 / 8;
}

/* What kinds of requests led to the group that begins. */
static void observe_group(struct committer *c)
{
	uint64_t writes = store_appended(c->store) - c->appended;
	uint64_t reads = c->noted > writes ? c->noted - writes : 0;

	c->reads = decay(c->reads, reads < READS_MAX ? reads : READS_MAX);
	c->writes = decay(c->writes, writes);
	c->appended += writes;
	c->noted = 0;
	if (c->lone_groups < LONE_GROUPS)
		c->lone_groups++;
}

static bool runs_in_place(struct committer *c, size_t waiting)
{
	bool lone, writing;

	switch (c->mode) {
	case COMMITTER_INPLACE:
		return true;
	case COMMITTER_THREAD:
		return false;
	case COMMITTER_AUTO:
		break;
	}
	lone = c->lone_groups == LONE_GROUPS;
	writing = c->reads * WRITES_PER_READ <= c->writes;
	return (lone || writing) && waiting <= INPLACE_MAX &&
	       c->sync_ns < INPLACE_NS;
}

void committer_run(struct committer *c)
{
	struct store_flush *flush;
	size_t waiting;

	/* Again while in place: the replies that a group sets free can let
	 * requests in that were held back, and the loop must not go to sleep
	 * on what those wrote. */
	while (!c->held && !worker_is_busy(c->syncer) &&
	       (waiting = store_waiting(c->store)) != 0) {
		flush = store_flush_begin(c->store);
		if (flush == NULL)
			return;
		observe_group(c);
		c->started_ns = clock_monotonic_ns();
		if (!runs_in_place(c, waiting)) {
			worker_start(c->syncer, flush);
			return;
		}
		store_flush_run(flush);
		end_flush(c, flush);
	}
}

void committer_note(struct committer *c, uint64_t who)
{
	c->noted++;
	if (c->last_client == who)
		return;
	c->last_client = who;
	c->lone_groups = 0;
}

static void on_tick(uv_timer_t *timer)
{
	struct committer *c = timer->data;
	bool more = false;

	if (!c->winding_down && !c->held)
		more = store_expire(c->store, EXPIRE_MAX) == EXPIRE_MAX;
	start_task(c);
	uv_timer_start(timer, on_tick, more ? EXPIRE_AGAIN_MS : TICK_MS, 0);
}

int committer_new(struct committer **out, uv_loop_t *loop, struct store *store,
		  enum committer_mode mode,
		  const struct committer_events *events)
{
	struct committer *c = calloc(1, sizeof(*c));
	int r;

	if (c == NULL)
		return err_set(KV_ENOMEM, "out of memory");
	c->store = store;
	c->mode = mode;
	c->events = *events;
	c->appended = store_appended(store);
	r = worker_new(&c->syncer, loop, run_flush, on_flush_done, c);
	if (r != 0)
		goto err;
	r = worker_new(&c->tasker, loop, run_task, on_task_done, c);
	if (r != 0)
		goto err_after_syncer;
	uv_timer_init(loop, &c->tick);
	c->tick.data = c;
	uv_timer_start(&c->tick, on_tick, TICK_MS, 0);
	*out = c;
	return 0;

err_after_syncer:
	worker_free(c->syncer);
err:
	free(c);
	return r;
}

void committer_hold(struct committer *c, bool on)
{
	c->held = on || c->store == NULL;
}

bool committer_is_quiet(const struct committer *c)
{
	return !worker_is_busy(c->syncer) && !worker_is_busy(c->tasker);
}

void committer_set_store(struct committer *c, struct store *store)
{
	assert(committer_is_quiet(c));
	c->store = store;
	if (store != NULL)
		c->appended = store_appended(store);
	c->held = store == NULL;
}

void committer_wind_down(struct committer *c)
{
	c->winding_down = true;
}

bool committer_is_idle(const struct committer *c)
{
	return committer_is_quiet(c) &&
	       (c->store == NULL || store_waiting(c->store) == 0);
}

static void on_closed(uv_handle_t *handle)
{
	free(handle->data);
}

void committer_free(struct committer *c)
{
	assert(committer_is_idle(c));
	worker_free(c->syncer);
	worker_free(c->tasker);
	uv_close((uv_handle_t *)&c->tick, on_closed);
}

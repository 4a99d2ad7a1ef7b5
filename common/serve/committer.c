/*
 * committer.c - see committer.h. Two workers, one for syncs and one for
 * background work, and a tick that does what depends on time.
 */
#include "serve/committer.h"

#include "base/clock.h"
#include "base/err.h"
#include "serve/gate.h"
#include "serve/gather.h"
#include "serve/hub.h"
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

/* All but the first four is for those inside the gate; the group under way and
 * its time belong to whoever syncs it until it has ended. */
struct committer {
	struct hub *home;
	struct gate *gate;
	struct committer_events events;
	enum committer_mode mode;
	struct store *store;
	uint64_t last_client;
	unsigned lone_groups;	   /* in a row for last_client only */
	uint64_t noted;		   /* requests since the last group */
	uint64_t appended;	   /* by the store, at the last group */
	uint64_t reads, writes;	   /* decaying sums, in 256ths */
	uint64_t sync_ns;	   /* decaying mean */
	struct store_flush *flush; /* the group under way */
	uint64_t took_ns;	   /* its sync */
	struct gather gather;
	bool can_gather;
	bool winding_down;
	bool syncing; /* a group is under way */
	bool told;    /* that the store has failed */
	bool held;    /* nothing new is begun */
	struct worker *syncer;
	struct worker *tasker;
	uv_timer_t tick;
	uv_idle_t awake; /* keeps the loop from sleeping while a group waits */
	unsigned nhandles;
};

/* On the sync thread or in place: how long the sync itself takes, without what
 * it has to wait for until its end is noticed. */
static void run_flush(void *job)
{
	struct committer *c = job;
	uint64_t started = clock_monotonic_ns();

	store_flush_run(c->flush);
	c->took_ns = clock_monotonic_ns() - started;
}

static void run_task(void *job)
{
	store_task_run(job);
}

/* Inside the gate, as all that follows to on_task_done(). */
static void start_task(struct committer *c)
{
	struct store_task *task;

	if (c->winding_down || c->held || worker_is_busy(c->tasker))
		return;
	task = store_task_begin(c->store);
	if (task != NULL)
		worker_start(c->tasker, task);
}

/* A store may also fail without a flush of its own: in the background, or for
 * want of memory. Whoever waits for what was taken back has to know. */
static void tell_failure(struct committer *c, struct hub *hub)
{
	const char *why;
	bool due;
	int r;

	gate_enter(c->gate);
	r = c->store != NULL ? store_failed(c->store, &why) : 0;
	due = r != 0 && !c->told && !c->syncing;
	c->told = c->told || due;
	gate_leave(c->gate);
	if (due)
		c->events.committed(c->events.arg, hub, r);
}

static void on_task_done(void *arg, void *job)
{
	struct committer *c = arg;
	int r;

	gate_enter(c->gate);
	r = store_task_end(c->store, job);
	/* One that failed is left alone until the next tick. */
	if (r == 0)
		start_task(c);
	gate_leave(c->gate);
	if (r != 0)
		c->events.task_failed(c->events.arg);
	tell_failure(c, c->home);
}

static void end_flush(struct committer *c, struct hub *hub)
{
	int r;

	gate_enter(c->gate);
	r = store_flush_end(c->store, c->flush);
	c->sync_ns += c->took_ns / 8 - c->sync_ns / 8;
	c->told = c->told || r != 0;
	c->syncing = false;
	start_task(c);
	gate_leave(c->gate);
	c->events.committed(c->events.arg, hub, r);
}

/* In a cluster it is not the sync alone that clients wait for. */
static bool gathers(const struct committer *c)
{
	return c->can_gather && c->home->node == NULL && !c->winding_down;
}

static void on_flush_done(void *arg, void *job)
{
	struct committer *c = arg;
	bool grows;

	(void)job;
	end_flush(c, c->home);
	gate_enter(c->gate);
	grows = gathers(c) && gather_hopes(&c->gather);
	gate_leave(c->gate);
	/* Else the turn's end goes on, when the replies have been sent. */
	if (!grows)
		committer_run(c, c->home);
}

static uint64_t decay(uint64_t sum, uint64_t n)
{
	return sum - sum / 8 + n * 256 / 8;
}

/* What kinds of requests led to the group that begins. */
static void observe_group(struct committer *c)
{
	uint64_t appended = store_appended(c->store);
	/* Less than before: entries of a replicated log were truncated. */
	uint64_t writes = appended > c->appended ? appended - c->appended : 0;
	uint64_t reads = c->noted > writes ? c->noted - writes : 0;

	c->reads = decay(c->reads, reads < READS_MAX ? reads : READS_MAX);
	c->writes = decay(c->writes, writes);
	c->appended = appended;
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

static void on_awake(uv_idle_t *idle)
{
	(void)idle;
}

/* The next group is to grow first: the loop looks for more and comes back. */
static bool waits_for_more(struct committer *c, size_t waiting)
{
	bool waits = gathers(c) && waiting != 0 && waiting < INPLACE_MAX &&
		     !c->syncing &&
		     gather_waits(&c->gather, clock_monotonic_ns(), c->sync_ns);

	if (waits)
		uv_idle_start(&c->awake, on_awake);
	else if (c->can_gather)
		uv_idle_stop(&c->awake);
	return waits;
}

/* Begins the next group, and has it synced unless that is to be done in place:
 * then this is true. */
static bool begin_flush(struct committer *c, bool may_stay)
{
	size_t waiting = c->held ? 0 : store_waiting(c->store);
	struct store_flush *flush;

	if (waits_for_more(c, waiting) || waiting == 0)
		return false;
	flush = store_flush_begin(c->store);
	if (flush == NULL) /* one is under way: its end goes on */
		return false;
	c->flush = flush;
	c->syncing = true;
	gather_next(&c->gather);
	observe_group(c);
	if (may_stay && runs_in_place(c, waiting))
		return true;
	worker_start(c->syncer, c);
	return false;
}

void committer_run(struct committer *c, struct hub *hub)
{
	bool may_stay = true, stays;

	/* Again while in place: the replies that a group sets free can let
	 * requests in that were held back, and the loop must not go to sleep
	 * on what those wrote. But if others write as well, it would never come
	 * back from here. */
	for (;;) {
		gate_enter(c->gate);
		stays = begin_flush(c, may_stay);
		gate_leave(c->gate);
		if (!stays)
			break;
		run_flush(c);
		end_flush(c, hub);
		may_stay = c->gate->open;
	}
	tell_failure(c, hub);
}

void committer_note(struct committer *c, uint64_t who, unsigned requests)
{
	c->noted += requests;
	if (c->last_client == who)
		return;
	c->last_client = who;
	c->lone_groups = 0;
}

void committer_join(struct committer *c, uint64_t *group)
{
	gather_join(&c->gather, group);
}

static void on_tick(uv_timer_t *timer)
{
	struct committer *c = timer->data;
	bool more = false;

	gate_enter(c->gate);
	if (!c->winding_down && !c->held)
		more = store_expire(c->store, EXPIRE_MAX) == EXPIRE_MAX;
	start_task(c);
	gate_leave(c->gate);
	uv_timer_start(timer, on_tick, more ? EXPIRE_AGAIN_MS : TICK_MS, 0);
}

int committer_new(struct committer **out, struct hub *home, struct gate *gate,
		  struct store *store, enum committer_mode mode,
		  const struct committer_events *events)
{
	struct committer *c = calloc(1, sizeof(*c));
	uv_loop_t *loop = home->loop;
	int r;

	if (c == NULL)
		return err_set(KV_ENOMEM, "out of memory");
	c->home = home;
	c->gate = gate;
	c->store = store;
	c->mode = mode;
	c->events = *events;
	c->appended = store_appended(store);
	gather_init(&c->gather);
	c->can_gather = gate->open && sysconf(_SC_NPROCESSORS_ONLN) > 1;
	r = worker_new(&c->syncer, loop, run_flush, on_flush_done, c);
	if (r != 0)
		goto err;
	r = worker_new(&c->tasker, loop, run_task, on_task_done, c);
	if (r != 0)
		goto err_after_syncer;
	uv_timer_init(loop, &c->tick);
	uv_idle_init(loop, &c->awake);
	c->tick.data = c->awake.data = c;
	c->nhandles = 2;
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
	gate_enter(c->gate);
	c->winding_down = true;
	gate_leave(c->gate);
}

bool committer_is_idle(struct committer *c)
{
	bool idle;

	gate_enter(c->gate);
	idle = committer_is_quiet(c) &&
	       (c->store == NULL || store_waiting(c->store) == 0);
	gate_leave(c->gate);
	return idle;
}

static void on_closed(uv_handle_t *handle)
{
	struct committer *c = handle->data;

	if (--c->nhandles == 0)
		free(c);
}

void committer_free(struct committer *c)
{
	assert(committer_is_idle(c));
	worker_free(c->syncer);
	worker_free(c->tasker);
	uv_close((uv_handle_t *)&c->tick, on_closed);
	uv_close((uv_handle_t *)&c->awake, on_closed);
}

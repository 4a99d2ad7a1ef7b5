/*
 * hub.c - see hub.h. A session leaves `all` only when its handle is closed, so
 * that walking the list may close what it meets.
 */
#include "serve/hub.h"

#include "base/err.h"
#include "replica/coord.h"
#include "serve/clients.h"
#include "serve/session.h"
#include "serve/team.h"
#include "store/store.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

static void on_wake(uv_async_t *async);

int hub_init(struct hub *hub, struct team *team, uv_loop_t *loop)
{
	int r;

	*hub = (struct hub){.loop = loop, .team = team};
	reply_pool_init(&hub->pool);
	TAILQ_INIT(&hub->all);
	TAILQ_INIT(&hub->owed);
	TAILQ_INIT(&hub->stalled);
	TAILQ_INIT(&hub->dirty);
	hub->parser = parser_new();
	hub->read_buf = malloc(HUB_READ_SIZE);
	if (hub->parser == NULL || hub->read_buf == NULL) {
		hub_release(hub);
		return err_set(KV_ENOMEM, "out of memory");
	}
	clients_init(hub);
	hub->wake.data = hub;
	r = uv_async_init(loop, &hub->wake, on_wake);
	if (r != 0) {
		hub_release(hub);
		return err_sys(-r, "cannot watch other threads");
	}
	return 0;
}

void hub_detach(struct hub *hub)
{
	uv_close((uv_handle_t *)&hub->wake, NULL);
}

void hub_release(struct hub *hub)
{
	assert(hub->nsessions == 0);
	parser_free(hub->parser);
	free(hub->read_buf);
	free(hub->arrivals);
	buf_release(&hub->scratch);
	buf_release(&hub->command);
	while (hub->nspares != 0)
		buf_release(&hub->spares[--hub->nspares]);
	reply_pool_release(&hub->pool);
}

void hub_enter(struct hub *hub)
{
	gate_enter(&hub->team->gate);
	hub->inside = true;
}

static struct reply_gate now_reached(const struct hub *hub)
{
	return (struct reply_gate){
		.after = hub->coord->revealed,
		.confirm = hub->coord->confirmed,
	};
}

/* A node may be between two stores. */
static size_t now_waiting(const struct hub *hub)
{
	return hub->store != NULL ? store_waiting(hub->store) : 0;
}

void hub_leave(struct hub *hub)
{
	hub->reached = now_reached(hub);
	hub->waiting = now_waiting(hub);
	/* Sessions will stall for it. */
	if (hub->waiting >= SESSION_STORE_MAX)
		hub->awaits = store_appended(hub->store);
	else if (hub->awaits <= hub->reached.after)
		hub->awaits = 0;
	hub->inside = false;
	gate_leave(&hub->team->gate);
}

struct reply_gate hub_reached(const struct hub *hub)
{
	/* Where the gate is open nobody else moves the numbers. */
	return hub->inside || hub->team->gate.open ? now_reached(hub)
						   : hub->reached;
}

size_t hub_waiting(const struct hub *hub)
{
	return hub->inside ? now_waiting(hub) : hub->waiting;
}

bool hub_give(struct hub *hub, struct hub_arrival arrival)
{
	if (hub->narrivals == hub->arrivals_cap) {
		size_t cap = hub->arrivals_cap ? 2 * hub->arrivals_cap : 16;
		struct hub_arrival *more =
			realloc(hub->arrivals, cap * sizeof(*more));

		if (more == NULL)
			return false;
		hub->arrivals = more;
		hub->arrivals_cap = cap;
	}
	hub->arrivals[hub->narrivals++] = arrival;
	return true;
}

static void send_dirty(struct hub *hub)
{
	struct session *s;

	hub->nput_off = 0;
	while ((s = TAILQ_FIRST(&hub->dirty)) != NULL) {
		TAILQ_REMOVE(&hub->dirty, s, dirty);
		s->is_dirty = false;
		session_release(s);
	}
}

/* Turns what waits into errors, everywhere. */
static void fail_waiting(struct hub *hub, const struct reply_failure *wrote,
			 const struct reply_failure *other)
{
	struct reply_gate reached = hub_reached(hub);
	struct session *s;

	TAILQ_FOREACH (s, &hub->all, all)
		if (s->protocol != NULL)
			reply_queue_fail(&s->queue, &reached, wrote, other,
					 s->protocol->write_error);
}

static void release_owed(struct hub *hub)
{
	struct session_list list = TAILQ_HEAD_INITIALIZER(list);
	struct session *s;

	hub->progress = false;
	/* One that is still owed something puts itself back, behind the part
	 * that is being walked. */
	TAILQ_CONCAT(&list, &hub->owed, owed);
	while ((s = TAILQ_FIRST(&list)) != NULL) {
		TAILQ_REMOVE(&list, s, owed);
		s->is_owed = false;
		session_release(s);
	}
}

static void resume_stalled(struct hub *hub)
{
	struct session_list list = TAILQ_HEAD_INITIALIZER(list);
	struct session *s;

	TAILQ_CONCAT(&list, &hub->stalled, stalled);
	while ((s = TAILQ_FIRST(&list)) != NULL) {
		TAILQ_REMOVE(&list, s, stalled);
		s->is_stalled = false;
		session_pump(s);
	}
}

void hub_committed(struct hub *hub)
{
	char text[ERR_TEXT_MAX];
	struct reply_failure failure = {KV_EREADONLY, text};
	const char *why;
	bool failed;

	hub_enter(hub);
	failed = hub->store != NULL && store_failed(hub->store, &why) != 0;
	if (failed)
		snprintf(text, sizeof(text), "the store is read-only: %s", why);
	hub_leave(hub);
	if (failed)
		fail_waiting(hub, &failure, &failure);
	release_owed(hub);
	resume_stalled(hub);
}

/* Takes what others have left here. */
static enum hub_order take_news(struct hub *hub, struct hub_arrival **arrivals,
				size_t *n)
{
	enum hub_order order;
	struct session *s;

	hub_enter(hub);
	order = hub->order;
	*arrivals = hub->arrivals;
	*n = hub->narrivals;
	hub->arrivals = NULL;
	hub->narrivals = hub->arrivals_cap = 0;
	if (hub->condemns)
		TAILQ_FOREACH (s, &hub->all, all)
			if (s->condemned && !s->doomed)
				session_doom(s);
	hub->condemns = false;
	hub_leave(hub);
	return order;
}

static void drain(struct hub *hub)
{
	struct session *s;

	hub->draining = true;
	TAILQ_FOREACH (s, &hub->all, all)
		if (s->protocol == NULL || !s->protocol->framed)
			session_finish(s);
}

static void on_wake(uv_async_t *async)
{
	struct hub *hub = async->data;
	struct hub_arrival *arrivals;
	size_t n;
	enum hub_order order = take_news(hub, &arrivals, &n);

	for (size_t i = 0; i < n; i++)
		session_adopt(hub, arrivals[i]);
	free(arrivals);
	hub_committed(hub);
	if (order >= HUB_DRAIN && !hub->draining)
		drain(hub);
	if (order >= HUB_CLOSE)
		hub_close_all(hub);
}

void hub_progress(struct hub *hub)
{
	hub->progress = true;
}

const struct reply_failure hub_lost_wrote = {
	KV_EUNKNOWN, "the leader was lost before a majority had the write; it "
		     "may or may not be stored"};
const struct reply_failure hub_lost_other = {
	KV_EUNAVAILABLE, "the leader was lost before it could answer; try "
			 "again"};

void hub_lost(struct hub *hub)
{
	fail_waiting(hub, &hub_lost_wrote, &hub_lost_other);
	hub->progress = true;
}

void hub_doom(struct hub *hub, uint64_t id)
{
	struct session *s;

	TAILQ_FOREACH (s, &hub->all, all)
		if (s->id == id)
			session_doom(s);
}

bool hub_turn(struct hub *hub)
{
	bool work = hub->progress || !TAILQ_EMPTY(&hub->dirty);

	send_dirty(hub);
	if (hub->progress) {
		release_owed(hub);
		resume_stalled(hub);
	}
	return work;
}

bool hub_is_drained(const struct hub *hub)
{
	const struct session *s;

	TAILQ_FOREACH (s, &hub->all, all)
		if (s->protocol == NULL || !s->protocol->framed ||
		    s->queue.count != 0)
			return false;
	return true;
}

void hub_close_all(struct hub *hub)
{
	struct session *s;

	TAILQ_FOREACH (s, &hub->all, all)
		session_close(s);
}

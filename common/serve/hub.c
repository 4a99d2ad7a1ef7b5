/*
 * hub.c - see hub.h. A session leaves `all` only when its handle is closed, so
 * that walking the list may close what it meets.
 */
#include "serve/hub.h"

#include "base/err.h"
#include "replica/coord.h"
#include "serve/clients.h"
#include "serve/session.h"
#include "store/store.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

int hub_init(struct hub *hub, uv_loop_t *loop)
{
	*hub = (struct hub){.loop = loop};
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
	return 0;
}

void hub_release(struct hub *hub)
{
	assert(hub->nsessions == 0);
	parser_free(hub->parser);
	free(hub->read_buf);
	buf_release(&hub->scratch);
	buf_release(&hub->command);
	buf_release(&hub->spare_out);
	reply_pool_release(&hub->pool);
}

void hub_accept(struct hub *hub, uv_stream_t *listener)
{
	session_accept(hub, listener);
}

struct reply_gate hub_reached(const struct hub *hub)
{
	return (struct reply_gate){
		.after = hub->coord->revealed,
		.confirm = hub->coord->confirmed,
	};
}

static void send_dirty(struct hub *hub)
{
	struct session *s;

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

static void fail_undurable(struct hub *hub, int failed)
{
	const char *why = err_text();
	char text[ERR_TEXT_MAX];
	struct reply_failure failure = {failed, text};

	if (store_failed(hub->store, &why) != 0)
		failure.code = KV_EREADONLY;
	snprintf(text, sizeof(text), "the store is read-only: %s", why);
	fail_waiting(hub, &failure, &failure);
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

void hub_committed(struct hub *hub, int failed)
{
	if (failed != 0)
		fail_undurable(hub, failed);
	release_owed(hub);
	resume_stalled(hub);
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

void hub_drain(struct hub *hub)
{
	struct session *s;

	hub->draining = true;
	TAILQ_FOREACH (s, &hub->all, all)
		if (s->protocol == NULL || !s->protocol->framed)
			session_finish(s);
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

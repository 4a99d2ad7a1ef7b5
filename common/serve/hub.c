/*
 * hub.c - see hub.h. A session leaves `all` only when its handle is closed, so
 * that walking the list may close what it meets.
 */
#include "serve/hub.h"

#include "base/err.h"
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
	while (hub->nspares != 0)
		buf_release(&hub->spares[--hub->nspares]);
	reply_pool_release(&hub->pool);
}

void hub_accept(struct hub *hub, uv_stream_t *listener)
{
	session_accept(hub, listener);
}

uint64_t hub_durable(const struct hub *hub)
{
	return store_durable(hub->store);
}

void hub_send_dirty(struct hub *hub)
{
	struct session *s;

	hub->nput_off = 0;
	while ((s = TAILQ_FIRST(&hub->dirty)) != NULL) {
		TAILQ_REMOVE(&hub->dirty, s, dirty);
		s->is_dirty = false;
		session_release(s);
	}
}

static void release_owed(struct hub *hub, int failed)
{
	struct session_list list = TAILQ_HEAD_INITIALIZER(list);
	uint64_t durable = store_durable(hub->store);
	const char *why = err_text();
	char text[ERR_TEXT_MAX];
	struct session *s;

	if (failed != 0 && store_failed(hub->store, &why) != 0)
		failed = KV_EREADONLY;
	snprintf(text, sizeof(text), "the store is read-only: %s", why);
	/* One that is still owed something puts itself back, behind the part
	 * that is being walked. */
	TAILQ_CONCAT(&list, &hub->owed, owed);
	while ((s = TAILQ_FIRST(&list)) != NULL) {
		TAILQ_REMOVE(&list, s, owed);
		s->is_owed = false;
		if (failed != 0)
			reply_queue_fail(&s->queue, durable, failed, text,
					 s->protocol->write_error);
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
	release_owed(hub, failed);
	resume_stalled(hub);
}

void hub_drain(struct hub *hub)
{
	struct session *s;

	TAILQ_FOREACH (s, &hub->all, all)
		session_finish(s);
}

void hub_close_all(struct hub *hub)
{
	struct session *s;

	TAILQ_FOREACH (s, &hub->all, all)
		session_close(s);
}

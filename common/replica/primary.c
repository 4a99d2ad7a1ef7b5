/*
 * primary.c - see primary.h and primary_impl.h: the life of a coordinator, and
 * the events that come in.
 */
#include "replica/primary_impl.h"

#include "base/err.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Longer than an election, and shorter than clients wait for one node of
 * several before they try the next (client/remote.c): a request must not be
 * given up by its asker while it still waits here. */
#define PATIENCE_MS 900u
#define UNCOMMITTED_MAX ((size_t)64 << 20)

void primary_say(struct primary *p, const char *fmt, ...)
{
	char line[ERR_TEXT_MAX + 64];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	p->events.log(p->events.arg, line);
}

/* The finaliser of splitmix64 by Steele, Lea and Flood. */
uint64_t primary_mix(uint64_t x)
{
	x += 0x9e3779b97f4a7c15u;
	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
	x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
	return x ^ (x >> 31);
}

void primary_die(struct primary *p, const char *why)
{
	if (p->dead)
		return;
	primary_say(p,
		    "this node takes no part any more: %s; restart the server "
		    "when the cause is removed",
		    why);
	primary_retire(p, false, NULL);
	p->dead = true;
	primary_fail_pending(p, KV_EIO, why);
	primary_order_end(p, why);
}

int primary_save(struct primary *p)
{
	int r = primary_state_save(&p->state, p->fs, p->options.dir);
	char why[ERR_TEXT_MAX];

	if (r == 0)
		return 0;
	snprintf(why, sizeof(why), "%s", err_text());
	primary_die(p, why);
	return err_set(r, "%s", why);
}

/* ---- what happens ---- */

static bool is_ticked(const struct primary *p)
{
	/* Without ticks it does not campaign; one that is retired or no voter
	 * does not in any case. */
	return primary_takes_part(p) && !p->held &&
	       (primary_may_stand(p) || p->wiped || p->store_failed ||
		members_find(primary_list(p), p->state.id) == NULL);
}

void primary_tick(struct primary *p, uint64_t now_ms)
{
	p->now = now_ms;
	if (is_ticked(p) && raft_deadline(p->raft) <= now_ms) {
		primary_note_growth(p);
		primary_pump(p);
		raft_tick(p->raft, now_ms);
		primary_pump(p);
	}
	primary_expire_pending(p);
	primary_readers_expire(p);
	primary_fetch_retry(p);
	if (p->retry_ms <= now_ms)
		primary_drain(p);
	primary_order_step(p);
}

static void take_earlier(uint64_t *deadline, uint64_t at)
{
	if (at < *deadline)
		*deadline = at;
}

uint64_t primary_deadline(const struct primary *p)
{
	uint64_t deadline = UINT64_MAX;

	if (is_ticked(p))
		deadline = raft_deadline(p->raft);
	if (primary_is_waiting(p) || p->norphans != 0)
		take_earlier(&deadline, p->now + PRIMARY_RETRY_MS);
	if (p->fetch.active || p->order.active)
		take_earlier(&deadline, p->now + PRIMARY_RETRY_MS);
	return deadline;
}

void primary_receive(struct primary *p, uint64_t now_ms, uint64_t from,
		     struct slice frame)
{
	(void)from; /* frames say themselves whom they are of */
	p->now = now_ms;
	if (frame.len == 0 || p->dead)
		return;
	switch (frame.data[0]) {
	case FRAME_RAFT:
		primary_receive_message(p, frame);
		break;
	case FRAME_FETCH:
		primary_serve_fetch(p, frame);
		break;
	case FRAME_CHUNK:
		primary_fetch_chunk(p, frame);
		break;
	case FRAME_FORGOT:
		primary_forgot(p, frame);
		break;
	case FRAME_FORWARDED:
		primary_forwarded(p, frame);
		break;
	default:
		break;
	}
}

void primary_hear(struct primary *p, uint64_t now_ms, uint64_t id)
{
	p->now = now_ms;
	if (primary_takes_part(p) && !p->dead)
		raft_hear(p->raft, now_ms, id);
}

void primary_link_lost(struct primary *p, uint64_t now_ms, uint64_t id)
{
	p->now = now_ms;
	primary_orphan(p, id, true);
	if (p->fetch.active && p->fetch.source == id)
		p->fetch.asked_ms = 0; /* asked again with the next tick */
	primary_order_link_lost(p, id);
}

/* A read of this turn was carried out while the node led; now it has to find
 * out that it led all the time. */
static void take_round(struct primary *p)
{
	struct fifo_pair *pair;
	uint64_t round;

	if (!p->has_reads || !p->leads)
		return;
	p->has_reads = false;
	if (raft_read(p->raft, p->now, &round) != 0)
		return; /* it is about to be told that it leads no more */
	pair = fifo_add(&p->rounds);
	pair->key = round;
	pair->value = p->turn++;
}

static void trim(struct primary *p)
{
	uint64_t first = store_log_first(p->store);

	if (p->store_failed || p->held || first <= p->trimmed)
		return;
	p->trimmed = first;
	raft_trimmed(p->raft, first);
	primary_pump(p);
}

static bool has_news(const struct primary *p)
{
	return p->leads &&
	       (p->has_reads || store_appended(p->store) > p->reported);
}

void primary_settle(struct primary *p)
{
	if (p->dead)
		return;
	if (primary_takes_part(p)) {
		primary_commit(p);
		trim(p);
		/* Replies that are released can bring further requests. */
		do {
			primary_note_growth(p);
			take_round(p);
			primary_pump(p);
			primary_tell_progress(p);
		} while (has_news(p));
		primary_promote(p);
	}
	primary_order_step(p);
	if (p->leader_moved || p->retry_ms <= p->now)
		primary_drain(p);
	primary_note_growth(p); /* of what has just been carried out */
	primary_pump(p);
	primary_tell_members(p);
}

static void turn(struct coord *c)
{
	struct primary *p = (struct primary *)c;

	primary_settle(p);
	primary_swap(p);
}

static void flushed(struct coord *c, int failed)
{
	struct primary *p = (struct primary *)c;
	const char *why = "";

	if (p->dead || p->swapping)
		return;
	if (failed != 0 && !p->store_failed) {
		store_failed(p->store, &why);
		primary_retire(p, true, why);
		p->held = false; /* the truncation is not for this store */
	} else if (!p->store_failed) {
		primary_resume(p);
	}
	primary_settle(p);
}

static void hint(struct coord *c, const struct slice *keys, size_t n,
		 bool values)
{
	struct primary *p = (struct primary *)c;

	if (!p->swapping && !p->dead)
		store_hint(p->store, keys, n, values);
}

/* ---- life ---- */

static void release(struct primary *p)
{
	primary_readers_end(p);
	primary_fetch_end(p);
	raft_free(p->raft);
	free(p->entries);
	free(p->info);
	buf_release(&p->queue);
	buf_release(&p->kept);
	buf_release(&p->wire);
	buf_release(&p->body);
	buf_release(&p->info_text);
	for (unsigned i = 0; i < READERS_MAX; i++)
		buf_release(&p->readers[i].last);
	free((void *)(uintptr_t)p->options.dir);
	free((void *)(uintptr_t)p->options.node);
	free((void *)(uintptr_t)p->options.address);
	free(p);
}

static void coord_is_freed(struct coord *c)
{
	struct primary *p = (struct primary *)c;

	static const char why[] = "the server is stopping";

	primary_fail_pending(p, KV_EUNKNOWN, why);
	primary_order_end(p, why);
	release(p);
}

static bool copy_options(struct primary *p, const struct primary_options *o)
{
	p->options = *o;
	p->options.dir = strdup(o->dir);
	p->options.node = strdup(o->node);
	p->options.address = strdup(o->address != NULL ? o->address : "");
	if (o->patience_ms == 0)
		p->options.patience_ms = PATIENCE_MS;
	if (o->uncommitted_max == 0)
		p->options.uncommitted_max = UNCOMMITTED_MAX;
	return p->options.dir != NULL && p->options.node != NULL &&
	       p->options.address != NULL;
}

int primary_new(struct primary **out, struct store *store,
		const struct primary_options *options,
		const struct primary_events *events, uint64_t now_ms)
{
	static const struct coord_ops ops = {
		.submit = primary_submit,
		.hint = hint,
		.turn = turn,
		.flushed = flushed,
		.free = coord_is_freed,
	};
	struct primary *p = calloc(1, sizeof(*p));
	int r;

	if (p == NULL)
		return err_set(KV_ENOMEM, "out of memory");
	p->coord.ops = &ops;
	p->events = *events;
	p->fs = options->fs != NULL ? options->fs : fs_posix();
	p->store = store;
	p->now = now_ms;
	p->turn = 1;
	TAILQ_INIT(&p->waiting);
	TAILQ_INIT(&p->sent);
	r = copy_options(p, options) ? primary_open_state(p)
				     : err_set(KV_ENOMEM, "out of memory");
	if (r == 0)
		r = primary_open_core(p);
	if (r != 0) {
		release(p);
		return r;
	}
	*out = p;
	return 0;
}

struct coord *primary_coord(struct primary *p)
{
	return &p->coord;
}

bool primary_leads(const struct primary *p)
{
	return p->leads;
}

const struct members *primary_members(const struct primary *p)
{
	return primary_list(p);
}

const struct members *primary_peers(const struct primary *p)
{
	return &p->peers;
}

const struct raft *primary_core(const struct primary *p)
{
	return p->raft;
}

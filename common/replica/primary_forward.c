/*
 * primary_forward.c - requests that another node carries out, or that wait
 * until somebody leads.
 *
 * They are kept as bytes of their own protocol. Those that wait stand in the
 * order in which they came, and nothing overtakes them. A leader's answer that
 * it does not lead, or cannot now, puts a request back into its place; so does
 * the loss of the leader with what can be asked again: reads, and writes that
 * are done once. Of any other write nobody knows then what became of it.
 */
#include "replica/primary_impl.h"

#include "base/bytes.h"
#include "base/err.h"
#include "base/txn.h"

#include <stdlib.h>

#define FORWARD_HEAD 9u	   /* kind, id */
#define FORWARDED_HEAD 13u /* kind, id, code */

/* Bytes of requests that wait or are on their way. */
#define PENDING_MAX ((size_t)256 << 20)

bool primary_is_waiting(const struct primary *p)
{
	return !TAILQ_EMPTY(&p->waiting);
}

static void settle_orphan(struct primary *p, struct pending *w)
{
	if (w->orphaned)
		p->norphans--;
	w->orphaned = false;
}

/* Answers one that stands in `list`, and forgets it. */
static void finish(struct primary *p, struct pending_list *list,
		   struct pending *w, const struct reply *reply)
{
	TAILQ_REMOVE(list, w, next);
	settle_orphan(p, w);
	p->pending_bytes -= w->bytes.len;
	w->fn(w->arg, NULL, reply);
	buf_release(&w->bytes);
	free(w);
}

static void fail(struct primary *p, struct pending_list *list,
		 struct pending *w, int code, const char *message)
{
	struct reply reply = {.code = code, .message = message};

	if (w->repeated) {
		reply.code = KV_EUNKNOWN;
		reply.message = "the leader was lost before it answered, and "
				"no other could tell whether the write "
				"happened";
	}
	finish(p, list, w, &reply);
}

/* Into its place among those that wait. */
static void put_back(struct primary *p, struct pending *w)
{
	struct pending *before = TAILQ_LAST(&p->waiting, pending_list);

	TAILQ_REMOVE(&p->sent, w, next);
	settle_orphan(p, w);
	w->leader = 0;
	while (before != NULL && before->id > w->id)
		before = TAILQ_PREV(before, pending_list, next);
	if (before != NULL)
		TAILQ_INSERT_AFTER(&p->waiting, before, w, next);
	else
		TAILQ_INSERT_HEAD(&p->waiting, w, next);
	p->retry_ms = p->now + PRIMARY_RETRY_MS;
}

/* ---- out ---- */

static uint64_t whom_to_ask(const struct primary *p)
{
	if (p->leads)
		return primary_hands_over(p) ? 0 : p->state.id;
	return p->leader != p->state.id ? p->leader : 0;
}

static bool forward(struct primary *p, struct pending *w, uint64_t leader)
{
	const struct member *to = members_find(primary_peers(p), leader);
	char head[FORWARD_HEAD] = {FRAME_FORWARD};

	if (to == NULL)
		return false;
	put_le64(head + 1, w->id);
	/* The answer may come during the call. */
	TAILQ_REMOVE(&p->waiting, w, next);
	TAILQ_INSERT_TAIL(&p->sent, w, next);
	w->leader = leader;
	if (p->events.send(p->events.arg, to, slice_of(head, sizeof(head)),
			   buf_slice(&w->bytes)))
		return true;
	put_back(p, w);
	return false;
}

void primary_drain(struct primary *p)
{
	struct pending *w;

	p->leader_moved = false;
	p->retry_ms = 0;
	if (p->dead)
		return;
	while ((w = TAILQ_FIRST(&p->waiting)) != NULL && p->retry_ms == 0) {
		uint64_t leader = whom_to_ask(p);

		if (leader == 0 || !forward(p, w, leader))
			p->retry_ms = p->now + PRIMARY_RETRY_MS;
	}
	if (w == NULL)
		p->retry_ms = UINT64_MAX;
}

static int encode(const struct request *req, struct buf *out)
{
	int r = 0;

	if (req->op == OP_COMMAND) {
		buf_append_char(out, (char)req->call->protocol);
		r = req->call->encode(req->call, out);
	} else {
		buf_append_char(out, FORWARD_JSON);
		buf_append_slice(out, req->raw);
	}
	if (r == 0 && buf_failed(out))
		r = err_set(KV_ENOMEM, "no memory to forward a request");
	return r;
}

/* A write that changes nothing is not remembered, and would be done when an
 * old leader comes to it late: so only what always writes. */
static bool is_done_once(const struct request *req)
{
	return req->client.len != 0 && req->condition == KV_ALWAYS &&
	       (req->op == OP_SET || req->op == OP_BULK_SET);
}

void primary_wait(struct primary *p, const struct request *req,
		  coord_reply_fn *fn, void *arg)
{
	bool alone = TAILQ_EMPTY(&p->waiting);
	struct pending *w;
	int r;

	if (p->pending_bytes > PENDING_MAX) {
		primary_refuse(req, fn, arg, KV_EUNAVAILABLE,
			       "too many requests wait for a leader already");
		return;
	}
	w = calloc(1, sizeof(*w));
	r = w != NULL ? encode(req, &w->bytes)
		      : err_set(KV_ENOMEM, "out of memory");
	if (r != 0) {
		primary_refuse(req, fn, arg, r, "%s", err_text());
		if (w != NULL)
			buf_release(&w->bytes);
		free(w);
		return;
	}
	w->id = ++p->next_id;
	w->deadline_ms = p->now + p->options.patience_ms;
	w->reads_only = primary_reads_only(req);
	w->once = is_done_once(req);
	w->fn = fn;
	w->arg = arg;
	p->pending_bytes += w->bytes.len;
	TAILQ_INSERT_TAIL(&p->waiting, w, next);
	if (alone)
		primary_drain(p);
}

/* ---- what becomes of them ---- */

static struct pending *find_sent(struct primary *p, uint64_t id)
{
	struct pending *w;

	/* Answers come about in the order of the questions. */
	TAILQ_FOREACH (w, &p->sent, next)
		if (w->id == id)
			return w;
	return NULL;
}

void primary_forwarded(struct primary *p, struct slice frame)
{
	struct reply reply = {0};
	char text[ERR_TEXT_MAX];
	struct pending *w;
	size_t len;

	if (frame.len < FORWARDED_HEAD)
		return;
	w = find_sent(p, get_le64(frame.data + 1));
	if (w == NULL)
		return;
	reply.code = (int)get_le32(frame.data + 9);
	frame = slice_of(frame.data + FORWARDED_HEAD,
			 frame.len - FORWARDED_HEAD);
	if (reply.code == KV_EUNAVAILABLE && p->now < w->deadline_ms) {
		put_back(p, w);
		return;
	}
	if (reply.code == 0) {
		reply.encoded = frame;
	} else if (w->repeated) {
		fail(p, &p->sent, w, reply.code, NULL);
		return;
	} else {
		len = frame.len < sizeof(text) ? frame.len : sizeof(text) - 1;
		if (len != 0)
			memcpy(text, frame.data, len);
		text[len] = '\0';
		reply.message = text;
	}
	finish(p, &p->sent, w, &reply);
}

void primary_orphan(struct primary *p, uint64_t leader, bool link_lost)
{
	struct pending *w, *after;

	for (w = TAILQ_FIRST(&p->sent); w != NULL; w = after) {
		after = TAILQ_NEXT(w, next);
		if (w->leader != leader)
			continue;
		if (w->reads_only || w->once) {
			w->repeated = w->once;
			w->deadline_ms = p->now + p->options.patience_ms;
			put_back(p, w);
		} else if (link_lost) {
			fail(p, &p->sent, w, KV_EUNKNOWN,
			     "the leader was lost before it answered: the "
			     "write "
			     "may have happened or not");
		} else if (!w->orphaned) {
			/* It may still say how it ended. */
			w->orphaned = true;
			w->deadline_ms = p->now + p->options.patience_ms;
			p->norphans++;
		}
	}
}

void primary_expire_pending(struct primary *p)
{
	struct pending *w, *after;

	for (w = TAILQ_FIRST(&p->waiting); w != NULL; w = after) {
		after = TAILQ_NEXT(w, next);
		if (w->deadline_ms <= p->now)
			fail(p, &p->waiting, w, KV_EUNAVAILABLE,
			     "no leader was found in time: a majority of the "
			     "cluster cannot be reached");
	}
	if (p->norphans == 0)
		return;
	for (w = TAILQ_FIRST(&p->sent); w != NULL; w = after) {
		after = TAILQ_NEXT(w, next);
		if (w->orphaned && w->deadline_ms <= p->now)
			fail(p, &p->sent, w, KV_EUNKNOWN,
			     "the leader changed before it answered: the write "
			     "may have happened or not");
	}
}

void primary_fail_pending(struct primary *p, int code, const char *why)
{
	struct pending *w;

	while ((w = TAILQ_FIRST(&p->waiting)) != NULL)
		fail(p, &p->waiting, w,
		     code == KV_EUNKNOWN ? KV_EUNAVAILABLE : code, why);
	while ((w = TAILQ_FIRST(&p->sent)) != NULL)
		fail(p, &p->sent, w, KV_EUNKNOWN, why);
}

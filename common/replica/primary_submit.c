/*
 * primary_submit.c - requests that are carried out here: by a leader, or
 * because they are about the node itself, or because they may be stale.
 *
 * What a reply needs before it may leave: whatever it reveals must be committed
 * (reply.after, which the store knows), and the node must have led while it was
 * carried out. The latter is shown by the commit of an entry that was appended
 * after the request came in, or else by an exchange with a majority that began
 * after it (reply.confirm): one for all reads of a turn.
 */
#include "replica/primary_impl.h"

#include "base/err.h"
#include "base/txn.h"

#include <stdarg.h>
#include <stdio.h>

/* Expired keys that are removed at a time. */
#define EXPIRE_BATCH 1000u

void primary_refuse(const struct request *req, coord_reply_fn *fn, void *arg,
		    int code, const char *fmt, ...)
{
	char text[ERR_TEXT_MAX];
	struct reply reply = {.op = req->op, .code = code, .message = text};
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	fn(arg, req, &reply);
}

bool primary_reads_only(const struct request *req)
{
	switch (req->op) {
	case OP_GET:
	case OP_MGET:
	case OP_SCAN:
	case OP_COUNT:
		return true;
	case OP_COMMAND:
		return req->call->reads_only;
	default:
		return false;
	}
}

static bool is_local(const struct request *req)
{
	return req->op == OP_PING || req->op == OP_INFO ||
	       (req->op == OP_COMMAND && req->call->local);
}

static void answer_local(struct primary *p, const struct request *req,
			 coord_reply_fn *fn, void *arg)
{
	struct reply reply = {.op = req->op};

	if (req->op == OP_PING) {
		fn(arg, req, &reply);
		return;
	}
	if (p->swapping) {
		primary_refuse(req, fn, arg, KV_EUNAVAILABLE,
			       "the store of this node is just being replaced "
			       "by a snapshot");
		return;
	}
	store_execute(p->store, req, &reply);
	/* What a node says of itself is nobody's fact. */
	reply.after = 0;
	if (req->op == OP_INFO && reply.code == 0)
		primary_reply_info(p, req, &reply, fn, arg);
	else
		fn(arg, req, &reply);
}

static void answer_stale(struct primary *p, const struct request *req,
			 coord_reply_fn *fn, void *arg)
{
	struct reply reply;

	if (p->swapping) {
		primary_refuse(req, fn, arg, KV_EUNAVAILABLE,
			       "the store of this node is just being replaced "
			       "by a snapshot");
		return;
	}
	/* Behind is one thing; to miss what is there for want of a store is
	 * another. */
	if (p->wiped) {
		primary_refuse(req, fn, arg, KV_EUNAVAILABLE,
			       "'%s' has lost its data and is to be repaired",
			       p->options.node);
		return;
	}
	store_execute(p->store, req, &reply);
	if (!p->leads) {
		reply.after = 0; /* it sees what is committed, and no more */
		reply.stale = true;
		reply.lag = primary_lag(p);
		reply.lag_ms = primary_lag_ms(p);
	}
	fn(arg, req, &reply);
}

/* Whether a key has expired is for the leader to say, and it says so by
 * deleting it: another's clock may be slower. */
static void expire(struct primary *p)
{
	while (store_expire(p->store, EXPIRE_BATCH) == EXPIRE_BATCH)
		;
}

static void execute(struct primary *p, const struct request *req,
		    coord_reply_fn *fn, void *arg)
{
	size_t waiting = store_waiting(p->store), now;
	bool reads = primary_reads_only(req);
	struct reply reply;
	uint64_t before;

	expire(p);
	before = store_appended(p->store);
	store_execute(p->store, req, &reply);
	reply.wrote = reply.wrote || store_appended(p->store) != before ||
		      (!reads && req->client.len != 0);
	if (reply.after <= before) {
		reply.confirm = p->turn;
		p->has_reads = true;
	}
	now = store_waiting(p->store);
	if (now > waiting)
		p->unreported_bytes += now - waiting;
	fn(arg, req, &reply);
}

static bool is_overloaded(const struct primary *p, const struct request *req)
{
	return !primary_reads_only(req) &&
	       p->uncommitted_bytes + p->unreported_bytes >=
		       p->options.uncommitted_max;
}

static void lead(struct primary *p, const struct request *req,
		 coord_reply_fn *fn, void *arg)
{
	if (req->op == OP_CLUSTER)
		primary_order(p, req, fn, arg);
	else if (is_overloaded(p, req))
		primary_refuse(req, fn, arg, KV_EUNAVAILABLE,
			       "too much waits for a majority already");
	else
		execute(p, req, fn, arg);
}

void primary_submit(struct coord *c, const struct request *req,
		    coord_reply_fn *fn, void *arg)
{
	struct primary *p = (struct primary *)c;

	if (is_local(req))
		answer_local(p, req, fn, arg);
	else if (p->dead)
		primary_refuse(req, fn, arg, KV_EIO,
			       "this node takes no part in its cluster any "
			       "more; its log says why");
	else if (req->debug_unreliable)
		primary_refuse(req, fn, arg, KV_EUSAGE,
			       "debug_unreliable is for a server that runs "
			       "alone");
	else if (req->stale_ok && primary_reads_only(req))
		answer_stale(p, req, fn, arg);
	else if (p->leads && !primary_hands_over(p) &&
		 (req->forwarded || !primary_is_waiting(p)))
		lead(p, req, fn, arg);
	else if (req->forwarded)
		primary_refuse(req, fn, arg, KV_EUNAVAILABLE,
			       "'%s' does not lead", p->options.node);
	else
		primary_wait(p, req, fn, arg);
}

/*
 * session.c - the requests of a session: from its input through the
 * coordinator into its reply queue; see session.h. All of this is done inside
 * the gate; session_io.c moves the bytes, outside.
 *
 * A reply that comes at once, with nothing before it and dependent on nothing
 * that is still being synced, goes straight into the output. Only what has to
 * wait takes a slot in the queue, for its reply or for its request.
 */
#include "serve/session.h"

#include "base/clock.h"
#include "base/err.h"
#include "replica/coord.h"
#include "serve/committer.h"
#include "serve/node.h"
#include "store/store.h"

/* After a request this long the parser gives its memory back. */
#define PARSER_KEEP ((size_t)1 << 20)

static void write_reply(struct session *s, struct buf *out,
			const struct reply *reply, struct slice tag)
{
	struct hub *hub = s->hub;
	struct reply longer;
	uint64_t now = reply->nitems != 0 ? clock_wall_ms() : 0;

	if (reply->op == OP_INFO && reply->code == 0) {
		longer = *reply;
		hub->extend_info(hub->extend_arg, &longer.info, &longer.ninfo);
		reply = &longer;
	}
	s->protocol->write_reply(out, reply, tag, now);
}

/* Appends the reply to `out`. A command has written it already, to the end of
 * req->out: if that is not `out`, it moves. */
static void put_reply(struct session *s, struct buf *out,
		      const struct request *req, const struct reply *reply,
		      struct slice tag)
{
	if (req == NULL || req->op != OP_COMMAND || reply->code != 0 ||
	    s->protocol->framed) {
		write_reply(s, out, reply, tag);
	} else if (req->out != out) {
		buf_append_slice(out, reply->raw);
		out->failed |= req->out->failed; /* all after it would shift */
		req->out->len -= reply->raw.len;
	}
}

/* Keeps a reply until it may leave; empties `encoded`. */
static void hold(struct session *s, struct reply_slot *slot,
		 const struct reply *reply, struct buf *encoded)
{
	struct reply_gate gate = {reply->after, reply->confirm, reply->wrote};

	if (!reply_slot_hold(slot, &gate, encoded)) {
		session_close(s); /* out of memory; it lets go of the slot */
		reply_slot_drop(slot);
	}
	buf_clear(encoded);
}

static void hold_reply(struct session *s, struct reply_slot *slot,
		       const struct request *req, const struct reply *reply)
{
	struct buf *held = &s->hub->scratch;

	put_reply(s, held, req, reply, reply_slot_tag(slot));
	hold(s, slot, reply, held);
}

/* The reply can be held: somebody wakes the hub when it may go. */
static bool has_to_wait(struct session *s, const struct reply *reply)
{
	struct hub *hub = s->hub;

	if (coord_may_tell(hub->coord, reply->after, reply->confirm))
		return false;
	if (hub->awaits < reply->after)
		hub->awaits = reply->after;
	committer_join(hub->committer, &s->group);
	return true;
}

/* `feed` is NULL if it is over. */
static void settle(struct session *s, struct feed *feed)
{
	if (s->protocol->settle != NULL &&
	    s->protocol->settle(s->feed.own, feed))
		session_finish(s);
}

/* What is not from the store, the protocol may have been waiting for. */
static const struct reply *note_arrival(struct session *s,
					const struct request *req,
					const struct reply *reply,
					struct slice tag, struct reply *seen)
{
	if ((req != NULL && reply->code == 0) || s->protocol->arrived == NULL)
		return reply;
	*seen = *reply;
	seen->encoded = s->protocol->arrived(s->feed.own, reply, tag);
	return seen;
}

static void on_reply(void *arg, const struct request *req,
		     const struct reply *reply)
{
	struct reply_slot *slot = arg;
	struct session *s = reply_slot_owner(slot);
	struct reply seen;

	if (s == NULL) {
		reply_slot_drop(slot);
		return;
	}
	reply = note_arrival(s, req, reply, reply_slot_tag(slot), &seen);
	if (!has_to_wait(s, reply) && reply_slot_is_first(slot)) {
		put_reply(s, &s->out, req, reply, reply_slot_tag(slot));
		reply_slot_drop(slot);
	} else {
		hold_reply(s, slot, req, reply);
	}
	s->blocked = false;
	settle(s, NULL);
	if (!s->pumping && !s->is_dirty && !s->closing) {
		TAILQ_INSERT_TAIL(&s->hub->dirty, s, dirty);
		s->is_dirty = true;
	}
}

static struct reply_slot *push_slot(struct session *s, struct slice tag)
{
	struct reply_slot *slot = reply_queue_push(&s->queue, tag);

	if (slot == NULL)
		session_close(s); /* out of memory */
	return slot;
}

/* The reply has come before anything else could happen. */
static void answer(struct session *s, const struct feed *feed,
		   const struct reply *reply)
{
	const struct request *req = &feed->request;
	struct reply_slot *slot;

	if (!has_to_wait(s, reply) &&
	    (s->queue.count == 0 || s->queue.unordered)) {
		put_reply(s, &s->out, req, reply, feed->tag);
	} else {
		slot = push_slot(s, feed->tag);
		if (slot != NULL)
			hold_reply(s, slot, req, reply);
		else
			buf_clear(&s->hub->scratch);
	}
}

static void note(struct session *s, unsigned requests)
{
	s->hub->counts.requests += requests;
	committer_note(s->hub->committer, s->id, requests);
}

static void submit(struct session *s, struct feed *feed)
{
	struct hub *hub = s->hub;
	struct request *req = &feed->request;
	struct reply_slot *slot;
	struct reply reply;

	if (s->protocol->framed)
		req->out = &hub->command;
	else
		req->out = s->queue.count == 0 ? &s->out : &hub->scratch;
	req->reply_max =
		req->op == OP_SCAN ? SESSION_PAGE_MAX : SESSION_REPLY_MAX;
	if (req->op != OP_CLUSTER && coord_answer(hub->coord, req, &reply)) {
		answer(s, feed, &reply);
		settle(s, feed);
		note(s, feed->count);
		return;
	}
	note(s, 1);
	slot = push_slot(s, feed->tag);
	if (slot == NULL)
		return;
	if (req->op != OP_CLUSTER ||
	    !node_takes_order(hub->node, req, on_reply, slot))
		coord_submit(hub->coord, req, on_reply, slot);
	if (s->protocol->framed)
		buf_clear(&hub->command);
}

/* A reply that did not need the store keeps its place all the same. */
static void reply_now(struct session *s, const struct feed *feed)
{
	struct hub *hub = s->hub;
	struct reply_slot *slot;

	hub->counts.requests++;
	if (s->queue.count == 0) {
		buf_append_slice(&s->out, feed->reply);
		return;
	}
	slot = push_slot(s, slice_of(NULL, 0));
	if (slot == NULL)
		return;
	buf_append_slice(&hub->scratch, feed->reply);
	hold(s, slot, &(struct reply){0}, &hub->scratch);
}

static void refuse(struct session *s, const struct feed *feed)
{
	struct reply reply = {.code = feed->code, .message = err_text()};

	answer(s, feed, &reply);
}

/* Another node's, which will find who leads next. */
static void refuse_late(struct session *s, struct feed *feed)
{
	feed->code = err_set(KV_EUNAVAILABLE, "the node is stopping");
	refuse(s, feed);
}

static void act(struct session *s, struct feed *feed, enum feed_result result)
{
	switch (result) {
	case FEED_REQUEST:
		if (s->hub->draining)
			refuse_late(s, feed);
		else
			submit(s, feed);
		break;
	case FEED_ERROR:
		refuse(s, feed);
		break;
	case FEED_REPLY:
		reply_now(s, feed);
		break;
	case FEED_LAST:
		if (feed->reply.len != 0)
			reply_now(s, feed);
		session_finish(s);
		break;
	case FEED_CLOSE:
		session_close(s);
		break;
	case FEED_NOTHING:
	case FEED_MORE:
	case FEED_WAIT:
		break;
	}
	if (feed->used > PARSER_KEEP)
		parser_trim(feed->parser);
}

bool session_is_full(const struct session *s)
{
	if (s->blocked)
		return true;
	if (s->protocol != NULL && s->protocol->framed)
		return session_unsent(s) >= SESSION_PEER_UNSENT_MAX;
	return s->queue.count >= SESSION_SLOTS_MAX ||
	       s->queue.bytes >= SESSION_HELD_MAX ||
	       session_unsent(s) >= SESSION_UNSENT_MAX ||
	       hub_waiting(s->hub) >= SESSION_STORE_MAX;
}

/* Chooses the protocol by the first byte that is no line end; false if there
 * is none yet. */
static bool begin_protocol(struct session *s, struct slice *input)
{
	while (input->len != 0 &&
	       (input->data[0] == '\n' || input->data[0] == '\r')) {
		input->data++;
		input->len--;
	}
	if (input->len == 0)
		return false;
	s->protocol = protocol_sniff(*input);
	s->queue.unordered = s->protocol->framed;
	if (s->protocol->open == NULL)
		return true;
	s->feed.own = s->protocol->open(s->hub->parser, s->id);
	if (s->feed.own == NULL) /* out of memory */
		session_close(s);
	return s->feed.own != NULL;
}

static bool handle(struct session *s, struct slice *input)
{
	struct feed feed = {
		.parser = s->hub->parser,
		.max = s->hub->options.max_line,
		.at_once = coord_answers(s->hub->coord),
		.now_ms = clock_wall_ms(),
	};
	enum feed_result result;

	while (input->len != 0 && !s->finished && !s->closing) {
		if (session_is_full(s))
			return false;
		if (s->protocol == NULL && !begin_protocol(s, input))
			break;
		feed.input = *input;
		feed.used = 0;
		feed.hints = NULL;
		result = s->protocol->feed(&s->feed, &feed);
		if (result == FEED_MORE)
			break;
		if (result == FEED_WAIT) {
			s->blocked = true;
			return false;
		}
		if (feed.hints != NULL)
			coord_hint(s->hub->coord, feed.hints, feed.nhints,
				   feed.hint_values);
		act(s, &feed, result);
		input->data += feed.used;
		input->len -= feed.used;
	}
	return true;
}

bool session_handle(struct session *s, struct slice *input)
{
	bool used_up;

	hub_enter(s->hub);
	used_up = handle(s, input);
	if (s->protocol != NULL && s->protocol->pause != NULL)
		s->protocol->pause(s->feed.own);
	hub_leave(s->hub);
	return used_up;
}

/*
 * node_self.c - requests that a node forwards to itself: those that came while
 * nobody led, until it does so itself. They go the way of what peers forward,
 * but for the connection.
 */
#include "base/clock.h"
#include "base/err.h"
#include "serve/node_impl.h"
#include "serve/peer_session.h"
#include "serve/session.h"

#include <stdlib.h>

struct node_self {
	struct node *node;
	struct parser *parser; /* a request of others may be in the hub's */
	struct peer_session *session;
	struct reply_pool pool;
	struct reply_queue queue;
	struct buf frame, command, scratch, out;
};

struct node_self *node_self_new(struct node *node)
{
	struct node_self *self = calloc(1, sizeof(*self));

	if (self == NULL)
		return NULL;
	self->node = node;
	reply_pool_init(&self->pool);
	reply_queue_init(&self->queue, &self->pool, self);
	self->queue.unordered = true;
	self->parser = parser_new();
	if (self->parser != NULL)
		self->session = parser_new_peer(self->parser, NULL, 0);
	if (self->session == NULL) {
		node_self_free(self);
		return NULL;
	}
	return self;
}

void node_self_free(struct node_self *self)
{
	if (self == NULL)
		return;
	reply_queue_release(&self->queue);
	reply_pool_release(&self->pool);
	if (self->session != NULL)
		peer_session_free(self->session);
	parser_free(self->parser);
	buf_release(&self->frame);
	buf_release(&self->command);
	buf_release(&self->scratch);
	buf_release(&self->out);
	free(self);
}

static void hold(struct node_self *self, struct reply_slot *slot,
		 const struct reply *reply)
{
	struct reply_gate gate = {reply->after, reply->confirm, reply->wrote};

	peer_write_reply(&self->scratch, reply, reply_slot_tag(slot),
			 reply->nitems != 0 ? clock_wall_ms() : 0);
	if (!reply_slot_hold(slot, &gate, &self->scratch)) {
		/* Out of memory: the one who asked waits until it has to
		 * give up, which says that the outcome is not known. */
		reply_slot_drop(slot);
	}
	buf_clear(&self->scratch);
}

static void on_reply(void *arg, const struct request *req,
		     const struct reply *reply)
{
	struct reply_slot *slot = arg;
	struct node_self *self = reply_slot_owner(slot);

	(void)req;
	if (self == NULL)
		reply_slot_drop(slot);
	else
		hold(self, slot, reply);
}

static void submit(struct node_self *self, struct feed *feed)
{
	struct request *req = &feed->request;
	struct reply_slot *slot = reply_queue_push(&self->queue, feed->tag);

	if (slot == NULL)
		return; /* as in hold() */
	req->out = &self->command;
	req->reply_max =
		req->op == OP_SCAN ? SESSION_PAGE_MAX : SESSION_REPLY_MAX;
	coord_submit(primary_coord(self->node->primary), req, on_reply, slot);
	buf_clear(&self->command);
}

static void answer(struct node_self *self, struct feed *feed)
{
	struct reply reply = {.code = feed->code, .message = err_text()};
	struct reply_slot *slot = reply_queue_push(&self->queue, feed->tag);

	if (slot != NULL)
		hold(self, slot, &reply);
}

/* A reply that needed no coordinator is a frame already. */
static void answered(struct node_self *self, struct slice frames)
{
	struct reply_slot *slot =
		reply_queue_push(&self->queue, slice_of(NULL, 0));

	if (slot == NULL)
		return;
	buf_append_slice(&self->scratch, frames);
	if (!reply_slot_hold(slot, &(struct reply_gate){0}, &self->scratch))
		reply_slot_drop(slot);
	buf_clear(&self->scratch);
}

bool node_self_submit(struct node_self *self, struct slice head,
		      struct slice body)
{
	struct feed feed = {.parser = self->parser, .now_ms = clock_wall_ms()};

	buf_clear(&self->frame);
	buf_append_slice(&self->frame, head);
	buf_append_slice(&self->frame, body);
	if (buf_failed(&self->frame))
		return false;
	switch (peer_session_forward(self->session, buf_slice(&self->frame),
				     &feed)) {
	case FEED_REQUEST:
		submit(self, &feed);
		break;
	case FEED_ERROR:
		answer(self, &feed);
		break;
	case FEED_REPLY:
		answered(self, feed.reply);
		break;
	default:
		return false;
	}
	peer_session_settle(self->session);
	buf_trim(&self->frame, HUB_READ_SIZE);
	return true;
}

void node_self_lost(struct node_self *self)
{
	struct reply_gate reached = hub_reached(self->node->host.hub);

	reply_queue_fail(&self->queue, &reached, &hub_lost_wrote,
			 &hub_lost_other, peer_write_error);
}

void node_self_turn(struct node_self *self)
{
	struct reply_gate reached = hub_reached(self->node->host.hub);
	struct slice rest, frame;

	if (self->queue.count == 0)
		return;
	reply_queue_take(&self->queue, &reached, &self->out);
	rest = buf_slice(&self->out);
	while (peer_next(&rest, PEER_FRAME_MAX, &frame) == PEER_FRAME)
		primary_receive(self->node->primary, clock_monotonic_ms(),
				member_id(self->node->name, 0), frame);
	buf_clear(&self->out);
	buf_trim(&self->out, HUB_READ_SIZE);
}

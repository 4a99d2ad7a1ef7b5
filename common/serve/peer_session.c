/*
 * peer_session.c - see peer_session.h.
 *
 * The tag of a forwarded request is what its reply's frame needs: the other
 * node's number of it (8 bytes), the protocol that it is in (1), and what that
 * protocol itself needs to answer.
 */
#include "serve/peer_session.h"

#include "base/bytes.h"
#include "base/err.h"
#include "proto/json.h"
#include "proto/peer.h"
#include "proto/resp.h"
#include "replica/primary.h"
#include "serve/node.h"

#include <stdlib.h>

#define TAG_HEAD 9u	   /* id, protocol */
#define FORWARD_HEAD 10u   /* kind, id, protocol */
#define FORWARDED_HEAD 13u /* kind, id, code */

struct peer_session {
	struct node *node;
	struct json_arena *json;
	struct resp_shared *resp;
	uint64_t id;
	struct peer_shake shake;
	bool met;
	size_t waiting; /* bytes of a frame that is not all there */
	struct resp_conn *resp2, *resp3; /* NULL: not needed yet */
	struct buf tag, out;
};

struct peer_session *peer_session_new(struct node *node,
				      struct json_arena *json,
				      struct resp_shared *resp, uint64_t id)
{
	struct peer_session *p = calloc(1, sizeof(*p));

	if (p == NULL)
		return NULL;
	p->node = node;
	p->json = json;
	p->resp = resp;
	p->id = id;
	if (node != NULL) {
		peer_shake_listen(&p->shake, node_shake_ops(), node);
		node_greeted(node, id);
	}
	return p;
}

void peer_session_free(struct peer_session *p)
{
	if (p->node != NULL && !p->met)
		node_met(p->node, p->id);
	peer_shake_release(&p->shake);
	resp_close(p->resp2);
	resp_close(p->resp3);
	buf_release(&p->tag);
	buf_release(&p->out);
	free(p);
}

/* ---- the handshake ---- */

static enum feed_result feed_shake(struct peer_session *p, struct feed *feed)
{
	struct slice input = feed->input;
	enum peer_shake_state state;

	buf_clear(&p->out);
	if (p->node == NULL) {
		peer_refusal_write(&p->out, KV_EPERM,
				   "this server is not a node of a cluster");
		feed->reply = buf_slice(&p->out);
		return FEED_LAST;
	}
	state = peer_shake_feed(&p->shake, &input, &p->out);
	feed->used = feed->input.len - input.len;
	feed->reply = buf_slice(&p->out);
	if (state == SHAKE_FAILED) {
		node_refused(p->node,
			     p->shake.has_hello ? &p->shake.other : NULL,
			     err_text());
		return FEED_LAST;
	}
	if (state == SHAKE_DONE) {
		p->met = true;
		node_met(p->node, p->id);
	}
	if (feed->reply.len != 0)
		return FEED_REPLY;
	return feed->used != 0 ? FEED_NOTHING : FEED_MORE;
}

/* ---- forwarded requests ---- */

static enum feed_result forward_json(struct peer_session *p, struct slice bytes,
				     struct feed *feed)
{
	struct slice id;

	feed->code = json_request_parse(p->json, bytes, feed->now_ms,
					&feed->request, &id);
	buf_append_slice(&p->tag, id);
	return feed->code == 0 ? FEED_REQUEST : FEED_ERROR;
}

static enum feed_result forward_resp(struct peer_session *p,
				     struct resp_conn **conn, unsigned version,
				     struct slice bytes, struct feed *feed)
{
	struct resp_feed f = {.input = bytes, .max = bytes.len};

	if (*conn == NULL)
		*conn = resp_open_forwarded(p->resp, p->id, version);
	if (*conn == NULL) {
		feed->code = err_set(KV_ENOMEM, "out of memory");
		return FEED_ERROR;
	}
	switch (resp_feed_forwarded(*conn, &f)) {
	case RESP_CALL:
		feed->request = (struct request){
			.op = OP_COMMAND,
			.call = f.call,
		};
		return FEED_REQUEST;
	case RESP_REPLY:
		buf_clear(&p->out);
		peer_write_reply(
			&p->out,
			&(struct reply){.op = OP_COMMAND, .raw = f.reply},
			buf_slice(&p->tag), feed->now_ms);
		feed->reply = buf_slice(&p->out);
		return FEED_REPLY;
	default:
		break;
	}
	feed->code = err_set(KV_EDATA, "a forwarded command is not understood");
	return FEED_ERROR;
}

static enum feed_result forward(struct peer_session *p, struct slice frame,
				struct feed *feed)
{
	struct slice bytes;

	bytes = slice_of(frame.data + FORWARD_HEAD, frame.len - FORWARD_HEAD);
	switch ((unsigned char)frame.data[FORWARD_HEAD - 1]) {
	case FORWARD_JSON:
		return forward_json(p, bytes, feed);
	case FORWARD_RESP2:
		return forward_resp(p, &p->resp2, 2, bytes, feed);
	case FORWARD_RESP3:
		return forward_resp(p, &p->resp3, 3, bytes, feed);
	}
	feed->code = err_set(KV_EDATA, "a forwarded request is in no known "
				       "protocol");
	return FEED_ERROR;
}

enum feed_result peer_session_forward(struct peer_session *p,
				      struct slice frame, struct feed *feed)
{
	enum feed_result result;

	if (frame.len < FORWARD_HEAD)
		return FEED_CLOSE;
	buf_clear(&p->tag);
	buf_append(&p->tag, frame.data + 1, TAG_HEAD);
	result = forward(p, frame, feed);
	if (buf_failed(&p->tag))
		return FEED_CLOSE;
	feed->tag = buf_slice(&p->tag);
	feed->request.forwarded = true;
	feed->count = 1;
	return result;
}

/* ---- frames ---- */

static enum feed_result feed_frame(struct peer_session *p, struct feed *feed)
{
	struct slice input = feed->input, frame;
	enum peer_next next = peer_next(&input, PEER_FRAME_MAX, &frame);

	if (next == PEER_MORE) {
		if (input.len > p->waiting)
			node_hear(p->node, &p->shake.other);
		p->waiting = input.len;
		return FEED_MORE;
	}
	p->waiting = 0;
	if (next == PEER_BAD) {
		node_refused(p->node, &p->shake.other,
			     "it sends what is not a frame");
		return FEED_CLOSE;
	}
	feed->used = feed->input.len - input.len;
	if (node_is_cut(p->node, p->shake.other.name))
		return FEED_NOTHING;
	if (frame.data[0] == FRAME_FORWARD)
		return peer_session_forward(p, frame, feed);
	node_receive(p->node, &p->shake.other, frame);
	return FEED_NOTHING;
}

enum feed_result peer_session_feed(struct peer_session *p, struct feed *feed)
{
	return p->met ? feed_frame(p, feed) : feed_shake(p, feed);
}

void peer_session_settle(struct peer_session *p)
{
	if (p->resp2 != NULL)
		resp_settle(p->resp2);
	if (p->resp3 != NULL)
		resp_settle(p->resp3);
}

/* ---- replies ---- */

static void write_payload(struct buf *out, const struct reply *reply,
			  struct slice tag, uint64_t now_ms)
{
	struct slice id;

	if (reply->code != 0) {
		buf_append_str(out, reply->message != NULL
					    ? reply->message
					    : kv_strerror(reply->code));
	} else if (reply->encoded.data != NULL) {
		buf_append_slice(out, reply->encoded);
	} else if (tag.data[TAG_HEAD - 1] == FORWARD_JSON) {
		id = slice_of(tag.data + TAG_HEAD, tag.len - TAG_HEAD);
		json_reply_write(out, reply, id, now_ms);
	} else {
		buf_append_slice(out, reply->raw);
	}
}

void peer_write_reply(struct buf *out, const struct reply *reply,
		      struct slice tag, uint64_t now_ms)
{
	static const char zeros[PEER_FRAME_HEAD + FORWARDED_HEAD];
	size_t mark = out->len, len;
	char *head;

	buf_append(out, zeros, sizeof(zeros));
	write_payload(out, reply, tag, now_ms);
	if (buf_failed(out))
		return;
	len = out->len - mark - PEER_FRAME_HEAD;
	if (len > PEER_FRAME_MAX) {
		out->len = mark;
		peer_write_error(out, KV_ETOOBIG,
				 "the reply is too large to be handed on; ask "
				 "for less, or ask the node that leads",
				 tag);
		return;
	}
	head = out->data + mark;
	put_le32(head, (uint32_t)len);
	head[PEER_FRAME_HEAD] = FRAME_FORWARDED;
	memcpy(head + PEER_FRAME_HEAD + 1, tag.data, 8);
	put_le32(head + PEER_FRAME_HEAD + 9, (uint32_t)reply->code);
}

void peer_write_error(struct buf *out, int code, const char *message,
		      struct slice tag)
{
	struct reply reply = {.code = code, .message = message};

	/* Refused before there was a request. */
	if (tag.len < TAG_HEAD)
		peer_refusal_write(out, code, message);
	else
		peer_write_reply(out, &reply, tag, 0);
}

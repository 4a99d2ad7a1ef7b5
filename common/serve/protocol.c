/*
 * protocol.c - see protocol.h.
 *
 * A page in a browser can make it send a request with a chosen body to any
 * local port. Such a body could hold a line that we would execute, so that a
 * line which only HTTP begins with ends the connection, wherever it stands:
 * every HTTP request has its Host header before the body.
 */
#include "serve/protocol.h"

#include "base/err.h"
#include "proto/json.h"
#include "proto/json_ahead.h"
#include "proto/peer.h"
#include "proto/resp.h"
#include "serve/peer_session.h"

#include <stdlib.h>
#include <strings.h>

struct parser {
	struct json_arena *json;
	struct json_ahead ahead;
	struct resp_shared *resp;
	struct node *node; /* NULL: none */
};

static bool looks_like_http(struct slice line)
{
	static const char *const beginnings[] = {"POST ", "GET /", "Host:"};

	for (size_t i = 0; i < sizeof(beginnings) / sizeof(*beginnings); i++)
		if (line.len >= strlen(beginnings[i]) &&
		    strncasecmp(line.data, beginnings[i],
				strlen(beginnings[i])) == 0)
			return true;
	return false;
}

static bool json_sniff(struct slice head)
{
	(void)head;
	return true;
}

static enum feed_result over_limit(struct feed *feed)
{
	feed->tag = slice_of(NULL, 0);
	feed->code = err_set(KV_ETOOBIG,
			     "line is over the limit of %zu bytes: "
			     "send less at once, or raise --max-line",
			     feed->max);
	return FEED_ERROR;
}

static enum feed_result feed_half_line(struct feed_state *state,
				       struct feed *feed)
{
	if (state->skipping) {
		feed->used = feed->input.len;
		return FEED_NOTHING;
	}
	if (looks_like_http(feed->input))
		return FEED_CLOSE;
	if (feed->input.len <= feed->max) {
		state->scanned = feed->input.len;
		return FEED_MORE;
	}
	state->scanned = 0;
	state->skipping = true;
	feed->used = feed->input.len;
	return over_limit(feed);
}

static enum feed_result feed_line(struct feed *feed, struct slice line)
{
	if (line.len > feed->max)
		return over_limit(feed);
	if (line.len != 0 && line.data[line.len - 1] == '\r')
		line.len--;
	if (line.len == 0)
		return FEED_NOTHING;
	if (line.data[0] != '{' && looks_like_http(line))
		return FEED_CLOSE;
	feed->count = 1;
	feed->code = json_request_parse(feed->parser->json, line, feed->now_ms,
					&feed->request, &feed->tag);
	return feed->code == 0 ? FEED_REQUEST : FEED_ERROR;
}

static void *json_open(struct parser *parser, uint64_t id)
{
	(void)id;
	return &parser->ahead;
}

static void json_forget(void *own)
{
	json_ahead_forget(own);
}

/* Requests that were read ahead. */
static bool take_ahead(struct json_ahead *ahead, struct feed *feed)
{
	struct json_taken taken;

	taken.req = &feed->request;
	if (!json_ahead_take(ahead, feed->input, feed->max, &taken))
		return false;
	feed->count = 1;
	feed->used = taken.used;
	feed->tag = taken.id;
	feed->hints = taken.hints;
	if (taken.hints != NULL) {
		feed->nhints = taken.nhints;
		feed->hint_values = taken.hint_values;
	}
	return true;
}

static enum feed_result json_feed(struct feed_state *state, struct feed *feed)
{
	const char *from = feed->input.data + state->scanned, *lf;
	struct slice line;

	if (state->scanned == 0 && !state->skipping &&
	    take_ahead(state->own, feed))
		return FEED_REQUEST;
	lf = memchr(from, '\n', feed->input.len - state->scanned);
	if (lf == NULL)
		return feed_half_line(state, feed);
	line = slice_of(feed->input.data, (size_t)(lf - feed->input.data));
	feed->used = line.len + 1;
	state->scanned = 0;
	if (state->skipping) {
		state->skipping = false;
		return FEED_NOTHING;
	}
	return feed_line(feed, line);
}

static void json_write_error(struct buf *out, int code, const char *message,
			     struct slice tag)
{
	struct reply reply = {.code = code, .message = message};

	json_reply_write(out, &reply, tag, 0);
}

static void *resp_protocol_open(struct parser *parser, uint64_t id)
{
	return resp_open(parser->resp, id);
}

static void resp_protocol_close(void *own)
{
	resp_close(own);
}

static bool resp_protocol_settle(void *own, struct feed *feed)
{
	if (feed != NULL)
		feed->used -= resp_take_back(own, &feed->count);
	return resp_settle(own);
}

static void resp_protocol_pause(void *own)
{
	resp_pause(own);
}

static enum feed_result resp_protocol_feed(struct feed_state *state,
					   struct feed *feed)
{
	struct resp_feed f;
	enum resp_next next;

	/* Not all of it: once for each command. */
	f.input = feed->input;
	f.max = feed->max;
	f.runs = feed->at_once;
	f.used = 0;
	f.hints = NULL;
	next = resp_feed(state->own, &f);
	feed->used = f.used;
	feed->hints = f.hints;
	if (f.hints != NULL) {
		feed->nhints = f.nhints;
		feed->hint_values = f.hint_values;
	}
	switch (next) {
	case RESP_CALL:
		feed->request.op = OP_COMMAND;
		feed->request.call = f.call;
		feed->request.stale_ok = f.stale_ok;
		feed->count = f.count;
		feed->tag = f.tag;
		return FEED_REQUEST;
	case RESP_REPLY:
		feed->reply = f.reply;
		return FEED_REPLY;
	case RESP_LAST:
		feed->reply = f.reply;
		return FEED_LAST;
	case RESP_NOTHING:
		return FEED_NOTHING;
	case RESP_CLOSE:
		return FEED_CLOSE;
	case RESP_WAIT:
		return FEED_WAIT;
	case RESP_MORE:
		break;
	}
	return FEED_MORE;
}

static void resp_write_reply(struct buf *out, const struct reply *reply,
			     struct slice tag, uint64_t now_ms)
{
	(void)now_ms;
	if (reply->code != 0)
		resp_write_error(out, reply->code, reply->message, tag);
	else if (reply->encoded.data == NULL)
		buf_append_slice(out, reply->raw);
	else if (!resp_tag_is_silent(tag))
		buf_append_slice(out, reply->encoded);
}

static struct slice resp_protocol_arrived(void *own, const struct reply *reply,
					  struct slice tag)
{
	return resp_arrived(own, reply->code, reply->encoded, tag);
}

static void json_write_reply(struct buf *out, const struct reply *reply,
			     struct slice tag, uint64_t now_ms)
{
	if (reply->code == 0 && reply->encoded.data != NULL)
		buf_append_slice(out, reply->encoded);
	else
		json_reply_write(out, reply, tag, now_ms);
}

static void *peer_protocol_open(struct parser *parser, uint64_t id)
{
	return parser_new_peer(parser, parser->node, id);
}

static void peer_protocol_close(void *own)
{
	peer_session_free(own);
}

static bool peer_protocol_settle(void *own, struct feed *feed)
{
	(void)feed;
	peer_session_settle(own);
	return false;
}

static enum feed_result peer_protocol_feed(struct feed_state *state,
					   struct feed *feed)
{
	return peer_session_feed(state->own, feed);
}

static const struct protocol protocols[] = {
	{
		.name = "peer",
		.framed = true,
		.sniff = peer_sniff,
		.open = peer_protocol_open,
		.close = peer_protocol_close,
		.settle = peer_protocol_settle,
		.feed = peer_protocol_feed,
		.write_reply = peer_write_reply,
		.write_error = peer_write_error,
	},
	{
		.name = "resp",
		.is_resp = true,
		.sniff = resp_sniff,
		.open = resp_protocol_open,
		.close = resp_protocol_close,
		.arrived = resp_protocol_arrived,
		.settle = resp_protocol_settle,
		.pause = resp_protocol_pause,
		.feed = resp_protocol_feed,
		.write_reply = resp_write_reply,
		.write_error = resp_write_error,
	},
	{
		.name = "json",
		.sniff = json_sniff,
		.open = json_open,
		.close = json_forget,
		.pause = json_forget,
		.feed = json_feed,
		.write_reply = json_write_reply,
		.write_error = json_write_error,
	},
};

#define NPROTOCOLS (sizeof(protocols) / sizeof(*protocols))

const struct protocol *protocol_sniff(struct slice head)
{
	for (size_t i = 0; i < NPROTOCOLS; i++)
		if (protocols[i].sniff(head))
			return &protocols[i];
	return protocol_default();
}

const struct protocol *protocol_default(void)
{
	return &protocols[NPROTOCOLS - 1];
}

struct parser *parser_new(void)
{
	struct parser *parser = malloc(sizeof(*parser));

	if (parser == NULL)
		return NULL;
	parser->node = NULL;
	json_ahead_forget(&parser->ahead);
	parser->json = json_arena_new();
	parser->resp = resp_shared_new();
	if (parser->json == NULL || parser->resp == NULL) {
		parser_free(parser);
		return NULL;
	}
	return parser;
}

void parser_free(struct parser *parser)
{
	if (parser == NULL)
		return;
	json_arena_free(parser->json);
	resp_shared_free(parser->resp);
	free(parser);
}

void parser_set_host(struct parser *parser, const struct resp_host_ops *ops,
		     void *host)
{
	resp_shared_set_host(parser->resp, ops, host);
}

void parser_join(struct parser *parser, struct parser *first)
{
	resp_shared_join(parser->resp, first->resp);
}

void parser_trim(struct parser *parser)
{
	json_arena_trim(parser->json);
}

void parser_set_node(struct parser *parser, struct node *node)
{
	parser->node = node;
	resp_shared_set_clustered(parser->resp, node != NULL);
}

struct peer_session *parser_new_peer(struct parser *parser, struct node *node,
				     uint64_t id)
{
	return peer_session_new(node, parser->json, parser->resp, id);
}

/*
 * peer_session.h - a connection that another node has dialled: the protocol
 * "peer" of the table in protocol.c.
 *
 * After the handshake (proto/peer.h) it carries frames. What concerns the
 * consensus goes to the node at once; a request that the other node forwards
 * goes the way of every request, through the session, and its reply comes back
 * in a frame that says which request it answers.
 *
 * Threads: those of the loop that the node lives on.
 */
#ifndef SERVE_PEER_SESSION_H
#define SERVE_PEER_SESSION_H

#include "serve/protocol.h"

struct json_arena;
struct node;
struct peer_session;
struct resp_shared;

/* `node` NULL: this server is not a node of a cluster; whoever dials is told
 * so. NULL: out of memory. */
struct peer_session *peer_session_new(struct node *node,
				      struct json_arena *json,
				      struct resp_shared *resp, uint64_t id);
void peer_session_free(struct peer_session *p);

enum feed_result peer_session_feed(struct peer_session *p, struct feed *feed);

/*
 * A forwarded request (a whole frame): fills feed->request and feed->tag, or
 * feed->reply (FEED_REPLY), or feed->code (FEED_ERROR).
 */
enum feed_result peer_session_forward(struct peer_session *p,
				      struct slice frame, struct feed *feed);

/* After each forwarded request: lets go of what it needed. */
void peer_session_settle(struct peer_session *p);

/* The reply to a forwarded request as a frame. */
void peer_write_reply(struct buf *out, const struct reply *reply,
		      struct slice tag, uint64_t now_ms);
void peer_write_error(struct buf *out, int code, const char *message,
		      struct slice tag);

#endif

/*
 * peer_link.h - the connection on which this node sends to another: dials,
 * shakes hands, and when it is lost dials again, a while later each time.
 *
 * Frames are gathered and sent by one write a turn of the loop, in order. They
 * are lost together with the connection and only so.
 *
 * Threads: that of the loop.
 */
#ifndef SERVE_PEER_LINK_H
#define SERVE_PEER_LINK_H

#include "base/members.h"
#include "proto/peer.h"

#include <uv.h>

/* Bytes that wait to be sent above which frames are dropped: the other side is
 * too slow for more to be of use to it. */
#define PEER_LINK_QUEUE_MAX ((size_t)64 << 20)

struct peer_link;

struct peer_link_events {
	const struct peer_shake_ops *shake;
	void *shake_arg;
	/* A frame came back. */
	void (*frame)(void *arg, struct peer_link *link, struct slice frame);
	/* It was up and is so no more. */
	void (*lost)(void *arg, struct peer_link *link);
	/* What an administrator should know: once, until it changes. */
	void (*log)(void *arg, const char *line);
	void *arg;
};

/* Begins to dial. NULL: out of memory. */
struct peer_link *peer_link_new(uv_loop_t *loop, const struct member *to,
				const struct peer_link_events *events);

const struct member *peer_link_member(const struct peer_link *link);
bool peer_link_is_up(const struct peer_link *link);

/* False: it is not up, or has too much to send. */
bool peer_link_send(struct peer_link *link, struct slice head,
		    struct slice body);

/* Whether the kernel has taken more of what waits since the last call: then the
 * other side reads. */
bool peer_link_moves(struct peer_link *link);

/* Gives the kernel what has been gathered. */
void peer_link_flush(struct peer_link *link);

/* Frees it when the loop has closed its handles; reports nothing more. */
void peer_link_close(struct peer_link *link);

#endif

/*
 * protocol.h - the table of protocols that a connection may speak, each a way
 * from bytes to requests and from replies to bytes.
 *
 * The first bytes of a connection choose its protocol; see protocol_sniff().
 * What a protocol must remember of a connection is in struct feed_state, which
 * the session keeps for it; of a reply, in the request's `tag`.
 */
#ifndef SERVE_PROTOCOL_H
#define SERVE_PROTOCOL_H

#include "base/buf.h"
#include "base/request.h"

struct parser; /* memory for parsing, shared by the connections of a loop */

/* What has been seen of input that is not yet whole; all zero at first. */
struct feed_state {
	size_t scanned; /* so many bytes in front hold no end of a request */
	bool skipping;	/* inside a request over the limit: its rest goes */
	void *own;	/* the protocol's; see open() */
};

enum feed_result {
	FEED_MORE,    /* no whole request yet */
	FEED_NOTHING, /* `used` bytes that ask for nothing */
	FEED_REQUEST, /* `request` and `tag` are filled */
	FEED_REPLY,   /* answered without the store: `reply` */
	FEED_LAST,    /* the same, and then close; the reply may be empty */
	FEED_ERROR,   /* cannot be served: `code`, err_text(), `tag` */
	FEED_CLOSE,   /* nobody to talk to: close the connection */
	FEED_WAIT,    /* again, when the request before it is answered */
};

struct feed {
	/* in */
	struct parser *parser;
	struct slice input;
	size_t max; /* longest request in bytes */
	uint64_t now_ms;
	/* out; the slices live until the parser is used again and as long as
	 * the input does */
	size_t used;
	struct request request;
	struct slice tag;
	struct slice reply;
	int code;
	/* Keys that requests at hand will ask for, this one's included, and
	 * whether for their values; NULL: nothing is known. */
	const struct slice *hints;
	size_t nhints;
	bool hint_values;
};

struct protocol {
	const char *name;
	/* It is another node's: replies are put in frames that say which
	 * request they answer, and may leave in any order. */
	bool framed;
	bool is_resp; /* `own` is a struct resp_conn */
	/* Might a connection that begins with these bytes (one at least) speak
	 * it? */
	bool (*sniff)(struct slice head);
	/* Begins and ends what feed_state.own is; NULL: there is nothing. open
	 * is NULL if out of memory. */
	void *(*open)(struct parser *parser, uint64_t id);
	void (*close)(void *own);
	/* A reply has come that is an error, or that another node has made
	 * ready for the connection: what to send of the latter. NULL: all. */
	struct slice (*arrived)(void *own, const struct reply *reply,
				struct slice tag);
	/* A reply to a request has been taken: lets go of what it needed. True:
	 * the connection is to be closed when it is sent. NULL: neither. */
	bool (*settle)(void *own);
	/* The input may move or change before the next feed. NULL: who cares.
	 */
	void (*pause)(void *own);
	enum feed_result (*feed)(struct feed_state *state, struct feed *feed);
	void (*write_reply)(struct buf *out, const struct reply *reply,
			    struct slice tag, uint64_t now_ms);
	void (*write_error)(struct buf *out, int code, const char *message,
			    struct slice tag);
};

/* The protocol for a connection that begins with `head` (one byte at least):
 * the first in the table that takes it; the last takes everything. */
const struct protocol *protocol_sniff(struct slice head);

/* The one that a connection speaks which has said nothing yet. */
const struct protocol *protocol_default(void);

struct parser *parser_new(void); /* NULL: out of memory */

/* Whom commands ask about the server and its connections. */
struct resp_host_ops;
void parser_set_host(struct parser *parser, const struct resp_host_ops *ops,
		     void *host);
void parser_free(struct parser *parser);

/* Other nodes may connect; without, they are refused. */
struct node;
void parser_set_node(struct parser *parser, struct node *node);

/* What a node's connection is; NULL: out of memory. */
struct peer_session;
struct peer_session *parser_new_peer(struct parser *parser, struct node *node,
				     uint64_t id);

/* Gives back what a large request needed; what it handed out is gone. */
void parser_trim(struct parser *parser);

#endif

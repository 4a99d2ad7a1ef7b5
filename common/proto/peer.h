/*
 * peer.h - what the nodes of a cluster say to each other: frames, and the
 * handshake that comes before them.
 *
 * A node dials another's ordinary port and sends PEER_MAGIC. All that follows,
 * in both directions, are frames: length (4 bytes, little-endian, of the rest),
 * kind (1), payload. The kinds below 64 are replica/primary.h's; the handshake
 * uses the others:
 *
 *	dials		listens
 *	HELLO	->
 *		<-	HELLO	a fresh random nonce in each
 *	PROOF	->		HMAC-SHA256 over both hellos, keyed with the
 * secret
 *		<-	PROOF	the same with another label, or REFUSAL
 *
 * Both hellos, nonces, names and cluster included, are part of both proofs, and
 * so is who dialled: a proof fits one connection and one direction. The secret
 * is never sent. Each side judges the other's hello (members, cluster) only
 * when it has the proof, so that a stranger learns nothing from the answer.
 * What follows is neither encrypted nor signed: it is for networks where others
 * cannot write into a connection.
 *
 * This code has no socket and no cryptography: bytes in, bytes out. Anything
 * that a stranger could send ends in SHAKE_FAILED.
 */
#ifndef PROTO_PEER_H
#define PROTO_PEER_H

#include "base/buf.h"
#include "base/members.h"

#define PEER_MAGIC "\xf0kvpeer\n"
#define PEER_MAGIC_LEN 8u
#define PEER_VERSION 2u

/* Bytes of a frame besides its length: what either side takes. */
#define PEER_FRAME_MAX ((size_t)512 << 20)
#define PEER_FRAME_HEAD 4u   /* the length itself */
#define PEER_SHAKE_MAX 1024u /* the same during the handshake */

#define PEER_NONCE_LEN 32u
#define PEER_MAC_LEN 32u

enum peer_kind {
	PEER_HELLO = 64,
	PEER_PROOF = 65,
	PEER_REFUSAL = 66, /* code (4), sentence */
};

/* Might a connection that begins like this be a node's? */
bool peer_sniff(struct slice head);

/* Why the one who dials is not welcome. */
void peer_refusal_write(struct buf *out, int code, const char *why);

enum peer_next {
	PEER_MORE,  /* no whole frame yet */
	PEER_FRAME, /* *frame: kind and payload */
	PEER_BAD,   /* empty, or longer than `max`: there is no way to go on */
};

/* The frame at the front of the input; moves it on. */
enum peer_next peer_next(struct slice *input, size_t max, struct slice *frame);

/* Appends a frame: its kind is the first byte of `head`, or of `body` if that
 * is empty. */
void peer_frame_write(struct buf *out, struct slice head, struct slice body);

struct peer_hello {
	unsigned char nonce[PEER_NONCE_LEN];
	uint64_t cluster_id; /* 0: not known yet */
	uint64_t id;	     /* 0: not known yet */
	uint64_t birth;
	uint64_t term;
	bool established;
	char name[MEMBER_NAME_MAX + 1];
	char address[MEMBER_ADDRESS_MAX + 1];
	char to[MEMBER_NAME_MAX + 1]; /* whom it wants to reach; "": anybody */
};

/* What follows the kind in a HELLO. */
void peer_hello_encode(const struct peer_hello *hello, struct buf *out);
/* KV_EDATA. */
int peer_hello_decode(struct peer_hello *hello, struct slice bytes);

/* What a handshake needs of its node. */
struct peer_shake_ops {
	/* The keyed hash of the text. */
	void (*mac)(void *arg, struct slice text,
		    unsigned char mac[PEER_MAC_LEN]);
	/* Fills this node's hello, a fresh nonce included, but for `to`. */
	void (*hello)(void *arg, struct peer_hello *own);
	/* Judges the other's, which is proven: 0 or KV_E... with err_text(). */
	int (*meet)(void *arg, const struct peer_hello *other);
};

enum peer_shake_state { SHAKE_MORE, SHAKE_DONE, SHAKE_FAILED };

struct peer_shake {
	const struct peer_shake_ops *ops;
	void *arg;
	bool dials;
	bool has_magic; /* seen, by the one who listens */
	bool has_hello; /* `other` is filled */
	struct peer_hello own, other;
	struct buf mine, theirs; /* the hellos as they were sent */
};

/* The side that dials a member: its first bytes go to `out`. */
void peer_shake_dial(struct peer_shake *shake, const struct peer_shake_ops *ops,
		     void *arg, const char *to, struct buf *out);
/* The side that was dialled. */
void peer_shake_listen(struct peer_shake *shake,
		       const struct peer_shake_ops *ops, void *arg);
void peer_shake_release(struct peer_shake *shake);

/*
 * Takes what it can from the input and appends what is to be sent. When it is
 * DONE, what is left of the input are frames of the node `other`. FAILED: with
 * err_text(); what is in `out` is still to be sent before the connection is
 * closed, for it tells the other side why.
 */
enum peer_shake_state peer_shake_feed(struct peer_shake *shake,
				      struct slice *input, struct buf *out);

#endif

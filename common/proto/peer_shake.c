/*
 * peer_shake.c - the handshake between two nodes; see peer.h.
 *
 * The side that dials proves itself first: a stranger who connects to us gets
 * nothing that is made with the secret.
 */
#include "proto/peer.h"

#include "base/err.h"

#include <stdio.h>

static const char label_dials[] = "kv peer 1: the one who dials";
static const char label_listens[] = "kv peer 1: the one who listens";

static void begin(struct peer_shake *shake, const struct peer_shake_ops *ops,
		  void *arg, bool dials)
{
	*shake = (struct peer_shake){.ops = ops, .arg = arg, .dials = dials};
	ops->hello(arg, &shake->own);
}

static void send_hello(struct peer_shake *shake, struct buf *out)
{
	static const char kind = PEER_HELLO;

	peer_hello_encode(&shake->own, &shake->mine);
	peer_frame_write(out, slice_of(&kind, 1), buf_slice(&shake->mine));
}

void peer_shake_dial(struct peer_shake *shake, const struct peer_shake_ops *ops,
		     void *arg, const char *to, struct buf *out)
{
	begin(shake, ops, arg, true);
	snprintf(shake->own.to, sizeof(shake->own.to), "%s", to);
	buf_append(out, PEER_MAGIC, PEER_MAGIC_LEN);
	send_hello(shake, out);
}

void peer_shake_listen(struct peer_shake *shake,
		       const struct peer_shake_ops *ops, void *arg)
{
	begin(shake, ops, arg, false);
}

void peer_shake_release(struct peer_shake *shake)
{
	buf_release(&shake->mine);
	buf_release(&shake->theirs);
}

/* The proof of the side that dials, or of the other. */
static int prove(const struct peer_shake *shake, bool dials,
		 unsigned char mac[PEER_MAC_LEN])
{
	struct buf text = {0};
	const char *label = dials ? label_dials : label_listens;
	bool failed;

	buf_append_str(&text, label);
	buf_append_slice(&text, shake->dials ? buf_slice(&shake->mine)
					     : buf_slice(&shake->theirs));
	buf_append_slice(&text, shake->dials ? buf_slice(&shake->theirs)
					     : buf_slice(&shake->mine));
	failed = buf_failed(&text);
	if (!failed)
		shake->ops->mac(shake->arg, buf_slice(&text), mac);
	buf_release(&text);
	return failed ? err_set(KV_ENOMEM, "out of memory") : 0;
}

static int send_proof(struct peer_shake *shake, struct buf *out)
{
	static const char kind = PEER_PROOF;
	unsigned char mac[PEER_MAC_LEN];
	int r = prove(shake, shake->dials, mac);

	if (r == 0)
		peer_frame_write(out, slice_of(&kind, 1),
				 slice_of(mac, sizeof(mac)));
	return r;
}

/* The time that it takes must not tell how much of it is right. */
static bool same_mac(const unsigned char *a, const unsigned char *b)
{
	unsigned differ = 0;

	for (size_t i = 0; i < PEER_MAC_LEN; i++)
		differ |= (unsigned)(a[i] ^ b[i]);
	return differ == 0;
}

static int check_proof(struct peer_shake *shake, struct slice proof)
{
	unsigned char mac[PEER_MAC_LEN];
	int r = prove(shake, !shake->dials, mac);

	if (r != 0)
		return r;
	if (proof.len != PEER_MAC_LEN ||
	    !same_mac(mac, (const unsigned char *)proof.data))
		return err_set(KV_EPERM,
			       "it does not have the same secret as this node: "
			       "give all nodes the same --secret-file");
	return 0;
}

static int take_hello(struct peer_shake *shake, struct slice bytes,
		      struct buf *out)
{
	int r = peer_hello_decode(&shake->other, bytes);

	if (r != 0)
		return r;
	shake->has_hello = true;
	buf_append_slice(&shake->theirs, bytes);
	if (shake->dials)
		return send_proof(shake, out);
	send_hello(shake, out);
	return 0;
}

static int take_refusal(struct slice bytes)
{
	char text[ERR_TEXT_MAX];
	size_t len = 0;

	if (bytes.len < 4)
		return err_set(KV_EDATA, "a refusal is cut short");
	for (size_t i = 4; i < bytes.len && len + 1 < sizeof(text); i++) {
		char c = bytes.data[i];

		text[len++] = c >= ' ' && c <= '~' ? c : '?';
	}
	text[len] = '\0';
	return err_set(KV_EPERM, "it refuses: %s", text);
}

/* The last step: then both sides know whom they talk to. */
static int take_proof(struct peer_shake *shake, struct slice proof,
		      struct buf *out)
{
	int r = check_proof(shake, proof);

	if (r == 0 && !shake->dials && shake->other.to[0] != '\0' &&
	    strcmp(shake->other.to, shake->own.name) != 0)
		r = err_set(KV_EPERM,
			    "node '%s' wants to reach '%s' here, but this is "
			    "'%s': the lists of members disagree",
			    shake->other.name, shake->other.to,
			    shake->own.name);
	if (r == 0)
		r = shake->ops->meet(shake->arg, &shake->other);
	if (r == 0 && !shake->dials)
		r = send_proof(shake, out);
	return r;
}

/* One frame: 1: more; 0: done; KV_E... with err_text(). */
static int step(struct peer_shake *shake, struct slice frame, struct buf *out)
{
	int kind = (unsigned char)frame.data[0], r;
	struct slice payload = slice_of(frame.data + 1, frame.len - 1);

	if (kind == PEER_HELLO && !shake->has_hello) {
		r = take_hello(shake, payload, out);
		return r != 0 ? r : 1;
	}
	if (kind == PEER_PROOF && shake->has_hello)
		return take_proof(shake, payload, out);
	if (kind == PEER_REFUSAL && shake->dials)
		return take_refusal(payload);
	return err_set(KV_EDATA, "it does not speak the protocol of nodes");
}

static enum peer_shake_state fail(struct peer_shake *shake, int code,
				  struct buf *out)
{
	if (!shake->dials)
		peer_refusal_write(out, code, err_text());
	return SHAKE_FAILED;
}

/* 1: there; 0: not all of it yet; or KV_E... */
static int take_magic(struct peer_shake *shake, struct slice *input)
{
	size_t n = input->len < PEER_MAGIC_LEN ? input->len : PEER_MAGIC_LEN;

	if (shake->dials || shake->has_magic)
		return 1;
	if (memcmp(input->data, PEER_MAGIC, n) != 0)
		return err_set(KV_EDATA,
			       "it does not speak the protocol of nodes");
	if (n < PEER_MAGIC_LEN)
		return 0;
	input->data += n;
	input->len -= n;
	shake->has_magic = true;
	return 1;
}

enum peer_shake_state peer_shake_feed(struct peer_shake *shake,
				      struct slice *input, struct buf *out)
{
	struct slice frame;
	int r = input->len != 0 ? take_magic(shake, input) : 0;

	while (r == 1) {
		switch (peer_next(input, PEER_SHAKE_MAX, &frame)) {
		case PEER_MORE:
			return SHAKE_MORE;
		case PEER_BAD:
			r = err_set(KV_EDATA, "it does not speak the protocol "
					      "of nodes");
			break;
		case PEER_FRAME:
			r = step(shake, frame, out);
			if (r == 0)
				return SHAKE_DONE;
			break;
		}
	}
	return r == 0 ? SHAKE_MORE : fail(shake, r, out);
}

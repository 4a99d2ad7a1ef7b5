/*
 * peer_fuzz.c - anything that somebody sends to the port of nodes, or a node
 * that has proven itself sends after that.
 *
 * The first byte chooses: who dials, who listens, or forwarded commands; the
 * second, in what pieces the rest comes. A handshake must end the same way
 * whatever the pieces; it must never meet anybody without a proof, which no
 * input has by chance.
 */
#include "base/bytes.h"
#include "base/err.h"
#include "proto/peer.h"
#include "proto/resp.h"

#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool met;

/* A hash that shows that it is one of ours only by its first byte would be
 * guessed; this one depends on all of the text. */
static void mac(void *arg, struct slice text, unsigned char out[PEER_MAC_LEN])
{
	uint64_t h = 14695981039346656037u;

	(void)arg;
	for (size_t i = 0; i < text.len; i++)
		h = (h ^ (unsigned char)text.data[i]) * 1099511628211u;
	for (unsigned i = 0; i < PEER_MAC_LEN; i += 8)
		put_le64(out + i, (h ^ i) * 0x9e3779b97f4a7c15u);
}

static void hello(void *arg, struct peer_hello *own)
{
	(void)arg;
	*own = (struct peer_hello){.cluster_id = 1, .name = "n1"};
	memset(own->nonce, 'n', sizeof(own->nonce));
}

static int meet(void *arg, const struct peer_hello *other)
{
	(void)arg;
	(void)other;
	met = true;
	return 0;
}

static const struct peer_shake_ops ops = {mac, hello, meet};

static enum peer_shake_state run(bool dials, struct slice bytes, size_t step,
				 struct buf *out)
{
	enum peer_shake_state state = SHAKE_MORE;
	struct peer_shake shake;
	struct buf have = {0};
	struct slice input;

	if (dials)
		peer_shake_dial(&shake, &ops, NULL, "n2", out);
	else
		peer_shake_listen(&shake, &ops, NULL);
	for (size_t i = 0; i < bytes.len && state == SHAKE_MORE; i += step) {
		buf_append(&have, bytes.data + i,
			   step < bytes.len - i ? step : bytes.len - i);
		input = buf_slice(&have);
		state = peer_shake_feed(&shake, &input, out);
		buf_consume(&have, have.len - input.len);
	}
	buf_release(&have);
	peer_shake_release(&shake);
	return state;
}

static void shake_hands(bool dials, struct slice bytes, size_t step)
{
	struct buf whole = {0}, pieces = {0};
	enum peer_shake_state a, b;

	met = false;
	a = run(dials, bytes, bytes.len + 1, &whole);
	b = run(dials, bytes, step, &pieces);
	if (a != b || !slice_eq(buf_slice(&whole), buf_slice(&pieces)) ||
	    (a == SHAKE_DONE) != met)
		abort();
	buf_release(&whole);
	buf_release(&pieces);
}

static void forward(struct slice bytes, unsigned version)
{
	static struct resp_shared *shared;
	struct resp_feed feed = {.input = bytes, .max = bytes.len};
	struct resp_conn *conn;
	struct buf again = {0};

	if (shared == NULL)
		shared = resp_shared_new();
	conn = resp_open_forwarded(shared, 1, version);
	/* Twice: nothing of the first is left. */
	for (int i = 0; i < 2; i++) {
		if (resp_feed_forwarded(conn, &feed) == RESP_CALL) {
			if (feed.call->encode(feed.call, &again) != 0)
				abort();
			resp_arrived(conn, KV_EUNKNOWN, slice_of(NULL, 0),
				     feed.tag);
		}
		resp_settle(conn);
	}
	buf_release(&again);
	resp_close(conn);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice bytes, frame;

	if (size < 2)
		return 0;
	bytes = slice_of(data + 2, size - 2);
	switch (data[0] % 4) {
	case 0:
		shake_hands(true, bytes, 1 + data[1]);
		break;
	case 1:
		shake_hands(false, bytes, 1 + data[1]);
		break;
	case 2:
		forward(bytes, data[1] % 2 ? 2 : 3);
		break;
	default:
		while (peer_next(&bytes, data[1], &frame) == PEER_FRAME)
			if (frame.len == 0 || frame.len > data[1])
				abort();
	}
	return 0;
}

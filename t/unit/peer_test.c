/*
 * peer_test.c - frames between nodes, and the handshake before them.
 */
#include "base/bytes.h"
#include "base/err.h"
#include "proto/peer.h"
#include "test.h"

#include <stdio.h>

/* A node as far as a handshake knows it. The hash is none: it mixes the secret
 * and the text, which is all that these tests need. */
struct side {
	const char *name, *secret;
	unsigned char nonce;
	int meet; /* what it says of the other */
	unsigned met;
	struct peer_shake shake;
	struct buf out;
	enum peer_shake_state state;
};

static void side_mac(void *arg, struct slice text,
		     unsigned char mac[PEER_MAC_LEN])
{
	const struct side *s = arg;
	uint64_t h = 1469598103934665603u;

	for (const char *p = s->secret; *p != '\0'; p++)
		h = (h ^ (unsigned char)*p) * 1099511628211u;
	for (size_t i = 0; i < text.len; i++)
		h = (h ^ (unsigned char)text.data[i]) * 1099511628211u;
	for (unsigned i = 0; i < PEER_MAC_LEN; i += 8)
		put_le64(mac + i, h + i);
}

static void side_hello(void *arg, struct peer_hello *own)
{
	const struct side *s = arg;

	*own = (struct peer_hello){.cluster_id = 7, .id = 8, .term = 9};
	memset(own->nonce, s->nonce, sizeof(own->nonce));
	snprintf(own->name, sizeof(own->name), "%s", s->name);
	snprintf(own->address, sizeof(own->address), "%s:1", s->name);
}

static int side_meet(void *arg, const struct peer_hello *other)
{
	struct side *s = arg;

	(void)other;
	s->met++;
	return s->meet == 0 ? 0 : err_set(s->meet, "never heard of it");
}

static const struct peer_shake_ops side_ops = {
	.mac = side_mac,
	.hello = side_hello,
	.meet = side_meet,
};

/* One side takes what the other has sent, `step` bytes at a time. */
static void hand_over(struct side *from, struct side *to, size_t step)
{
	struct buf sent = from->out, have = {0};
	struct slice input;

	buf_init(&from->out);
	for (size_t i = 0; i < sent.len && to->state == SHAKE_MORE; i += step) {
		buf_append(&have, sent.data + i,
			   step < sent.len - i ? step : sent.len - i);
		input = buf_slice(&have);
		to->state = peer_shake_feed(&to->shake, &input, &to->out);
		buf_consume(&have, have.len - input.len);
	}
	buf_release(&have);
	buf_release(&sent);
}

static void shake(struct side *a, struct side *b, const char *to, size_t step)
{
	peer_shake_dial(&a->shake, &side_ops, a, to, &a->out);
	peer_shake_listen(&b->shake, &side_ops, b);
	for (int i = 0; i < 4; i++) {
		hand_over(a, b, step);
		hand_over(b, a, step);
	}
}

static void side_release(struct side *s)
{
	peer_shake_release(&s->shake);
	buf_release(&s->out);
}

static void two_nodes_with_one_secret_meet(void)
{
	for (size_t step = 1; step < 300; step += 37) {
		struct side a = {.name = "n1", .secret = "x", .nonce = 1};
		struct side b = {.name = "n2", .secret = "x", .nonce = 2};

		shake(&a, &b, "n2", step);
		CHECK_INT(a.state, SHAKE_DONE);
		CHECK_INT(b.state, SHAKE_DONE);
		CHECK_INT(a.met, 1);
		CHECK_INT(b.met, 1);
		CHECK_STR(a.shake.other.name, "n2");
		CHECK_STR(b.shake.other.name, "n1");
		CHECK_STR(b.shake.other.address, "n1:1");
		CHECK_INT(b.shake.other.cluster_id, 7);
		side_release(&a);
		side_release(&b);
	}
}

static void another_secret_is_refused_before_anything_is_judged(void)
{
	struct side a = {.name = "n1", .secret = "x", .nonce = 1};
	struct side b = {.name = "n2", .secret = "y", .nonce = 2};

	shake(&a, &b, "n2", 64);
	CHECK_INT(b.state, SHAKE_FAILED);
	CHECK_INT(a.state, SHAKE_FAILED);
	CHECK(strstr(err_text(), "it refuses: it does not have the same "
				 "secret") != NULL);
	CHECK_INT(a.met, 0);
	CHECK_INT(b.met, 0);
	side_release(&a);
	side_release(&b);
}

static void who_is_not_who_was_dialled_says_so(void)
{
	struct side a = {.name = "n1", .secret = "x", .nonce = 1};
	struct side b = {.name = "n2", .secret = "x", .nonce = 2};

	shake(&a, &b, "n3", 64);
	CHECK_INT(a.state, SHAKE_FAILED);
	CHECK(strstr(err_text(),
		     "wants to reach 'n3' here, but this is 'n2'") != NULL);
	CHECK_INT(b.met, 0);
	side_release(&a);
	side_release(&b);
}

static void the_reason_of_a_refusal_reaches_the_other_side(void)
{
	struct side a = {.name = "n1", .secret = "x", .nonce = 1};
	struct side b = {.name = "n2", .secret = "x", .nonce = 2};

	b.meet = KV_EPERM;
	shake(&a, &b, "n2", 64);
	CHECK_INT(a.state, SHAKE_FAILED);
	CHECK_STR(err_text(), "it refuses: never heard of it");
	side_release(&a);
	side_release(&b);
}

/* Whoever sends back what it gets has proven nothing. */
static void a_mirror_is_no_node(void)
{
	struct side a = {.name = "n1", .secret = "x", .nonce = 1};
	struct buf sent;
	struct slice input;

	peer_shake_dial(&a.shake, &side_ops, &a, "n2", &a.out);
	for (int i = 0; i < 2 && a.state == SHAKE_MORE; i++) {
		sent = a.out;
		buf_init(&a.out);
		input = buf_slice(&sent);
		if (i == 0) { /* the mirror knows of the magic */
			input.data += PEER_MAGIC_LEN;
			input.len -= PEER_MAGIC_LEN;
		}
		a.state = peer_shake_feed(&a.shake, &input, &a.out);
		buf_release(&sent);
	}
	CHECK_INT(a.state, SHAKE_FAILED);
	CHECK_INT(a.met, 0);
	side_release(&a);
}

/* What one connection was told is worth nothing on another. */
static void a_proof_does_not_fit_another_nonce(void)
{
	struct side a = {.name = "n1", .secret = "x", .nonce = 1};
	struct side b = {.name = "n2", .secret = "x", .nonce = 2};
	struct side c = {.name = "n2", .secret = "x", .nonce = 3};
	struct buf recorded = {0}, out = {0};
	struct slice input;

	peer_shake_dial(&a.shake, &side_ops, &a, "n2", &a.out);
	buf_append_slice(&recorded, buf_slice(&a.out));
	peer_shake_listen(&b.shake, &side_ops, &b);
	hand_over(&a, &b, 4096);
	hand_over(&b, &a, 4096);
	buf_append_slice(&recorded, buf_slice(&a.out)); /* the proof */

	peer_shake_listen(&c.shake, &side_ops, &c);
	input = buf_slice(&recorded);
	CHECK_INT(peer_shake_feed(&c.shake, &input, &out), SHAKE_FAILED);
	CHECK_INT(c.met, 0);
	buf_release(&recorded);
	buf_release(&out);
	side_release(&a);
	side_release(&b);
	side_release(&c);
}

static void a_hello_survives_and_half_of_one_does_not(void)
{
	struct peer_hello a = {.cluster_id = 1,
			       .id = 2,
			       .birth = 3,
			       .term = 4,
			       .established = true,
			       .name = "n1",
			       .address = "[::1]:7001",
			       .to = "n2"};
	struct peer_hello b;
	struct buf bytes = {0};

	peer_hello_encode(&a, &bytes);
	CHECK_INT(peer_hello_decode(&b, buf_slice(&bytes)), 0);
	CHECK_INT(b.cluster_id, 1);
	CHECK_INT(b.id, 2);
	CHECK_INT(b.birth, 3);
	CHECK_INT(b.term, 4);
	CHECK(b.established);
	CHECK_STR(b.name, a.name);
	CHECK_STR(b.address, a.address);
	CHECK_STR(b.to, a.to);
	for (size_t n = 0; n < bytes.len; n++)
		CHECK_INT(peer_hello_decode(&b, slice_of(bytes.data, n)),
			  KV_EDATA);
	buf_append_char(&bytes, 'x');
	CHECK_INT(peer_hello_decode(&b, buf_slice(&bytes)), KV_EDATA);
	bytes.data[0] = 9;
	CHECK_INT(peer_hello_decode(&b, buf_slice(&bytes)), KV_EDATA);
	CHECK(strstr(err_text(), "version 9") != NULL);
	buf_release(&bytes);
}

static void a_frame_is_taken_when_it_is_whole(void)
{
	struct buf bytes = {0};
	struct slice input, frame;

	peer_frame_write(&bytes, slice_str("ab"), slice_str("cde"));
	for (size_t n = 0; n < bytes.len; n++) {
		input = slice_of(bytes.data, n);
		CHECK_INT(peer_next(&input, 5, &frame), PEER_MORE);
		CHECK_INT(input.len, n);
	}
	input = buf_slice(&bytes);
	CHECK_INT(peer_next(&input, 5, &frame), PEER_FRAME);
	CHECK(slice_eq(frame, slice_str("abcde")));
	CHECK_INT(input.len, 0);
	input = buf_slice(&bytes);
	CHECK_INT(peer_next(&input, 4, &frame), PEER_BAD);
	input = slice_of("\0\0\0\0x", 5);
	CHECK_INT(peer_next(&input, 4, &frame), PEER_BAD);
	buf_release(&bytes);
}

TEST_MAIN(T(two_nodes_with_one_secret_meet),
	  T(another_secret_is_refused_before_anything_is_judged),
	  T(who_is_not_who_was_dialled_says_so),
	  T(the_reason_of_a_refusal_reaches_the_other_side),
	  T(a_mirror_is_no_node), T(a_proof_does_not_fit_another_nonce),
	  T(a_hello_survives_and_half_of_one_does_not),
	  T(a_frame_is_taken_when_it_is_whole))

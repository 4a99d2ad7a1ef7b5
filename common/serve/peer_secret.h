/*
 * peer_secret.h - what the nodes of a cluster know and others do not, and what
 * is made with it.
 */
#ifndef SERVE_PEER_SECRET_H
#define SERVE_PEER_SECRET_H

#include "base/slice.h"
#include "proto/peer.h"

/* Bytes of the file, blanks at its end aside. */
#define PEER_SECRET_MIN 16u
#define PEER_SECRET_MAX 4096u

struct peer_secret {
	size_t len;
	char bytes[PEER_SECRET_MAX];
};

/* KV_EUSAGE: it is too short, or not a file, or others than its owner may read
 * it; KV_EIO. */
int peer_secret_read(struct peer_secret *secret, const char *path);

/* HMAC-SHA256, RFC 2104. */
void peer_secret_mac(const struct peer_secret *secret, struct slice text,
		     unsigned char mac[PEER_MAC_LEN]);

/* Forgets it. */
void peer_secret_release(struct peer_secret *secret);

#endif

/*
 * raft_wire.h - messages of the consensus core as bytes.
 *
 * A version, the kind, then the fields as little-endian numbers; only as many
 * spans and memberships as there are. The entries of an append are not part of
 * it: they follow in the form of store_log.h. A message is a kilobyte at most,
 * a heartbeat a tenth of one.
 */
#ifndef REPLICA_RAFT_WIRE_H
#define REPLICA_RAFT_WIRE_H

#include "base/buf.h"
#include "replica/raft.h"

#define RAFT_WIRE_VERSION 2u

/* Appends the message, which must be valid. */
void raft_wire_put(struct buf *out, const struct raft_message *m);

/*
 * Takes one message off the front of *bytes. What comes out is valid
 * (raft_message_valid()). KV_EPROTO: another version, cut short, or not a
 * message; *bytes is where it was, *m undefined.
 */
int raft_wire_get(struct slice *bytes, struct raft_message *m);

#endif

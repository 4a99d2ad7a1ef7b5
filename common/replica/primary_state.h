/*
 * primary_state.h - what a node must remember besides its log: DIR/kv.raft.
 *
 * A few lines of text with a checksum at the end, replaced atomically and
 * synced. See primary.h for what the fields are for.
 */
#ifndef REPLICA_PRIMARY_STATE_H
#define REPLICA_PRIMARY_STATE_H

#include "base/fs.h"
#include "base/members.h"

struct primary_state {
	uint64_t cluster_id; /* 0: it joins, and has met nobody yet */
	uint64_t id;	     /* 0: it joins, and was not addressed yet */
	uint64_t birth;
	uint64_t term, vote;
	uint64_t vote_birth; /* of whom it voted for; 0: not known */
	bool began;	     /* it has met all of the first members */
	bool stored;	     /* entries of its log were on disk */
	bool lost;	     /* its store was damaged, and put aside */
	bool emptying; /* the store is to be emptied before it takes part */
	/* The first members, with their births if it has met them; n is 0 of a
	 * node that joined later. */
	struct members first;
};

/* KV_ENOTFOUND: there is none. KV_EDAMAGED, KV_EIO, KV_ENOMEM. */
MUST_CHECK int primary_state_load(struct primary_state *state, struct fs *fs,
				  const char *dir);
MUST_CHECK int primary_state_save(const struct primary_state *state,
				  struct fs *fs, const char *dir);

#endif

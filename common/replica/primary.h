/*
 * primary.h - the coordinator of a node in a primary-secondary cluster: the
 * consensus core (raft.h), the replicated log (store_log.h) and the traffic
 * between nodes put together.
 *
 * It has no socket, clock, thread or file of the log inside: frames, time and
 * the outcome of flushes come in through calls, frames and news go out through
 * primary_events. So a simulation runs whole clusters of it in one process.
 *
 * As leader it executes a request at once on its own store; the reply leaves
 * when what it reveals is committed and, of reads, when a majority has confirmed
 * the leadership after the read came in. As follower it forwards the request to
 * the leader (one that may be stale is executed here, on what is committed) and
 * hands the leader's reply on. Without a leader requests wait, patience_ms at
 * most: then they are KV_EUNAVAILABLE. A write that was on its way when the
 * leader was lost is KV_EUNKNOWN.
 *
 * On disk, beside the store: DIR/kv.raft (term, vote, own id, cluster id),
 * replaced atomically and synced before anything that follows from it is said.
 * The membership is an own key of the store (STORE_OWN_PREFIX "members"), so
 * that it is an entry of the log and part of snapshots.
 *
 * Threads: that of the store's owner.
 */
#ifndef REPLICA_PRIMARY_H
#define REPLICA_PRIMARY_H

#include "base/fs.h"
#include "base/members.h"
#include "replica/coord.h"
#include "replica/raft.h"

/*
 * What travels between nodes: frames. Their outside (length, handshake) is the
 * transport's; this is the first byte of what is inside. The transport keeps
 * the order of one link, may lose frames only together with the link, and
 * reports a lost link with primary_link_lost().
 */
enum frame_kind {
	FRAME_RAFT = 1,	    /* raft_wire bytes; entries behind */
	FRAME_FETCH = 2,    /* snapshot: give me the next piece */
	FRAME_CHUNK = 3,    /* snapshot: a piece */
	FRAME_FORWARD = 4,  /* id (8), protocol (1), request: serve/ has it */
	FRAME_FORWARDED = 5, /* id (8), code (4), reply or message */
};

/* Which protocol a forwarded request and its reply are in. */
enum forward_protocol {
	FORWARD_JSON = 1,
	FORWARD_RESP2 = 2,
	FORWARD_RESP3 = 3,
};

struct primary;

struct primary_events {
	/* Sends a frame to a member (best effort; false: there is no link now).
	 * The bytes are `head` followed by `body`, copied during the call. */
	bool (*send)(void *arg, const struct member *to, struct slice head,
		     struct slice body);
	/* coord->revealed or coord->confirmed has moved. */
	void (*progress)(void *arg);
	/* Leadership is lost: every reply that was handed out and still waits
	 * for `revealed` or `confirmed` will not get what it waits for. Those
	 * that wrote are KV_EUNKNOWN, the others KV_EUNAVAILABLE. */
	void (*lost)(void *arg);
	/* The members, or what this node knows of them, changed: keep links to
	 * all but this node. */
	void (*members)(void *arg, const struct members *members);
	/* Closes and reopens the store around `swap`, which puts another in its
	 * place; primary_set_store() follows. No flush or task may be under way
	 * (wait for them). Called by primary_turn() only. */
	void (*replace_store)(void *arg, int (*swap)(void *swap_arg),
			      void *swap_arg);
	/* A sentence for the server's log. */
	void (*log)(void *arg, const char *line);
	void *arg;
};

struct primary_options {
	struct fs *fs; /* NULL: fs_posix() */
	const char *dir;
	const char *node;	    /* this node's name */
	const char *address;	    /* where the others reach it */
	const struct members *members; /* the first ones; NULL: it joins */
	uint64_t seed;
	unsigned heartbeat_ms, election_ms; /* 0: as in raft.h */
	unsigned patience_ms;		    /* 0: 3000 */
	/* Bytes proposed but not committed, above which writes are refused as
	 * KV_EUNAVAILABLE; 0: 64 MiB. */
	size_t uncommitted_max;
};

/*
 * The store must be open with store_options.replicated and stays the caller's.
 * Errors: KV_EUSAGE: the members do not name this node, or are not those that
 * this store was begun with; KV_EDAMAGED: kv.raft is damaged; KV_EIO, KV_ENOMEM.
 */
int primary_new(struct primary **out, struct store *store,
		const struct primary_options *options,
		const struct primary_events *events, uint64_t now_ms);
struct coord *primary_coord(struct primary *p); /* freed with coord_free() */

/* ---- what happens ---- */

/* Call at primary_deadline() at the latest. All times are monotonic ms. */
void primary_tick(struct primary *p, uint64_t now_ms);
uint64_t primary_deadline(const struct primary *p);

/* A frame came over a link from the node with that id. */
void primary_receive(struct primary *p, uint64_t now_ms, uint64_t from,
		     struct slice frame);

/* The link that this node sends to that member on is gone, and with it every
 * answer that was awaited on it. */
void primary_link_lost(struct primary *p, uint64_t now_ms, uint64_t id);

/* After events.replace_store. NULL: it could not be opened again. */
void primary_set_store(struct primary *p, struct store *store);

/* ---- links: what the handshake says and asks ---- */

struct primary_hello {
	uint64_t cluster_id; /* 0: not known yet (it joins) */
	uint64_t id;	     /* 0: not known yet */
	uint64_t term;
	bool established; /* it has taken part before */
	const char *name, *address;
};
void primary_hello(const struct primary *p, struct primary_hello *hello);

/* Judges the other side's hello. 0, or why no link can be: KV_EPERM with
 * err_text() (another cluster, members that disagree, a name twice). A joining
 * node learns its cluster from it. */
int primary_meet(struct primary *p, const struct primary_hello *hello);

/* ---- administration; the outcome comes through fn, once known ---- */

enum primary_order {
	PRIMARY_ADD,	  /* node, address: as learner, then voter */
	PRIMARY_REMOVE,	  /* node */
	PRIMARY_TRANSFER, /* node */
	PRIMARY_REPAIR,	  /* node: removed, emptied, added again */
};
/* (OP_CLUSTER requests come through coord_submit() like all others.) */

/* For info: lines of the node's state: mode, node, cluster_id, role, term,
 * leader, leader_address, quorum, last_index, commit_index, applied_index,
 * durable_index, lag, members, and of each member of a leader its match. */

#endif

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
 * when what it reveals is committed and, of reads, when a majority has
 * confirmed the leadership after the read came in. As follower it forwards the
 * request to the leader (one that may be stale is executed here, on what is
 * committed) and hands the leader's reply on. Without a leader requests wait,
 * patience_ms at most: then they are KV_EUNAVAILABLE. A write that was on its
 * way when the leader was lost is KV_EUNKNOWN.
 *
 * On disk, beside the store: DIR/kv.raft (term, vote, own id, cluster id),
 * replaced atomically and synced before anything that follows from it is said.
 * The membership is an own key of the store (STORE_OWN_PREFIX "members"), so
 * that it is an entry of the log and part of snapshots; the first leader writes
 * it, each change replaces it.
 *
 * Who may vote. Consensus holds as long as no node forgets what it has said. A
 * node whose directory is lost, and that comes back under its name with an
 * empty one, looks like a new one; did its vote count, acknowledged writes
 * could be lost. So a node draws a number when its directory is made, its
 * birth, and the membership has the births of all voters. Every message says of
 * which birth its sender is, and a reply counts only from the birth that is
 * listed by the one who counts (raft_internal.h has why that is enough). So a
 * node may vote whatever its own log says of it, and must: it may be a voter
 * without having the entry yet.
 *
 * That rests on all having begun with one list, in the entry that the first
 * leader writes. Who is elected before there is that entry counts with the
 * births that he met himself, and others may have met others. So until then a
 * node neither votes nor campaigns before it has met all of the first members,
 * none of which had voted or stored anything when they met. One that came in
 * another's place, after that one had voted, finds somebody who has voted
 * already; so it helps to elect nobody who lacks that entry.
 *
 * Hence a new cluster begins once all of its first members have met; from then
 * on a majority will do. A node that finds itself listed with another birth, or
 * its log gone, has lost its data: it follows (which harms nobody) but never
 * votes, says so in its log and in info, and waits for repair.
 *
 * Repair removes the node and adds it again. That gives it a new id, and a node
 * that is addressed by a later id than its own, of its own name, empties itself
 * first: it starts again as a node that has said nothing.
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
	FRAME_RAFT = 1,	 /* raft_wire bytes; entries behind */
	FRAME_FETCH = 2, /* snapshot: give me a piece */
	FRAME_CHUNK = 3, /* snapshot: a piece */
	/* id (8), protocol (1), request. Not for primary_receive(): serve/
	 * submits the request, marked as forwarded, and sends the other once
	 * the reply may leave. */
	FRAME_FORWARD = 4,
	FRAME_FORWARDED = 5, /* id (8), code (4), reply or message */
	/* id (8), birth (8), term (8): the members have you with another birth,
	 * as the leader of that term knows */
	FRAME_FORGOT = 6,
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
	 * The bytes are `head` followed by `body`, copied during the call.
	 *
	 * A FORWARD may be for this very node: one that came in while nobody
	 * led. It is submitted during the call, as one from a peer would be,
	 * and its FORWARDED comes back through primary_receive(). */
	bool (*send)(void *arg, const struct member *to, struct slice head,
		     struct slice body);
	/* coord->revealed or coord->confirmed has moved. */
	void (*progress)(void *arg);
	/* Leadership is lost: every reply that was handed out and still waits
	 * for `revealed` or `confirmed` will not get what it waits for. Those
	 * that wrote are KV_EUNKNOWN, the others KV_EUNAVAILABLE. */
	void (*lost)(void *arg);
	/* Whom this node may have to talk to has changed (primary_peers()):
	 * keep links to all but this node. */
	void (*members)(void *arg, const struct members *members);
	/* Closes and reopens the store around `swap`, which puts another in its
	 * place; primary_set_store() follows, perhaps during the call. No flush
	 * or task may be under way (wait for them). Called by coord_turn()
	 * only, and until primary_set_store() the store is not used. */
	void (*replace_store)(void *arg, int (*swap)(void *swap_arg),
			      void *swap_arg);
	/* A sentence for the server's log. */
	void (*log)(void *arg, const char *line);
	void *arg;
};

struct primary_options {
	struct fs *fs; /* NULL: fs_posix() */
	const char *dir;
	const char *node;	       /* this node's name */
	const char *address;	       /* where the others reach it */
	const struct members *members; /* the first ones; NULL: it joins */
	/* Must be another one each time that a node is started, and on each
	 * node. */
	uint64_t seed;
	unsigned heartbeat_ms, election_ms; /* 0: as in raft.h */
	unsigned patience_ms;		    /* 0: 900 */
	/* Bytes proposed but not committed, above which writes are refused as
	 * KV_EUNAVAILABLE; 0: 64 MiB. */
	size_t uncommitted_max;
};

/*
 * The store must be open with store_options.replicated and stays the caller's.
 * Errors: KV_EUSAGE: the members do not name this node, or are not those that
 * this store was begun with; KV_EDAMAGED: kv.raft is damaged; KV_EIO,
 * KV_ENOMEM.
 */
int primary_new(struct primary **out, struct store *store,
		const struct primary_options *options,
		const struct primary_events *events, uint64_t now_ms);
struct coord *primary_coord(struct primary *p); /* freed with coord_free() */

/*
 * For a node whose store does not open because it is damaged: moves the store's
 * files to DIR/damaged-N, whose path goes to `path`. The node can then be
 * started with an empty store; it has no vote until it is repaired. Nothing is
 * deleted. Nobody may hold the directory. KV_EUSAGE: it is not a node's;
 * otherwise as primary_new().
 */
int primary_set_aside(const char *dir, struct fs *fs, char *path, size_t size);

/* ---- what happens ---- */

/* Call at primary_deadline() at the latest, and in each turn of the loop before
 * requests are submitted, as they come without the time. All times are
 * monotonic ms. */
void primary_tick(struct primary *p, uint64_t now_ms);
uint64_t primary_deadline(const struct primary *p);

/* A frame came over a link from the node with that id. Garbage is dropped. */
void primary_receive(struct primary *p, uint64_t now_ms, uint64_t from,
		     struct slice frame);

/* A part of a frame from that node came, or it took a part of one to it; see
 * raft_hear(). */
void primary_hear(struct primary *p, uint64_t now_ms, uint64_t id);

/* The link that this node sends to that member on is gone, and with it every
 * answer that was awaited on it. */
void primary_link_lost(struct primary *p, uint64_t now_ms, uint64_t id);

/* After events.replace_store. NULL: it could not be opened again. */
void primary_set_store(struct primary *p, struct store *store);

/* ---- links: what the handshake says and asks ---- */

struct primary_hello {
	uint64_t cluster_id; /* 0: not known yet (it joins) */
	uint64_t id;	     /* 0: not known yet */
	uint64_t birth;
	uint64_t term;
	bool established; /* it has voted or stored something */
	const char *name, *address;
};
void primary_hello(const struct primary *p, struct primary_hello *hello);

/*
 * Judges the other side's hello. 0, or why no link can be: KV_EPERM with
 * err_text() (another cluster, members that disagree, a name twice, not a
 * member). A joining node learns its cluster from it. Links belong to names:
 * the id that a name has in `members` may be newer than the one in the hello.
 */
int primary_meet(struct primary *p, const struct primary_hello *hello);

/* ---- questions ---- */

bool primary_leads(const struct primary *p);

/* The node is to end: one that leads hands over to the member that is furthest,
 * so that nobody has to wait for an election. True as long as it is worth
 * waiting for that, 4 s at most. Requests are held meanwhile. */
void primary_resign(struct primary *p);
bool primary_resigns(const struct primary *p);

/* The members in force, as far as this node knows: none while it joins. */
const struct members *primary_members(const struct primary *p);

/* Whom it may have to talk to: the members, or those it met while it joins; and
 * others whose messages show that it lags behind a change. Told by
 * events.members, too. */
const struct members *primary_peers(const struct primary *p);

/* What the core says of itself, for tests and simulations. */
const struct raft *primary_core(const struct primary *p);

/*
 * OP_CLUSTER requests come through coord_submit() like all others and are
 * answered when what they ask for is done:
 *
 *	CLUSTER_ADD	 the node is a voter (a learner until it has caught up)
 *	CLUSTER_REMOVE	 committed; not the leader itself (KV_ECONDITION)
 *	CLUSTER_TRANSFER the node leads
 *	CLUSTER_REPAIR	 removed, emptied, added again and a voter
 *
 * One at a time (KV_EUNAVAILABLE). A learner whose leader changes is promoted
 * by the next one.
 *
 * info has of a node: mode, node, node_id, cluster_id, state, role, term,
 * leader, leader_address, quorum, last_index, commit_index, applied_index,
 * durable_index, lag, lag_ms, members, and of a leader how far its members are.
 */

#endif

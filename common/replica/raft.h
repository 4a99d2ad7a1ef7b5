/*
 * raft.h - the consensus core: who leads, which entries are committed, when a
 * read may be answered.
 *
 * Ongaro, "Consensus: Bridging Theory and Practice" (2014), with pre-vote,
 * check-quorum, read confirmation, leadership transfer and single-server
 * membership changes. A state machine and nothing else: it has no clock, no
 * socket, no file, no random source (a seed comes in) and holds no entry, only
 * which indexes have which term. The entries are in the caller's log.
 *
 * Use: give it an event, then take actions until there are none, and perform
 * each before taking the next:
 *
 *	raft_receive(r, now, &message);
 *	while (raft_next(r, &action))
 *		perform(&action);
 *
 * The order of actions is the protocol's safety. RAFT_SAVE must be on disk
 * before the next action is taken. An action that has to wait (a truncation
 * while a write is under way) holds up the ones behind it and all further
 * events; only time may pass meanwhile.
 *
 * Threads: a raft belongs to one thread.
 */
#ifndef REPLICA_RAFT_H
#define REPLICA_RAFT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct raft;

#define RAFT_MEMBERS_MAX 15u

/* Who takes part. A learner gets what is committed and does not count.
 *
 * A node has an id and a birth, a number drawn when its disk was new: one that
 * comes back with an empty disk has the same id and another birth. What it says
 * is its own word, not that of the voter who is listed, and does not count (see
 * raft_internal.h). Who has no use for births leaves them all 0. */
struct raft_member {
	uint64_t id; /* never 0 */
	bool voter;
	uint64_t birth; /* of a voter; of a learner it does not matter */
};

struct raft_members {
	uint64_t index; /* of the entry that brought it; 0: the first of all */
	unsigned n;
	struct raft_member list[RAFT_MEMBERS_MAX];
};

/* Entries from `first` on, up to the next span, have this term. */
struct raft_span {
	uint64_t first;
	uint64_t term;
};

enum raft_kind {
	RAFT_PREVOTE,
	RAFT_PREVOTE_REPLY,
	RAFT_VOTE,
	RAFT_VOTE_REPLY,
	RAFT_APPEND, /* also the heartbeat, with count 0 */
	RAFT_APPEND_REPLY,
	RAFT_SNAPSHOT, /* an offer: what is missing is no longer in the log */
	RAFT_TIMEOUT_NOW, /* campaign at once: leadership is handed to you */
};

#define RAFT_SPANS_MAX 32u  /* terms in one message; a longer one is split */
#define RAFT_CHANGES_MAX 4u /* membership entries in one message */

struct raft_message {
	enum raft_kind kind;
	uint64_t from, to;
	uint64_t birth; /* of the sender */
	uint64_t term;
	/* APPEND: the entry before the first. VOTE: the last of the candidate.
	 * SNAPSHOT: the last that it covers. APPEND_REPLY: the highest that is
	 * on disk and known to match, or, refused, where to try next. */
	uint64_t index;
	uint64_t index_term; /* of that entry */
	uint64_t count;	     /* APPEND: entries index+1 .. index+count */
	uint64_t commit;     /* APPEND */
	uint64_t round;	     /* APPEND: read round; APPEND_REPLY: echoed */
	bool refused;	     /* of replies */
	uint64_t asked;	     /* APPEND_REPLY, refused: which `index` was */
	bool handover;	     /* VOTE: the leader itself asked for it */
	/* APPEND: the terms of the entries, and which of them change the
	 * membership. SNAPSHOT: changes[0] is the membership it has. */
	unsigned nspans, nchanges;
	struct raft_span spans[RAFT_SPANS_MAX];
	struct raft_members changes[RAFT_CHANGES_MAX];
};

/* Whether the fields fit together; one that does not is ignored. */
bool raft_message_valid(const struct raft_message *m);

enum raft_role {
	RAFT_FOLLOWER,
	RAFT_CANDIDATE, /* asking for votes, or whether it would get them */
	RAFT_LEADER,
};

enum raft_action_kind {
	/* Put term and vote on disk, durably, before the next action. */
	RAFT_SAVE,
	/* Remove the entries from `index` on (none of them is committed). If
	 * they were being written, wait for that, and report no more of it than
	 * index - 1. After a crash they may be there again. */
	RAFT_TRUNCATE,
	/* Append the entries `index` .. index+count-1 of the message that is
	 * being received; report with raft_persisted() when on disk. */
	RAFT_STORE,
	/* Send `message`; with APPEND the caller adds the entries. It may be
	 * lost. */
	RAFT_SEND,
	/* All up to `index` is committed; not necessarily on this disk yet. */
	RAFT_COMMIT,
	/* Reads that asked up to `round` may be answered from what is committed
	 * by now. */
	RAFT_CONFIRM,
	/* Role, term or leader changed. As a new leader: append an empty entry
	 * at once and report it with raft_appended(). */
	RAFT_ROLE,
	/* The `leader` offers a snapshot: what it has up to at least `index`.
	 * Fetch it, then raft_installed(); nothing depends on when. Comes again
	 * with each heartbeat, also while it is being fetched. */
	RAFT_FETCH,
	/* `members` is in force now (appended, or an older one again after a
	 * truncation). */
	RAFT_MEMBERS,
};

struct raft_action {
	enum raft_action_kind kind;
	uint64_t term, vote;   /* SAVE, ROLE */
	uint64_t vote_birth;   /* SAVE: of whom it votes for */
	uint64_t index, count; /* see above */
	uint64_t round;	       /* CONFIRM */
	enum raft_role role;   /* ROLE */
	uint64_t leader;       /* ROLE: 0 unknown. FETCH: whom to ask */
	const struct raft_message *message; /* SEND; until the next call */
	const struct raft_members *members; /* MEMBERS; until the next call */
};

struct raft_options {
	uint64_t id; /* of this node; 0: not known yet (see raft_name) */
	uint64_t birth;
	uint64_t seed;	       /* of election timeouts */
	unsigned heartbeat_ms; /* 0: 50 */
	unsigned election_ms;  /* 0: 400; drawn from it to twice of it */
	/* Messages with entries on their way to one peer at most. 0: 32 */
	unsigned inflight_max;
	/* How many of the entries from..to fit into one message: the last
	 * index, at least `from`. */
	uint64_t (*fit)(void *arg, uint64_t from, uint64_t to);
	void *fit_arg;
};

/* What was found on disk. */
struct raft_state {
	uint64_t term, vote, vote_birth;
	/* The log holds first..last (last = first - 1: none), all on disk;
	 * entry first - 1 had term base_term (index 0: term 0). */
	uint64_t first, last;
	uint64_t base_term;
	const struct raft_span *spans; /* of first..last, ascending */
	size_t nspans;
	/* Known to be committed, at least first - 1. Of what was committed when
	 * it was not on this disk yet, the disk may have another version, so
	 * this is no higher than what raft_persisted() had been told. */
	uint64_t commit;
	/* Memberships by index, ascending: the one in force at `commit` and
	 * all behind it; and, better, all before it that the log reaches back
	 * to. Entries before the first one given are not sent to anybody: a
	 * peer that needs them is offered a snapshot. None: this node waits to
	 * be added by a leader. */
	const struct raft_members *members;
	size_t nmembers;
};

/* 0, or KV_ENOMEM, or KV_EDAMAGED (a state that cannot be). */
int raft_new(struct raft **out, const struct raft_options *options,
	     const struct raft_state *state, uint64_t now_ms);
void raft_free(struct raft *r);

/* ---- events ---- */

/* Time has passed; raft_deadline() says when the next call is due, and may
 * change with each event. */
void raft_tick(struct raft *r, uint64_t now_ms);
uint64_t raft_deadline(const struct raft *r);

/* A message came. Anything that a peer could send is taken without harm. */
void raft_receive(struct raft *r, uint64_t now_ms,
		  const struct raft_message *m);

/* Part of a message from that member has come, or it has taken part of one to
 * it: it lives. Large ones may be on their way for longer than an election
 * timeout, and what is sent meanwhile comes behind them. */
void raft_hear(struct raft *r, uint64_t now_ms, uint64_t id);

/* A node without an id learns its own from the first message to it. */
void raft_name(struct raft *r, uint64_t id);

/* The leader's own log has grown to `last`, all new entries in its term; not
 * necessarily on disk. `members`: the last of them is that change (see
 * raft_change), else NULL. */
void raft_appended(struct raft *r, uint64_t now_ms, uint64_t last,
		   const struct raft_members *members);

/* The log is on disk up to `index` (of what is in it now). */
void raft_persisted(struct raft *r, uint64_t now_ms, uint64_t index);

/* The log now begins at `first` (older entries were dropped; all of them are
 * committed, and were on disk). */
void raft_trimmed(struct raft *r, uint64_t first);

/* Whether a snapshot that ends there is still of use: to be asked right before
 * it replaces what this node has. It is not once the log has that entry: what
 * is behind it may have been acknowledged, and must stay. */
bool raft_wants(const struct raft *r, uint64_t index, uint64_t term);

/* A snapshot that raft_wants() has replaced log and state, on disk: it ends at
 * `index` of `term`. What is up to there is not told as RAFT_COMMIT. */
void raft_installed(struct raft *r, uint64_t now_ms, uint64_t index,
		    uint64_t term, const struct raft_members *members);

/* ---- requests: 0, or a refusal that leaves nothing behind ---- */

/* A read: *round is what RAFT_CONFIRM must reach before it is answered; when
 * RAFT_ROLE says that this node leads no more, it never will. All reads between
 * two calls of raft_next() share an exchange. KV_EUNAVAILABLE: not the leader.
 */
int raft_read(struct raft *r, uint64_t now_ms, uint64_t *round);

/* Whether one more change is allowed now, and the membership that comes of it.
 * The caller then appends it as an entry and says so with raft_appended().
 * add: a learner (KV_ECONDITION if it is a member). promote: a learner that has
 * nearly caught up (KV_EUNAVAILABLE: not yet), with the birth that it
 * acknowledged under. remove: any but the leader
 * itself (KV_ECONDITION: hand leadership over first; or no such member).
 * KV_EUNAVAILABLE: not the leader, or an earlier change is not committed, or
 * nothing of this term is. KV_ETOOBIG: too many members. */
enum raft_change { RAFT_ADD, RAFT_PROMOTE, RAFT_REMOVE };
int raft_change(const struct raft *r, enum raft_change change, uint64_t id,
		struct raft_members *members);

/* Hands leadership to the member: proposals should wait until RAFT_ROLE or
 * until raft_transferring() ends, an election timeout later at most. */
int raft_transfer(struct raft *r, uint64_t now_ms, uint64_t id);
bool raft_transferring(const struct raft *r);

/* Leads no more (the disk fails); nor votes, nor campaigns, nor says anything
 * from now on, and asks for nothing to be saved or stored. It still learns who
 * leads and what of its log is committed. */
void raft_retire(struct raft *r, uint64_t now_ms);

/* ---- actions ---- */

bool raft_next(struct raft *r, struct raft_action *action);

/* ---- questions ---- */

struct raft_peer_status {
	uint64_t id;
	bool voter;
	bool active;	/* heard from within an election timeout */
	uint64_t match; /* known to be on its disk; leader only */
};

struct raft_status {
	enum raft_role role;
	uint64_t id, term, vote, leader;
	uint64_t first, last, commit, persisted;
	bool can_read; /* leader: an entry of its term is committed */
	bool retired;
	unsigned npeers; /* all members, this node too */
	struct raft_peer_status peers[RAFT_MEMBERS_MAX];
};
void raft_status(const struct raft *r, struct raft_status *status);

/* The term of an entry in first-1..last; false if it is not known. */
bool raft_term_at(const struct raft *r, uint64_t index, uint64_t *term);

/* The membership in force. */
const struct raft_members *raft_membership(const struct raft *r);

#endif

/*
 * raft_internal.h - what the parts of the consensus core share.
 *
 *	raft.c		events in, actions out
 *	raft_new.c	from what was on disk to a follower
 *	raft_log.c	which entry has which term
 *	raft_elect.c	terms, votes, becoming and ceasing to be leader
 *	raft_append.c	the leader's side of replication; commitment
 *	raft_follow.c	the other side
 *	raft_read.c	rounds that confirm the leadership; handing it over
 *	raft_members.c	memberships in the log, and the table of peers
 *	raft_message.c	what a message may say
 *	raft_status.c	questions
 *
 * There is no queue of actions: what is to be done next follows from the state
 * (a term that is not saved, a commit index that was not told, a peer that has
 * not been sent something), so nothing grows, events that come together are
 * answered together, and a message is built from the state at the moment when
 * it leaves.
 */
#ifndef REPLICA_RAFT_INTERNAL_H
#define REPLICA_RAFT_INTERNAL_H

#include "replica/raft.h"

/* Memberships kept, the oldest being dropped: a leader cannot send entries
 * that it no longer knows the memberships of. */
#define CONFIGS_KEPT 64u

#define INFLIGHT_MAX 128u

/* Of terms and indexes. No cluster gets here: one term or entry a nanosecond
 * for a century. But a peer may say so. */
#define NUMBER_MAX (UINT64_C(1) << 62)

/* A learner that lacks no more than this may be promoted: what is sent and
 * synced in some milliseconds. */
#define PROMOTE_LAG 1000u

/* runs[0] is the entry before the first of the log, with its term; each run
 * goes up to the next. There is always one. */
struct raft_log {
	struct raft_span *runs;
	size_t n, cap;
	uint64_t last;
};

int log_init(struct raft_log *l, const struct raft_state *state);
void log_release(struct raft_log *l);
uint64_t log_base(const struct raft_log *l);
bool log_term(const struct raft_log *l, uint64_t index, uint64_t *term);
uint64_t log_last_term(const struct raft_log *l);
/* Room for n more runs, so that log_extend() cannot fail n times. */
bool raft_log_reserve(struct raft_log *l, size_t n);
void log_extend(struct raft_log *l, uint64_t last, uint64_t term);
void log_truncate(struct raft_log *l, uint64_t from);
void log_trim(struct raft_log *l, uint64_t base);
void log_reset(struct raft_log *l, uint64_t index, uint64_t term);
/* The highest entry at or below `index` whose term is at most `term`. Below
 * the log nothing is known: the answer may be base-1. */
uint64_t log_at_most(const struct raft_log *l, uint64_t index, uint64_t term);
/* The terms of from..to, as far as they fit into RAFT_SPANS_MAX spans;
 * returns how far that is. */
uint64_t log_spans(const struct raft_log *l, uint64_t from, uint64_t to,
		   struct raft_message *m);
/* The first entry of from.. that differs from what the message has, or its
 * end + 1. */
uint64_t log_differs(const struct raft_log *l, uint64_t from,
		     const struct raft_message *m);

enum peer_mode {
	PEER_STREAM, /* appends follow one another without waiting */
	PEER_PROBE,  /* where its log meets ours is unknown, or it is away */
	PEER_OFFER,  /* what it lacks is not in the log any more */
};

/*
 * Consensus stands on what a server never forgets: its term, its vote, what it
 * acknowledged. So the server of the proofs is not an id but an id with a birth
 * (see raft.h): when the disk goes, that server has died, and another one has
 * come that never promised anything. Hence each message says under which birth
 * it is sent, and:
 *
 * A vote, an acknowledgement, a confirmation of leadership and a sign of life
 * count only from the birth that the voter has in the membership of whoever
 * counts. He decides, for his membership is the one that a majority is taken
 * of.
 *
 * A learner does not count, so the membership need not know its birth. What it
 * acknowledged is forgotten when it comes with another one, and it becomes a
 * voter with the birth that it acknowledged under.
 *
 * A vote is given to an id and a birth, and only who finds himself listed with
 * his own birth campaigns.
 *
 * Whom a node votes for does not depend on what its own log says of it. A voter
 * that was just made one may not have the entry yet, and its vote may be needed
 * to elect somebody who could send it.
 */
struct peer {
	uint64_t id;
	bool voter;
	/* Whose replies count: of a voter as it is listed, of a learner that of
	 * its last reply. */
	uint64_t birth;
	bool heard; /* ever, in this term */
	uint64_t heard_ms;

	/* Of a candidate. */
	bool ask, granted;

	/* Of a leader. */
	enum peer_mode mode;
	uint64_t match; /* on its disk, and ours */
	uint64_t next;	/* to be sent */
	bool due;	/* send something whatever there is */
	bool probed;	/* PROBE: a question is on its way */
	uint64_t round_sent, round_acked, commit_sent;
	/* The last entries of messages on their way, oldest first. */
	uint64_t window[INFLIGHT_MAX];
	unsigned window_at, window_n;
};

struct raft {
	struct raft_options options;
	uint64_t now;
	uint64_t random;

	uint64_t term, vote, vote_birth;
	enum raft_role role;
	uint64_t leader;
	bool retired;
	bool excused; /* the last tick was late, see raft_tick() */
	struct {
		uint64_t term, vote;
	} saved;
	struct {
		enum raft_role role;
		uint64_t term, leader;
		uint64_t commit, round;
	} told;

	struct raft_log log;
	uint64_t persisted, commit;

	/* By index, ascending; the last is in force. */
	struct raft_members *configs;
	size_t nconfigs, configs_cap;
	struct raft_members nobody;
	bool tell_members;
	struct peer peers[RAFT_MEMBERS_MAX];
	unsigned npeers;

	/* Follower and candidate. */
	uint64_t election_ms; /* when to campaign */
	uint64_t leader_ms;   /* when the leader was heard */
	bool prevoting;	      /* a candidate that only asks whether */
	bool handover;	      /* a candidate by the leader's wish */
	uint64_t matched;     /* known to be in this leader's log */
	uint64_t acked;	      /* last told to it */
	uint64_t round_seen;  /* of this term */
	uint64_t round_replied;

	/* Leader. */
	uint64_t heartbeat_ms; /* when */
	uint64_t floor;	       /* no read before this is committed */
	uint64_t round, confirmed;
	bool round_open; /* may be shared: nothing was sent since */
	uint64_t transferee, transfer_ms;
	bool transfer_told;

	/* What the event at hand asks for. */
	uint64_t truncate; /* from here; 0: nothing */
	uint64_t store, store_count;
	uint64_t fetch, fetch_from;
	struct {
		uint64_t to, asked, asked_term;
		bool refused;
	} reply; /* to an append; to 0: none */
	struct {
		enum raft_kind kind;
		uint64_t to, term;
		bool refused;
	} vote_reply;

	struct raft_message out;
};

/* raft.c */
void raft_clock(struct raft *r, uint64_t now_ms);
void begin_message(struct raft *r, enum raft_kind kind, uint64_t to,
		   struct raft_action *action);

/* raft_message.c */
bool members_valid(const struct raft_members *m);

/* raft_members.c */
bool configs_room(struct raft *r, size_t n);
void configs_push(struct raft *r, const struct raft_members *m);
void configs_truncate(struct raft *r, uint64_t from);
void configs_trim(struct raft *r, uint64_t base);
void configs_reset(struct raft *r, const struct raft_members *m);
const struct raft_members *configs_at(const struct raft *r, uint64_t index);
/* The membership in force changed: brings the table of peers up to date. */
void peers_update(struct raft *r);
struct peer *peer_find(struct raft *r, uint64_t id);
bool is_voter(const struct raft *r, uint64_t id);
/* This node is one, and not just somebody of the same id. */
bool is_voter_itself(const struct raft *r);
/* The highest that a majority of voters has reached. */
typedef uint64_t peer_value_fn(const struct raft *r, const struct peer *p);
uint64_t majority(const struct raft *r, peer_value_fn *value);

/* raft_elect.c */
void become_follower(struct raft *r, uint64_t term, uint64_t leader);
void election_tick(struct raft *r, bool excused);
void election_rearm(struct raft *r);
bool leader_is_live(const struct raft *r);
bool quorum_is_heard(const struct raft *r);
void on_vote(struct raft *r, const struct raft_message *m);
void on_prevote(struct raft *r, const struct raft_message *m);
void on_vote_reply(struct raft *r, struct peer *p,
		   const struct raft_message *m);
void on_timeout_now(struct raft *r, const struct raft_message *m);
bool next_vote_request(struct raft *r, struct raft_action *action);
bool next_vote_reply(struct raft *r, struct raft_action *action);

/* raft_append.c */
void peer_start(struct raft *r, struct peer *p);
/* Heard from within an election timeout. */
bool is_active(const struct raft *r, const struct peer *p);
void heartbeat(struct raft *r);
void leader_commit(struct raft *r);
void on_append_reply(struct raft *r, struct peer *p,
		     const struct raft_message *m);
bool next_append(struct raft *r, struct raft_action *action);

/* raft_follow.c */
void on_append(struct raft *r, const struct raft_message *m);
void on_snapshot(struct raft *r, const struct raft_message *m);
void refuse_append(struct raft *r, const struct raft_message *m);
/* A node whose disk failed only listens. */
void hear_retired(struct raft *r, const struct raft_message *m);
void follower_persisted(struct raft *r);
bool next_append_reply(struct raft *r, struct raft_action *action);

/* raft_read.c */
void confirm(struct raft *r);
void transfer_tick(struct raft *r);
bool next_confirm(struct raft *r, struct raft_action *action);
bool next_timeout_now(struct raft *r, struct raft_action *action);

#endif

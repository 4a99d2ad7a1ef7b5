/*
 * primary_impl.h - what the files of the primary coordinator share.
 *
 *	primary.c		life, and the events that come in
 *	primary_open.c		from what is on disk to a core that runs
 *	primary_raft.c		performs what the core wants done
 *	primary_frame.c		messages of the core to frames and back
 *	primary_members.c	who takes part, by name; who may vote
 *	primary_meet.c		hellos
 *	primary_submit.c	requests carried out here
 *	primary_forward.c	requests that wait, or are carried out elsewhere
 *	primary_fetch.c		a snapshot comes in, and the store is replaced
 *	primary_snapshot.c	a snapshot goes out
 *	primary_order.c		administration
 *	primary_info.c		info
 *
 * Events feed the core and then take its actions (primary_pump). What can be
 * done once for all events of a turn is done by primary_settle(): new entries
 * are reported, reads confirmed, replies released. Requests are submitted
 * between events, and never from inside the core's actions; where one may come
 * from inside an event of ours (lost, progress), the state says already what is
 * to become of it.
 */
#ifndef REPLICA_PRIMARY_IMPL_H
#define REPLICA_PRIMARY_IMPL_H

#include "replica/primary.h"
#include "replica/primary_fifo.h"
#include "replica/primary_state.h"
#include "store/store_log.h"

#include <sys/queue.h>

#define PRIMARY_MEMBERS_KEY STORE_OWN_PREFIX "members"

/* Entries in one message at most about this much. */
#define PRIMARY_MESSAGE_MAX ((size_t)1 << 20)
/* One piece of a snapshot. */
#define PRIMARY_PIECE_MAX ((size_t)1 << 20)
/* Frames of snapshots; see primary_snapshot.c. */
#define FETCH_SIZE 21u
#define CHUNK_HEAD 30u
#define FORGOT_SIZE 25u
enum chunk_flags {
	CHUNK_DONE = 1,	   /* the last piece */
	CHUNK_REFUSED = 2, /* there is no such piece */
};
/* How often what may have failed for lack of a link is tried again. */
#define PRIMARY_RETRY_MS 50u

struct raft_known {
	uint64_t index;
	struct members list;
};
/* A change at a time is not committed; a few more while leaders change. */
#define KNOWN_MAX 16u

/* Whom this node met since it was started. */
struct meeting {
	struct member member; /* as of the last time; its id may be 0 */
	bool fresh;	      /* it had said and stored nothing, once */
};

/* A request as bytes: it waits for a leader, or for a leader's answer. */
struct pending {
	TAILQ_ENTRY(pending) next;
	uint64_t id;
	uint64_t leader; /* whom it was sent to; 0: it waits */
	uint64_t deadline_ms;
	bool reads_only;
	/* Done once however often it is asked for; and it was asked for before,
	 * so that nothing but an answer to it says what became of it. */
	bool once, repeated;
	/* The leader it was sent to leads no more. */
	bool orphaned;
	coord_reply_fn *fn;
	void *arg;
	struct buf bytes; /* protocol (1), request */
};
TAILQ_HEAD(pending_list, pending);

/* The snapshot that this node fetches. */
struct fetch {
	bool active;
	bool complete;
	uint64_t source;   /* whom it asks */
	uint64_t snapshot; /* the source's name for it; 0: not known yet */
	uint64_t index, term;
	uint32_t piece; /* the next one */
	uint64_t asked_ms;
	struct store_import *import;
};

/* A snapshot that another node reads from this one. */
struct reader {
	uint64_t snapshot; /* 0: free */
	uint64_t id;	   /* of the node */
	uint64_t index, term;
	uint32_t piece; /* the one in `last` */
	bool done;
	uint64_t used_ms;
	struct store_snapshot *snap;
	struct buf last;
};
#define READERS_MAX 4u

struct order {
	bool active;
	bool removed; /* repair: the first half is done */
	enum cluster_order_kind kind;
	bool handing_over; /* transfer: the core has been told */
	bool resigns;	   /* transfer: of a node that is to end */
	struct member member;
	uint64_t deadline_ms; /* transfer */
	coord_reply_fn *fn;
	void *arg;
};

struct primary {
	struct coord coord;
	struct primary_options options; /* texts are ours */
	struct primary_events events;
	struct fs *fs;
	struct store *store;
	struct raft *raft;
	struct primary_state state;
	uint64_t now;

	/* What keeps the node from taking part. */
	bool dead;	   /* kv.raft cannot be written: it says nothing more */
	bool store_failed; /* the store is read-only: it is left alone */
	bool wiped;	   /* it lost what it once knew: no vote */
	bool swapping;	   /* another store is being put in place */

	/* As the core said last. */
	enum raft_role role;
	uint64_t term, leader;
	bool leads;
	uint64_t heard_ms, heard_commit; /* of the leader; 0: never */

	/* The log */
	uint64_t reported;  /* as leader: told the core up to here */
	uint64_t trimmed;   /* told it that the log begins here */
	uint64_t commit_to; /* agreed on; the store may be behind */
	bool held;	    /* a truncation waits for a flush */
	uint64_t held_index;
	struct buf queue; /* frames that came meanwhile */

	/* The message that is being received, and its entries. */
	struct raft_message incoming;
	struct store_log_entry *entries;
	size_t nentries, entries_cap;
	struct raft_known changes[RAFT_CHANGES_MAX]; /* in them */
	unsigned nchanges;
	struct buf kept; /* the frame, while the truncation is held */

	/* The entries that were sent last: all followers get the same. */
	struct buf wire, body;
	uint64_t body_from, body_to; /* to 0: none */

	/* Members: the one in force at the commit index and all behind it, the
	 * newest last. */
	struct raft_known known[KNOWN_MAX];
	unsigned nknown;
	struct meeting meetings[MEMBERS_MAX];
	unsigned nmeetings;
	/* Ids that messages came from that the members in force do not have:
	 * this node lags, and must answer them all the same. */
	uint64_t strangers[MEMBERS_MAX];
	unsigned nstrangers;
	struct members peers; /* all that it may have to talk to */
	bool members_moved;

	/* Gates of replies */
	uint64_t
		turn; /* that reads now wait for; the ones before have rounds */
	bool has_reads;
	struct fifo rounds;	 /* (round, turn) */
	struct fifo uncommitted; /* (index, bytes up to it) */
	uint64_t unreported_bytes, uncommitted_bytes;
	uint64_t told_revealed, told_confirmed;

	/* Requests */
	struct pending_list waiting, sent; /* each in order of ids */
	uint64_t next_id;
	size_t pending_bytes, norphans;
	uint64_t retry_ms; /* when those that wait are tried again */
	bool leader_moved;

	struct fetch fetch;
	struct reader readers[READERS_MAX];
	uint64_t snapshots; /* begun */
	struct order order;
	uint64_t naming_term; /* in which it has named so many new members */
	uint64_t named;
	uint64_t promote_ms;

	struct info_line *info;
	struct buf info_text;
};

/* ---- primary.c ---- */

__attribute__((format(printf, 2, 3))) void primary_say(struct primary *p,
						       const char *fmt, ...);

/* Gives up for good: kv.raft cannot be written, or the core is out of memory.
 */
void primary_die(struct primary *p, const char *why);

/* Whether the core may be fed now. */
static inline bool primary_takes_part(const struct primary *p)
{
	return !p->dead && !p->swapping && !p->state.emptying;
}

/* Everything that the events so far have made possible. */
void primary_settle(struct primary *p);

/* 0, or it died. */
int primary_save(struct primary *p);

/* A number that looks random; the same for the same x. */
uint64_t primary_mix(uint64_t x);

/* ---- primary_open.c ---- */

int primary_open_state(struct primary *p);
/* Makes the core anew from the store and the state. */
int primary_open_core(struct primary *p);

/* ---- primary_raft.c ---- */

/* Performs all actions that the core has, or until one has to wait. */
void primary_pump(struct primary *p);
/* What the store has got to since is told to the core. */
void primary_note_growth(struct primary *p);
/* A flush ended: what waited for it goes on. */
void primary_resume(struct primary *p);
void primary_commit(struct primary *p);
/* Replies that may leave now are released. */
void primary_tell_progress(struct primary *p);
/* Never leads or votes again; the store is left alone if it is its fault. */
void primary_retire(struct primary *p, bool store_failed, const char *why);
/* As leader, replaces the members. `next` is what raft_change() gave. */
int primary_propose_members(struct primary *p, const struct members *list,
			    struct raft_members *next);

/* ---- primary_frame.c ---- */

void primary_send_message(struct primary *p, const struct raft_message *m);
void primary_receive_message(struct primary *p, struct slice frame);
/* Takes the message's frame apart into p->incoming and p->entries. */
bool primary_parse_frame(struct primary *p, struct slice frame);

/* ---- primary_members.c ---- */

/* The value of the own key: the entry's index (8), the list. KV_EDATA. */
void primary_members_encode(const struct members *list, uint64_t index,
			    struct buf *out);
int primary_members_decode(struct slice value, struct raft_known *known);
/* The list in force, or the first one, or none. */
const struct members *primary_list(const struct primary *p);
void primary_to_raft(const struct members *list, uint64_t index,
		     struct raft_members *out);
void primary_know(struct primary *p, uint64_t index,
		  const struct members *list);
/* The one that came with the entry `index` is in force; later ones are gone. */
void primary_adopt(struct primary *p, uint64_t index);
/* Those that are not needed any more, now that all up to index is committed. */
void primary_forget(struct primary *p, uint64_t index);
/* Whether it answers a candidate: one who has entries, and so a membership that
 * all agree on, or any once it has met all of the first members. */
bool primary_may_vote_for(const struct primary *p,
			  const struct raft_message *m);
/* Whether it may be one, should the core want it. */
bool primary_may_stand(const struct primary *p);
/* Whether the members in force have it, itself, as a voter. */
bool primary_is_voter(const struct primary *p);
/* Finds out whether the log says that this node lost its data; or a leader. */
void primary_check_birth(struct primary *p);
void primary_forgot(struct primary *p, struct slice frame);
void primary_tell_members(struct primary *p);
/* Members, meetings or strangers have changed. */
void primary_update_peers(struct primary *p);
void primary_note_sender(struct primary *p, uint64_t id);

/* ---- primary_meet.c ---- */

const struct meeting *primary_meeting(const struct primary *p,
				      const char *name);
/* A message is for the node with that id: is that this one? It may become so.
 */
bool primary_is_addressed(struct primary *p, uint64_t id);

/* ---- primary_submit.c, primary_forward.c ---- */

void primary_submit(struct coord *c, const struct request *req,
		    coord_reply_fn *fn, void *arg);
void primary_refuse(const struct request *req, coord_reply_fn *fn, void *arg,
		    int code, const char *fmt, ...)
	__attribute__((format(printf, 5, 6)));
bool primary_reads_only(const struct request *req);
/* Waits, and then is forwarded. */
void primary_wait(struct primary *p, const struct request *req,
		  coord_reply_fn *fn, void *arg);
bool primary_is_waiting(const struct primary *p);
void primary_drain(struct primary *p);
void primary_expire_pending(struct primary *p);
void primary_forwarded(struct primary *p, struct slice frame);
/* Answers to requests sent to that node will not come. */
void primary_orphan(struct primary *p, uint64_t leader, bool link_lost);
void primary_fail_pending(struct primary *p, int code, const char *why);

/* ---- primary_fetch.c, primary_snapshot.c ---- */

void primary_fetch_begin(struct primary *p, uint64_t source, uint64_t index);
void primary_fetch_chunk(struct primary *p, struct slice frame);
void primary_fetch_retry(struct primary *p);
void primary_fetch_end(struct primary *p);
/* Puts a complete snapshot, or an empty store, in the place of the store. */
void primary_swap(struct primary *p);
void primary_serve_fetch(struct primary *p, struct slice frame);
void primary_readers_expire(struct primary *p);
void primary_readers_end(struct primary *p);

/* ---- primary_order.c ---- */

void primary_order(struct primary *p, const struct request *req,
		   coord_reply_fn *fn, void *arg);
void primary_order_step(struct primary *p);
void primary_order_lost(struct primary *p);
void primary_order_link_lost(struct primary *p, uint64_t id);
/* Nothing more will come of it here, whatever it was. */
void primary_order_end(struct primary *p, const char *why);
/* Nothing is carried out while leadership is handed over. */
static inline bool primary_hands_over(const struct primary *p)
{
	return p->order.active && p->order.kind == CLUSTER_TRANSFER;
}
void primary_promote(struct primary *p);

/* ---- primary_info.c ---- */

void primary_reply_info(struct primary *p, const struct request *req,
			const struct reply *reply, coord_reply_fn *fn,
			void *arg);
uint64_t primary_lag(const struct primary *p);
uint64_t primary_lag_ms(const struct primary *p);

#endif

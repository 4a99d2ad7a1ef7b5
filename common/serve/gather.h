/*
 * gather.h - whether a group of writes should wait for more of them.
 *
 * Clients that write and then wait for the reply come back shortly after the
 * group that held their last write has ended. A group that is synced before
 * they are here leaves them to the next one, and so on: every group has half of
 * them, and each waits for two syncs. So a group waits for those that were in
 * one of the last two groups and are missing, half as long as a sync takes.
 * (PostgreSQL's commit_delay, adaptive.)
 *
 * Where that does not bring most of them, it is left alone for a while. If the
 * requests take as long as the sync, clients are better served in halves: those
 * of one half are handled while the other half makes new ones. And clients that
 * think between their writes are none to wait for.
 *
 * Pure bookkeeping: times are given. Threads: inside the gate.
 */
#ifndef SERVE_GATHER_H
#define SERVE_GATHER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct gather {
	uint64_t group;	   /* counts from 3; a client's 0 is long ago */
	size_t joined;	   /* clients in this group */
	size_t missing[2]; /* not in it, but in the last one; the one before */
	uint64_t since_ns; /* when first asked; 0: not yet */
	unsigned in_vain;  /* groups in a row that many still missed */
};

void gather_init(struct gather *g);

/* A client waits for this group. *last is the last group that it waited for,
 * 0 at first, and stays with the client. */
void gather_join(struct gather *g, uint64_t *last);

/* Whether the group is worth waiting for. */
bool gather_hopes(const struct gather *g);

/* Whether the group should not begin yet. First to be asked when those who may
 * join have their replies; to be asked again after a look at what has arrived.
 * `sync_ns`: what a sync takes. */
bool gather_waits(struct gather *g, uint64_t now_ns, uint64_t sync_ns);

/* The group begins to be synced; who comes now is for the next one. */
void gather_next(struct gather *g);

#endif

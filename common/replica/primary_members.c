/*
 * primary_members.c - who takes part, by name, at each index that may still
 * matter: the core knows ids only, and goes back to an earlier membership when
 * an entry is truncated.
 */
#include "replica/primary_impl.h"

#include "base/bytes.h"
#include "base/err.h"

#include <string.h>

void primary_members_encode(const struct members *list, uint64_t index,
			    struct buf *out)
{
	char head[8];

	put_le64(head, index);
	buf_append(out, head, sizeof(head));
	members_encode(list, out);
}

int primary_members_decode(struct slice value, struct raft_known *known)
{
	if (value.len < 8)
		return err_set(KV_EDATA, "a list of members is cut short");
	known->index = get_le64(value.data);
	return members_decode(&known->list,
			      slice_of(value.data + 8, value.len - 8));
}

const struct members *primary_list(const struct primary *p)
{
	static const struct members none;

	return p->nknown != 0 ? &p->known[p->nknown - 1].list : &none;
}

void primary_to_raft(const struct members *list, uint64_t index,
		     struct raft_members *out)
{
	*out = (struct raft_members){.index = index, .n = list->n};
	for (unsigned i = 0; i < list->n; i++)
		out->list[i] = (struct raft_member){
			.id = list->list[i].id,
			.voter = list->list[i].voter,
			.birth = list->list[i].birth,
		};
}

void primary_know(struct primary *p, uint64_t index, const struct members *list)
{
	while (p->nknown != 0 && p->known[p->nknown - 1].index >= index)
		p->nknown--;
	if (p->nknown == KNOWN_MAX) {
		memmove(&p->known[0], &p->known[1],
			(KNOWN_MAX - 1) * sizeof(p->known[0]));
		p->nknown--;
	}
	p->known[p->nknown].index = index;
	p->known[p->nknown].list = *list;
	p->nknown++;
}

/* The one that came with an entry that is just being received. */
static bool know_incoming(struct primary *p, uint64_t index)
{
	for (unsigned i = 0; i < p->nchanges; i++) {
		if (p->changes[i].index == index) {
			primary_know(p, index, &p->changes[i].list);
			return true;
		}
	}
	return false;
}

void primary_adopt(struct primary *p, uint64_t index)
{
	unsigned n = p->nknown;

	while (n != 0 && p->known[n - 1].index > index)
		n--;
	if (n != 0 && p->known[n - 1].index == index)
		p->nknown = n;
	else if (!know_incoming(p, index) && n != 0)
		p->nknown = n;
	p->nstrangers = 0;
	primary_update_peers(p);
	primary_check_birth(p);
}

void primary_forget(struct primary *p, uint64_t index)
{
	unsigned drop = 0;

	while (drop + 1 < p->nknown && p->known[drop + 1].index <= index)
		drop++;
	if (drop == 0)
		return;
	p->nknown -= drop;
	memmove(&p->known[0], &p->known[drop], p->nknown * sizeof(p->known[0]));
}

static bool is_from_the_log(const struct primary *p)
{
	return p->nknown != 0 && p->known[p->nknown - 1].index != 0;
}

bool primary_may_stand(const struct primary *p)
{
	if (p->wiped || p->state.id == 0)
		return false;
	return is_from_the_log(p) || p->state.began;
}

bool primary_may_vote_for(const struct primary *p, const struct raft_message *m)
{
	return !p->wiped && p->state.id != 0 &&
	       (p->state.began || m->index != 0);
}

bool primary_is_voter(const struct primary *p)
{
	const struct member *self = members_find(primary_list(p), p->state.id);

	return self != NULL && self->voter && self->birth == p->state.birth;
}

static void lose(struct primary *p)
{
	p->wiped = true;
	primary_say(p, "this node has lost what it knew as a member of its "
		       "cluster: it does not vote until it is repaired");
	raft_retire(p->raft, p->now);
}

void primary_check_birth(struct primary *p)
{
	const struct member *self = members_find(primary_list(p), p->state.id);

	if (p->wiped || self == NULL || !is_from_the_log(p) ||
	    self->birth == 0 || self->birth == p->state.birth)
		return;
	lose(p);
}

/* A leader does not send again what this node had acknowledged, so that it
 * could not find out by itself. One of the past may have taken an earlier
 * bearer of the name for a voter, and be the only one to think so. */
void primary_forgot(struct primary *p, struct slice frame)
{
	if (frame.len != FORGOT_SIZE || p->wiped || !primary_takes_part(p) ||
	    get_le64(frame.data + 1) != p->state.id ||
	    get_le64(frame.data + 9) == p->state.birth ||
	    get_le64(frame.data + 17) < p->term ||
	    (is_from_the_log(p) && primary_is_voter(p)))
		return;
	lose(p);
}

/* ---- whom to talk to ---- */

static void add_peer(struct members *peers, const struct member *m)
{
	const struct member *old = members_find_name(peers, m->name);

	if (old != NULL)
		members_drop(peers, old->id);
	(void)!members_add(peers, m); /* of too many, the first are kept */
}

static const struct meeting *meeting_of(const struct primary *p, uint64_t id)
{
	for (unsigned i = 0; i < p->nmeetings; i++)
		if (member_id_is_of(id, p->meetings[i].member.name))
			return &p->meetings[i];
	return NULL;
}

void primary_update_peers(struct primary *p)
{
	struct member m;

	p->peers = *primary_list(p);
	for (unsigned i = 0; i < p->nmeetings && p->nknown == 0; i++)
		if (p->meetings[i].member.id != 0)
			add_peer(&p->peers, &p->meetings[i].member);
	for (unsigned i = 0; i < p->nstrangers; i++) {
		const struct meeting *met = meeting_of(p, p->strangers[i]);

		if (met == NULL)
			continue;
		m = met->member;
		m.id = p->strangers[i];
		add_peer(&p->peers, &m);
	}
	p->members_moved = true;
}

void primary_note_sender(struct primary *p, uint64_t id)
{
	const struct meeting *met;
	const struct member *known;

	/* A leader has all changes: it hears somebody who was removed. */
	if (p->leads || members_find(&p->peers, id) != NULL ||
	    p->nstrangers == MEMBERS_MAX)
		return;
	met = meeting_of(p, id);
	if (met == NULL)
		return;
	/* So does a node that has been given a new id and does not know it. */
	known = members_find_name(&p->peers, met->member.name);
	if (known != NULL &&
	    member_incarnation(known->id) > member_incarnation(id))
		return;
	p->strangers[p->nstrangers++] = id;
	primary_update_peers(p);
}

void primary_tell_members(struct primary *p)
{
	if (!p->members_moved)
		return;
	p->members_moved = false;
	p->events.members(p->events.arg, primary_peers(p));
}

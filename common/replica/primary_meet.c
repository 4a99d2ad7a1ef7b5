/*
 * primary_meet.c - hellos: who is at the other end of a link, and who this node
 * is. primary.h says what births are for.
 */
#include "replica/primary_impl.h"

#include "base/err.h"

#include <stdio.h>
#include <string.h>

void primary_hello(const struct primary *p, struct primary_hello *hello)
{
	*hello = (struct primary_hello){
		.cluster_id = p->state.cluster_id,
		.id = p->state.id,
		.birth = p->state.birth,
		.term = p->state.term,
		.established = p->state.term != 0 || p->state.stored ||
			       (!p->swapping && store_appended(p->store) != 0),
		.name = p->options.node,
		.address = p->options.address,
	};
}

static struct meeting *find_meeting(struct primary *p, const char *name)
{
	for (unsigned i = 0; i < p->nmeetings; i++)
		if (strcmp(p->meetings[i].member.name, name) == 0)
			return &p->meetings[i];
	return NULL;
}

const struct meeting *primary_meeting(const struct primary *p, const char *name)
{
	return find_meeting((struct primary *)(uintptr_t)p, name);
}

static struct meeting *add_meeting(struct primary *p, const char *name)
{
	struct meeting *m;

	if (p->nmeetings == MEMBERS_MAX) {
		/* Old acquaintances of former members: the oldest goes. */
		memmove(&p->meetings[0], &p->meetings[1],
			(MEMBERS_MAX - 1) * sizeof(*m));
		p->nmeetings--;
	}
	m = &p->meetings[p->nmeetings++];
	*m = (struct meeting){.member.voter = true};
	snprintf(m->member.name, sizeof(m->member.name), "%s", name);
	return m;
}

static void note_meeting(struct primary *p, const struct primary_hello *hello)
{
	struct meeting *m = find_meeting(p, hello->name);

	if (m == NULL)
		m = add_meeting(p, hello->name);
	/* What a former bearer of the directory said does not count. */
	if (m->member.birth != hello->birth)
		m->fresh = false;
	m->fresh = m->fresh || !hello->established;
	m->member.birth = hello->birth;
	m->member.id = hello->id;
	snprintf(m->member.address, sizeof(m->member.address), "%s",
		 hello->address);
	if (p->nknown == 0)
		primary_update_peers(p);
}

/* Whether all of the first members have been met, none of which had said
 * anything yet: then the cluster is new. */
static void maybe_begin(struct primary *p)
{
	struct members *first = &p->state.first;

	if (p->state.began || first->n == 0 || p->state.term != 0 || p->wiped ||
	    store_appended(p->store) != 0)
		return;
	for (unsigned i = 0; i < first->n; i++) {
		struct member *m = &first->list[i];
		const struct meeting *met = primary_meeting(p, m->name);

		if (m->id == p->state.id)
			continue;
		if (met == NULL || !met->fresh)
			return;
		m->birth = met->member.birth;
	}
	p->state.began = true;
	if (primary_save(p) != 0)
		return;
	primary_say(p, "all members have met: the cluster begins");
	/* With their births, which the core counts with. */
	if (primary_open_core(p) != 0)
		primary_die(p, err_text());
}

static int check_cluster(struct primary *p, const struct primary_hello *hello)
{
	if (strcmp(hello->name, p->options.node) == 0)
		return err_set(KV_EPERM,
			       "the node at %s has this node's name, '%s'",
			       hello->address, hello->name);
	if (hello->cluster_id == 0 && p->state.cluster_id == 0)
		return err_set(KV_EPERM,
			       "neither '%s' nor '%s' is in a cluster yet",
			       hello->name, p->options.node);
	if (hello->cluster_id != 0 && p->state.cluster_id != 0 &&
	    hello->cluster_id != p->state.cluster_id)
		return err_set(KV_EPERM,
			       "'%s' at %s is in another cluster, or was "
			       "started with other members: check its list of "
			       "members and its directory",
			       hello->name, hello->address);
	return 0;
}

static int check_member(const struct primary *p,
			const struct primary_hello *hello)
{
	const struct member *m =
		members_find_name(primary_list(p), hello->name);

	if (m == NULL && (p->leads || hello->cluster_id == 0) &&
	    p->state.id != 0)
		return err_set(KV_EPERM,
			       "'%s' is not a member of the cluster; add it "
			       "with kv-cluster",
			       hello->name);
	if (m != NULL && hello->id != 0 && !member_id_is_of(hello->id, m->name))
		return err_set(KV_EPERM, "'%s' has the id of another node",
			       hello->name);
	return 0;
}

int primary_meet(struct primary *p, const struct primary_hello *hello)
{
	int r;

	if (p->dead || p->swapping)
		return err_set(KV_EPERM, "'%s' takes no part just now",
			       p->options.node);
	r = member_check_name(hello->name);
	if (r == 0)
		r = member_check_address(hello->address);
	if (r != 0)
		return err_set(KV_EPERM, "a hello makes no sense");
	r = check_cluster(p, hello);
	if (r == 0)
		r = check_member(p, hello);
	if (r != 0)
		return r;
	if (p->state.cluster_id == 0) {
		p->state.cluster_id = hello->cluster_id;
		if (primary_save(p) != 0)
			return err_set(KV_EPERM, "'%s' takes no part",
				       p->options.node);
	}
	note_meeting(p, hello);
	maybe_begin(p);
	return 0;
}

/* ---- who this node is ---- */

/* A new identity has promised nothing; so nothing may be left of what the old
 * one had. */
static void become(struct primary *p, uint64_t id)
{
	primary_say(p, "this node is addressed as a new member: it empties its "
		       "store and starts again");
	primary_retire(p, false, NULL);
	p->held = false;
	p->state.id = id;
	p->state.term = 0;
	p->state.vote = 0;
	p->state.vote_birth = 0;
	p->state.began = false;
	p->state.stored = false;
	p->state.lost = false;
	p->state.emptying = true;
	p->state.first.n = 0;
	p->wiped = false;
	(void)primary_save(p); /* or it is dead; primary_swap() goes on */
}

bool primary_is_addressed(struct primary *p, uint64_t id)
{
	if (id == p->state.id)
		return true;
	if (!member_id_is_of(id, p->options.node))
		return false;
	if (p->state.id == 0) {
		p->state.id = id;
		if (primary_save(p) == 0)
			raft_name(p->raft, id);
		return !p->dead;
	}
	if (member_incarnation(id) > member_incarnation(p->state.id))
		become(p, id);
	return false;
}

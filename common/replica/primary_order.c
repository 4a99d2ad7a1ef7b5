/*
 * primary_order.c - administration: members come and go, leadership is handed
 * over, a node is repaired. One order at a time; an order is a goal, and each
 * turn does what can be done for it.
 *
 * A node is added as a learner. Turning a learner into a voter once it has
 * caught up is no part of the order but any leader's duty, so that a change of
 * leaders in between leaves nothing half done.
 */
#include "replica/primary_impl.h"

#include "base/bytes.h"
#include "base/err.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* How long each step of an order may take before it is given up. */
#define ORDER_MS 3000u

/* How long a new member may take until it is met: it runs already, but the
 * machines may be busy. */
#define JOIN_MS 10000u

/* How long a node that is to end waits for its heir to lead. It is a matter of
 * two messages, and without them there is an election. */
#define RESIGN_MS 1000u

/* So many members, less one, a leader can add; the rest of an incarnation is
 * its term. */
#define NAMED_BITS 16

/* How often the leader looks whether a learner can be promoted. */
#define PROMOTE_MS 50u

static void answer(struct primary *p, int code, const char *message)
{
	struct order o = p->order;
	struct reply reply = {
		.op = OP_CLUSTER, .code = code, .message = message};

	p->order.active = false;
	o.fn(o.arg, NULL, &reply);
}

__attribute__((format(printf, 3, 4))) static void fail(struct primary *p,
						       int code,
						       const char *fmt, ...)
{
	char text[ERR_TEXT_MAX];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	answer(p, code, text);
}

/* ---- changes of the members ---- */

static int change(struct primary *p, enum raft_change kind,
		  const struct members *list, uint64_t id)
{
	struct raft_members next;
	int r = raft_change(p->raft, kind, id, &next);

	return r != 0 ? r : primary_propose_members(p, list, &next);
}

/* No id is given out twice, and later ones are higher, also than those in
 * entries that are lost: a term has one leader. (An index would not do: what
 * was there may have been truncated.) */
static uint64_t next_incarnation(struct primary *p)
{
	if (p->naming_term != p->term) {
		p->naming_term = p->term;
		p->named = 0;
	}
	return p->term << NAMED_BITS | (p->named + 1);
}

static int add_learner(struct primary *p)
{
	struct member *m = &p->order.member;
	struct members list = *primary_list(p);
	int r;

	m->id = member_id(m->name, next_incarnation(p));
	if (p->named + 1 == 1u << NAMED_BITS)
		return err_set(KV_ECONDITION,
			       "this leader has added as many as it can; hand "
			       "leadership over first");
	m->birth = 0;
	m->voter = false;
	p->order.deadline_ms = p->now + JOIN_MS;
	r = members_add(&list, m);
	if (r == 0)
		r = change(p, RAFT_ADD, &list, m->id);
	if (r == 0)
		p->named++;
	return r;
}

static int drop_member(struct primary *p)
{
	struct members list = *primary_list(p);

	members_drop(&list, p->order.member.id);
	return change(p, RAFT_REMOVE, &list, p->order.member.id);
}

static uint64_t birth_in(const struct raft_members *members, uint64_t id)
{
	for (unsigned i = 0; i < members->n; i++)
		if (members->list[i].id == id)
			return members->list[i].birth;
	return 0;
}

static bool promote(struct primary *p, const struct member *learner)
{
	const struct meeting *met = primary_meeting(p, learner->name);
	struct members list = *primary_list(p);
	struct raft_members next;
	uint64_t birth;

	if (met == NULL ||
	    raft_change(p->raft, RAFT_PROMOTE, learner->id, &next) != 0)
		return false;
	/* The one who has caught up must be the one who is there. */
	birth = birth_in(&next, learner->id);
	if (met->member.birth != birth)
		return false;
	for (unsigned i = 0; i < list.n; i++) {
		if (list.list[i].id != learner->id)
			continue;
		list.list[i].voter = true;
		list.list[i].birth = birth;
	}
	if (primary_propose_members(p, &list, &next) != 0)
		return false;
	primary_say(p, "'%s' has caught up and votes from now on",
		    learner->name);
	return true;
}

/* A voter was met with another birth than it is listed with: its directory was
 * lost. It may not know. */
static void tell_forgetful(struct primary *p, const struct member *m)
{
	const struct meeting *met = primary_meeting(p, m->name);
	char frame[FORGOT_SIZE] = {FRAME_FORGOT};

	if (met == NULL || m->birth == 0 || met->member.birth == m->birth ||
	    m->id == p->state.id)
		return;
	put_le64(frame + 1, m->id);
	put_le64(frame + 9, m->birth);
	put_le64(frame + 17, p->term);
	(void)p->events.send(p->events.arg, m, slice_of(frame, sizeof(frame)),
			     slice_of(NULL, 0));
}

void primary_promote(struct primary *p)
{
	const struct members *list = primary_list(p);

	if (!p->leads || p->now < p->promote_ms)
		return;
	p->promote_ms = p->now + PROMOTE_MS;
	for (unsigned i = 0; i < list->n; i++)
		tell_forgetful(p, &list->list[i]);
	for (unsigned i = 0; i < list->n; i++)
		if (!list->list[i].voter && promote(p, &list->list[i]))
			break;
	primary_pump(p);
}

/* ---- orders ---- */

static bool is_committed(const struct primary *p)
{
	return raft_membership(p->raft)->index <= p->coord.revealed;
}

/* The first half: without the node. */
static void step_remove(struct primary *p)
{
	struct order *o = &p->order;
	bool gone = members_find(primary_list(p), o->member.id) == NULL;
	int r = 0;

	if (!gone)
		r = drop_member(p);
	else if (!is_committed(p))
		return;
	else if (o->kind == CLUSTER_REMOVE)
		answer(p, 0, NULL);
	else
		o->removed = true;
	if (r != 0 && r != KV_EUNAVAILABLE)
		fail(p, r,
		     "'%s' cannot be removed while it leads; hand "
		     "leadership over first",
		     o->member.name);
}

/* The second half, or an addition. */
static void step_add(struct primary *p)
{
	struct order *o = &p->order;
	const struct member *m =
		members_find_name(primary_list(p), o->member.name);
	char why[ERR_TEXT_MAX];
	int r = 0;

	if (m == NULL)
		r = add_learner(p);
	else if (m->voter && is_committed(p))
		answer(p, 0, NULL);
	else if (primary_meeting(p, m->name) == NULL &&
		 p->now >= o->deadline_ms)
		fail(p, KV_ETIMEOUT,
		     "'%s' at %s does not come, or is refused, as the logs "
		     "say; it is filled if it comes later: else remove it",
		     m->name, m->address);
	if (r == 0 || r == KV_EUNAVAILABLE)
		return;
	snprintf(why, sizeof(why), "%s", err_text());
	fail(p, r, "'%s' cannot be added: %s", o->member.name,
	     r == KV_ETOOBIG ? "there are too many nodes" : why);
}

/* What was carried out is to be answered first: the next leader could not say
 * how it ended. */
static bool all_is_answered(const struct primary *p)
{
	return !p->has_reads && p->rounds.n == 0 &&
	       p->coord.revealed == store_appended(p->store);
}

static void hand_over(struct primary *p)
{
	struct order *o = &p->order;

	if (!all_is_answered(p) && p->now < o->deadline_ms)
		return;
	o->deadline_ms = p->now + (o->resigns ? RESIGN_MS : ORDER_MS);
	o->handing_over = true;
	if (raft_transfer(p->raft, p->now, o->member.id) != 0)
		fail(p, KV_EUNAVAILABLE, "leadership cannot be handed to '%s'",
		     o->member.name);
}

static void step_transfer(struct primary *p)
{
	struct order *o = &p->order;

	if (p->leader == o->member.id)
		answer(p, 0, NULL);
	else if (p->leads && !o->handing_over)
		hand_over(p);
	else if (o->resigns && p->now >= o->deadline_ms)
		fail(p, KV_EUNAVAILABLE, "'%s' did not take over in time",
		     o->member.name);
	else if (p->leads && !raft_transferring(p->raft))
		fail(p, KV_EUNAVAILABLE,
		     "'%s' did not take over in time; '%s' leads on",
		     o->member.name, p->options.node);
	else if (p->leader != 0 && !p->leads)
		fail(p, KV_EUNAVAILABLE, "another node took over than '%s'",
		     o->member.name);
	else if (p->now >= o->deadline_ms)
		fail(p, KV_EUNKNOWN, "it is not known yet who leads now");
}

void primary_order_step(struct primary *p)
{
	struct order *o = &p->order;

	if (!o->active || !primary_takes_part(p))
		return;
	if (o->kind == CLUSTER_TRANSFER)
		step_transfer(p);
	else if (!p->leads)
		return; /* primary_order_lost() has seen to it */
	else if (o->kind == CLUSTER_ADD || o->removed)
		step_add(p);
	else
		step_remove(p);
	primary_pump(p);
}

void primary_order_lost(struct primary *p)
{
	if (p->order.active && p->order.kind != CLUSTER_TRANSFER)
		fail(p, KV_EUNKNOWN,
		     "leadership changed meanwhile: look at the cluster's "
		     "status, and give the order again if need be");
}

void primary_order_end(struct primary *p, const char *why)
{
	if (p->order.active)
		fail(p, KV_EUNKNOWN, "%s", why);
}

/* ---- a leader ends ---- */

static const struct member *find_heir(struct primary *p)
{
	const struct raft_peer_status *best = NULL;
	struct raft_status status;

	raft_status(p->raft, &status);
	for (unsigned i = 0; i < status.npeers; i++) {
		const struct raft_peer_status *peer = &status.peers[i];

		if (peer->id != p->state.id && peer->voter && peer->active &&
		    (best == NULL || peer->match > best->match))
			best = peer;
	}
	return best != NULL ? members_find(primary_list(p), best->id) : NULL;
}

static void on_resigned(void *arg, const struct request *req,
			const struct reply *reply)
{
	struct primary *p = arg;

	(void)req;
	if (reply->code == 0)
		primary_say(p, "leadership was handed over to '%s'",
			    p->order.member.name);
	else
		primary_say(p, "leadership was not handed over: %s",
			    reply->message);
}

void primary_resign(struct primary *p)
{
	const struct member *heir;

	if (!p->leads || !primary_takes_part(p) || primary_hands_over(p))
		return;
	primary_order_end(p, "the leader was told to stop meanwhile: give the "
			     "order again if need be");
	heir = find_heir(p);
	if (heir == NULL)
		return;
	p->order = (struct order){
		.active = true,
		.resigns = true,
		.kind = CLUSTER_TRANSFER,
		.member = *heir,
		.deadline_ms = p->now + ORDER_MS,
		.fn = on_resigned,
		.arg = p,
	};
}

bool primary_resigns(const struct primary *p)
{
	return p->order.active && p->order.resigns;
}

/* As when all nodes of a cluster are stopped at once. */
void primary_order_link_lost(struct primary *p, uint64_t id)
{
	if (primary_resigns(p) && p->order.member.id == id)
		fail(p, KV_EUNAVAILABLE, "'%s' has gone, too",
		     p->order.member.name);
}

/* ---- taking one ---- */

static bool take_text(struct slice from, char *to, size_t size)
{
	if (from.len >= size ||
	    (from.len != 0 && memchr(from.data, 0, from.len) != NULL))
		return false;
	if (from.len != 0)
		memcpy(to, from.data, from.len);
	to[from.len] = '\0';
	return true;
}

/* Fills in whom it is about; 0, or why it cannot be. */
static int take_member(struct primary *p, const struct cluster_order *order)
{
	struct member *m = &p->order.member;
	const struct member *known;
	int r;

	*m = (struct member){0};
	if (!take_text(order->node, m->name, sizeof(m->name)) ||
	    !take_text(order->address, m->address, sizeof(m->address)))
		return err_set(KV_EUSAGE, "a name or an address is too long");
	r = member_check_name(m->name);
	if (r != 0)
		return r;
	known = members_find_name(primary_list(p), m->name);
	if (order->kind == CLUSTER_ADD) {
		if (known != NULL)
			return err_set(KV_ECONDITION, "'%s' is a member",
				       m->name);
		return member_check_address(m->address);
	}
	if (known == NULL)
		return err_set(KV_ECONDITION, "'%s' is not a member", m->name);
	*m = *known;
	return 0;
}

static int check_order(struct primary *p, const struct request *req)
{
	const struct cluster_order *order = &req->order;
	int r;

	if (order->kind == CLUSTER_CUT)
		return err_set(KV_EPERM, "this server does not allow faults");
	if (p->order.active)
		return err_set(KV_EUNAVAILABLE,
			       "another order is being carried out");
	r = take_member(p, order);
	if (r == 0 && order->kind != CLUSTER_ADD &&
	    order->kind != CLUSTER_TRANSFER &&
	    p->order.member.id == p->state.id)
		r = err_set(KV_ECONDITION,
			    "'%s' leads; hand leadership over first",
			    p->order.member.name);
	return r;
}

void primary_order(struct primary *p, const struct request *req,
		   coord_reply_fn *fn, void *arg)
{
	int r = check_order(p, req);

	if (r != 0) {
		primary_refuse(req, fn, arg, r, "%s", err_text());
		return;
	}
	p->order.active = true;
	p->order.removed = false;
	p->order.resigns = false;
	p->order.handing_over = false;
	p->order.deadline_ms = p->now + ORDER_MS;
	p->order.kind = req->order.kind;
	p->order.fn = fn;
	p->order.arg = arg;
}

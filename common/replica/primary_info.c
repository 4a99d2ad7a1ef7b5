/*
 * primary_info.c - what a node says of itself.
 */
#include "replica/primary_impl.h"

#include "base/err.h"

#include <stdlib.h>

#define OWN_LINES 24u

uint64_t primary_lag(const struct primary *p)
{
	uint64_t known = p->heard_commit, applied;

	if (p->swapping)
		return 0;
	applied = store_log_committed(p->store);
	return !p->leads && known > applied ? known - applied : 0;
}

uint64_t primary_lag_ms(const struct primary *p)
{
	if (p->leads)
		return 0;
	return p->heard_ms != 0 ? p->now - p->heard_ms : UINT64_MAX;
}

static const char *state_text(const struct primary *p)
{
	if (p->dead)
		return "failed";
	if (p->store_failed)
		return "store failed";
	if (p->swapping || p->state.emptying)
		return "replacing its store";
	if (p->wiped)
		return "lost its data: to be repaired";
	if (p->nknown == 0)
		return "waiting to be added";
	if (p->fetch.active)
		return "fetching a snapshot";
	if (!primary_may_stand(p))
		return "waiting for the other members";
	return primary_is_voter(p) ? "ok" : "learning";
}

static const char *role_text(const struct primary *p)
{
	const struct member *self = members_find(primary_list(p), p->state.id);

	if (p->leads)
		return "leader";
	if (self != NULL && !self->voter)
		return "learner";
	return p->role == RAFT_CANDIDATE ? "candidate" : "follower";
}

struct lines {
	struct info_line *at;
	struct buf *text;
	size_t n;
};

/* Offsets for now: the text may still move. */
static void add_text(struct lines *l, const char *name, const char *text)
{
	l->at[l->n++] = (struct info_line){
		.name = name,
		.text = slice_of(NULL, strlen(text)),
	};
	buf_append_str(l->text, text);
}

static void add_number(struct lines *l, const char *name, uint64_t value)
{
	size_t before = l->text->len;

	buf_append_u64(l->text, value);
	l->at[l->n++] = (struct info_line){
		.name = name,
		.text = slice_of(NULL, l->text->len - before),
		.is_number = true,
	};
}

static void add_since(struct lines *l, const char *name, size_t before)
{
	l->at[l->n++] = (struct info_line){
		.name = name,
		.text = slice_of(NULL, l->text->len - before),
	};
}

/* "n1=127.0.0.1:65431 n4=127.0.0.1:65434/learner" */
static void add_members(struct primary *p, struct lines *l)
{
	const struct members *list =
		primary_list(p)->n != 0 ? primary_list(p) : primary_peers(p);
	size_t before = l->text->len;

	for (unsigned i = 0; i < list->n; i++)
		buf_printf(l->text, "%s%s=%s%s", i != 0 ? " " : "",
			   list->list[i].name, list->list[i].address,
			   list->list[i].voter ? "" : "/learner");
	add_since(l, "members", before);
}

/* "n1=17 n2=17 n3=9/away": up to where their logs are known to be the same. */
static bool add_matches(struct primary *p, struct lines *l)
{
	size_t before = l->text->len;
	struct raft_status status;
	unsigned voters = 0, there = 0;

	raft_status(p->raft, &status);
	for (unsigned i = 0; i < status.npeers; i++) {
		const struct raft_peer_status *peer = &status.peers[i];
		const struct member *m =
			members_find(primary_list(p), peer->id);
		const struct meeting *met =
			m != NULL ? primary_meeting(p, m->name) : NULL;
		bool self = peer->id == p->state.id;
		bool lost = !self && met != NULL && m->birth != 0 &&
			    met->member.birth != m->birth;

		voters += peer->voter;
		there += peer->voter && (self || peer->active);
		buf_printf(l->text, "%s%s=%llu%s%s", i != 0 ? " " : "",
			   m != NULL ? m->name : "?",
			   (unsigned long long)(self ? status.persisted
						     : peer->match),
			   self || peer->active ? "" : "/away",
			   lost ? "/lost its data" : "");
	}
	if (p->leads) {
		add_since(l, "matches", before);
		return there > voters / 2;
	}
	l->text->len = before;
	return p->leader != 0;
}

static void add_log(struct primary *p, struct lines *l)
{
	add_number(l, "last_index", store_appended(p->store));
	add_number(l, "commit_index",
		   p->commit_to > p->heard_commit || p->leads
			   ? p->commit_to
			   : p->heard_commit);
	add_number(l, "applied_index", store_log_committed(p->store));
	add_number(l, "durable_index", store_durable(p->store));
	add_number(l, "first_index", store_log_first(p->store));
	add_number(l, "lag", primary_lag(p));
	if (primary_lag_ms(p) != UINT64_MAX)
		add_number(l, "lag_ms", primary_lag_ms(p));
}

static void add_lines(struct primary *p, struct lines *l)
{
	const struct member *leader = members_find(primary_peers(p), p->leader);
	char id[24];

	add_text(l, "mode", "primary");
	add_text(l, "node", p->options.node);
	snprintf(id, sizeof(id), "%016llx", (unsigned long long)p->state.id);
	add_text(l, "node_id", id);
	snprintf(id, sizeof(id), "%016llx",
		 (unsigned long long)p->state.cluster_id);
	add_text(l, "cluster_id", id);
	add_text(l, "state", state_text(p));
	add_text(l, "role", role_text(p));
	add_number(l, "term", p->term);
	add_text(l, "leader", leader != NULL ? leader->name : "");
	add_text(l, "leader_address", leader != NULL ? leader->address : "");
	add_number(l, "quorum", add_matches(p, l));
	add_log(p, l);
	add_members(p, l);
}

void primary_reply_info(struct primary *p, const struct request *req,
			const struct reply *reply, coord_reply_fn *fn,
			void *arg)
{
	struct reply longer = *reply;
	struct lines l = {.text = &p->info_text};
	size_t at = 0;

	free(p->info);
	p->info = calloc(reply->ninfo + OWN_LINES, sizeof(*p->info));
	buf_clear(&p->info_text);
	if (p->info != NULL) {
		l.at = p->info;
		add_lines(p, &l);
	}
	if (p->info == NULL || buf_failed(&p->info_text)) {
		primary_refuse(req, fn, arg, KV_ENOMEM, "no memory to reply");
		return;
	}
	for (size_t i = 0; i < l.n; i++) {
		p->info[i].text.data = p->info_text.data + at;
		at += p->info[i].text.len;
	}
	if (reply->ninfo != 0)
		memcpy(p->info + l.n, reply->info,
		       reply->ninfo * sizeof(*p->info));
	longer.info = p->info;
	longer.ninfo = l.n + reply->ninfo;
	fn(arg, req, &longer);
}

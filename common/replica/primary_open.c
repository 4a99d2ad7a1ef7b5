/*
 * primary_open.c - from what is on disk to a core that runs.
 */
#include "replica/primary_impl.h"

#include "base/err.h"

#include <stdlib.h>
#include <string.h>

/* Entries that are read at a time when the log is searched. */
#define READ_MAX ((size_t)1 << 20)

static int check_members(const struct primary *p, const struct members *m)
{
	if (m != NULL && members_find_name(m, p->options.node) == NULL)
		return err_set(KV_EUSAGE,
			       "the members do not name this node, '%s'",
			       p->options.node);
	return 0;
}

/* The first start in this directory. */
static int begin(struct primary *p)
{
	const struct members *first = p->options.members;
	uint64_t name = member_id(p->options.node, 0);

	if (store_appended(p->store) != 0)
		return err_set(KV_EUSAGE,
			       "'%s' holds a store but no kv.raft: it was not "
			       "begun as a node of a cluster; give the node an "
			       "empty directory",
			       p->options.dir);
	p->state = (struct primary_state){
		.birth = primary_mix(p->options.seed ^ name) | 1,
	};
	if (first == NULL)
		return 0;
	p->state.id = name;
	p->state.cluster_id = members_cluster_id(first);
	p->state.first = *first;
	for (unsigned i = 0; i < first->n; i++)
		p->state.first.list[i].birth =
			first->list[i].id == name ? p->state.birth : 0;
	p->state.began = first->n == 1;
	return 0;
}

static int check_state(const struct primary *p)
{
	const struct members *m = p->options.members;

	if (p->state.id != 0 && !member_id_is_of(p->state.id, p->options.node))
		return err_set(KV_EUSAGE,
			       "'%s' belongs to another node than '%s'",
			       p->options.dir, p->options.node);
	if (m != NULL && p->state.first.n != 0 &&
	    members_cluster_id(m) != p->state.cluster_id)
		return err_set(KV_EUSAGE,
			       "'%s' was begun with other members than those "
			       "given; they are changed by kv-cluster only",
			       p->options.dir);
	return 0;
}

int primary_open_state(struct primary *p)
{
	int r = check_members(p, p->options.members);

	if (r != 0)
		return r;
	r = primary_state_load(&p->state, p->fs, p->options.dir);
	if (r == 0)
		r = check_state(p);
	else if (r == KV_ENOTFOUND)
		r = begin(p);
	if (r != 0)
		return r;
	if (p->state.cluster_id == 0 && p->options.members != NULL)
		r = begin(p); /* it was to join, but has met nobody */
	if (r == 0)
		r = primary_state_save(&p->state, p->fs, p->options.dir);
	p->options.members = NULL; /* the caller's */
	if (p->state.lost ||
	    (p->state.stored && store_appended(p->store) == 0)) {
		p->wiped = true;
		primary_say(p, "the log of this node is gone: it does not vote "
			       "until it is repaired");
	}
	return r;
}

/* The members as of the commit index. */
static int load_committed(struct primary *p)
{
	struct raft_known known;
	struct slice value;

	p->nknown = 0;
	if (!store_own_get(p->store, slice_str(PRIMARY_MEMBERS_KEY), &value)) {
		if (p->state.first.n != 0)
			primary_know(p, 0, &p->state.first);
		return 0;
	}
	if (primary_members_decode(value, &known) != 0)
		return err_set(KV_EDAMAGED, "the members in '%s' are damaged",
			       p->options.dir);
	primary_know(p, known.index, &known.list);
	return 0;
}

static int load_entry(struct primary *p, uint64_t index,
		      const struct store_log_entry *entry)
{
	struct raft_known known;
	struct slice value;

	if (!store_log_entry_get(entry, slice_str(PRIMARY_MEMBERS_KEY), &value))
		return 0;
	if (primary_members_decode(value, &known) != 0 || known.index != index)
		return err_set(KV_EDAMAGED,
			       "the members in entry %llu of '%s' are damaged",
			       (unsigned long long)index, p->options.dir);
	primary_know(p, index, &known.list);
	return 0;
}

/* And those behind it. */
static int load_uncommitted(struct primary *p)
{
	uint64_t at = store_log_committed(p->store) + 1, got;
	uint64_t last = store_appended(p->store);
	struct store_log_entry entry;
	struct slice bytes;
	int r = 0;

	while (r == 0 && at <= last) {
		buf_clear(&p->body);
		r = store_log_read(p->store, at, last, READ_MAX, &p->body,
				   &got);
		bytes = buf_slice(&p->body);
		for (; r == 0 && at <= got; at++) {
			r = store_log_entry_next(&bytes, &entry);
			if (r == 0)
				r = load_entry(p, at, &entry);
		}
	}
	buf_clear(&p->body);
	return r;
}

struct spans {
	struct raft_span *list;
	size_t n, cap;
	bool failed;
};

static void add_span(void *arg, uint64_t first, uint64_t term)
{
	struct spans *spans = arg;
	struct raft_span *more;

	if (spans->n == spans->cap) {
		spans->cap = spans->cap != 0 ? 2 * spans->cap : 64;
		more = realloc(spans->list,
			       spans->cap * sizeof(struct raft_span));
		if (more == NULL) {
			spans->failed = true;
			spans->cap = spans->n;
			return;
		}
		spans->list = more;
	}
	spans->list[spans->n++] = (struct raft_span){first, term};
}

static uint64_t fit(void *arg, uint64_t from, uint64_t to)
{
	struct primary *p = arg;

	return store_log_fit(p->store, from, to, PRIMARY_MESSAGE_MAX);
}

static int start_core(struct primary *p, struct raft_state *state)
{
	struct raft_members members[KNOWN_MAX];
	struct raft_options options = {
		.id = p->state.id,
		.birth = p->state.birth,
		.seed = primary_mix(p->options.seed + p->state.id),
		.heartbeat_ms = p->options.heartbeat_ms,
		.election_ms = p->options.election_ms,
		.fit = fit,
		.fit_arg = p,
	};

	state->term = p->state.term;
	state->vote = p->state.vote;
	state->vote_birth = p->state.vote_birth;
	state->members = members;
	state->nmembers = p->nknown;
	for (unsigned i = 0; i < p->nknown; i++)
		primary_to_raft(&p->known[i].list, p->known[i].index,
				&members[i]);
	return raft_new(&p->raft, &options, state, p->now);
}

static int start_from_log(struct primary *p)
{
	struct spans spans = {0};
	struct raft_state state = {
		.first = store_log_first(p->store),
		.last = store_appended(p->store),
		.commit = store_log_committed(p->store),
	};
	int r;

	state.base_term = store_log_spans(p->store, add_span, &spans);
	state.spans = spans.list;
	state.nspans = spans.n;
	r = spans.failed ? err_set(KV_ENOMEM, "out of memory")
			 : load_committed(p);
	if (r == 0)
		r = load_uncommitted(p);
	if (r == 0)
		r = start_core(p, &state);
	free(spans.list);
	return r;
}

/* The log is that of a former identity, and about to be emptied: a crash came
 * in between. The core knows nothing of it, and is not asked until then. */
static int start_blank(struct primary *p)
{
	struct raft_state state = {.first = 1};

	p->nknown = 0;
	return start_core(p, &state);
}

int primary_open_core(struct primary *p)
{
	int r;

	raft_free(p->raft);
	p->raft = NULL;
	store_log_follow(p->store);
	r = p->state.emptying ? start_blank(p) : start_from_log(p);
	if (r != 0)
		return r;
	p->role = RAFT_FOLLOWER;
	p->term = p->state.term;
	p->leader = 0;
	p->trimmed = store_log_first(p->store);
	p->commit_to = store_log_committed(p->store);
	p->coord.revealed = p->commit_to;
	p->told_revealed = p->commit_to;
	p->nstrangers = 0;
	primary_update_peers(p);
	if (p->wiped)
		raft_retire(p->raft, p->now);
	primary_check_birth(p);
	primary_pump(p);
	return 0;
}

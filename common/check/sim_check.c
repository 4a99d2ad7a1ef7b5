/*
 * sim_check.c - what must hold in a cluster, looked at after each step.
 *
 * Of each committed entry a hash is kept from when the first node committed it;
 * any other node must have the same one at that index, and so must the same
 * node after a crash.
 */
#include "check/sim_impl.h"

#include "base/err.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <xxhash.h>

#define READ_MAX ((size_t)1 << 16)

void sim_break(struct sim_net *net, const char *fmt, ...)
{
	va_list ap;

	if (net->broken[0] != '\0')
		return;
	va_start(ap, fmt);
	vsnprintf(net->broken, sizeof(net->broken), fmt, ap);
	va_end(ap);
}

const char *sim_broken(const struct sim_net *net)
{
	return net->broken[0] != '\0' ? net->broken : NULL;
}

void *sim_grow(void *list, size_t *cap, size_t need, size_t size)
{
	if (need <= *cap)
		return list;
	*cap = need * 2 + 64;
	list = realloc(list, *cap * size);
	if (list == NULL)
		abort();
	return list;
}

/* ---- leaders ---- */

/* Whoever leads has what was committed in earlier terms. An entry of an earlier
 * term may be committed only after this one: who was elected before, and hears
 * of it late, need not have it. */
static void check_complete(struct sim_net *net, const struct sim_node *n,
			   uint64_t term)
{
	uint64_t index = net->ncommitted, has = 0;

	while (index != 0 && (net->committed[index - 1].hash == 0 ||
			      net->committed[index - 1].commit_term >= term))
		index--;
	if (index == 0 || index < store_log_first(n->store))
		return;
	if (store_log_term(n->store, index, &has) != 0 ||
	    has != net->committed[index - 1].term)
		sim_break(net,
			  "n%u leads in term %llu without entry %llu, which "
			  "was committed",
			  n->number, (unsigned long long)term,
			  (unsigned long long)index);
}

static void check_leader(struct sim_net *net, const struct sim_node *n)
{
	struct raft_status status;

	if (!primary_leads(n->primary))
		return;
	raft_status(primary_core(n->primary), &status);
	if (status.role != RAFT_LEADER)
		return;
	for (size_t i = net->nleaders; i-- > 0;) {
		if (net->leaders[i].term != status.term)
			continue;
		if (net->leaders[i].node != n->number)
			sim_break(net, "n%u and n%u both led in term %llu",
				  net->leaders[i].node, n->number,
				  (unsigned long long)status.term);
		return;
	}
	net->leaders = sim_grow(net->leaders, &net->leaders_cap,
				net->nleaders + 1, sizeof(*net->leaders));
	net->leaders[net->nleaders++] =
		(struct sim_reign){status.term, n->number};
	sim_mark(net, status.term, n->number);
	check_complete(net, n, status.term);
}

/* ---- entries ---- */

static void check_entry(struct sim_net *net, const struct sim_node *n,
			uint64_t index, const struct store_log_entry *e)
{
	uint64_t hash = XXH64(e->items.data, e->items.len, e->term) | 1;
	size_t before = net->ncommitted;
	struct raft_status status;

	if (index > before) {
		net->committed = sim_grow(net->committed, &net->committed_cap,
					  index, sizeof(*net->committed));
		memset(net->committed + before, 0,
		       (index - before) * sizeof(*net->committed));
		net->ncommitted = index;
		sim_model_apply(net, index, e);
	}
	/* One that nobody was seen to commit: all jumped over it. */
	if (net->committed[index - 1].hash == 0) {
		raft_status(primary_core(n->primary), &status);
		net->committed[index - 1] =
			(struct sim_entry){hash, e->term, status.term};
	}
	if (net->committed[index - 1].hash != hash)
		sim_break(net, "n%u has another entry %llu than was committed",
			  n->number, (unsigned long long)index);
}

static void check_commits(struct sim_net *net, struct sim_node *n)
{
	uint64_t committed = store_log_committed(n->store);
	uint64_t first = store_log_first(n->store), got;
	struct store_log_entry entry;
	struct slice bytes;
	struct buf buf;

	if (committed == n->committed)
		return;
	if (committed < n->committed)
		sim_break(net, "n%u takes entry %llu back", n->number,
			  (unsigned long long)n->committed);
	if (n->committed + 1 < first)
		n->committed = first - 1;
	buf_init(&buf);
	while (n->committed < committed && net->broken[0] == '\0') {
		buf_clear(&buf);
		if (store_log_read(n->store, n->committed + 1, committed,
				   READ_MAX, &buf, &got) != 0) {
			sim_break(net, "n%u cannot read entry %llu: %s",
				  n->number,
				  (unsigned long long)n->committed + 1,
				  err_text());
			break;
		}
		bytes = buf_slice(&buf);
		while (n->committed < got) {
			if (store_log_entry_next(&bytes, &entry) != 0) {
				sim_break(net, "n%u reads garbage", n->number);
				break;
			}
			check_entry(net, n, ++n->committed, &entry);
		}
	}
	buf_release(&buf);
}

void sim_check(struct sim_net *net)
{
	for (unsigned i = 1; i <= net->options.nodes; i++) {
		struct sim_node *n = &net->nodes[i];

		if (!n->up || n->store == NULL)
			continue;
		check_leader(net, n);
		check_commits(net, n);
	}
}

/* ---- state ---- */

uint64_t sim_digest(struct sim_net *net, unsigned node)
{
	struct sim_node *n = &net->nodes[node];
	struct buf cursor;
	struct reply reply;
	struct request req = {.op = OP_SCAN};
	XXH64_hash_t hash = 0;

	buf_init(&cursor);
	do {
		req.cursor = buf_slice(&cursor);
		store_execute(n->store, &req, &reply);
		for (size_t i = 0; i < reply.nitems; i++) {
			const struct item *item = &reply.items[i];

			hash = XXH64(item->key.data, item->key.len, hash);
			hash = XXH64(item->value.data, item->value.len, hash);
			hash = XXH64(&item->version, sizeof(item->version),
				     hash);
		}
		buf_clear(&cursor);
		buf_append_slice(&cursor, reply.cursor);
	} while (reply.code == 0 && cursor.len != 0);
	buf_release(&cursor);
	return hash;
}

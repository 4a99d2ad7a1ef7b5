/*
 * raft_log.c - which entry of the log has which term: runs of equal terms.
 * There are as many as there were elections since the oldest entry kept.
 */
#include "replica/raft_internal.h"

#include "base/err.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

uint64_t log_base(const struct raft_log *l)
{
	return l->runs[0].first;
}

/* The run that holds the entry, which must be one of base..last. */
static size_t run_of(const struct raft_log *l, uint64_t index)
{
	size_t low = 0, high = l->n;

	assert(index >= log_base(l) && index <= l->last);
	while (high - low > 1) {
		size_t mid = low + (high - low) / 2;

		if (l->runs[mid].first <= index)
			low = mid;
		else
			high = mid;
	}
	return low;
}

static uint64_t run_end(const struct raft_log *l, size_t run)
{
	return run + 1 < l->n ? l->runs[run + 1].first - 1 : l->last;
}

bool log_term(const struct raft_log *l, uint64_t index, uint64_t *term)
{
	if (index < log_base(l) || index > l->last)
		return false;
	*term = l->runs[run_of(l, index)].term;
	return true;
}

uint64_t log_last_term(const struct raft_log *l)
{
	return l->runs[l->n - 1].term;
}

bool raft_log_reserve(struct raft_log *l, size_t n)
{
	size_t cap = l->cap ? l->cap : 16;
	struct raft_span *runs;

	if (n <= l->cap - l->n)
		return true;
	while (cap < l->n + n)
		cap *= 2;
	runs = realloc(l->runs, cap * sizeof(*runs));
	if (runs == NULL)
		return false;
	l->runs = runs;
	l->cap = cap;
	return true;
}

void log_extend(struct raft_log *l, uint64_t last, uint64_t term)
{
	assert(last > l->last && term >= log_last_term(l));
	if (term != log_last_term(l)) {
		assert(l->n < l->cap);
		l->runs[l->n++] = (struct raft_span){l->last + 1, term};
	}
	l->last = last;
}

void log_truncate(struct raft_log *l, uint64_t from)
{
	assert(from > log_base(l) && from <= l->last);
	l->last = from - 1;
	while (l->runs[l->n - 1].first > l->last)
		l->n--;
}

void log_trim(struct raft_log *l, uint64_t base)
{
	size_t run = run_of(l, base);

	l->n -= run;
	memmove(l->runs, l->runs + run, l->n * sizeof(*l->runs));
	l->runs[0].first = base;
}

void log_reset(struct raft_log *l, uint64_t index, uint64_t term)
{
	l->runs[0] = (struct raft_span){index, term};
	l->n = 1;
	l->last = index;
}

uint64_t log_at_most(const struct raft_log *l, uint64_t index, uint64_t term)
{
	size_t run;

	if (index > l->last)
		index = l->last;
	if (index < log_base(l))
		return index;
	for (run = run_of(l, index); l->runs[run].term > term; run--) {
		/* Index 0 has term 0, so base is above it here. */
		if (run == 0)
			return log_base(l) - 1;
		index = l->runs[run].first - 1;
	}
	return index;
}

uint64_t log_spans(const struct raft_log *l, uint64_t from, uint64_t to,
		   struct raft_message *m)
{
	size_t run = run_of(l, from);

	m->nspans = 0;
	for (; run < l->n && l->runs[run].first <= to; run++) {
		uint64_t first = l->runs[run].first;

		if (m->nspans == RAFT_SPANS_MAX)
			return first - 1;
		if (first < from)
			first = from;
		m->spans[m->nspans++] =
			(struct raft_span){first, l->runs[run].term};
	}
	return to;
}

uint64_t log_differs(const struct raft_log *l, uint64_t from,
		     const struct raft_message *m)
{
	uint64_t end = m->index + m->count;
	unsigned span = 0;

	while (from <= end && from <= l->last) {
		size_t run = run_of(l, from);
		uint64_t same = run_end(l, run);

		while (span + 1 < m->nspans && m->spans[span + 1].first <= from)
			span++;
		if (l->runs[run].term != m->spans[span].term)
			return from;
		if (span + 1 < m->nspans && m->spans[span + 1].first <= same)
			same = m->spans[span + 1].first - 1;
		from = same + 1;
	}
	return from <= end ? from : end + 1;
}

/* Runs of what is on disk; they must be possible. */
int log_init(struct raft_log *l, const struct raft_state *state)
{
	if (state->first == 0 || state->last < state->first - 1 ||
	    (state->first == 1 && state->base_term != 0))
		return err_set(KV_EDAMAGED, "the log has no beginning");
	*l = (struct raft_log){0};
	if (!raft_log_reserve(l, state->nspans + 2))
		return err_set(KV_ENOMEM, "no memory for the log's terms");
	l->n = 1;
	log_reset(l, state->first - 1, state->base_term);
	for (size_t i = 0; i < state->nspans; i++) {
		const struct raft_span *s = &state->spans[i];
		uint64_t end =
			i + 1 < state->nspans ? s[1].first - 1 : state->last;

		if (s->first != l->last + 1 || end < s->first ||
		    s->term < log_last_term(l) || s->term == 0 ||
		    end > state->last)
			return err_set(KV_EDAMAGED,
				       "the log's terms are out of order at "
				       "entry %" PRIu64,
				       s->first);
		log_extend(l, end, s->term);
	}
	if (l->last != state->last)
		return err_set(KV_EDAMAGED, "entries of no known term");
	return 0;
}

void log_release(struct raft_log *l)
{
	free(l->runs);
}

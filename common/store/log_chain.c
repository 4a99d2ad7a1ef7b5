/*
 * log_chain.c - the segments whose entries can be read, from the oldest to the
 * newest, without a gap; and what that means for sealing and compaction.
 *
 * Segments are sealed from the oldest to the newest, when all in them is
 * committed, and never the last one, where a truncation may still cut. So what
 * is sealed is the state of the store at one index, and what is not sealed are
 * the entries behind it, in order: that is all that opening needs to know.
 */
#include "store/log.h"

#include "store/store_log.h"

#include <stdlib.h>

#define KEEP_DEFAULT (64u << 20)

uint64_t store_log_first(const struct store *s)
{
	const struct store_log *log = s->log;

	return log->nparts != 0 ? log->parts[0]->first : s->version + 1;
}

/* The part that holds the entry; NULL: none does. */
static struct log_part *find_part(const struct store_log *log, uint64_t index)
{
	size_t low = 0, high = log->nparts;

	while (low < high) {
		size_t mid = low + (high - low) / 2;
		struct log_part *p = log->parts[mid];

		if (index < p->first)
			high = mid;
		else if (index > p->last)
			low = mid + 1;
		else
			return p;
	}
	return NULL;
}

int store_log_term(const struct store *s, uint64_t index, uint64_t *term)
{
	const struct log_part *p = find_part(s->log, index);

	if (p != NULL)
		*term = log_part_term(p, index);
	else if (index + 1 == store_log_first(s))
		*term = s->log->before_term;
	else
		return err_set(KV_ENOTFOUND, "entry %llu is not in the log",
			       (unsigned long long)index);
	return 0;
}

uint64_t store_log_spans(const struct store *s, store_log_span_fn *fn,
			 void *arg)
{
	const struct store_log *log = s->log;
	bool any = false;
	uint64_t term = 0;

	for (size_t i = 0; i < log->nparts; i++) {
		const struct log_part *p = log->parts[i];

		for (size_t j = 0; j < p->nspans; j++) {
			if (!any || p->spans[j].term != term)
				fn(arg, p->spans[j].first, p->spans[j].term);
			term = p->spans[j].term;
			any = true;
		}
	}
	return log->before_term;
}

int log_chain_reserve(struct store_log *log)
{
	size_t more = log->parts_cap ? 2 * log->parts_cap : 16;
	struct log_part **parts;

	if (log->nparts < log->parts_cap)
		return 0;
	parts = reallocarray(log->parts, more, sizeof(struct log_part *));
	if (parts == NULL)
		return err_set(KV_ENOMEM, "no memory for a segment");
	log->parts = parts;
	log->parts_cap = more;
	return 0;
}

void log_chain_add(struct store_log *log, struct log_part *p)
{
	if (log->nparts == 0)
		log->before_term = p->seg->header.base_term;
	log->parts[log->nparts++] = p;
}

void log_chain_trim(struct store_log *log, const struct segment *seg)
{
	size_t n = 0;

	while (n < log->nparts && log->parts[n]->seg != seg)
		n++;
	if (n == log->nparts)
		return;
	n++;
	log_forget_readers(log);
	for (size_t i = 0; i < n; i++) {
		log->parts[i]->seg->part = NULL;
		log_part_free(log->parts[i]);
	}
	log->nparts -= n;
	memmove(log->parts, log->parts + n,
		log->nparts * sizeof(struct log_part *));
	/* The last part never goes, so there is one. */
	log->before_term = log->parts[0]->seg->header.base_term;
}

void log_chain_pop(struct store_log *log)
{
	struct log_part *p = log->parts[--log->nparts];

	if (log->nparts == 0)
		log->before_term = p->seg->header.base_term;
	p->seg->part = NULL;
	log_part_free(p);
}

uint64_t log_keep_bytes(const struct store *s)
{
	return s->options.log_keep ? s->options.log_keep : KEEP_DEFAULT;
}

bool log_may_seal(const struct store *s, const struct segment *seg)
{
	const struct store_log *log = s->log;
	size_t i = 0;

	if (seg->sealed)
		return true; /* only its side file is missing */
	while (i < log->nparts && log->parts[i]->seg->sealed)
		i++;
	return i + 1 < log->nparts && log->parts[i]->seg == seg &&
	       log->parts[i]->last <= s->agreed &&
	       log->parts[i + 1]->seg->durable != SEGMENT_RECORDS_AT;
}

/* Segments of the log with a base version from here on stay: the last one, and
 * sealed ones up to log_keep bytes. */
uint64_t log_keep_from(const struct store *s)
{
	const struct store_log *log = s->log;
	uint64_t keep = log_keep_bytes(s), kept = 0;
	size_t i = log->nparts;

	while (i > 0 && kept < keep) {
		const struct segment *seg = log->parts[--i]->seg;

		if (seg->sealed && i + 1 != log->nparts)
			kept += seg->tail - SEGMENT_RECORDS_AT;
	}
	return i < log->nparts ? log->parts[i]->seg->header.base_version : 0;
}

bool log_may_go(const struct store *s, const struct segment *seg,
		uint64_t keep_from)
{
	return s->log == NULL || seg->header.compacted ||
	       (seg->sealed && seg->header.base_version < keep_from);
}

const char *log_record(const struct store *s, const struct segment *seg,
		       uint64_t at, uint64_t *room)
{
	const struct group *g;

	if (at < seg->durable) {
		*room = seg->durable - at;
		return seg->base + at;
	}
	TAILQ_FOREACH (g, &s->groups, next) {
		if (g->seg == seg && at >= g->base && at < group_end(g)) {
			*room = group_end(g) - at;
			return g->bytes.data + (at - g->base);
		}
	}
	/* An entry of the log is in its segment or on the way there. */
	__builtin_unreachable();
}

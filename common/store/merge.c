/*
 * merge.c - see merge.h. A binary heap; the order compares the first 8 bytes
 * of the keys as one number before it looks at the keys themselves.
 */
#include "store/merge.h"

#include "base/err.h"

#include <stdlib.h>

static bool run_load(struct run *run)
{
	const struct ref *ref;
	struct stored_item item;

	if (run->seg->side != NULL) {
		if (run->next == side_count(run->seg->side))
			return false;
		side_entry_at(run->seg->side, run->next++, &run->head);
		return true;
	}
	if (run->next == run->refs.count)
		return false;
	ref = &run->refs.list[run->next++];
	ref_item(ref, &item);
	run->head = (struct side_entry){
		.key = item.key,
		.prefix = key_prefix(item.key),
		.version = item.version,
		.expires_ms = item.expires_ms,
		.offset = (uint64_t)(ref->at - run->seg->base),
		.size = item.size,
		.flags = item.flags,
	};
	return true;
}

/* Order of two heads: key, then newest first. */
static int run_order(const struct run *a, const struct run *b)
{
	int c;

	if (a->head.prefix != b->head.prefix)
		return a->head.prefix < b->head.prefix ? -1 : 1;
	c = slice_cmp(a->head.key, b->head.key);
	if (c != 0)
		return c;
	if (a->head.version != b->head.version)
		return a->head.version > b->head.version ? -1 : 1;
	/* Copies of one item: either will do, but always the same one. */
	return a->seg->header.number > b->seg->header.number ? -1 : 1;
}

static void heap_sink(struct merge *m, size_t i)
{
	struct run *run = m->heap[i];

	for (;;) {
		size_t child = 2 * i + 1;

		if (child >= m->nheap)
			break;
		if (child + 1 < m->nheap &&
		    run_order(m->heap[child + 1], m->heap[child]) < 0)
			child++;
		if (run_order(run, m->heap[child]) <= 0)
			break;
		m->heap[i] = m->heap[child];
		i = child;
	}
	m->heap[i] = run;
}

/* Moves the first run on to its next entry. */
static void heap_advance(struct merge *m)
{
	if (!run_load(m->heap[0]))
		m->heap[0] = m->heap[--m->nheap];
	if (m->nheap != 0)
		heap_sink(m, 0);
}

static int merge_begin(struct merge *m, struct segment **segs, size_t n)
{
	m->runs = calloc(n ? n : 1, sizeof(*m->runs));
	m->heap = calloc(n ? n : 1, sizeof(struct run *));
	if (m->runs == NULL || m->heap == NULL)
		return err_set(KV_ENOMEM, "no memory to open the store");
	for (size_t i = 0; i < n; i++) {
		struct run *run = &m->runs[m->nruns++];

		run->seg = segs[i];
		if (segs[i]->side == NULL) {
			int r = refs_collect(&run->refs, segs[i]);

			if (r != 0)
				return r;
		}
		if (run_load(run))
			m->heap[m->nheap++] = run;
	}
	for (size_t i = m->nheap / 2; i-- > 0;)
		heap_sink(m, i);
	return 0;
}

static int merge_run(struct merge *m, merge_fn *fn, void *arg)
{
	struct side_entry last = {0};

	while (m->nheap != 0) {
		const struct run *run = m->heap[0];

		if (run->head.version > m->newest)
			m->newest = run->head.version;
		if (run->head.prefix != last.prefix ||
		    !slice_eq(run->head.key, last.key)) {
			int r = fn(arg, run->seg, &run->head);

			if (r != 0)
				return r;
			last = run->head;
		}
		heap_advance(m);
	}
	return 0;
}

int merge_segments(struct segment **segs, size_t n, merge_fn *fn, void *arg,
		   uint64_t *newest)
{
	struct merge m = {0};
	int r = merge_begin(&m, segs, n);

	if (r == 0)
		r = merge_run(&m, fn, arg);
	*newest = m.newest;
	for (size_t i = 0; i < m.nruns; i++)
		refs_release(&m.runs[i].refs);
	free(m.runs);
	free(m.heap);
	return r;
}

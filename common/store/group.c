/*
 * group.c - see group.h.
 */
#include "store/group.h"

#include <stdlib.h>

struct group *group_new(struct segment *seg, bool opens)
{
	struct group *g = calloc(1, sizeof(*g));

	if (g == NULL)
		return NULL;
	g->seg = seg;
	g->base = seg->tail;
	g->opens = opens;
	return g;
}

void group_free(struct group *g)
{
	if (g == NULL)
		return;
	buf_release(&g->bytes);
	free(g->undo);
	free(g);
}

static bool undo_reserve(struct group *g, size_t more)
{
	size_t cap = g->undo_cap ? g->undo_cap : 64;
	struct undo *undo;

	if (more <= g->undo_cap - g->nundo)
		return true;
	while (cap < g->nundo + more)
		cap *= 2;
	undo = realloc(g->undo, cap * sizeof(*undo));
	if (undo == NULL)
		return false;
	g->undo = undo;
	g->undo_cap = cap;
	return true;
}

char *group_reserve(struct group *g, size_t size, size_t changes)
{
	char *at;

	if (!undo_reserve(g, changes))
		return NULL;
	at = buf_reserve(&g->bytes, size);
	if (at == NULL)
		g->bytes.failed = false; /* what is in it is still whole */
	return at;
}

void group_commit(struct group *g, size_t size, uint64_t seq)
{
	buf_advance(&g->bytes, size);
	g->last_seq = seq;
	g->records++;
	g->seg->tail += size;
	g->seg->records++;
}

void group_seal(struct group *g)
{
	for (size_t at = 0; at < g->bytes.len;) {
		char *record = g->bytes.data + at;

		record_seal(record, g->seg->seed, g->base);
		at += RECORD_HEADER + get_le32(record + 12);
	}
}

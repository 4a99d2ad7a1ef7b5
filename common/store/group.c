/*
 * group.c - see group.h.
 */
#include "store/group.h"

#include <stdlib.h>

/* A group grows to the size of others in many steps, and large memory comes
 * from the system page by page: what one had is used again. Of more than this,
 * which is rare, the store holds none. */
#define RETIRED_MAX ((size_t)1 << 20)

struct group *group_new(struct segment *seg, bool opens, struct group **used)
{
	struct group *g = *used != NULL ? *used : calloc(1, sizeof(*g));

	if (g == NULL)
		return NULL;
	*used = NULL;
	*g = (struct group){
		.seg = seg,
		.base = seg->tail,
		.opens = opens,
		.bytes = g->bytes,
		.undo = g->undo,
		.undo_cap = g->undo_cap,
	};
	buf_clear(&g->bytes);
	return g;
}

void group_retire(struct group *g, struct group **used)
{
	if (*used != NULL || g->bytes.cap > RETIRED_MAX ||
	    g->undo_cap > RETIRED_MAX / sizeof(*g->undo))
		group_free(g);
	else
		*used = g;
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

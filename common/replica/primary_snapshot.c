/*
 * primary_snapshot.c - a snapshot goes out, piece by piece.
 *
 *	FETCH	node (8), snapshot (8; 0: a new one), piece (4)
 *	CHUNK	snapshot (8), piece (4), flags (1), index (8), term (8), items
 *
 * The reader asks for one piece after the other. The last one is kept, so that
 * it can be asked for again when a link was lost. Nobody has to say that he is
 * done: a snapshot that nobody asked about for a while ends.
 */
#include "replica/primary_impl.h"

#include "base/bytes.h"

#define IDLE_MS 30000u

static void end(struct primary *p, struct reader *r)
{
	if (r->snapshot == 0)
		return;
	store_snapshot_end(p->store, r->snap);
	r->snapshot = 0;
	buf_clear(&r->last);
	buf_trim(&r->last, 0);
}

void primary_readers_end(struct primary *p)
{
	for (unsigned i = 0; i < READERS_MAX; i++)
		end(p, &p->readers[i]);
}

void primary_readers_expire(struct primary *p)
{
	for (unsigned i = 0; i < READERS_MAX; i++)
		if (p->readers[i].used_ms + IDLE_MS <= p->now)
			end(p, &p->readers[i]);
}

static struct reader *find(struct primary *p, uint64_t snapshot)
{
	for (unsigned i = 0; i < READERS_MAX; i++)
		if (p->readers[i].snapshot == snapshot)
			return &p->readers[i];
	return NULL;
}

/* What the reader had before is of no use to it any more. */
static struct reader *begin(struct primary *p, uint64_t id)
{
	struct reader *r;

	for (unsigned i = 0; i < READERS_MAX; i++)
		if (p->readers[i].id == id)
			end(p, &p->readers[i]);
	r = find(p, 0);
	if (r == NULL ||
	    store_snapshot_begin(p->store, &r->snap, &r->index, &r->term) != 0)
		return NULL;
	/* Such that no other node, and not this one after a restart, gives out
	 * the same name. */
	r->snapshot = primary_mix(p->options.seed + ++p->snapshots) | 1;
	r->id = id;
	r->piece = 0;
	r->done = false;
	r->used_ms = p->now;
	if (store_snapshot_next(p->store, r->snap, PRIMARY_PIECE_MAX, &r->last,
				&r->done) != 0) {
		end(p, r);
		return NULL;
	}
	return r;
}

static struct reader *advance(struct primary *p, struct reader *r)
{
	buf_clear(&r->last);
	if (r->done || store_snapshot_next(p->store, r->snap, PRIMARY_PIECE_MAX,
					   &r->last, &r->done) != 0) {
		end(p, r);
		return NULL;
	}
	r->piece++;
	return r;
}

static void send_piece(struct primary *p, uint64_t to, const struct reader *r,
		       uint64_t snapshot, uint32_t piece)
{
	const struct member *member = members_find(primary_peers(p), to);
	char head[CHUNK_HEAD] = {FRAME_CHUNK};

	if (member == NULL)
		return;
	put_le64(head + 1, r != NULL ? r->snapshot : snapshot);
	put_le32(head + 9, r != NULL ? r->piece : piece);
	if (r != NULL) {
		head[13] = r->done ? CHUNK_DONE : 0;
		put_le64(head + 14, r->index);
		put_le64(head + 22, r->term);
	} else {
		head[13] = CHUNK_REFUSED;
	}
	(void)p->events.send(
		p->events.arg, member, slice_of(head, sizeof(head)),
		r != NULL ? buf_slice(&r->last) : slice_of(NULL, 0));
}

void primary_serve_fetch(struct primary *p, struct slice frame)
{
	uint64_t id, snapshot;
	uint32_t piece;
	struct reader *r;

	if (frame.len != FETCH_SIZE || !primary_takes_part(p))
		return;
	id = get_le64(frame.data + 1);
	snapshot = get_le64(frame.data + 9);
	piece = get_le32(frame.data + 17);
	if (snapshot == 0)
		r = begin(p, id);
	else
		r = find(p, snapshot);
	if (r != NULL && r->piece + 1 == piece)
		r = advance(p, r);
	if (r != NULL && r->piece != piece)
		r = NULL;
	if (r != NULL)
		r->used_ms = p->now;
	send_piece(p, id, r, snapshot, piece);
}

/*
 * primary_fetch.c - a snapshot comes in, and the store is replaced.
 *
 * The pieces go into a store beside ours (store_import_*), while this node goes
 * on taking part. When it is complete, the owner of the store is asked to close
 * it, let the new one take its place, and open that. An empty store takes the
 * place in the same way when the node starts again under a new id.
 *
 * primary_snapshot.c has the form of the frames.
 */
#include "replica/primary_impl.h"

#include "base/bytes.h"
#include "base/err.h"

#include <stdio.h>

#define AGAIN_MS 500u

static void ask(struct primary *p)
{
	const struct fetch *f = &p->fetch;
	const struct member *to = members_find(primary_peers(p), f->source);
	char frame[FETCH_SIZE] = {FRAME_FETCH};

	p->fetch.asked_ms = p->now;
	if (to == NULL)
		return;
	put_le64(frame + 1, p->state.id);
	put_le64(frame + 9, f->snapshot);
	put_le32(frame + 17, f->piece);
	(void)p->events.send(p->events.arg, to, slice_of(frame, sizeof(frame)),
			     slice_of(NULL, 0));
}

void primary_fetch_end(struct primary *p)
{
	if (p->fetch.import != NULL)
		store_import_free(p->fetch.import);
	p->fetch = (struct fetch){0};
}

void primary_fetch_begin(struct primary *p, uint64_t source, uint64_t index)
{
	struct fetch *f = &p->fetch;

	if (p->store_failed || p->leads)
		return;
	/* One that is under way, or about to be put in place, will do, unless
	 * it ends too early. */
	if (f->complete || (f->active && f->source == source &&
			    (f->snapshot == 0 || f->index >= index)))
		return;
	primary_fetch_end(p);
	f->active = true;
	f->source = source;
	ask(p);
}

static int begin_import(struct primary *p)
{
	struct store_options options = {.fs = p->fs};

	return store_import_begin(&p->fetch.import, p->options.dir, &options);
}

static void give_up(struct primary *p)
{
	primary_say(p, "cannot take a snapshot, and will try again: %s",
		    err_text());
	primary_fetch_end(p);
}

static int take_first(struct primary *p, struct slice frame)
{
	struct fetch *f = &p->fetch;

	f->snapshot = get_le64(frame.data + 1);
	f->index = get_le64(frame.data + 14);
	f->term = get_le64(frame.data + 22);
	primary_say(p, "fetches a snapshot as of entry %llu",
		    (unsigned long long)f->index);
	return begin_import(p);
}

void primary_fetch_chunk(struct primary *p, struct slice frame)
{
	struct fetch *f = &p->fetch;
	struct slice items;
	unsigned flags;
	int r = 0;

	if (frame.len < CHUNK_HEAD || !f->active || f->complete)
		return;
	flags = (unsigned char)frame.data[13];
	if (get_le32(frame.data + 9) != f->piece ||
	    (f->snapshot != 0 && get_le64(frame.data + 1) != f->snapshot))
		return;
	if (flags & CHUNK_REFUSED) {
		/* The next offer begins it anew. */
		primary_fetch_end(p);
		return;
	}
	if (f->import == NULL)
		r = take_first(p, frame);
	items = slice_of(frame.data + CHUNK_HEAD, frame.len - CHUNK_HEAD);
	if (r == 0)
		r = store_import_add(f->import, items);
	f->piece++;
	if (r == 0 && (flags & CHUNK_DONE)) {
		r = store_import_finish(f->import, f->index, f->term);
		f->complete = r == 0;
	} else if (r == 0) {
		ask(p);
	}
	if (r != 0)
		give_up(p);
}

void primary_fetch_retry(struct primary *p)
{
	const struct fetch *f = &p->fetch;

	if (f->active && !f->complete && f->asked_ms + AGAIN_MS <= p->now)
		ask(p);
}

/* ---- the store is replaced ---- */

static int switch_store(void *arg)
{
	struct primary *p = arg;

	return store_import_switch(p->options.dir, p->fs);
}

/* Whether the snapshot has anything that the log has not. */
static bool is_wanted(const struct primary *p)
{
	const struct fetch *f = &p->fetch;

	return !p->leads && !p->store_failed &&
	       raft_wants(p->raft, f->index, f->term);
}

static int make_empty(struct primary *p)
{
	int r;

	primary_fetch_end(p);
	r = begin_import(p);
	if (r == 0)
		r = store_import_finish(p->fetch.import, 0, 0);
	return r;
}

void primary_swap(struct primary *p)
{
	char why[ERR_TEXT_MAX];

	if (p->dead || p->swapping)
		return;
	if (p->state.emptying) {
		if (make_empty(p) != 0) {
			snprintf(why, sizeof(why), "%s", err_text());
			primary_die(p, why);
			return;
		}
	} else if (!p->fetch.complete || p->held) {
		return;
	} else if (!is_wanted(p)) {
		primary_fetch_end(p);
		return;
	}
	primary_readers_end(p);
	store_import_free(p->fetch.import);
	p->fetch.import = NULL;
	p->swapping = true;
	p->body_to = 0;
	buf_clear(&p->queue);
	p->events.replace_store(p->events.arg, switch_store, p);
}

static void install(struct primary *p)
{
	struct raft_members members;
	struct raft_known known;
	struct slice value;

	if (!store_own_get(p->store, slice_str(PRIMARY_MEMBERS_KEY), &value) ||
	    primary_members_decode(value, &known) != 0) {
		primary_die(p, "a snapshot came without a list of members");
		return;
	}
	p->nknown = 0;
	primary_know(p, known.index, &known.list);
	primary_to_raft(&known.list, known.index, &members);
	p->trimmed = p->fetch.index + 1;
	p->commit_to = p->fetch.index;
	p->coord.revealed = p->fetch.index;
	p->nstrangers = 0;
	primary_update_peers(p);
	raft_installed(p->raft, p->now, p->fetch.index, p->fetch.term,
		       &members);
	primary_fetch_end(p);
	primary_check_birth(p);
	p->state.stored = true;
	if (primary_save(p) == 0)
		primary_pump(p);
}

static void start_again(struct primary *p)
{
	char why[ERR_TEXT_MAX];

	primary_fetch_end(p);
	p->state.emptying = false;
	p->store_failed = false;
	if (primary_save(p) != 0)
		return;
	if (primary_open_core(p) != 0) {
		snprintf(why, sizeof(why), "%s", err_text());
		primary_die(p, why);
	}
}

void primary_set_store(struct primary *p, struct store *store)
{
	p->swapping = false;
	p->store = store;
	if (store == NULL) {
		p->swapping = true; /* there is nothing to touch */
		primary_die(p, "the store could not be opened again");
		return;
	}
	store_log_follow(p->store);
	if (p->state.emptying)
		start_again(p);
	else
		install(p);
}

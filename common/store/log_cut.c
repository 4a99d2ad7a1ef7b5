/*
 * log_cut.c - truncation: entries that a new leader does not have go again.
 *
 * Nothing on disk changes at once. In memory the segment where the cut lies is
 * full and ends there, and those behind it are put out of force. The next entry
 * begins a new segment, whose header tells the cut (base_version, prev_number,
 * prev_end); giving it its name is the one operation that makes the truncation
 * so, and what the truncated entries are replaced with is on disk by then. Only
 * after it the files of the others are removed. Opening finds either the old
 * log, whole, or the new one, and perhaps segments that the new one has
 * replaced: those in front of it, by number, that do not begin before it does.
 */
#include "store/log.h"

#include "store/store_log.h"

#include <errno.h>
#include <stdlib.h>

void log_take_doomed(struct store_log *log, uint64_t **numbers, size_t *n)
{
	*numbers = log->doomed;
	*n = log->ndoomed;
	log->doomed = NULL;
	log->ndoomed = log->doomed_cap = 0;
}

int log_remove_doomed(struct fs *fs, const char *dir, const uint64_t *numbers,
		      size_t n)
{
	int r = 0;

	for (size_t i = 0; i < n && r == 0; i++) {
		char *path = segment_path(dir, numbers[i]);

		r = path == NULL ? -ENOMEM : fs_unlink(fs, path);
		free(path);
	}
	return r == 0 ? fs_sync_dir(fs, dir) : r;
}

/* A segment in which nothing is left, if the log ends before `index`. Those
 * that hold anything committed begin before. */
static bool is_behind(const struct segment *seg, uint64_t index)
{
	return seg != NULL && !seg->header.compacted && !seg->forming &&
	       seg->header.base_version + 1 >= index;
}

/* Room for the numbers of all that will be doomed. */
static int doomed_reserve(struct store *s, uint64_t index)
{
	struct store_log *log = s->log;
	size_t n = log->ndoomed;
	uint64_t *more;

	for (unsigned i = 0; i < s->nslots; i++)
		n += is_behind(s->slots[i], index);
	if (n <= log->doomed_cap)
		return 0;
	more = reallocarray(log->doomed, n, sizeof(*more));
	if (more == NULL)
		return err_set(KV_ENOMEM, "no memory to truncate the log");
	log->doomed = more;
	log->doomed_cap = n;
	return 0;
}

static void doom_behind(struct store *s, uint64_t index)
{
	struct store_log *log = s->log;

	while (log->nparts != 0 && log->parts[log->nparts - 1]->first >= index)
		log_chain_pop(log);
	for (unsigned i = 0; i < s->nslots; i++) {
		struct segment *seg = s->slots[i];

		if (!is_behind(seg, index))
			continue;
		if (seg->file != NULL)
			log->doomed[log->ndoomed++] = seg->header.number;
		if (s->active == seg)
			s->active = NULL;
		store_drop_segment(s, seg);
	}
}

/* The last part that is left, whether it is cut or not, takes no more. */
static void end_last_part(struct store *s, uint64_t index,
			  const struct log_entry *first)
{
	struct store_log *log = s->log;
	struct log_part *p;

	if (log->nparts == 0)
		return;
	p = log->parts[log->nparts - 1];
	if (p->last >= index) {
		log_part_cut(p, index - 1);
		p->seg->tail = p->seg->durable = first->at;
		p->seg->records = index - p->first;
	}
	p->seg->full = true;
	s->active = p->seg;
}

static int may_truncate(struct store *s, uint64_t index)
{
	int r = store_writable(s);

	if (r == 0)
		r = log_settle(s);
	if (r != 0)
		return r;
	if (s->log->leading || s->flush != NULL || !TAILQ_EMPTY(&s->groups))
		return err_set(KV_EUSAGE, "the log is being written to");
	if (index <= s->agreed)
		return err_set(KV_EUSAGE, "entry %llu is committed",
			       (unsigned long long)index);
	return doomed_reserve(s, index);
}

int store_log_truncate(struct store *s, uint64_t index)
{
	struct store_log *log = s->log;
	struct log_entry first;
	int r;

	if (index > s->appended)
		return 0;
	r = may_truncate(s, index);
	if (r != 0)
		return r;
	first = log->pending[log->pending_head + (index - s->agreed) - 1];
	log_forget_readers(log);
	doom_behind(s, index);
	end_last_part(s, index, &first);
	log->npending = index - 1 - s->agreed;
	s->version = s->appended = s->durable = index - 1;
	(void)!store_log_term(s, index - 1, &log->last_term);
	return 0;
}

/*
 * recover.c - what opening finds in the directory, and makes of it.
 *
 *	kv.format	names the format version and the store's id
 *	N.log, N.idx	segments and their side files
 *	spare.N		files ready to become segments
 *	*.tmp		never finished: removed
 *	incoming	an import that was never put in place: emptied
 *	kv.switch	one that is to be put in place: see import_switch.c
 *
 * The end of a segment is in its seal, or in the header of the segment that
 * the log went on in; only a segment with neither is searched for its end
 * (walk.h). Everything that the store will serve is then synced, because after
 * SIGKILL it may be in the page cache only; the last group is even written
 * again, because an earlier owner's failed fdatasync may have left clean pages
 * that never reached the disk.
 */
#include "store/import.h"
#include "store/log.h"
#include "store/merge.h"
#include "store/walk.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

struct found {
	struct store *store;
	uint64_t *numbers;
	size_t count, cap;
	struct buf leftovers; /* names to remove, each with its NUL */
	struct buf spares;
	struct buf sides;
	bool failed;
	bool incoming, marker;
};

static void found_name(void *arg, const char *name)
{
	struct found *f = arg;
	size_t len = strlen(name);
	uint64_t n;

	if (segment_name_parse(name, ".log", &n)) {
		if (f->count == f->cap) {
			size_t cap = f->cap ? 2 * f->cap : 64;
			uint64_t *more =
				realloc(f->numbers, cap * sizeof(*more));

			if (more == NULL) {
				f->failed = true;
				return;
			}
			f->numbers = more;
			f->cap = cap;
		}
		f->numbers[f->count++] = n;
	} else if (segment_name_parse(name, ".idx", &n)) {
		buf_append(&f->sides, name, len + 1);
	} else if (len > 4 && strcmp(name + len - 4, ".tmp") == 0) {
		buf_append(&f->leftovers, name, len + 1);
	} else if (strcmp(name, IMPORT_DIR) == 0) {
		f->incoming = true;
	} else if (strcmp(name, IMPORT_MARKER) == 0) {
		f->marker = true;
	} else if (spare_name_parse(name, &n)) {
		buf_append(&f->spares, name, len + 1);
		if (n >= f->store->next_number)
			f->store->next_number = n + 1;
	}
}

static int compare_numbers(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

/* A side file without its segment: the segment was removed just before. */
static void orphans_to_leftovers(struct found *f)
{
	uint64_t n;

	for (size_t at = 0; at < f->sides.len;
	     at += strlen(f->sides.data + at) + 1) {
		const char *name = f->sides.data + at;

		if (segment_name_parse(name, ".idx", &n) &&
		    bsearch(&n, f->numbers, f->count, sizeof(n),
			    compare_numbers) == NULL)
			buf_append(&f->leftovers, name, strlen(name) + 1);
	}
}

static int remove_names(struct store *s, const struct buf *names)
{
	for (size_t at = 0; at < names->len;
	     at += strlen(names->data + at) + 1) {
		char *path = store_path(s, names->data + at);
		int r = path != NULL ? fs_unlink(s->fs, path) : -ENOMEM;

		free(path);
		if (r != 0 && r != -ENOENT)
			return err_sys(-r, "cannot remove '%s/%s'", s->dir,
				       names->data + at);
	}
	return 0;
}

/* Segments: opened in the order of their numbers. */

static int open_segments(struct store *s, const struct found *found)
{
	for (size_t i = 0; i < found->count; i++) {
		struct segment *seg;
		int r = segment_open(s->fs, s->dir, found->numbers[i], s->id,
				     !s->read_only, &seg);

		if (r != 0)
			return r;
		r = store_add_segment(s, seg);
		if (r != 0) {
			segment_free(seg);
			return r;
		}
		if (seg->header.number >= s->next_number)
			s->next_number = seg->header.number + 1;
		if (seg->header.base_version > s->version)
			s->version = seg->header.base_version;
		if (!seg->header.compacted)
			s->active = seg;
	}
	return 0;
}

/* The end of a segment as a later one's header has it. */
static void learn_end(struct store *s, const struct segment *next)
{
	for (unsigned i = 0; i < s->nslots && s->slots[i] != NULL; i++) {
		struct segment *seg = s->slots[i];

		if (seg->header.number != next->header.prev_number ||
		    seg->sealed || next->header.prev_end > seg->mapped ||
		    next->header.prev_end < SEGMENT_RECORDS_AT)
			continue;
		seg->tail = seg->durable = next->header.prev_end;
		seg->full = true;
	}
}

/* Makes the end of a segment as if its last group had never been begun, and
 * everything before it durable. */
static int repair_tail(struct store *s, struct segment *seg,
		       const struct tail *tail)
{
	static const char nothing[RECORD_HEADER];
	int r = 0;

	for (size_t i = 0; i < tail->nstale && r == 0; i++)
		r = file_pwrite(seg->file, nothing, sizeof(nothing),
				tail->stale[i]);
	if (r == 0 && tail->end > tail->unsure)
		r = file_pwrite(seg->file, seg->base + tail->unsure,
				tail->end - tail->unsure, tail->unsure);
	if (r == 0)
		r = file_sync(seg->file);
	return r == 0 ? 0 : err_sys(-r, "cannot repair '%s'", s->dir);
}

static int find_end(struct store *s, struct segment *seg)
{
	struct tail tail;
	int r = tail_find(seg, &tail);

	if (r != 0)
		return r;
	seg->tail = seg->durable = tail.end;
	seg->records = tail.records;
	seg->unvouched = tail.end - tail.unsure > RECORD_HEADER;
	if (!s->read_only)
		r = repair_tail(s, seg, &tail);
	tail_release(&tail);
	return r;
}

static int settle_ends(struct store *s)
{
	for (unsigned i = 0; i < s->nslots && s->slots[i] != NULL; i++)
		learn_end(s, s->slots[i]);
	for (unsigned i = 0; i < s->nslots && s->slots[i] != NULL; i++) {
		struct segment *seg = s->slots[i];
		int r = 0;

		if (!seg->full) {
			r = find_end(s, seg);
			seg->full = seg != s->active;
		}
		if (r == 0 && seg->full) {
			r = side_open(s->fs, s->dir, seg, &seg->side);
			/* Missing or damaged: it will be made again. */
			if (r == KV_ENOTFOUND || r == KV_EDAMAGED)
				r = 0;
		}
		if (r != 0)
			return r;
	}
	if (s->active != NULL && s->active->sealed)
		s->active = NULL; /* the next write starts a segment */
	return 0;
}

/* The index, from the merged runs. */

static int learn_item(void *arg, struct segment *seg,
		      const struct side_entry *e)
{
	struct store *s = arg;
	location l = location_make(seg->slot, e->offset, e->flags & ITEM_TTL,
				   e->size);
	int r;

	if (e->flags & ITEM_TOMBSTONE) {
		seg->tombstones += location_size(l);
		seg->tombstones_due = true;
		if (e->version > seg->tombstone_newest)
			seg->tombstone_newest = e->version;
		return 0;
	}
	r = index_load(store_index(s, e->key), e->key, l);
	if (r != 0)
		return err_set(r, "no memory for the index");
	store_account(s, l, true);
	return e->flags & ITEM_TTL ? store_expiry_put(s, e->key, e->expires_ms)
				   : 0;
}

static int build_index(struct store *s)
{
	struct segment **merged =
		calloc(s->nslots + 1, sizeof(struct segment *));
	uint64_t newest;
	size_t n = 0;
	int r;

	if (merged == NULL)
		return err_set(KV_ENOMEM, "no memory to open '%s'", s->dir);
	for (unsigned i = 0; i < s->nslots && s->slots[i] != NULL; i++)
		if (log_merges(s, s->slots[i]))
			merged[n++] = s->slots[i];
	r = merge_segments(merged, n, learn_item, s, &newest);
	if (r == 0 &&
	    (index_load_end(s->index) != 0 || index_load_end(s->own) != 0))
		r = err_set(KV_ENOMEM, "no memory for the index");
	if (newest > s->version)
		s->version = newest;
	free(merged);
	return r;
}

/* A spare may hold records of the segment that its header names, which did not
 * come to be: that number is not given out again. */
static int learn_number(struct store *s, struct file *f)
{
	char block[SEGMENT_BLOCK];
	struct segment_header h;
	uint32_t version;
	ssize_t n = file_pread(f, block, sizeof(block), SEGMENT_HEADER_AT);

	if (n < 0)
		return (int)n;
	if ((size_t)n == sizeof(block) &&
	    segment_header_decode(block, &h, &version) &&
	    h.number >= s->next_number)
		s->next_number = h.number + 1;
	return 0;
}

/* Spares that an earlier owner left are as good as new ones. */
static int adopt_spares(struct store *s, const struct buf *names)
{
	for (size_t at = 0; at < names->len;
	     at += strlen(names->data + at) + 1) {
		struct spare spare = {.path = store_path(s, names->data + at)};
		int r = spare.path == NULL ? -ENOMEM
					   : fs_open(s->fs, spare.path,
						     FS_WRITE, &spare.file);

		if (r == 0)
			r = file_size(spare.file, &spare.size);
		if (r == 0)
			r = learn_number(s, spare.file);
		if (r == 0 && s->nspares < STORE_SPARES &&
		    spare.size >= s->options.segment_min) {
			s->spares[s->nspares++] = spare;
			continue;
		}
		if (r == 0)
			r = fs_unlink(s->fs, spare.path);
		file_close(spare.file);
		if (r != 0)
			r = err_sys(-r, "cannot take over '%s/%s'", s->dir,
				    names->data + at);
		free(spare.path);
		if (r != 0)
			return r;
	}
	return 0;
}

static int recover_found(struct store *s, struct found *found)
{
	int r = directory_identify(s, found->count != 0);

	if (r == 0 && !s->read_only)
		r = remove_names(s, &found->leftovers);
	if (r == 0)
		r = open_segments(s, found);
	if (r == 0 && s->log != NULL)
		r = log_drop_replaced(s);
	if (r == 0)
		r = settle_ends(s);
	if (r == 0)
		r = build_index(s);
	if (r == 0 && s->log != NULL)
		r = log_recover(s);
	if (r == 0 && !s->read_only)
		r = adopt_spares(s, &found->spares);
	if (r == 0 && !s->read_only) {
		r = fs_sync_dir(s->fs, s->dir);
		if (r != 0)
			r = err_sys(-r, "cannot sync '%s'", s->dir);
	}
	return r;
}

static void found_release(struct found *found)
{
	free(found->numbers);
	buf_release(&found->leftovers);
	buf_release(&found->spares);
	buf_release(&found->sides);
}

static int look(struct store *s, struct found *found)
{
	int r;

	*found = (struct found){.store = s};
	r = fs_list(s->fs, s->dir, found_name, found);
	if (r != 0)
		return err_sys(-r, "cannot read '%s'", s->dir);
	if (found->failed || found->leftovers.failed || found->spares.failed ||
	    found->sides.failed)
		return err_set(KV_ENOMEM, "no memory to open '%s'", s->dir);
	return 0;
}

/* Imports: one that was to be put in place is, the others go. */
static int settle_import(struct store *s, struct found *found)
{
	int r;

	if (found->marker && s->read_only)
		return err_set(KV_EFORMAT,
			       "'%s' is about to be replaced by what the node "
			       "was sent; open it for writing first",
			       s->dir);
	if (found->marker) {
		r = import_resume(s->fs, s->dir);
		if (r != 0)
			return r;
		found_release(found);
		s->next_number = 1;
		return look(s, found);
	}
	r = found->incoming && !s->read_only ? import_clear(s->fs, s->dir) : 0;
	return r == 0 ? 0
		      : err_sys(-r, "cannot clear '%s/%s'", s->dir, IMPORT_DIR);
}

int store_recover(struct store *s)
{
	struct found found;
	int r = look(s, &found);

	if (r == 0 && (found.marker || found.incoming))
		r = settle_import(s, &found);
	if (r == 0) {
		if (found.count != 0)
			qsort(found.numbers, found.count,
			      sizeof(found.numbers[0]), compare_numbers);
		orphans_to_leftovers(&found);
		r = recover_found(s, &found);
	}
	found_release(&found);
	return r;
}

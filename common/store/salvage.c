/*
 * salvage.c - everything that is sound in a damaged store, into a new one.
 *
 * Opening stops at the first damage; this goes on behind it. Segments are
 * searched for valid records at every multiple of 8; because each checksum is
 * seeded with the segment's number, what is found is what was written there.
 * Of each key the newest sound item is kept. What cannot be read is listed as
 * ranges of bytes, and by key where the segment's side file still tells them.
 */
#include "base/err.h"
#include "store/side.h"
#include "store/store_internal.h"
#include "store/walk.h"

#define LIBBSD_OPENBSD_VIS
#include <bsd/vis.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define BATCH 1000

struct found_item {
	struct stored_item item;
	uint64_t prefix;
	const struct segment *seg;
	bool lost; /* only its side file's entry is left */
};

struct gap {
	uint64_t from, to;
};

struct salvage {
	struct store
		*from; /* a store that was never recovered: fs, dir, lock */
	struct segment **segs;
	size_t nsegs, segs_cap;
	struct found_item *items;
	size_t nitems, items_cap;
	struct gap *gaps; /* of the current segment */
	size_t ngaps, gaps_cap;
	store_lost_fn *lost;
	void *arg;
	struct store_salvage_report *report;
	bool failed; /* out of memory */
};

/* A place for one more element of an array that doubles. */
static void *grow(struct salvage *v, void *list, size_t n, size_t *cap,
		  size_t size)
{
	size_t more = *cap ? 2 * *cap : 64;
	void *p = list;

	if (n < *cap)
		return list;
	p = realloc(list, more * size);
	if (p == NULL) {
		v->failed = true;
		return list;
	}
	*cap = more;
	return p;
}

static void say(struct salvage *v, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

static void say(struct salvage *v, const char *fmt, ...)
{
	char line[1024];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	v->lost(v->arg, line);
}

/* Segments, whatever state they are in. */

static void add_segment(void *arg, const char *name)
{
	struct salvage *v = arg;
	struct segment_header header = {.store_id = v->from->id};
	struct segment_header read;
	struct segment *seg;
	uint32_t version;
	char *path;
	int r;

	if (!segment_name_parse(name, ".log", &header.number))
		return;
	path = store_path(v->from, name);
	seg = segment_new(&header);
	v->segs = grow(v, v->segs, v->nsegs, &v->segs_cap,
		       sizeof(struct segment *));
	if (path == NULL || seg == NULL || v->failed) {
		v->failed = true;
		free(path);
		segment_free(seg);
		return;
	}
	r = fs_open(v->from->fs, path, FS_READ, &seg->file);
	if (r == 0)
		r = segment_map(seg);
	free(path);
	if (r == -ENOMEM) { /* which is no damage */
		v->failed = true;
		segment_free(seg);
		return;
	}
	if (r != 0 || seg->mapped < SEGMENT_RECORDS_AT) {
		say(v, "%s: cannot be read", name);
		segment_free(seg);
		return;
	}
	if (!segment_header_decode(seg->base, &read, &version) ||
	    read.number != header.number)
		say(v, "%s: no valid header; its records are looked for", name);
	else
		seg->header = read;
	if (seg->header.store_id != header.store_id && v->from->id == 0)
		v->from->id = seg->header.store_id;
	v->segs[v->nsegs++] = seg;
}

/* The store's id is needed for every checksum: from kv.format, else from any
 * segment's header. */
static void read_id(struct salvage *v)
{
	struct store *s = v->from;
	char *path = store_path(s, "kv.format");
	char text[128] = "";
	unsigned long long id;
	struct file *f;
	int r = path == NULL ? -ENOMEM : fs_open(s->fs, path, FS_READ, &f);

	v->failed = r == -ENOMEM;
	if (r == 0) {
		(void)!file_pread(f, text, sizeof(text) - 1, 0);
		file_close(f);
		if (sscanf(text, "kv-store %*u id %llx", &id) == 1)
			s->id = id;
	}
	free(path);
}

static void settle_end(struct salvage *v, struct segment *seg)
{
	struct segment_seal seal;

	seg->seed = segment_seed(v->from->id, seg->header.number);
	seg->tail = seg->mapped;
	if (segment_seal_decode(seg->base + SEGMENT_SEAL_AT, &seal,
				seg->seed) &&
	    seal.end <= seg->mapped) {
		seg->tail = seal.end;
		seg->sealed = true;
	}
	for (size_t i = 0; !seg->sealed && i < v->nsegs; i++) {
		const struct segment_header *h = &v->segs[i]->header;

		if (h->prev_number == seg->header.number &&
		    h->prev_end <= seg->mapped) {
			seg->tail = h->prev_end;
			seg->sealed = true; /* its end is known, at least */
		}
	}
}

/* Items. */

static int add_item(void *arg, const struct stored_item *item, uint64_t offset)
{
	struct salvage *v = arg;

	(void)offset;
	v->items =
		grow(v, v->items, v->nitems, &v->items_cap, sizeof(*v->items));
	if (v->failed)
		return KV_ENOMEM;
	v->items[v->nitems++] = (struct found_item){
		.item = *item,
		.prefix = key_prefix(item->key),
	};
	return 0;
}

static void add_gap(struct salvage *v, const struct segment *seg, uint64_t from,
		    uint64_t to)
{
	v->gaps = grow(v, v->gaps, v->ngaps, &v->gaps_cap, sizeof(*v->gaps));
	if (v->failed)
		return;
	v->gaps[v->ngaps++] = (struct gap){from, to};
	v->report->lost_bytes += to - from;
	say(v, "%016llx.log: bytes %llu to %llu are damaged",
	    (unsigned long long)seg->header.number, (unsigned long long)from,
	    (unsigned long long)to);
}

/* The next valid record at or after `at`, or the end. */
static uint64_t next_valid(const struct segment *seg, uint64_t at,
			   struct record *rec)
{
	while (at < seg->tail && !record_decode(seg->base + at, seg->tail - at,
						seg->seed, true, rec))
		at += RECORD_ALIGN;
	return at < seg->tail ? at : seg->tail;
}

static void search_segment(struct salvage *v, const struct segment *seg)
{
	struct walk w = {.seg = seg, .end = seg->tail};
	uint64_t at = SEGMENT_RECORDS_AT;

	v->ngaps = 0;
	while (at < seg->tail && !v->failed) {
		uint64_t valid = next_valid(seg, at, &w.record);
		bool end = valid == seg->tail;

		/* Behind the last record of an open segment there is nothing,
		 * and what no later record vouches for was never
		 * acknowledged. */
		if (valid != at && !seg->sealed &&
		    (end || w.record.synced <= at))
			break;
		if (valid != at)
			add_gap(v, seg, at, valid);
		if (end)
			break;
		w.here = valid;
		if (walk_items(&w, add_item, v) == 0)
			v->report->records++;
		at = valid + RECORD_HEADER + w.record.length;
	}
	v->report->segments++;
}

static bool in_gap(const struct salvage *v, uint64_t offset)
{
	for (size_t i = 0; i < v->ngaps; i++)
		if (offset >= v->gaps[i].from && offset < v->gaps[i].to)
			return true;
	return false;
}

/* Which keys were in the gaps, if the side file is sound. Its mapping must
 * live as long as the items. */
static void search_side(struct salvage *v, struct segment *seg)
{
	int r = 0;

	if (v->ngaps != 0)
		r = side_open(v->from->fs, v->from->dir, seg, &seg->side);
	v->failed = v->failed || r == KV_ENOMEM;
	if (seg->side == NULL)
		return;
	for (size_t i = 0; i < side_count(seg->side) && !v->failed; i++) {
		struct stored_item item = {0};
		struct side_entry e;

		side_entry_at(seg->side, i, &e);
		if (!in_gap(v, e.offset))
			continue;
		item.key = e.key;
		item.version = e.version;
		item.flags = e.flags;
		if (add_item(v, &item, 0) == 0)
			v->items[v->nitems - 1].lost = true;
	}
}

static int item_order(const void *a, const void *b)
{
	const struct found_item *x = a, *y = b;
	int c;

	if (x->prefix != y->prefix)
		return x->prefix < y->prefix ? -1 : 1;
	c = slice_cmp(x->item.key, y->item.key);
	if (c != 0)
		return c;
	if (x->item.version != y->item.version)
		return x->item.version > y->item.version ? -1 : 1;
	if (x->lost != y->lost) /* a sound copy of it is elsewhere */
		return x->lost ? 1 : -1;
	return (x->item.key.data < y->item.key.data) -
	       (x->item.key.data > y->item.key.data);
}

/* Writing. */

static void say_lost_key(struct salvage *v, const struct found_item *f)
{
	char text[256];
	size_t len = f->item.key.len < 60 ? f->item.key.len : 60;

	strvisx(text, f->item.key.data, len, VIS_CSTYLE | VIS_NL | VIS_TAB);
	say(v, "key '%s'%s: version %llu is lost", text,
	    len < f->item.key.len ? "..." : "",
	    (unsigned long long)f->item.version);
	v->report->lost_keys++;
}

static int put_batch(struct store *to, struct change *batch, size_t *n)
{
	int r = *n == 0 ? 0 : store_append(to, batch, *n);

	*n = 0;
	return r == 0 ? store_sync(to) : r;
}

/* Of the items of one key, list[0..n), newest first, the newest sound one. */
static void choose(struct salvage *v, const struct found_item *list, size_t n,
		   struct change *batch, size_t *used)
{
	size_t i = 0;

	if (list[0].lost && (list[0].item.flags & ITEM_TOMBSTONE))
		return; /* all that is lost is that it was deleted */
	while (i < n && list[i].lost)
		say_lost_key(v, &list[i++]);
	if (i == n || (list[i].item.flags & ITEM_TOMBSTONE))
		return;
	batch[(*used)++] = (struct change){
		.kind = CHANGE_SET,
		.key = list[i].item.key,
		.value = list[i].item.value,
		.expires_ms = list[i].item.expires_ms,
	};
	v->report->kept++;
}

static int write_all(struct salvage *v, struct store *to)
{
	struct change batch[BATCH];
	size_t used = 0, bytes = 0;
	int r = 0;

	if (v->nitems != 0)
		qsort(v->items, v->nitems, sizeof(*v->items), item_order);
	for (size_t i = 0, n; i < v->nitems && r == 0; i += n) {
		n = 1;
		while (i + n < v->nitems &&
		       slice_eq(v->items[i].item.key, v->items[i + n].item.key))
			n++;
		choose(v, &v->items[i], n, batch, &used);
		if (used != 0)
			bytes += batch[used - 1].value.len;
		if (used == BATCH || bytes > KV_VALUE_MAX) {
			bytes = 0;
			r = put_batch(to, batch, &used);
		}
	}
	return r == 0 ? put_batch(to, batch, &used) : r;
}

static int search_all(struct salvage *v)
{
	int r;

	read_id(v);
	r = fs_list(v->from->fs, v->from->dir, add_segment, v);
	if (r != 0)
		return err_sys(-r, "cannot read '%s'", v->from->dir);
	if (v->nsegs == 0 && !v->failed)
		return err_set(KV_EFORMAT, "'%s' holds no segments",
			       v->from->dir);
	for (size_t i = 0; i < v->nsegs; i++) {
		settle_end(v, v->segs[i]);
		search_segment(v, v->segs[i]);
		search_side(v, v->segs[i]);
	}
	return v->failed ? err_set(KV_ENOMEM, "no memory to salvage") : 0;
}

int store_salvage(const char *dir, const char *to_dir, struct fs *fs,
		  store_lost_fn *lost, void *arg,
		  struct store_salvage_report *report)
{
	struct store_options from = {.fs = fs, .read_only = true};
	struct store_options create = {.fs = fs, .create = true};
	struct salvage v = {.lost = lost, .arg = arg, .report = report};
	struct store *to;
	int r;

	*report = (struct store_salvage_report){0};
	r = store_open_unread(&v.from, dir, &from);
	if (r != 0)
		return r;
	r = search_all(&v);
	if (r == 0)
		r = store_open(&to, to_dir, &create);
	if (r == 0) {
		if (index_count(to->index) != 0)
			r = err_set(KV_EUSAGE, "'%s' is not empty", to_dir);
		else
			r = write_all(&v, to);
		if (r == 0)
			r = store_close(to);
		else
			(void)store_close(to);
	}
	for (size_t i = 0; i < v.nsegs; i++)
		segment_free(v.segs[i]);
	free(v.segs);
	free(v.items);
	free(v.gaps);
	(void)store_close(v.from);
	return r;
}

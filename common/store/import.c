/*
 * import.c - a new store, filled with the items of a snapshot.
 *
 * It is made in DIR/incoming of what compaction makes stores of: segments that
 * begin their life sealed, each with its side file, whose items have versions
 * of their own. kv.format comes last and says where the log goes on; with it,
 * the import is complete. import_switch.c puts it in place.
 */
#include "store/import.h"
#include "store/log.h"
#include "store/side.h"

#include "base/clock.h"

#include "store/store_log.h"

#include <bsd/stdlib.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define RECORD_BYTES (1u << 20) /* of items, before a record is written */
#define SYNC_BYTES (4u << 20)
#define SEGMENT_BYTES_DEFAULT (64u << 20)
#define FORMAT_TEXT_MAX 160

struct store_import {
	struct fs *fs;
	char *dir; /* DIR/incoming */
	uint64_t segment_bytes;
	uint64_t id;
	uint64_t number; /* of the last segment */
	uint64_t now_ms;
	struct segment *seg; /* being written; NULL: none */
	uint64_t unsynced;
	struct buf record; /* being gathered, with its header */
	uint32_t count;	   /* of its items */
	uint64_t version;  /* of the last */
	bool failed;
};

static int no_memory(void)
{
	return err_set(KV_ENOMEM, "no memory for an import");
}

static int failed(struct store_import *im, int r)
{
	im->failed = true;
	return err_sys(-r, "cannot import into '%s'", im->dir);
}

int store_import_begin(struct store_import **out, const char *dir,
		       const struct store_options *options)
{
	struct store_import *im = calloc(1, sizeof(*im));
	int r;

	if (im == NULL)
		return no_memory();
	im->fs = options->fs != NULL ? options->fs : fs_posix();
	im->segment_bytes = options->segment_max != 0 ? options->segment_max
						      : SEGMENT_BYTES_DEFAULT;
	im->now_ms = options->now_ms != NULL ? options->now_ms(options->now_arg)
					     : clock_wall_ms();
	arc4random_buf(&im->id, sizeof(im->id));
	im->dir = import_path(dir, NULL);
	r = im->dir == NULL ? -ENOMEM : import_clear(im->fs, dir);
	if (r != 0) {
		r = err_sys(-r, "cannot begin an import into '%s'", dir);
		store_import_free(im);
		return r;
	}
	*out = im;
	return 0;
}

void store_import_free(struct store_import *im)
{
	if (im == NULL)
		return;
	segment_free(im->seg);
	buf_release(&im->record);
	free(im->dir);
	free(im);
}

/* 0 or -errno. */
static int segment_begin(struct store_import *im)
{
	struct segment_header header = {
		.store_id = im->id,
		.number = im->number + 1,
		.started_ms = im->now_ms,
		.compacted = true,
	};
	char *path;
	int r;

	if (im->seg != NULL)
		return 0;
	im->seg = segment_new(&header);
	path = segment_path(im->dir, header.number);
	if (im->seg == NULL || path == NULL)
		r = -ENOMEM;
	else
		r = fs_open(im->fs, path, FS_WRITE | FS_CREATE, &im->seg->file);
	free(path);
	if (r == 0)
		r = fill_zeros(im->seg->file, 0, SEGMENT_RECORDS_AT);
	if (r == 0)
		im->number++;
	return r;
}

/* Writes the record that was gathered. 0 or -errno. */
static int record_end(struct store_import *im)
{
	struct record record = {
		.length = (uint32_t)(im->record.len - RECORD_HEADER),
		.count = im->count,
		.version = im->version,
	};
	int r;

	if (im->count == 0)
		return 0;
	r = segment_begin(im);
	if (r != 0)
		return r;
	record_encode(im->record.data, &record);
	record_seal(im->record.data, im->seg->seed, SEGMENT_RECORDS_AT);
	r = file_pwrite(im->seg->file, im->record.data, im->record.len,
			im->seg->tail);
	if (r != 0)
		return r;
	im->seg->tail += im->record.len;
	im->seg->records++;
	im->unsynced += im->record.len;
	im->count = 0;
	buf_clear(&im->record);
	if (im->unsynced < SYNC_BYTES)
		return 0;
	im->unsynced = 0;
	return file_sync(im->seg->file);
}

static int side_make(struct store_import *im)
{
	struct refs refs;
	int r = refs_collect(&refs, im->seg);

	if (r == 0) {
		r = side_write(im->fs, im->dir, im->seg, &refs);
		refs_release(&refs);
	}
	return r;
}

/* Completes the segment: header, seal, side file; all of it synced. */
static int segment_end(struct store_import *im)
{
	struct segment *seg = im->seg;
	struct segment_seal seal;
	char blocks[2 * SEGMENT_BLOCK];
	int r;

	if (seg == NULL)
		return 0;
	seg->header.size = seg->tail;
	seal = (struct segment_seal){
		.end = seg->tail,
		.records = seg->records,
		.sealed_ms = im->now_ms,
	};
	segment_header_encode(blocks, &seg->header);
	segment_seal_encode(blocks + SEGMENT_BLOCK, &seal, seg->seed);
	r = file_pwrite(seg->file, blocks, sizeof(blocks), SEGMENT_HEADER_AT);
	if (r == 0)
		r = file_sync(seg->file);
	if (r == 0)
		r = segment_map(seg);
	if (r != 0)
		return failed(im, r);
	r = side_make(im);
	im->failed = r != 0;
	segment_free(seg);
	im->seg = NULL;
	im->unsynced = 0;
	return r;
}

/* Takes one item in; its bytes are copied as they are. */
static int item_add(struct store_import *im, const char *at,
		    const struct stored_item *item)
{
	int r = 0;

	if (im->record.len == 0) {
		if (buf_reserve(&im->record, RECORD_HEADER) == NULL)
			return failed(im, -ENOMEM);
		buf_advance(&im->record, RECORD_HEADER);
	}
	buf_append(&im->record, at, item->size);
	if (buf_failed(&im->record))
		return failed(im, -ENOMEM);
	im->count++;
	im->version = item->version;
	if (im->record.len < RECORD_BYTES)
		return 0;
	r = record_end(im);
	if (r != 0)
		return failed(im, r);
	return im->seg->tail >= im->segment_bytes ? segment_end(im) : 0;
}

int store_import_add(struct store_import *im, struct slice items)
{
	int r = 0;

	if (im->failed)
		return err_set(KV_EUSAGE, "the import has failed before");
	while (items.len != 0 && r == 0) {
		struct stored_item item;

		if (items.len < 16 ||
		    !item_decode_apart(items.data, items.len, &item) ||
		    (item.flags & ~(unsigned)ITEM_TTL) != 0) {
			im->failed = true;
			return err_set(KV_EDATA,
				       "a snapshot is not made of items");
		}
		r = item_add(im, items.data, &item);
		items.data += item.size;
		items.len -= item.size;
	}
	return r;
}

static int write_format(struct store_import *im, uint64_t index, uint64_t term)
{
	struct store_log log = {.base_index = index, .base_term = term};
	char text[FORMAT_TEXT_MAX];
	char *path;
	int r;

	if (asprintf(&path, "%s/kv.format", im->dir) < 0)
		return -ENOMEM;
	r = fs_replace(im->fs, im->dir, path, text,
		       directory_format(im->id, &log, text, sizeof(text)));
	free(path);
	return r;
}

int store_import_finish(struct store_import *im, uint64_t index, uint64_t term)
{
	int r;

	if (im->failed)
		return err_set(KV_EUSAGE, "the import has failed before");
	r = record_end(im);
	if (r != 0)
		return failed(im, r);
	r = segment_end(im);
	if (r != 0)
		return r;
	/* All names must last before kv.format vouches for them. */
	r = fs_sync_dir(im->fs, im->dir);
	if (r == 0)
		r = write_format(im, index, term);
	return r == 0 ? 0 : failed(im, r);
}

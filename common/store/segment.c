/*
 * segment.c - see segment.h.
 */
#include "store/segment.h"

#include "base/err.h"
#include "store/log_part.h"
#include "store/side.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

void segment_name(char *buf, uint64_t number)
{
	snprintf(buf, SEGMENT_NAME_MAX, "%016llx.log",
		 (unsigned long long)number);
}

void segment_side_name(char *buf, uint64_t number)
{
	snprintf(buf, SEGMENT_NAME_MAX, "%016llx.idx",
		 (unsigned long long)number);
}

char *segment_path(const char *dir, uint64_t number)
{
	char name[SEGMENT_NAME_MAX];
	char *path;

	segment_name(name, number);
	return asprintf(&path, "%s/%s", dir, name) < 0 ? NULL : path;
}

bool segment_name_parse(const char *name, const char *suffix, uint64_t *n)
{
	uint64_t v = 0;

	for (int i = 0; i < 16; i++) {
		static const char digits[] = "0123456789abcdef";
		const char *d = name[i] ? strchr(digits, name[i]) : NULL;

		if (d == NULL)
			return false;
		v = v << 4 | (uint64_t)(d - digits);
	}
	*n = v;
	return strcmp(name + 16, suffix) == 0;
}

void spare_name(char *buf, uint64_t number)
{
	snprintf(buf, SEGMENT_NAME_MAX, "spare.%016llx",
		 (unsigned long long)number);
}

bool spare_name_parse(const char *name, uint64_t *n)
{
	return strncmp(name, "spare.", 6) == 0 &&
	       segment_name_parse(name + 6, "", n);
}

struct segment *segment_new(const struct segment_header *header)
{
	struct segment *seg = calloc(1, sizeof(*seg));

	if (seg == NULL)
		return NULL;
	seg->header = *header;
	seg->seed = segment_seed(header->store_id, header->number);
	seg->tail = SEGMENT_RECORDS_AT;
	seg->durable = SEGMENT_RECORDS_AT;
	return seg;
}

void segment_free(struct segment *seg)
{
	if (seg == NULL)
		return;
	side_close(seg->side);
	log_part_free(seg->part);
	if (seg->base != NULL)
		file_unmap(seg->file, seg->base, seg->mapped);
	file_close(seg->file);
	free(seg);
}

int segment_map(struct segment *seg)
{
	const void *base;
	uint64_t size;
	int r = file_size(seg->file, &size);

	if (r == 0)
		r = file_map(seg->file, size, &base);
	if (r != 0)
		return r;
	seg->base = base;
	seg->mapped = size;
	return 0;
}

static int segment_read_header(struct segment *seg, const char *path,
			       uint64_t number, uint64_t store_id)
{
	struct segment_header *h = &seg->header;
	uint32_t version;

	if (seg->mapped < SEGMENT_RECORDS_AT)
		return err_set(KV_EDAMAGED,
			       "'%s' is cut off: %llu bytes, a segment has at "
			       "least %u",
			       path, (unsigned long long)seg->mapped,
			       SEGMENT_RECORDS_AT);
	if (!segment_header_decode(seg->base, h, &version)) {
		if (version != 0)
			return err_set(KV_EFORMAT,
				       "'%s' has format version %u; this "
				       "program reads version %u",
				       path, version, FORMAT_VERSION);
		return err_set(KV_EDAMAGED,
			       "'%s' is damaged at offset 0: "
			       "no valid segment header",
			       path);
	}
	if (h->number != number || h->store_id != store_id)
		return err_set(KV_EDAMAGED,
			       "'%s' does not belong here: its header names "
			       "another %s",
			       path, h->number != number ? "segment" : "store");
	if (seg->mapped < h->size)
		return err_set(KV_EDAMAGED,
			       "'%s' is cut off: %llu bytes of %llu", path,
			       (unsigned long long)seg->mapped,
			       (unsigned long long)h->size);
	return 0;
}

static int segment_read_seal(struct segment *seg, const char *path)
{
	struct segment_seal seal;

	if (!segment_seal_decode(seg->base + SEGMENT_SEAL_AT, &seal, seg->seed))
		return seg->header.compacted
			       ? err_set(KV_EDAMAGED,
					 "'%s' is damaged at offset %u: no "
					 "valid seal",
					 path, SEGMENT_SEAL_AT)
			       : 0;
	if (seal.end < SEGMENT_RECORDS_AT || seal.end > seg->mapped)
		return err_set(KV_EDAMAGED,
			       "'%s' is damaged at offset %u: its end lies "
			       "outside",
			       path, SEGMENT_SEAL_AT);
	seg->tail = seg->durable = seal.end;
	seg->records = seal.records;
	seg->full = seg->sealed = true;
	return 0;
}

int segment_open(struct fs *fs, const char *dir, uint64_t number,
		 uint64_t store_id, bool writable, struct segment **out)
{
	struct segment_header planned = {.store_id = store_id,
					 .number = number};
	struct segment *seg = segment_new(&planned);
	char name[SEGMENT_NAME_MAX];
	char *path;
	int r;

	segment_name(name, number);
	if (seg == NULL || asprintf(&path, "%s/%s", dir, name) < 0) {
		free(seg);
		return err_set(KV_ENOMEM, "no memory to open a segment");
	}
	r = fs_open(fs, path, writable ? FS_WRITE : FS_READ, &seg->file);
	if (r == 0)
		r = segment_map(seg);
	if (r != 0) {
		r = r == -EINVAL ? err_set(KV_EDAMAGED, "'%s' is empty", path)
				 : err_sys(-r, "cannot open '%s'", path);
		goto err_open;
	}
	r = segment_read_header(seg, path, number, store_id);
	if (r == 0)
		r = segment_read_seal(seg, path);
	if (r != 0)
		goto err_open;
	free(path);
	*out = seg;
	return 0;
err_open:
	segment_free(seg);
	free(path);
	return r;
}

int segment_write_seal(const struct segment *seg, uint64_t records,
		       uint64_t now_ms)
{
	struct segment_seal seal = {
		.end = seg->tail,
		.records = records,
		.sealed_ms = now_ms,
	};
	char block[SEGMENT_BLOCK];
	int r;

	segment_seal_encode(block, &seal, seg->seed);
	r = file_pwrite(seg->file, block, sizeof(block), SEGMENT_SEAL_AT);
	return r == 0 ? file_sync(seg->file) : r;
}

int segment_repeat_seal(const struct segment *seg)
{
	int r = file_pwrite(seg->file, seg->base + SEGMENT_SEAL_AT,
			    SEGMENT_BLOCK, SEGMENT_SEAL_AT);

	return r == 0 ? file_sync(seg->file) : r;
}

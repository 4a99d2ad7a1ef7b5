/*
 * side.c - see side.h.
 */
#include "store/side.h"

#include "base/buf.h"
#include "base/err.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

static const char side_magic[8] = "kvside\n";

#define SIDE_HEADER 64u
#define SIDE_SUMMED 56u
#define SIDE_ENTRY 20u

/* So many items are on their way from memory while one is read: in the order of
 * their keys they lie anywhere. */
#define ITEMS_AHEAD 8u

struct side {
	struct file *file;
	const char *base;
	size_t size;
	size_t count;
	const char *offsets;
};

static char *side_path(const char *dir, const struct segment *seg)
{
	char name[SEGMENT_NAME_MAX];
	char *path;

	segment_side_name(name, seg->header.number);
	return asprintf(&path, "%s/%s", dir, name) < 0 ? NULL : path;
}

static void entry_encode(struct buf *b, const struct segment *seg,
			 const struct ref *ref)
{
	struct stored_item item;
	size_t n = SIDE_ENTRY;
	char *fixed;

	ref_item(ref, &item);
	fixed = buf_reserve(b, SIDE_ENTRY + 8 + item.key.len);
	if (fixed == NULL)
		return;
	put_le32(fixed, (uint32_t)item.key.len | item.flags << 24);
	put_le32(fixed + 4, item.size / RECORD_ALIGN);
	put_le32(fixed + 8,
		 (uint32_t)((uint64_t)(ref->at - seg->base) / RECORD_ALIGN));
	put_le64(fixed + 12, item.version);
	if (item.flags & ITEM_TTL) {
		put_le64(fixed + n, item.expires_ms);
		n += 8;
	}
	memcpy(fixed + n, item.key.data, item.key.len);
	buf_advance(b, n + item.key.len);
}

static void side_encode(struct buf *b, const struct segment *seg,
			const struct refs *refs)
{
	char header[SIDE_HEADER] = {0};
	struct buf offsets;

	buf_init(&offsets);
	(void)buf_reserve(&offsets, 4 * refs->count);
	buf_append(b, header, sizeof(header));
	for (size_t i = 0; i < refs->count && !offsets.failed; i++) {
		if (i + ITEMS_AHEAD < refs->count)
			__builtin_prefetch(refs->list[i + ITEMS_AHEAD].at);
		put_le32(offsets.data + 4 * i, (uint32_t)b->len);
		entry_encode(b, seg, &refs->list[i]);
	}
	if (offsets.failed || b->len > UINT32_MAX)
		b->failed = true;
	else
		buf_append(b, offsets.data, 4 * refs->count);
	buf_release(&offsets);
	if (buf_failed(b))
		return;
	memcpy(b->data, side_magic, sizeof(side_magic));
	put_le64(b->data + 8, seg->header.number);
	put_le64(b->data + 16, seg->tail);
	put_le64(b->data + 24, refs->count);
	put_le64(b->data + 32, b->len);
	put_le64(b->data + 40,
		 XXH3_64bits_withSeed(b->data + SIDE_HEADER,
				      b->len - SIDE_HEADER, seg->seed));
	put_le64(b->data + SIDE_SUMMED,
		 XXH3_64bits_withSeed(b->data, SIDE_SUMMED, seg->seed));
}

int side_write(struct fs *fs, const char *dir, const struct segment *seg,
	       const struct refs *refs)
{
	char *path = side_path(dir, seg);
	struct buf b;
	int r;

	buf_init(&b);
	side_encode(&b, seg, refs);
	if (path == NULL || buf_failed(&b)) {
		r = err_set(KV_ENOMEM, "no memory for a side file");
		goto out;
	}
	r = fs_replace(fs, dir, path, b.data, b.len);
	if (r != 0)
		r = err_sys(-r, "cannot write '%s'", path);
out:
	buf_release(&b);
	free(path);
	return r;
}

/* Reads one entry that must end before `end`; false if it does not. */
static bool entry_decode(const char *p, const char *end, struct side_entry *e)
{
	size_t room = (size_t)(end - p), head = SIDE_ENTRY;
	uint32_t klen;

	if (p > end || room < SIDE_ENTRY)
		return false;
	klen = get_le32(p);
	e->flags = klen >> 24;
	klen &= 0xffffff;
	if (e->flags & ITEM_TTL)
		head += 8;
	if (klen == 0 || room < head || klen > room - head)
		return false;
	e->size = get_le32(p + 4) * RECORD_ALIGN;
	e->offset = (uint64_t)get_le32(p + 8) * RECORD_ALIGN;
	e->version = get_le64(p + 12);
	e->expires_ms = e->flags & ITEM_TTL ? get_le64(p + SIDE_ENTRY) : 0;
	e->key = slice_of(p + head, klen);
	e->prefix = key_prefix(e->key);
	return true;
}

static bool side_valid(const struct side *side, const struct segment *seg)
{
	const char *b = side->base;
	uint64_t count;

	if (side->size < SIDE_HEADER ||
	    memcmp(b, side_magic, sizeof(side_magic)) != 0 ||
	    get_le64(b + SIDE_SUMMED) !=
		    XXH3_64bits_withSeed(b, SIDE_SUMMED, seg->seed))
		return false;
	count = get_le64(b + 24);
	return get_le64(b + 8) == seg->header.number &&
	       get_le64(b + 16) == seg->tail &&
	       get_le64(b + 32) == side->size &&
	       count <= (side->size - SIDE_HEADER) / 4 &&
	       get_le64(b + 40) == XXH3_64bits_withSeed(
					   b + SIDE_HEADER,
					   side->size - SIDE_HEADER, seg->seed);
}

int side_open(struct fs *fs, const char *dir, const struct segment *seg,
	      struct side **out)
{
	char *path = side_path(dir, seg);
	struct side *side = calloc(1, sizeof(*side));
	const void *base;
	uint64_t size;
	int r;

	if (path == NULL || side == NULL) {
		r = err_set(KV_ENOMEM, "no memory for a side file");
		goto err_alloc;
	}
	r = fs_open(fs, path, FS_READ, &side->file);
	if (r != 0) {
		r = r == -ENOENT ? KV_ENOTFOUND
				 : err_sys(-r, "cannot open '%s'", path);
		goto err_alloc;
	}
	r = file_size(side->file, &size);
	if (r == 0)
		r = size ? file_map(side->file, size, &base) : -EINVAL;
	if (r != 0) {
		r = r == -ENOMEM
			    ? err_sys(ENOMEM, "cannot read '%s'", path)
			    : err_set(KV_EDAMAGED, "cannot read '%s'", path);
		goto err_open;
	}
	side->base = base;
	side->size = size;
	if (!side_valid(side, seg)) {
		r = err_set(KV_EDAMAGED, "'%s' is damaged", path);
		goto err_map;
	}
	side->count = get_le64(side->base + 24);
	side->offsets = side->base + side->size - 4 * side->count;
	free(path);
	*out = side;
	return 0;
err_map:
	file_unmap(side->file, side->base, side->size);
err_open:
	file_close(side->file);
err_alloc:
	free(side);
	free(path);
	return r;
}

void side_close(struct side *side)
{
	if (side == NULL)
		return;
	file_unmap(side->file, side->base, side->size);
	file_close(side->file);
	free(side);
}

size_t side_count(const struct side *side)
{
	return side->count;
}

uint64_t side_bytes(const struct side *side)
{
	return side->size;
}

void side_entry_at(const struct side *side, size_t i, struct side_entry *e)
{
	/* The checksum was right, so the entry is what side_write() wrote. */
	(void)entry_decode(side->base + get_le32(side->offsets + 4 * i),
			   side->base + side->size, e);
}

bool side_has_key(const struct side *side, struct slice key)
{
	size_t low = 0, high = side->count;
	struct side_entry e;

	while (low < high) {
		size_t mid = low + (high - low) / 2;
		int c;

		side_entry_at(side, mid, &e);
		c = slice_cmp(e.key, key);
		if (c == 0)
			return true;
		if (c < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return false;
}

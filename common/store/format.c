/*
 * format.c - see format.h. Checksums are XXH3 (64 bits) of xxHash: at memory
 * speed, and strong enough that a torn record passes once in 2^64.
 */
#include "store/format.h"

#include "kv.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

static const char header_magic[8] = "kvlog\r\n";
static const char seal_magic[8] = "kvseal\n";

#define HEADER_SUMMED 80u
#define SEAL_SUMMED 32u

void segment_header_encode(char *block, const struct segment_header *h)
{
	memset(block, 0, SEGMENT_BLOCK);
	memcpy(block, header_magic, sizeof(header_magic));
	put_le32(block + 8, FORMAT_VERSION);
	put_le32(block + 12, h->compacted ? 1 : 0);
	put_le64(block + 16, h->store_id);
	put_le64(block + 24, h->number);
	put_le64(block + 32, h->size);
	put_le64(block + 40, h->base_version);
	put_le64(block + 48, h->prev_number);
	put_le64(block + 56, h->prev_end);
	put_le64(block + 64, h->started_ms);
	put_le64(block + 72, h->compacted ? h->committed : h->base_term);
	put_le64(block + HEADER_SUMMED, XXH3_64bits(block, HEADER_SUMMED));
}

bool segment_header_decode(const char *block, struct segment_header *h,
			   uint32_t *format_version)
{
	*format_version = 0;
	if (memcmp(block, header_magic, sizeof(header_magic)) != 0 ||
	    get_le64(block + HEADER_SUMMED) !=
		    XXH3_64bits(block, HEADER_SUMMED))
		return false;
	*format_version = get_le32(block + 8);
	h->compacted = get_le32(block + 12) & 1;
	h->store_id = get_le64(block + 16);
	h->number = get_le64(block + 24);
	h->size = get_le64(block + 32);
	h->base_version = get_le64(block + 40);
	h->prev_number = get_le64(block + 48);
	h->prev_end = get_le64(block + 56);
	h->started_ms = get_le64(block + 64);
	h->base_term = h->compacted ? 0 : get_le64(block + 72);
	h->committed = h->compacted ? get_le64(block + 72) : 0;
	return *format_version == FORMAT_VERSION;
}

void segment_seal_encode(char *block, const struct segment_seal *s,
			 uint64_t seed)
{
	memset(block, 0, SEGMENT_BLOCK);
	memcpy(block, seal_magic, sizeof(seal_magic));
	put_le64(block + 8, s->end);
	put_le64(block + 16, s->records);
	put_le64(block + 24, s->sealed_ms);
	put_le64(block + SEAL_SUMMED,
		 XXH3_64bits_withSeed(block, SEAL_SUMMED, seed));
}

bool segment_seal_decode(const char *block, struct segment_seal *s,
			 uint64_t seed)
{
	if (memcmp(block, seal_magic, sizeof(seal_magic)) != 0 ||
	    get_le64(block + SEAL_SUMMED) !=
		    XXH3_64bits_withSeed(block, SEAL_SUMMED, seed))
		return false;
	s->end = get_le64(block + 8);
	s->records = get_le64(block + 16);
	s->sealed_ms = get_le64(block + 24);
	return true;
}

uint64_t segment_seed(uint64_t store_id, uint64_t number)
{
	char bytes[16];

	put_le64(bytes, store_id);
	put_le64(bytes + 8, number);
	return XXH3_64bits(bytes, sizeof(bytes));
}

void record_encode(char *at, const struct record *r)
{
	put_le32(at + 12, r->length);
	put_le64(at + 16, r->version);
	put_le64(at + 24, r->term);
	put_le32(at + 36, r->count);
}

static uint64_t record_sum(const char *at, uint32_t length, uint64_t seed)
{
	return XXH3_64bits_withSeed(at + 8, RECORD_HEADER - 8 + length, seed);
}

void record_seal(char *at, uint64_t seed, uint64_t synced)
{
	put_le32(at + 8, record_magic(seed));
	put_le32(at + 32, (uint32_t)(synced / RECORD_ALIGN));
	put_le64(at, record_sum(at, get_le32(at + 12), seed));
}

bool record_decode(const char *at, uint64_t room, uint64_t seed, bool verify,
		   struct record *r)
{
	if (room < RECORD_HEADER || get_le32(at + 8) != record_magic(seed))
		return false;
	r->length = get_le32(at + 12);
	if (r->length > room - RECORD_HEADER || r->length % RECORD_ALIGN != 0)
		return false;
	if (verify && get_le64(at) != record_sum(at, r->length, seed))
		return false;
	r->version = get_le64(at + 16);
	r->term = get_le64(at + 24);
	r->synced = (uint64_t)get_le32(at + 32) * RECORD_ALIGN;
	r->count = get_le32(at + 36);
	return true;
}

size_t item_size(const struct stored_item *item)
{
	size_t n = item_header_size(item->flags) + item->key.len;

	if (item->key.len > KV_KEY_MAX || item->value.len > KV_VALUE_MAX)
		return 0;
	n += item->value.len;
	return (n + RECORD_ALIGN - 1) & ~(size_t)(RECORD_ALIGN - 1);
}

void item_encode(char *at, const struct stored_item *item)
{
	char *p = at;

	put_le32(p, (uint32_t)item->value.len);
	put_le32(p + 4, (uint32_t)item->key.len | item->flags << 24);
	p += 8;
	if (!(item->flags & ITEM_FIRST)) {
		put_le64(p, item->version);
		p += 8;
	}
	if (item->flags & ITEM_TTL) {
		put_le64(p, item->expires_ms);
		p += 8;
	}
	memcpy(p, item->key.data, item->key.len);
	p += item->key.len;
	if (item->value.len != 0)
		memcpy(p, item->value.data, item->value.len);
	p += item->value.len;
	while ((p - at) % RECORD_ALIGN != 0)
		*p++ = 0;
}

bool item_decode_apart(const char *at, uint64_t room, struct stored_item *item)
{
	uint32_t klen;
	size_t head;

	if (room < 8)
		return false;
	klen = get_le32(at + 4);
	item->flags = klen >> 24;
	klen &= 0xffffff;
	head = item_header_size(item->flags);
	item->value.len = get_le32(at);
	if (klen == 0 || klen > KV_KEY_MAX || item->value.len > KV_VALUE_MAX ||
	    head + klen + item->value.len > room)
		return false;
	item->version = item->flags & ITEM_FIRST ? 0 : get_le64(at + 8);
	item->expires_ms = item->flags & ITEM_TTL ? get_le64(at + head - 8) : 0;
	item->key = slice_of(at + head, klen);
	item->value.data = at + head + klen;
	item->size =
		(uint32_t)((head + klen + item->value.len + RECORD_ALIGN - 1) &
			   ~(size_t)(RECORD_ALIGN - 1));
	return item->size <= room;
}

bool item_decode(const char *at, uint64_t room, struct stored_item *item)
{
	if (!item_decode_apart(at, room, item))
		return false;
	if (item->flags & ITEM_FIRST)
		item->version = get_le64(at - 24);
	return true;
}

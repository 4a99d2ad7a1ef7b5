/*
 * log_read.c - entries on their way between nodes.
 *
 * What is read from a segment is verified first: what has rotted must not be
 * sent on, to get a fresh checksum elsewhere. What comes in is checked to be
 * items, one after the other, that fill the entry.
 */
#include "store/log.h"

#include "store/store_log.h"

#define ENTRY_HEADER 16u

/* Where reading stands. */
struct place {
	size_t part;
	uint64_t at;
	uint64_t index;
};

static int missing(uint64_t index)
{
	return err_set(KV_ENOTFOUND, "entry %llu is not in the log",
		       (unsigned long long)index);
}

static int damaged(const struct segment *seg, uint64_t at)
{
	return err_set(KV_EDAMAGED,
		       "segment %llu is damaged at offset %llu: no valid "
		       "record",
		       (unsigned long long)seg->header.number,
		       (unsigned long long)at);
}

/* The record at the place, whose header is checked if it comes from disk, and
 * all of it with `verify`; *length is that of its items. */
static int record_at(const struct store *s, const struct place *p, bool verify,
		     const char **record, uint64_t *length)
{
	const struct segment *seg = s->log->parts[p->part]->seg;
	struct record rec;
	uint64_t room;

	*record = log_record(s, seg, p->at, &room);
	*length = get_le32(*record + 12);
	if (p->at < seg->durable &&
	    (!record_decode(*record, room, seg->seed, verify, &rec) ||
	     rec.version != p->index))
		return damaged(seg, p->at);
	return 0;
}

/* To the next entry, which must be there. */
static void step(const struct store *s, struct place *p, uint64_t length)
{
	const struct log_part *part = s->log->parts[p->part];

	if (p->index++ < part->last) {
		p->at += RECORD_HEADER + length;
		return;
	}
	p->part++;
	p->at = SEGMENT_RECORDS_AT;
}

static size_t part_number(const struct store_log *log, uint64_t index)
{
	size_t low = 0, high = log->nparts - 1;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (index > log->parts[mid]->last)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

/* Finds an entry that is in the log: where the last reading ended, or from a
 * mark. */
static int seek(struct store *s, uint64_t index, struct place *p)
{
	struct store_log *log = s->log;
	const struct log_part *part;
	struct log_mark mark;
	const char *record;
	uint64_t length;
	int r = 0;

	p->part = part_number(log, index);
	part = log->parts[p->part];
	mark = log_part_mark(part, index);
	for (size_t i = 0; i < LOG_READERS; i++)
		if (log->readers[i].index == index &&
		    log->readers[i].seg == part->seg)
			mark = (struct log_mark){index, log->readers[i].at};
	p->at = mark.at;
	p->index = mark.index;
	while (r == 0 && p->index < index) {
		r = record_at(s, p, false, &record, &length);
		step(s, p, length);
	}
	return r;
}

/* Remembers where the next reading will probably begin. */
static void leave(struct store *s, const struct place *p, uint64_t from)
{
	struct store_log *log = s->log;
	struct log_reader *reader = &log->readers[log->next_reader];

	for (size_t i = 0; i < LOG_READERS; i++)
		if (log->readers[i].index == from)
			reader = &log->readers[i];
	if (reader == &log->readers[log->next_reader])
		log->next_reader = (log->next_reader + 1) % LOG_READERS;
	*reader = (struct log_reader){
		.seg = log->parts[p->part]->seg,
		.index = p->index,
		.at = p->at,
	};
}

void log_forget_readers(struct store_log *log)
{
	memset(log->readers, 0, sizeof(log->readers));
}

static bool in_log(const struct store *s, uint64_t index)
{
	return index >= store_log_first(s) && index <= s->appended;
}

/* Appends one entry to `out`. */
static int write_entry(struct buf *out, const char *record, uint64_t length)
{
	char *to = buf_reserve(out, ENTRY_HEADER + length);

	if (to == NULL)
		return err_set(KV_ENOMEM, "no memory to send entries");
	memcpy(to, record + 24, 8);
	memcpy(to + 8, record + 12, 4);
	memcpy(to + 12, record + 36, 4);
	memcpy(to + ENTRY_HEADER, record + RECORD_HEADER, length);
	buf_advance(out, ENTRY_HEADER + length);
	return 0;
}

int store_log_read(struct store *s, uint64_t from, uint64_t to, size_t max,
		   struct buf *out, uint64_t *last)
{
	size_t before = out->len;
	bool failed = out->failed;
	const char *record;
	uint64_t length;
	struct place p;
	int r;

	if (!in_log(s, from) || !in_log(s, to) || to < from)
		return missing(in_log(s, from) ? to : from);
	r = seek(s, from, &p);
	while (r == 0) {
		r = record_at(s, &p, true, &record, &length);
		if (r == 0 && p.index != from &&
		    out->len - before + ENTRY_HEADER + length > max)
			break;
		if (r == 0)
			r = write_entry(out, record, length);
		if (r != 0)
			break;
		*last = p.index;
		if (p.index == to)
			break;
		step(s, &p, length);
	}
	if (r != 0) {
		out->len = before;
		out->failed = failed;
		return r;
	}
	if (p.index < s->appended && p.index == *last)
		step(s, &p, length);
	if (p.index > *last)
		leave(s, &p, from);
	return 0;
}

uint64_t store_log_fit(struct store *s, uint64_t from, uint64_t to, size_t max)
{
	uint64_t fits = from, length;
	const char *record;
	struct place p;
	size_t sum = 0;

	if (!in_log(s, from) || !in_log(s, to) || seek(s, from, &p) != 0)
		return from;
	while (record_at(s, &p, false, &record, &length) == 0) {
		sum += ENTRY_HEADER + length;
		if (sum > max)
			break;
		fits = p.index;
		if (fits >= to)
			break;
		step(s, &p, length);
	}
	return fits;
}

/* Whether the items fill the entry; the version that those with one have. */
static bool items_valid(struct store_log_entry *entry)
{
	const char *at = entry->items.data;
	size_t left = entry->items.len;

	for (uint32_t i = 0; i < entry->count; i++) {
		struct stored_item item;
		unsigned known = ITEM_FIRST | ITEM_TTL | ITEM_TOMBSTONE;

		if (left < 8 || !item_decode_apart(at, left, &item) ||
		    (item.flags & ITEM_FIRST) != (i == 0 ? ITEM_FIRST : 0) ||
		    (item.flags & ~known) != 0)
			return false;
		if (i == 1)
			entry->version = item.version;
		if (i > 1 && item.version != entry->version)
			return false;
		at += item.size;
		left -= item.size;
	}
	return left == 0;
}

int store_log_entry_next(struct slice *bytes, struct store_log_entry *entry)
{
	uint32_t length;

	if (bytes->len < ENTRY_HEADER)
		return err_set(KV_EDATA, "an entry is cut off");
	length = get_le32(bytes->data + 8);
	if (length > bytes->len - ENTRY_HEADER ||
	    length > RECORD_LENGTH_MAX - RECORD_HEADER ||
	    length % RECORD_ALIGN != 0)
		return err_set(KV_EDATA, "an entry is cut off");
	*entry = (struct store_log_entry){
		.term = get_le64(bytes->data),
		.items = slice_of(bytes->data + ENTRY_HEADER, length),
		.count = get_le32(bytes->data + 12),
	};
	if (!items_valid(entry))
		return err_set(KV_EDATA, "an entry is not made of items");
	bytes->data += ENTRY_HEADER + length;
	bytes->len -= ENTRY_HEADER + length;
	return 0;
}

bool store_log_entry_get(const struct store_log_entry *entry, struct slice key,
			 struct slice *value)
{
	const char *at = entry->items.data;
	size_t left = entry->items.len;
	bool found = false;

	for (uint32_t i = 0; i < entry->count; i++) {
		struct stored_item item;

		/* It was checked when it came. */
		(void)item_decode_apart(at, left, &item);
		if (slice_eq(item.key, key)) {
			found = !(item.flags & ITEM_TOMBSTONE);
			*value = item.value;
		}
		at += item.size;
		left -= item.size;
	}
	return found;
}

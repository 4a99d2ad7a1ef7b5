/*
 * log_part.h - where the entries of one segment of a replicated log lie, and
 * what terms they have.
 *
 * A sparse directory: the place of one entry in many, from which the next ones
 * are found by reading record headers, and the entries at which the term
 * changes. An entry's index is the version of its record.
 */
#ifndef STORE_LOG_PART_H
#define STORE_LOG_PART_H

#include "base/fs.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct segment;

struct log_mark {
	uint64_t index;
	uint64_t at; /* offset of its record in the segment */
};

struct log_span {
	uint64_t first;
	uint64_t term;
};

struct log_part {
	struct segment *seg;
	uint64_t first, last; /* last = first - 1: no entry yet */
	struct log_mark *marks;
	size_t nmarks, marks_cap;
	struct log_span *spans;
	size_t nspans, spans_cap;
};

/* NULL: out of memory. */
struct log_part *log_part_new(struct segment *seg);
void log_part_free(struct log_part *p); /* NULL is allowed */

/* Room for one entry more: the next log_part_add() will not fail. */
MUST_CHECK int log_part_reserve(struct log_part *p);
void log_part_add(struct log_part *p, uint64_t at, uint64_t term);
/* Keeps the entries up to `last`. */
void log_part_cut(struct log_part *p, uint64_t last);

/* The last mark at or before the entry, which is in the part. */
struct log_mark log_part_mark(const struct log_part *p, uint64_t index);
uint64_t log_part_term(const struct log_part *p, uint64_t index);

#endif

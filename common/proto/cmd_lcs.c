/*
 * cmd_lcs.c - the longest common subsequence of two values.
 *
 * The textbook's table of lengths is quadratic. The lengths themselves are
 * needed for two rows at a time only; for the way back one bit of each cell is
 * enough: which neighbour is longer. That is a 32nd of the whole table.
 */
#include "proto/command.h"
#include "proto/resp_number.h"

#include <stdlib.h>

/* Cells of the table: what Redis takes with its defaults. It is half a second
 * of work, during which nobody else is served. */
#define CELLS_MAX (UINT64_C(1) << 27)

struct lcs {
	struct slice a, b;
	uint32_t *row, *above; /* lengths, b.len + 1 each */
	uint8_t *up;	       /* a bit a cell: the way back goes up */
	size_t len;
};

struct match {
	size_t a_from, a_to, b_from, b_to; /* both ends belong to it */
};

struct options {
	bool len, idx, with_len;
	int64_t min_len;
};

static bool read_options(struct call *c, struct options *o)
{
	*o = (struct options){0};
	for (size_t i = 3; i < c->argc; i++) {
		if (word_is(c->argv[i], "idx")) {
			o->idx = true;
		} else if (word_is(c->argv[i], "len")) {
			o->len = true;
		} else if (word_is(c->argv[i], "withmatchlen")) {
			o->with_len = true;
		} else if (word_is(c->argv[i], "minmatchlen") &&
			   i + 1 < c->argc) {
			if (!call_int(c, ++i, &o->min_len))
				return false;
		} else {
			call_syntax_error(c);
			return false;
		}
	}
	if (o->idx && o->len) {
		resp_error(c->out, "ERR If you want both the length and "
				   "indexes, please just use IDX.");
		return false;
	}
	if (o->min_len < 0)
		o->min_len = 0;
	return true;
}

static size_t cell(const struct lcs *l, size_t i, size_t j)
{
	return (i - 1) * l->b.len + (j - 1);
}

static void fill(struct lcs *l)
{
	for (size_t i = 1; i <= l->a.len; i++) {
		uint32_t *done = l->above;

		l->above = l->row;
		l->row = done;
		for (size_t j = 1; j <= l->b.len; j++) {
			uint32_t up = l->above[j], left = l->row[j - 1];

			if (l->a.data[i - 1] == l->b.data[j - 1]) {
				l->row[j] = l->above[j - 1] + 1;
				continue;
			}
			l->row[j] = up > left ? up : left;
			if (l->up != NULL && up > left)
				l->up[cell(l, i, j) / 8] |=
					(uint8_t)(1u << cell(l, i, j) % 8);
		}
	}
	l->len = l->row[l->b.len];
}

static void write_pair(struct buf *out, size_t from, size_t to)
{
	resp_array(out, 2);
	resp_integer(out, (int64_t)from);
	resp_integer(out, (int64_t)to);
}

/* Appends the match if it is long enough; returns how many that are. */
static size_t write_match(struct buf *out, const struct match *m,
			  const struct options *o)
{
	size_t len = m->a_to - m->a_from + 1;

	if ((uint64_t)o->min_len > len)
		return 0;
	resp_array(out, o->with_len ? 3 : 2);
	write_pair(out, m->a_from, m->a_to);
	write_pair(out, m->b_from, m->b_to);
	if (o->with_len)
		resp_integer(out, (int64_t)len);
	return 1;
}

/* Walks back through the table: the common bytes to `bytes`, last first, and
 * the matches to `matches`. Returns how many matches that are. */
static size_t walk_back(const struct lcs *l, char *bytes, struct buf *matches,
			const struct options *o)
{
	size_t i = l->a.len, j = l->b.len, left = l->len, count = 0;
	struct match m = {0};
	bool open = false;

	while (i > 0 && j > 0) {
		if (l->a.data[i - 1] == l->b.data[j - 1]) {
			if (!open)
				m = (struct match){.a_to = i - 1,
						   .b_to = j - 1};
			open = true;
			m.a_from = --i;
			m.b_from = --j;
			bytes[--left] = l->a.data[i];
			if (i != 0 && j != 0)
				continue;
		} else if (l->up[cell(l, i, j) / 8] >> cell(l, i, j) % 8 & 1) {
			i--;
		} else {
			j--;
		}
		if (open)
			count += write_match(matches, &m, o);
		open = false;
	}
	return count;
}

static void write_result(struct call *c, struct lcs *l, const struct options *o)
{
	struct buf matches = {0};
	char *bytes = call_alloc(c, l->len);
	size_t count;

	if (bytes == NULL)
		return;
	count = walk_back(l, bytes, &matches, o);
	if (!o->idx) {
		resp_bulk(c->out, slice_of(bytes, l->len));
	} else {
		resp_map(c->out, 2, c->resp3);
		resp_bulk_str(c->out, "matches");
		resp_array(c->out, count);
		buf_append_slice(c->out, buf_slice(&matches));
		resp_bulk_str(c->out, "len");
		resp_integer(c->out, (int64_t)l->len);
	}
	c->out->failed |= buf_failed(&matches);
	buf_release(&matches);
}

void cmd_lcs(struct call *c)
{
	struct item a = {0}, b = {0};
	struct options o;
	struct lcs l;
	uint64_t cells;

	call_get(c, c->argv[1], &a);
	call_get(c, c->argv[2], &b);
	if (!read_options(c, &o))
		return;
	l = (struct lcs){.a = a.value, .b = b.value};
	cells = (uint64_t)(l.a.len + 1) * (l.b.len + 1);
	if (cells > CELLS_MAX) {
		resp_error(c->out, "ERR Insufficient memory, transient memory "
				   "for LCS exceeds proto-max-bulk-len");
		return;
	}
	l.row = calloc(l.b.len + 1, sizeof(*l.row));
	l.above = calloc(l.b.len + 1, sizeof(*l.above));
	if (!o.len)
		l.up = calloc(cells / 8 + 1, 1);
	if (l.row == NULL || l.above == NULL || (!o.len && l.up == NULL)) {
		resp_error(c->out, "ERR Insufficient memory, failed allocating "
				   "transient memory for LCS");
	} else {
		fill(&l);
		if (o.len)
			resp_integer(c->out, (int64_t)l.len);
		else
			write_result(c, &l, &o);
	}
	free(l.row);
	free(l.above);
	free(l.up);
}

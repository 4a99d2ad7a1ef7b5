/*
 * range.c - stepping through the keys of a range, in either direction.
 */
#include "store/store_internal.h"

/* The first key after all those that begin with prefix, into b; false if there
 * is none (the prefix is empty or all 0xff). */
static bool prefix_end(struct slice prefix, struct buf *b)
{
	size_t len = prefix.len;

	while (len > 0 && (unsigned char)prefix.data[len - 1] == 0xff)
		len--;
	buf_clear(b);
	if (len == 0)
		return false;
	buf_append(b, prefix.data, len);
	if (!buf_failed(b))
		b->data[len - 1]++;
	return !buf_failed(b);
}

static bool in_range(const struct range *range, struct slice key)
{
	return slice_has_prefix(key, range->prefix) &&
	       (range->from.len == 0 || slice_cmp(key, range->from) >= 0) &&
	       (range->to.len == 0 || slice_cmp(key, range->to) < 0);
}

/* The key of the current entry into w->key. */
static bool read_key(struct range_walk *w)
{
	index_cursor_key(&w->cursor, &w->key);
	w->failed = w->failed || buf_failed(&w->key);
	return !w->failed;
}

/* Whether the walk is still inside; if so, w->key is the key. */
static bool settle(struct range_walk *w)
{
	return !w->failed && w->cursor.valid && read_key(w) &&
	       in_range(w->range, buf_slice(&w->key));
}

static struct slice greater(struct slice a, struct slice b)
{
	return slice_cmp(a, b) >= 0 ? a : b;
}

static void seek_forward(struct store *s, struct range_walk *w,
			 struct slice after)
{
	struct slice start = greater(w->range->prefix, w->range->from);

	index_seek(s->index, greater(start, after), &w->cursor);
	if (w->cursor.valid && after.len != 0 && read_key(w) &&
	    slice_eq(buf_slice(&w->key), after))
		index_next(&w->cursor);
}

static void seek_backward(struct store *s, struct range_walk *w,
			  struct slice after)
{
	struct slice end = w->range->to;

	if (prefix_end(w->range->prefix, &w->key) &&
	    (end.len == 0 || slice_cmp(buf_slice(&w->key), end) < 0))
		end = buf_slice(&w->key);
	w->failed = buf_failed(&w->key);
	if (after.len != 0 && (end.len == 0 || slice_cmp(after, end) < 0))
		end = after;
	index_seek_before(s->index, end, &w->cursor);
}

bool range_first(struct store *s, struct range_walk *w,
		 const struct range *range, struct slice after)
{
	*w = (struct range_walk){.range = range};
	if (range->reverse)
		seek_backward(s, w, after);
	else
		seek_forward(s, w, after);
	return settle(w);
}

bool range_next(struct range_walk *w)
{
	if (w->range->reverse)
		index_prev(&w->cursor);
	else
		index_next(&w->cursor);
	return settle(w);
}

void range_end(struct range_walk *w)
{
	buf_release(&w->key);
}

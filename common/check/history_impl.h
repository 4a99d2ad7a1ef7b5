/*
 * history_impl.h - the inside of a history; only history*.c includes it.
 */
#ifndef CHECK_HISTORY_IMPL_H
#define CHECK_HISTORY_IMPL_H

#include "check/history.h"
#include "check/register.h"

/* One operation on one key. Values are numbers of h->values; 0: missing. */
struct history_event {
	uint64_t invoke, ret;
	uint64_t client;
	uint32_t value, expect;
	uint8_t kind, result, found;
	bool in_bulk;
};

struct history_key {
	struct slice name;
	struct history_event *events;
	size_t n, cap;
};

/* Bytes -> number, from 1, in the order of coming. */
struct history_intern {
	struct slice *v; /* v[number - 1] */
	size_t n, cap;
	uint32_t *table; /* numbers; 0: free */
	size_t slots;
};

struct history {
	struct history_intern names, values;
	struct history_key *keys; /* keys[number - 1] */
	size_t cap_keys;
	uint64_t count;
};

/* What the event demands and writes; false: it says nothing. */
bool history_reduce(const struct history_event *e, struct register_op *op);

/* Appends a table of these events and what is wrong with them. */
void history_explain(const struct history *h, const struct history_key *key,
		     const size_t *kept, size_t nkept, struct buf *out);

#endif

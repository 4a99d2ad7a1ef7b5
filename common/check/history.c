/*
 * history.c - histories key by key: see history.h. Keys and values are turned
 * into numbers as they come; the search for an order is register.c's.
 */
#include "check/history_impl.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

/* ---- bytes to numbers ---- */

static bool intern_rehash(struct history_intern *in)
{
	size_t slots = in->slots ? in->slots * 2 : 1024;
	uint32_t *table = calloc(slots, sizeof(*table));

	if (table == NULL)
		return false;
	for (size_t i = 0; i < in->n; i++) {
		size_t at =
			XXH3_64bits(in->v[i].data, in->v[i].len) & (slots - 1);
		while (table[at] != 0)
			at = (at + 1) & (slots - 1);
		table[at] = (uint32_t)i + 1;
	}
	free(in->table);
	in->table = table;
	in->slots = slots;
	return true;
}

/* The number of these bytes, which get one if they have none; 0: no memory. */
static uint32_t intern(struct history_intern *in, struct slice s)
{
	size_t at;
	char *copy;

	if (in->n * 2 >= in->slots && !intern_rehash(in))
		return 0;
	for (at = XXH3_64bits(s.data, s.len) & (in->slots - 1);
	     in->table[at] != 0; at = (at + 1) & (in->slots - 1))
		if (slice_eq(in->v[in->table[at] - 1], s))
			return in->table[at];
	if (in->n == in->cap) {
		size_t cap = in->cap ? in->cap * 2 : 256;
		void *v = reallocarray(in->v, cap, sizeof(*in->v));
		if (v == NULL)
			return 0;
		in->v = v;
		in->cap = cap;
	}
	copy = malloc(s.len + 1);
	if (copy == NULL)
		return 0;
	if (s.len > 0)
		memcpy(copy, s.data, s.len);
	in->v[in->n++] = slice_of(copy, s.len);
	in->table[at] = (uint32_t)in->n;
	return (uint32_t)in->n;
}

static void intern_release(struct history_intern *in)
{
	for (size_t i = 0; i < in->n; i++)
		free((void *)(uintptr_t)in->v[i].data);
	free(in->v);
	free(in->table);
}

/* ---- adding ---- */

struct history *history_new(void)
{
	return calloc(1, sizeof(struct history));
}

void history_free(struct history *h)
{
	if (h == NULL)
		return;
	for (size_t i = 0; i < h->names.n; i++)
		free(h->keys[i].events);
	free(h->keys);
	intern_release(&h->names);
	intern_release(&h->values);
	free(h);
}

uint64_t history_count(const struct history *h)
{
	return h->count;
}

size_t history_keys(const struct history *h)
{
	return h->names.n;
}

static int check_sense(const struct history_op *op)
{
	if (op->ret < op->invoke)
		return err_set(KV_EDATA,
			       "an operation returns at %" PRIu64
			       ", before it is invoked at %" PRIu64,
			       op->ret, op->invoke);
	if (op->ret == HISTORY_NEVER &&
	    (op->result == HISTORY_OK || op->result == HISTORY_NO))
		return err_set(KV_EDATA, "an operation with result 'ok' or "
					 "'no' needs the time of its return");
	if (op->result == HISTORY_NO && op->kind != HISTORY_CAS)
		return err_set(KV_EDATA, "result 'no' is for 'cas' only");
	return 0;
}

/* The key's events, with room for one more; NULL: no memory. */
static struct history_key *key_for(struct history *h, struct slice name)
{
	size_t known = h->names.n;
	uint32_t number;
	struct history_key *key;

	if (known == h->cap_keys) {
		size_t cap = known ? known * 2 : 64;
		void *v = reallocarray(h->keys, cap, sizeof(*h->keys));
		if (v == NULL)
			return NULL;
		h->keys = v;
		h->cap_keys = cap;
	}
	number = intern(&h->names, name);
	if (number == 0)
		return NULL;
	key = &h->keys[number - 1];
	if (h->names.n > known)
		*key = (struct history_key){.name = h->names.v[number - 1]};
	if (key->n == key->cap) {
		size_t cap = key->cap ? key->cap * 2 : 16;
		void *v = reallocarray(key->events, cap, sizeof(*key->events));
		if (v == NULL)
			return NULL;
		key->events = v;
		key->cap = cap;
	}
	return key;
}

int history_add(struct history *h, const struct history_op *op)
{
	struct history_event e = {.invoke = op->invoke,
				  .ret = op->ret,
				  .client = op->client,
				  .kind = (uint8_t)op->kind,
				  .result = (uint8_t)op->result,
				  .found = (uint8_t)op->found,
				  .in_bulk = op->in_bulk};
	struct history_key *key;
	int r = check_sense(op);

	if (r != 0)
		return r;
	key = key_for(h, op->key);
	if (key == NULL)
		goto no_memory;
	if (op->value.data != NULL) {
		e.value = intern(&h->values, op->value);
		if (e.value == 0)
			goto no_memory;
	}
	if (op->expect.data != NULL) {
		e.expect = intern(&h->values, op->expect);
		if (e.expect == 0)
			goto no_memory;
	}
	key->events[key->n++] = e;
	h->count++;
	return 0;
no_memory:
	return err_set(KV_ENOMEM, "out of memory for the history");
}

/* ---- checking ---- */

static void reduce_delete(const struct history_event *e, struct register_op *op)
{
	op->write = 0;
	if (e->result == HISTORY_UNKNOWN || e->found == HISTORY_UNSAID)
		return;
	op->arg = 0;
	if (e->found == HISTORY_FOUND) {
		op->need = REGISTER_OTHER;
	} else {
		op->need = REGISTER_EQUAL;
		op->write = REGISTER_NO_WRITE;
	}
}

bool history_reduce(const struct history_event *e, struct register_op *op)
{
	*op = (struct register_op){.need = REGISTER_ANY,
				   .write = REGISTER_NO_WRITE,
				   .invoke = e->invoke,
				   .ret = e->ret,
				   .maybe = e->result == HISTORY_UNKNOWN};
	if (e->result == HISTORY_FAIL)
		return false;
	if (op->maybe)
		op->ret = REGISTER_NEVER;
	switch ((enum history_kind)e->kind) {
	case HISTORY_SET:
		op->write = e->value;
		return true;
	case HISTORY_DELETE:
		reduce_delete(e, op);
		return true;
	case HISTORY_GET:
		op->need = REGISTER_EQUAL;
		op->arg = e->value;
		return !op->maybe;
	case HISTORY_CAS:
		op->need = e->result == HISTORY_NO ? REGISTER_OTHER
						   : REGISTER_EQUAL;
		op->arg = e->expect;
		if (e->result != HISTORY_NO && e->value != e->expect)
			op->write = e->value;
		return op->write != REGISTER_NO_WRITE || !op->maybe;
	}
	return false;
}

/* Numbers the values of one key from 1 on, so that tables by value are as
 * small as the key's history. `seen` is by global number. */
static uint32_t renumber(struct register_op *ops, size_t n, uint32_t *seen,
			 uint32_t *used)
{
	uint32_t next = 1;

	for (size_t i = 0; i < n; i++) {
		uint32_t *const v[] = {&ops[i].arg, &ops[i].write};
		for (size_t j = 0; j < 2; j++) {
			if (*v[j] == 0 || *v[j] == REGISTER_NO_WRITE)
				continue;
			if (seen[*v[j]] == 0) {
				used[next - 1] = *v[j];
				seen[*v[j]] = next++;
			}
			*v[j] = seen[*v[j]];
		}
	}
	for (uint32_t i = 0; i + 1 < next; i++)
		seen[used[i]] = 0;
	return next;
}

/* A key's events as the search wants them; ops[i] is of events[from[i]]. */
struct reduced {
	struct register_op *ops;
	size_t *from;
	size_t n;
	uint32_t values;
};

static void reduced_release(struct reduced *red)
{
	free(red->ops);
	free(red->from);
}

static int reduce(const struct history_key *key, uint32_t *seen,
		  struct reduced *red)
{
	uint32_t *used = calloc(2 * key->n + 1, sizeof(*used));

	*red = (struct reduced){0};
	red->ops = calloc(key->n + 1, sizeof(*red->ops));
	red->from = calloc(key->n + 1, sizeof(*red->from));
	if (used == NULL || red->ops == NULL || red->from == NULL) {
		free(used);
		reduced_release(red);
		return err_set(KV_ENOMEM, "out of memory for the check");
	}
	for (size_t i = 0; i < key->n; i++) {
		red->from[red->n] = i;
		red->n += history_reduce(&key->events[i], &red->ops[red->n]);
	}
	red->values = renumber(red->ops, red->n, seen, used);
	free(used);
	return 0;
}

/* Keeps the report of the smallest violation met. */
static int report_violation(const struct history *h,
			    const struct history_key *key,
			    const struct reduced *red, uint64_t limit,
			    struct history_report *report)
{
	size_t *kept = calloc(red->n + 1, sizeof(*kept));
	size_t nkept;

	if (kept == NULL || !register_shrink(red->ops, red->n, red->values,
					     limit, kept, &nkept)) {
		free(kept);
		return err_set(KV_ENOMEM, "out of memory for the report");
	}
	if (report->operations == 0 || nkept < report->operations) {
		report->operations = nkept;
		for (size_t i = 0; i < nkept; i++)
			kept[i] = red->from[kept[i]];
		buf_clear(&report->text);
		history_explain(h, key, kept, nkept, &report->text);
	}
	free(kept);
	return 0;
}

/* Violating keys that are shrunk in the search for the smallest. */
#define SHRINK_KEYS_MAX 16

static int compare_events(const void *va, const void *vb)
{
	const struct history_event *a = va, *b = vb;

	if (a->invoke != b->invoke)
		return a->invoke < b->invoke ? -1 : 1;
	return a->ret < b->ret ? -1 : a->ret > b->ret;
}

static int check_key(const struct history *h, const struct history_key *key,
		     uint64_t limit, uint32_t *seen,
		     struct history_report *report)
{
	enum register_verdict verdict;
	struct reduced red;
	int r;

	/* In the order of time for the report; the search needs none. */
	qsort(key->events, key->n, sizeof(*key->events), compare_events);
	r = reduce(key, seen, &red);
	if (r != 0)
		return r;
	verdict = register_check(red.ops, red.n, red.values, limit);
	if (verdict == REGISTER_UNDECIDED)
		report->undecided++;
	if (verdict == REGISTER_VIOLATED &&
	    report->violated++ < SHRINK_KEYS_MAX)
		r = report_violation(h, key, &red, limit, report);
	reduced_release(&red);
	return r;
}

int history_check(struct history *h, uint64_t limit,
		  struct history_report *report)
{
	uint32_t *seen = calloc(h->values.n + 1, sizeof(*seen));
	int r = 0;

	*report = (struct history_report){.keys = h->names.n};
	if (seen == NULL)
		return err_set(KV_ENOMEM, "out of memory for the check");
	if (limit == 0)
		limit = HISTORY_LIMIT;
	for (size_t i = 0; r == 0 && i < h->names.n; i++)
		r = check_key(h, &h->keys[i], limit, seen, report);
	free(seen);
	if (report->violated > 0)
		report->verdict = HISTORY_VIOLATION;
	else if (report->undecided > 0)
		report->verdict = HISTORY_UNDECIDED;
	if (r == 0 && buf_failed(&report->text))
		r = err_set(KV_ENOMEM, "out of memory for the report");
	return r;
}

void history_report_release(struct history_report *report)
{
	buf_release(&report->text);
}

/*
 * history.h - what clients of a store saw, and whether a store that does one
 * thing at a time could have shown it to them (linearizability).
 *
 * A history is a text of one JSON object a line:
 *
 *   {"client":1,"op":"set","key":"k","value":"v",
 *    "invoke":10,"return":25,"result":"ok"}
 *
 *   op      set: value, or null for a delete
 *           delete: "found" (optional) says whether there was something
 *           get: value is what came back, null for a missing key
 *           cas: writes value if the key held "expect" (either may be null)
 *           bulk: "items":[["k","v"],["k2",null]], all or none of them
 *   key     or key64; value or value64, expect or expect64 (base64); in items
 *           objects of these instead of pairs
 *   invoke  nanoseconds since the recording began, below 2^53; return as well,
 *           null or absent where no answer came
 *   result  ok
 *           no: cas only, the key did not hold "expect"
 *           fail: it did not happen and never will
 *           unknown: it may have happened at any time since invoke, or may yet
 *   client  a number, for the report only; other fields are passed over
 *
 * What is checked: for each key by itself, whether its operations have an order
 * in which each sees what the one before it left (at first every key is
 * missing), and which keeps every operation that returned before another one
 * was invoked in front of that. Keys are registers, and a history of registers
 * is linearizable if each register's is, so for the single-key operations this
 * decides the whole. A bulk counts as one write to each of its keys, with the
 * same times: that each key's history allows it is necessary, not sufficient;
 * that readers see all of a bulk or none of it is not decided here.
 *
 * Threads: one at a time. Errors: 0 or KV_E... with err_text() set.
 */
#ifndef CHECK_HISTORY_H
#define CHECK_HISTORY_H

#include "base/buf.h"
#include "base/err.h"
#include "base/slice.h"

#include <stdint.h>

enum history_kind {
	HISTORY_SET,
	HISTORY_DELETE,
	HISTORY_GET,
	HISTORY_CAS,
};

enum history_result {
	HISTORY_OK,
	HISTORY_NO,
	HISTORY_FAIL,
	HISTORY_UNKNOWN,
};

enum history_found {
	HISTORY_UNSAID,
	HISTORY_FOUND,
	HISTORY_ABSENT,
};

#define HISTORY_NEVER UINT64_MAX

/* A value; data NULL: missing. */
struct history_op {
	uint64_t client;
	enum history_kind kind;
	enum history_result result;
	enum history_found found; /* HISTORY_DELETE */
	bool in_bulk;
	struct slice key;
	struct slice value;  /* set, get, cas */
	struct slice expect; /* cas */
	uint64_t invoke;     /* ns */
	uint64_t ret;	     /* ns, or HISTORY_NEVER */
};

/* "missing" as a value; an empty value has data that is not NULL. */
static inline struct slice history_missing(void)
{
	return slice_of(NULL, 0);
}

struct history;

struct history *history_new(void);    /* NULL: out of memory */
void history_free(struct history *h); /* NULL is allowed */

/* Adds one operation; all bytes are copied. A bulk is added item by item.
 * KV_EDATA if it makes no sense (returned before invoked, a get without an
 * answer that is said to be ok), or KV_ENOMEM. */
int history_add(struct history *h, const struct history_op *op);

uint64_t history_count(const struct history *h); /* operations */
size_t history_keys(const struct history *h);

/* Reads one line, without its LF; blank lines are passed over. */
int history_read_line(struct history *h, struct slice line);

/* Appends the operation as such a line with its LF. */
void history_write_line(struct buf *out, const struct history_op *op);
/* The same for a bulk: `items` differ in key and value only. */
void history_write_bulk(struct buf *out, const struct history_op *items,
			size_t n);

enum history_verdict {
	HISTORY_LINEARIZABLE,
	HISTORY_VIOLATION,
	HISTORY_UNDECIDED,
};

/* Configurations looked at, per key, unless said otherwise. */
#define HISTORY_LIMIT 5000000u

struct history_report {
	enum history_verdict verdict;
	size_t keys;	  /* checked */
	size_t violated;  /* of them */
	size_t undecided; /* of them, within the limit */
	/* With a violation: of the smallest violating part that was found. It
	 * cannot be made smaller by leaving out a read or all operations on a
	 * value. */
	size_t operations;
	struct buf text; /* a table of them, for people */
};

/* Fills *report; release it whatever the result. limit 0: HISTORY_LIMIT. */
int history_check(struct history *h, uint64_t limit,
		  struct history_report *report);
void history_report_release(struct history_report *report);

#endif

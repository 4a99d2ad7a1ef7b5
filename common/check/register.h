/*
 * register.h - whether the operations on one key can be put into one order.
 *
 * Each operation is reduced to what it demands of the value it meets and what
 * it leaves behind, both as small numbers: 0 is "missing", which is also what
 * a key begins as. So a set demands nothing and writes; a get demands one
 * value; a compare-and-set demands and writes.
 */
#ifndef CHECK_REGISTER_H
#define CHECK_REGISTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum register_need {
	REGISTER_ANY,	/* whatever was there */
	REGISTER_EQUAL, /* it was `arg` */
	REGISTER_OTHER, /* it was not `arg` */
};

#define REGISTER_NO_WRITE UINT32_MAX
#define REGISTER_NEVER UINT64_MAX

struct register_op {
	enum register_need need;
	uint32_t arg;
	uint32_t write;	 /* or REGISTER_NO_WRITE */
	uint64_t invoke; /* any unit; invoke <= ret */
	uint64_t ret;	 /* REGISTER_NEVER: no answer */
	/* It may have happened at any time after invoke, or never. */
	bool maybe;
};

enum register_verdict {
	REGISTER_LINEARIZABLE,
	REGISTER_VIOLATED,
	REGISTER_UNDECIDED, /* the limit came first, or memory ran out */
};

/*
 * Is there an order of these operations (all, save those that only may have
 * happened) in which each finds what it demands, and in which a is before b
 * whenever a returned before b was invoked?
 *
 * Looks at no more than `limit` configurations, 16 to 32 bytes each. Values
 * are below `values`. Needs no order of `ops`.
 */
enum register_verdict register_check(const struct register_op *ops, size_t n,
				     uint32_t values, uint64_t limit);

/*
 * A small part of a violated history that is violated as well: fills `kept`
 * (room for n) with the indices, ascending. Nothing is left out whose absence
 * could make a violation of its own: only what came after the violation was
 * complete, single operations that look, and all operations on one value
 * together. false: out of memory.
 */
bool register_shrink(const struct register_op *ops, size_t n, uint32_t values,
		     uint64_t limit, size_t *kept, size_t *nkept);

#endif

/*
 * register.c - the search for an order: see register.h.
 *
 * The search of Wing & Gong ("Testing and verifying concurrent objects", 1993)
 * on Lowe's linked list of calls and returns ("Testing for linearizability",
 * 2017): take an operation that was called before the first return still in
 * the list, apply it, lift it out, go on; go back when nothing fits. A table
 * of the configurations met (which operations are lifted, and the value) ends
 * branches that were tried already. It holds 128-bit hashes, not bitsets, so
 * that a configuration costs 16 bytes however long the history; two different
 * ones share a hash with probability 2^-128 a pair.
 *
 * That a key is a register allows three rules that leave correct histories
 * almost nothing to search:
 *
 *  - What only looks (a get) is lifted as soon as it fits: it changes nothing,
 *    so taking it early never hurts.
 *  - A write whose value nobody looks at any more can stand right before any
 *    other blind write: it is lifted along with that, never branched on.
 *  - A value that is still to be seen and that nobody will write again must
 *    not be left.
 *
 * The last two hold only while nobody asks for "any other value" (the second)
 * and are counted exactly: how many remaining operations look for, and write,
 * each value.
 */
#include "check/register.h"

#include "base/random.h"

#include <stdlib.h>
#include <string.h>

#define NONE UINT32_MAX
/* The move that lifts unseen writes only. */
#define BLIND_ONLY (UINT32_MAX - 1)

/* Calls are entries 2i, returns 2i + 1; entry 2n is the head and the end. */
struct entry {
	uint32_t prev, next;
};

struct frame {
	uint32_t mark;	/* length of the trail before the move */
	uint32_t state; /* and the value */
	uint32_t move;	/* an operation, or BLIND_ONLY */
};

struct seen {
	uint64_t a, b;
};

struct search {
	const struct register_op *ops;
	uint32_t n;
	uint32_t left; /* operations that must still be lifted */
	struct entry *list;
	uint32_t *trail; /* lifted, in order */
	uint32_t ntrail;
	struct frame *frames;
	uint32_t nframes;
	uint32_t *lookers; /* by value: remaining that need it EQUAL */
	uint32_t *must;	   /* of those, the ones that did happen */
	uint32_t *writers; /* by value: remaining that write it */
	uint32_t others;   /* remaining that need OTHER */
	uint32_t state;
	struct seen hash; /* of the set of lifted operations */
	struct seen *table;
	uint64_t nseen, cap; /* cap is a power of two */
	uint64_t limit;
};

static uint64_t mix(uint64_t z)
{
	return random_mix(z + RANDOM_STEP);
}

/* ---- lifting ---- */

static void count(struct search *s, uint32_t i, uint32_t by)
{
	const struct register_op *op = &s->ops[i];

	if (op->need == REGISTER_EQUAL) {
		s->lookers[op->arg] += by;
		if (!op->maybe)
			s->must[op->arg] += by;
	} else if (op->need == REGISTER_OTHER) {
		s->others += by;
	}
	if (op->write != REGISTER_NO_WRITE)
		s->writers[op->write] += by;
	if (!op->maybe)
		s->left += by;
	s->hash.a ^= mix(2 * (uint64_t)i);
	s->hash.b ^= mix(2 * (uint64_t)i + 1);
}

static void unlink_entry(struct search *s, uint32_t e)
{
	s->list[s->list[e].prev].next = s->list[e].next;
	s->list[s->list[e].next].prev = s->list[e].prev;
}

static void relink_entry(struct search *s, uint32_t e)
{
	s->list[s->list[e].prev].next = e;
	s->list[s->list[e].next].prev = e;
}

static void lift(struct search *s, uint32_t i)
{
	unlink_entry(s, 2 * i);
	if (!s->ops[i].maybe)
		unlink_entry(s, 2 * i + 1);
	count(s, i, (uint32_t)-1);
	if (s->ops[i].write != REGISTER_NO_WRITE)
		s->state = s->ops[i].write;
	s->trail[s->ntrail++] = i;
}

/* Puts back what was lifted since the trail had this length. */
static void undo(struct search *s, uint32_t mark)
{
	while (s->ntrail > mark) {
		uint32_t i = s->trail[--s->ntrail];

		if (!s->ops[i].maybe)
			relink_entry(s, 2 * i + 1);
		relink_entry(s, 2 * i);
		count(s, i, 1);
	}
}

/* The call that follows entry e and may come first; NONE if there is none. */
static uint32_t next_call(const struct search *s, uint32_t e)
{
	e = s->list[e].next;
	return e == 2 * s->n || e % 2 == 1 ? NONE : e / 2;
}

static bool fits(const struct search *s, const struct register_op *op)
{
	if (op->need == REGISTER_EQUAL)
		return s->state == op->arg;
	if (op->need == REGISTER_OTHER)
		return s->state != op->arg;
	return true;
}

/* Lifts everything that only looks and fits. */
static void lift_lookers(struct search *s)
{
	uint32_t at = 2 * s->n, i;

	while ((i = next_call(s, at)) != NONE) {
		const struct register_op *op = &s->ops[i];
		if (op->write == REGISTER_NO_WRITE && fits(s, op)) {
			lift(s, i);
			at = 2 * s->n; /* a return may have gone */
		} else {
			at = 2 * i;
		}
	}
}

/* A write whose value nobody will ever look at. */
static bool is_unseen(const struct search *s, const struct register_op *op)
{
	return op->need == REGISTER_ANY && op->write != REGISTER_NO_WRITE &&
	       s->lookers[op->write] == 0 && s->others == 0;
}

/* Lifts the unseen writes that are at hand; returns how many. */
static uint32_t lift_unseen(struct search *s)
{
	uint32_t at = 2 * s->n, i, lifted = 0;

	while ((i = next_call(s, at)) != NONE) {
		at = 2 * i;
		if (!is_unseen(s, &s->ops[i]) || s->ops[i].maybe)
			continue;
		at = s->list[at].prev;
		lift(s, i);
		lifted++;
	}
	return lifted;
}

/* ---- configurations ---- */

static bool table_grow(struct search *s)
{
	uint64_t cap = s->cap ? s->cap * 2 : 1024;
	struct seen *table = calloc(cap, sizeof(*table));

	if (table == NULL)
		return false;
	for (uint64_t i = 0; i < s->cap; i++) {
		uint64_t at = s->table[i].a & (cap - 1);

		if (s->table[i].a == 0 && s->table[i].b == 0)
			continue;
		while (table[at].a != 0 || table[at].b != 0)
			at = (at + 1) & (cap - 1);
		table[at] = s->table[i];
	}
	free(s->table);
	s->table = table;
	s->cap = cap;
	return true;
}

enum { KNOWN, NEW, NO_ROOM };

static int remember(struct search *s)
{
	struct seen key = {s->hash.a ^ mix(~(uint64_t)s->state),
			   s->hash.b ^ mix(~(uint64_t)s->state << 20)};
	uint64_t at;

	if (s->nseen * 4 >= s->cap * 3 && !table_grow(s))
		return NO_ROOM;
	for (at = key.a & (s->cap - 1); s->table[at].a || s->table[at].b;
	     at = (at + 1) & (s->cap - 1))
		if (s->table[at].a == key.a && s->table[at].b == key.b)
			return KNOWN;
	if (s->nseen >= s->limit)
		return NO_ROOM;
	s->table[at] = key;
	s->nseen++;
	return NEW;
}

/* ---- the search ---- */

/* Leaving this value would leave somebody who must see it without a chance. */
static bool must_stay(const struct search *s, const struct register_op *op)
{
	uint32_t must = s->must[s->state];

	if (op != NULL && op->need == REGISTER_EQUAL && !op->maybe)
		must--; /* it fits, so it is one of them */
	return must > 0 && s->writers[s->state] == 0;
}

/* The next move after `move` (NONE: the first); NONE if all were tried. */
static uint32_t next_move(const struct search *s, uint32_t move)
{
	uint32_t at = move == NONE ? 2 * s->n : 2 * move, i;

	if (move == BLIND_ONLY)
		return NONE;
	while ((i = next_call(s, at)) != NONE) {
		const struct register_op *op = &s->ops[i];

		at = 2 * i;
		if (op->write != REGISTER_NO_WRITE && fits(s, op) &&
		    !is_unseen(s, op) &&
		    (op->write == s->state || !must_stay(s, op)))
			return i;
	}
	return must_stay(s, NULL) ? NONE : BLIND_ONLY;
}

/* Makes the move; KNOWN (and nothing is changed) if it leads nowhere new. */
static int try_move(struct search *s, uint32_t move)
{
	struct frame f = {s->ntrail, s->state, move};
	int r = NEW;

	if (move == BLIND_ONLY) {
		if (lift_unseen(s) == 0)
			r = KNOWN;
	} else {
		if (s->ops[move].need == REGISTER_ANY)
			lift_unseen(s);
		lift(s, move);
	}
	if (r == NEW) {
		lift_lookers(s);
		r = remember(s);
	}
	if (r == NEW) {
		s->frames[s->nframes++] = f;
	} else {
		undo(s, f.mark);
		s->state = f.state;
	}
	return r;
}

static enum register_verdict run(struct search *s)
{
	uint32_t move = NONE;

	lift_lookers(s);
	while (s->left > 0) {
		int r;

		move = next_move(s, move);
		if (move == NONE) {
			struct frame f;
			if (s->nframes == 0)
				return REGISTER_VIOLATED;
			f = s->frames[--s->nframes];
			undo(s, f.mark);
			s->state = f.state;
			move = f.move;
			continue;
		}
		r = try_move(s, move);
		if (r == NO_ROOM)
			return REGISTER_UNDECIDED;
		if (r == NEW)
			move = NONE;
	}
	return REGISTER_LINEARIZABLE;
}

/* ---- before it ---- */

struct event {
	uint64_t time;
	uint32_t entry;
};

/* At the same time calls come first: such operations overlap. */
static int compare_events(const void *va, const void *vb)
{
	const struct event *a = va, *b = vb;

	if (a->time != b->time)
		return a->time < b->time ? -1 : 1;
	if (a->entry % 2 != b->entry % 2)
		return a->entry % 2 == 0 ? -1 : 1;
	return a->entry < b->entry ? -1 : a->entry > b->entry;
}

static bool build_list(struct search *s)
{
	struct event *events = calloc(2 * (size_t)s->n + 1, sizeof(*events));
	uint32_t nevents = 0, at = 2 * s->n;

	if (events == NULL)
		return false;
	for (uint32_t i = 0; i < s->n; i++) {
		events[nevents++] = (struct event){s->ops[i].invoke, 2 * i};
		if (!s->ops[i].maybe)
			events[nevents++] =
				(struct event){s->ops[i].ret, 2 * i + 1};
	}
	qsort(events, nevents, sizeof(*events), compare_events);
	for (uint32_t i = 0; i < nevents; i++) {
		s->list[at].next = events[i].entry;
		s->list[events[i].entry].prev = at;
		at = events[i].entry;
	}
	s->list[at].next = 2 * s->n;
	s->list[2 * s->n].prev = at;
	free(events);
	return true;
}

static enum register_verdict search_all(const struct register_op *ops,
					uint32_t n, uint32_t values,
					uint64_t limit)
{
	struct search s = {.ops = ops, .n = n, .limit = limit};
	enum register_verdict verdict = REGISTER_UNDECIDED;

	s.list = calloc(2 * (size_t)n + 1, sizeof(*s.list));
	s.trail = calloc((size_t)n + 1, sizeof(*s.trail));
	s.frames = calloc((size_t)n + 1, sizeof(*s.frames));
	s.lookers = calloc((size_t)values + 1, sizeof(*s.lookers));
	s.must = calloc((size_t)values + 1, sizeof(*s.must));
	s.writers = calloc((size_t)values + 1, sizeof(*s.writers));
	if (s.list != NULL && s.trail != NULL && s.frames != NULL &&
	    s.lookers != NULL && s.must != NULL && s.writers != NULL &&
	    build_list(&s)) {
		for (uint32_t i = 0; i < n; i++)
			count(&s, i, 1);
		verdict = run(&s);
	}
	free(s.list);
	free(s.trail);
	free(s.frames);
	free(s.lookers);
	free(s.must);
	free(s.writers);
	free(s.table);
	return verdict;
}

/* What is known of each value before the search. */
struct value_use {
	uint32_t writers;
	uint32_t lookers;
	uint64_t seen; /* when somebody surely had seen it */
};

static bool survey(const struct register_op *ops, size_t n,
		   struct value_use *use)
{
	bool others = false;

	for (size_t i = 0; i < n; i++) {
		const struct register_op *op = &ops[i];

		if (op->write != REGISTER_NO_WRITE)
			use[op->write].writers++;
		others |= op->need == REGISTER_OTHER;
		if (op->need != REGISTER_EQUAL)
			continue;
		if (use[op->arg].lookers++ == 0)
			use[op->arg].seen = REGISTER_NEVER;
		if (!op->maybe && op->ret < use[op->arg].seen)
			use[op->arg].seen = op->ret;
	}
	return others;
}

/*
 * Operations of unknown outcome stay possible for ever, which is what makes a
 * search long. Most can be settled: nobody saw the value, then it does not
 * matter whether it was written; or somebody did and only this one wrote it,
 * then it happened before that.
 */
static uint32_t settle(struct register_op *ops, size_t n,
		       const struct value_use *use, bool others)
{
	uint32_t kept = 0;

	for (size_t i = 0; i < n; i++) {
		struct register_op op = ops[i];
		const struct value_use *u;

		if (op.maybe && op.write == REGISTER_NO_WRITE)
			continue; /* told nobody anything */
		if (op.maybe) {
			u = &use[op.write];
			if (u->lookers == 0 && !others)
				continue;
			if (op.write != 0 && u->writers == 1 &&
			    u->lookers > 0 && u->seen != REGISTER_NEVER) {
				op.maybe = false;
				op.ret = u->seen > op.invoke ? u->seen
							     : op.invoke;
			}
		}
		ops[kept++] = op;
	}
	return kept;
}

enum register_verdict register_check(const struct register_op *ops, size_t n,
				     uint32_t values, uint64_t limit)
{
	struct register_op *kept = calloc(n + 1, sizeof(*kept));
	struct value_use *use = calloc((size_t)values + 1, sizeof(*use));
	enum register_verdict verdict = REGISTER_UNDECIDED;

	if (kept != NULL && use != NULL && n < UINT32_MAX / 4) {
		bool others = survey(ops, n, use);
		uint32_t m;

		if (n > 0)
			memcpy(kept, ops, n * sizeof(*kept));
		m = settle(kept, n, use, others);
		verdict = search_all(kept, m, values, limit);
	}
	free(kept);
	free(use);
	return verdict;
}

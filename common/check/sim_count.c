/*
 * sim_count.c - increments as a history that can be judged.
 *
 * One that was answered with n is a compare-and-set from n - 1 to n. Which
 * value one made whose outcome is unknown, nobody knows; but each value below
 * the highest that somebody saw was made by somebody. So each value that no
 * answer accounts for is put down to an unknown increment, one that may have
 * happened at any time since the first of those was asked for: there must be
 * enough of them.
 */
#include "check/sim_run_impl.h"

#include <stdio.h>
#include <stdlib.h>

void sim_count_add(struct sim_run *run, const struct sim_op *op,
		   uint64_t invoke, enum history_result result)
{
	struct sim_load *l = &run->load;
	struct sim_count *more;

	if (result == HISTORY_FAIL)
		return;
	if (l->ncounts == l->counts_cap) {
		l->counts_cap = l->counts_cap * 2 + 64;
		more = realloc(l->counts, l->counts_cap * sizeof(*more));
		if (more == NULL)
			abort(); /* a simulation without memory says nothing */
		l->counts = more;
	}
	l->counts[l->ncounts++] = (struct sim_count){
		.value = result == HISTORY_OK ? op->count : 0,
		.invoke = invoke,
		.ret = result == HISTORY_OK ? op->ended_us * 1000 + 999
					    : HISTORY_NEVER,
	};
}

static int add(struct sim_run *run, const char *key, uint64_t value,
	       uint64_t invoke, uint64_t ret)
{
	char before[SIM_NAME_MAX], after[SIM_NAME_MAX];
	struct history_op op = {
		.kind = HISTORY_CAS,
		.result = ret == HISTORY_NEVER ? HISTORY_UNKNOWN : HISTORY_OK,
		.key = slice_str(key),
		.invoke = invoke,
		.ret = ret,
	};

	snprintf(before, sizeof(before), "%llu", (unsigned long long)value - 1);
	snprintf(after, sizeof(after), "%llu", (unsigned long long)value);
	op.expect = value == 1 ? history_missing() : slice_str(before);
	op.value = slice_str(after);
	return history_add(run->load.history, &op);
}

static bool is_answered(const struct sim_load *l, uint64_t value)
{
	for (size_t i = 0; i < l->ncounts; i++)
		if (l->counts[i].value == value)
			return true;
	return false;
}

int sim_count_judge(struct sim_run *run, const char *key)
{
	struct sim_load *l = &run->load;
	uint64_t since = HISTORY_NEVER, unknown = 0;
	int r = 0;

	for (size_t i = 0; i < l->ncounts; i++) {
		const struct sim_count *c = &l->counts[i];

		unknown += c->value == 0;
		if (c->value == 0 && c->invoke < since)
			since = c->invoke;
		if (c->value != 0 && r == 0)
			r = add(run, key, c->value, c->invoke, c->ret);
	}
	/* From the first value that is missing on, as many as there can be. */
	for (uint64_t v = 1; unknown != 0 && r == 0; v++) {
		if (is_answered(l, v))
			continue;
		r = add(run, key, v, since, HISTORY_NEVER);
		unknown--;
	}
	return r;
}

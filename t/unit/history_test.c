/*
 * history_test.c - the linearizability checker finds what was planted, and
 * believes what is true.
 */
#include "base/clock.h"
#include "check/history.h"
#include "check/register.h"
#include "test.h"

#include <stdlib.h>

static uint64_t rnd(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

/* ---- whole histories as text ---- */

static enum history_verdict verdict_of(const char *text,
				       struct history_report *report)
{
	struct history *h = history_new();

	while (*text != '\0') {
		size_t n = strcspn(text, "\n");
		if (history_read_line(h, slice_of(text, n)) != 0)
			test_fail(__FILE__, __LINE__, "%.*s: %s", (int)n, text,
				  err_text());
		text += n + (text[n] == '\n');
	}
	CHECK_INT(history_check(h, 0, report), 0);
	buf_append(&report->text, "", 1);
	history_free(h);
	return report->verdict;
}

#define OP(op, value, from, to)                                          \
	"{\"client\":1,\"op\":\"" op "\",\"key\":\"k\",\"value\":" value \
	",\"invoke\":" #from ",\"return\":" #to ",\"result\":\"ok\"}\n"
#define UNKNOWN(op, value, from)                                         \
	"{\"client\":2,\"op\":\"" op "\",\"key\":\"k\",\"value\":" value \
	",\"invoke\":" #from ",\"result\":\"unknown\"}\n"
#define FAILED(op, value, from, to)                                      \
	"{\"client\":2,\"op\":\"" op "\",\"key\":\"k\",\"value\":" value \
	",\"invoke\":" #from ",\"return\":" #to ",\"result\":\"fail\"}\n"

static void is_linearizable(const char *text)
{
	struct history_report report;
	enum history_verdict v = verdict_of(text, &report);

	if (v != HISTORY_LINEARIZABLE)
		test_fail(__FILE__, __LINE__, "%s", report.text.data);
	history_report_release(&report);
}

/* Violated, and the smallest part has so many operations. */
static void is_violated_in(size_t operations, const char *text)
{
	struct history_report report;

	CHECK_INT(verdict_of(text, &report), HISTORY_VIOLATION);
	CHECK_INT(report.violated, 1);
	CHECK_INT(report.operations, operations);
	history_report_release(&report);
}

static void an_empty_history_is_linearizable(void)
{
	is_linearizable("");
	is_linearizable("\n  \n");
}

static void a_key_is_missing_at_first(void)
{
	is_linearizable(OP("get", "null", 1, 2) OP("set", "\"a\"", 3, 4)
				OP("get", "\"a\"", 5, 6));
}

static void overlapping_operations_may_be_in_either_order(void)
{
	is_linearizable(OP("set", "\"a\"", 1, 10) OP("get", "null", 2, 3)
				OP("get", "\"a\"", 4, 5));
	is_linearizable(OP("set", "\"a\"", 1, 10) OP("set", "\"b\"", 1, 10)
				OP("get", "\"a\"", 11, 12));
	is_linearizable(OP("set", "\"a\"", 1, 10) OP("set", "\"b\"", 1, 10)
				OP("get", "\"b\"", 11, 12));
	/* They touch in one moment, so they overlap. */
	is_linearizable(OP("set", "\"a\"", 1, 5) OP("get", "null", 5, 6));
}

static void a_stale_read_is_found(void)
{
	is_violated_in(3, OP("set", "\"a\"", 1, 2) OP("set", "\"b\"", 3, 4)
				  OP("get", "\"a\"", 5, 6)
					  OP("get", "\"b\"", 7, 8));
}

static void a_read_that_goes_back_is_found(void)
{
	is_violated_in(4, OP("set", "\"a\"", 1, 2) OP("set", "\"b\"", 3, 20)
				  OP("get", "\"b\"", 5, 6)
					  OP("get", "\"a\"", 7, 8));
}

static void a_lost_update_is_found(void)
{
	is_violated_in(2, OP("set", "\"a\"", 1, 2) OP("get", "null", 5, 6)
				  OP("set", "\"c\"", 7, 8)
					  OP("get", "\"c\"", 9, 10));
}

static void a_value_that_was_never_written_is_found(void)
{
	struct history_report report;

	CHECK_INT(verdict_of(OP("set", "\"a\"", 1, 2) OP("get", "\"x\"", 5, 6),
			     &report),
		  HISTORY_VIOLATION);
	CHECK_INT(report.operations, 1);
	CHECK(strstr(report.text.data, "'x' was read but never written"));
	history_report_release(&report);
}

static void a_value_read_before_its_write_is_found(void)
{
	struct history_report report;

	CHECK_INT(verdict_of(OP("get", "\"x\"", 1, 2) OP("set", "\"x\"", 3, 4),
			     &report),
		  HISTORY_VIOLATION);
	CHECK(strstr(report.text.data, "before its write was invoked"));
	history_report_release(&report);
}

static void a_resurrected_delete_is_found(void)
{
	is_violated_in(3, OP("set", "\"a\"", 1, 2) OP("delete", "null", 3, 4)
				  OP("get", "\"a\"", 5, 6));
}

static void a_failed_write_must_not_be_seen(void)
{
	is_linearizable(FAILED("set", "\"a\"", 1, 2) OP("get", "null", 3, 4));
	is_violated_in(1,
		       FAILED("set", "\"a\"", 1, 2) OP("get", "\"a\"", 3, 4));
}

static void an_unknown_write_may_happen_or_not(void)
{
	is_linearizable(UNKNOWN("set", "\"a\"", 1) OP("get", "null", 3, 4));
	is_linearizable(UNKNOWN("set", "\"a\"", 1) OP("get", "\"a\"", 3, 4));
	/* Late, even after other writes. */
	is_linearizable(UNKNOWN("set", "\"a\"", 1) OP("set", "\"b\"", 3, 4) OP(
		"get", "\"b\"", 5, 6) OP("get", "\"a\"", 7, 8));
}

static void an_unknown_write_happens_once_and_not_before_it_began(void)
{
	is_violated_in(4,
		       UNKNOWN("set", "\"a\"", 1) OP("get", "\"a\"", 3, 4)
			       OP("set", "\"b\"", 5, 6) OP("get", "\"b\"", 7, 8)
				       OP("get", "\"a\"", 9, 10));
	is_violated_in(1, OP("get", "\"a\"", 1, 2) UNKNOWN("set", "\"a\"", 3));
}

static void an_unknown_delete_may_happen_late(void)
{
	is_linearizable(OP("set", "\"a\"", 1, 2) UNKNOWN("delete", "null", 3)
				OP("get", "\"a\"", 5, 6)
					OP("get", "null", 7, 8));
	is_violated_in(4,
		       OP("set", "\"a\"", 1, 2) UNKNOWN("delete", "null", 3)
			       OP("get", "\"a\"", 5, 6) OP("get", "null", 7, 8)
				       OP("get", "\"a\"", 9, 10));
}

static void a_delete_tells_whether_it_found_something(void)
{
#define DELETE(found, from, to)                             \
	"{\"op\":\"delete\",\"key\":\"k\",\"found\":" found \
	",\"invoke\":" #from ",\"return\":" #to ",\"result\":\"ok\"}\n"
	is_linearizable(DELETE("false", 1, 2) OP("set", "\"a\"", 3, 4)
				DELETE("true", 5, 6) DELETE("false", 7, 8));
	is_violated_in(1, DELETE("true", 1, 2));
	is_violated_in(2, OP("set", "\"a\"", 1, 2) DELETE("false", 5, 6));
}

static void a_condition_sees_what_is_there(void)
{
#define CAS(expect, value, result, from, to)                                   \
	"{\"op\":\"cas\",\"key\":\"k\",\"expect\":" expect ",\"value\":" value \
	",\"invoke\":" #from ",\"return\":" #to ",\"result\":\"" result        \
	"\"}\n"
	is_linearizable(CAS("null", "\"a\"", "ok", 1, 2)
				CAS("null", "\"b\"", "no", 3, 4)
					CAS("\"a\"", "\"c\"", "ok", 5, 6)
						OP("get", "\"c\"", 7, 8));
	/* Of two that expect the same only one can be done. */
	is_violated_in(2, CAS("null", "\"a\"", "ok", 1, 9)
				  CAS("null", "\"b\"", "ok", 1, 9));
	is_violated_in(1, CAS("null", "\"a\"", "no", 1, 2));
}

static void a_bulk_writes_each_of_its_keys(void)
{
	const char *bulk =
		"{\"client\":3,\"op\":\"bulk\",\"items\":[[\"k\",\"v\"],"
		"{\"key64\":\"aw==\",\"value64\":\"AAE=\"},[\"l\",null]],"
		"\"invoke\":1,\"return\":2,\"result\":\"ok\"}";
	struct history *h = history_new();
	struct history_report report;

	CHECK_INT(history_read_line(h, slice_str(bulk)), 0);
	CHECK_INT(history_count(h), 3);
	CHECK_INT(history_keys(h), 2); /* aw== is k */
	CHECK_INT(history_add(h,
			      &(struct history_op){.kind = HISTORY_GET,
						   .key = slice_str("k"),
						   .value = slice_of("\0\1", 2),
						   .invoke = 3,
						   .ret = 4}),
		  0);
	CHECK_INT(history_check(h, 0, &report), 0);
	CHECK_INT(report.verdict, HISTORY_LINEARIZABLE);
	history_report_release(&report);
	history_free(h);
}

static void lines_survive_a_round_trip(void)
{
	struct history_op op = {.client = 7,
				.kind = HISTORY_CAS,
				.result = HISTORY_NO,
				.key = slice_of("k\0\xff", 3),
				.value = slice_str("a\"b"),
				.invoke = 5,
				.ret = 9};
	struct history_op items[] = {{.kind = HISTORY_SET,
				      .key = slice_str("x"),
				      .value = slice_str(""),
				      .ret = HISTORY_NEVER,
				      .result = HISTORY_UNKNOWN},
				     {.key = slice_str("y")}};
	struct history *h = history_new();
	struct buf b = {0};

	history_write_line(&b, &op);
	CHECK(slice_eq(buf_slice(&b),
		       slice_str("{\"client\":7,\"op\":\"cas\",\"key64\":"
				 "\"awD/\",\"expect\":null,\"value64\":"
				 "\"YSJi\",\"invoke\":5,\"return\":9,"
				 "\"result\":\"no\"}\n")));
	CHECK_INT(history_read_line(h, buf_slice(&b)), KV_EDATA); /* LF */
	CHECK_INT(history_read_line(h, slice_of(b.data, b.len - 1)), 0);
	buf_clear(&b);
	history_write_bulk(&b, items, 2);
	CHECK(slice_eq(buf_slice(&b),
		       slice_str("{\"client\":0,\"op\":\"bulk\",\"items\":["
				 "{\"key\":\"x\",\"value\":\"\"},"
				 "{\"key\":\"y\",\"value\":null}],"
				 "\"invoke\":0,\"result\":\"unknown\"}\n")));
	CHECK_INT(history_read_line(h, slice_of(b.data, b.len - 1)), 0);
	CHECK_INT(history_keys(h), 3);
	buf_release(&b);
	history_free(h);
}

static void a_bad_line_is_refused(void)
{
	static const char *const lines[] = {
		"x",
		"[]",
		"{}",
		"{\"op\":\"put\"}",
		"{\"op\":\"get\",\"key\":\"k\",\"value\":1,\"invoke\":1,"
		"\"return\":2,\"result\":\"ok\"}",
		"{\"op\":\"get\",\"key\":\"k\",\"value\":\"a\\u0000b\","
		"\"invoke\":1,\"return\":2,\"result\":\"ok\"}",
		"{\"op\":\"get\",\"key\":\"k\",\"value64\":\"a\","
		"\"invoke\":1,\"return\":2,\"result\":\"ok\"}",
		"{\"op\":\"get\",\"key\":\"\",\"value\":null,"
		"\"invoke\":1,\"return\":2,\"result\":\"ok\"}",
		"{\"op\":\"get\",\"key\":\"k\",\"value\":null,"
		"\"invoke\":3,\"return\":2,\"result\":\"ok\"}",
		"{\"op\":\"get\",\"key\":\"k\",\"value\":null,"
		"\"invoke\":1,\"result\":\"ok\"}",
		"{\"op\":\"get\",\"key\":\"k\",\"value\":null,"
		"\"invoke\":1.5,\"return\":2,\"result\":\"ok\"}",
		"{\"op\":\"get\",\"key\":\"k\",\"value\":null,"
		"\"invoke\":1,\"return\":9007199254740992,\"result\":\"ok\"}",
		"{\"op\":\"get\",\"key\":\"k\",\"value\":null,"
		"\"invoke\":1,\"return\":2,\"result\":\"no\"}",
		"{\"op\":\"bulk\",\"items\":[[\"k\"]],"
		"\"invoke\":1,\"return\":2,\"result\":\"ok\"}",
		"{\"op\":\"get\",\"key\":\"k\",\"value\":null,"
		"\"invoke\":1,\"return\":2,\"result\":\"ok\"} x",
	};
	struct history *h = history_new();

	for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++)
		if (history_read_line(h, slice_str(lines[i])) != KV_EDATA)
			test_fail(__FILE__, __LINE__, "taken: %s", lines[i]);
	CHECK_INT(history_count(h), 0);
	history_free(h);
}

static void of_several_violations_the_smallest_is_told(void)
{
	struct history_report report;

	CHECK_INT(verdict_of(OP("set", "\"a\"", 1, 2) OP("set", "\"b\"", 3, 4)
				     OP("get", "\"a\"", 5,
					6) "{\"op\":\"get\",\"key\":\"z\","
					   "\"value\":\"q\","
					   "\"invoke\":1,\"return\":2,"
					   "\"result\":\"ok\"}\n",
			     &report),
		  HISTORY_VIOLATION);
	CHECK_INT(report.violated, 2);
	CHECK_INT(report.operations, 1);
	CHECK(strstr(report.text.data, "key 'z': 1 operation"));
	history_report_release(&report);
}

/* ---- against brute force ---- */

#define SMALL 7

/* Tries every order. */
static bool explained(const struct register_op *ops, size_t n, unsigned done,
		      uint32_t state)
{
	bool complete = true;

	for (size_t i = 0; i < n; i++)
		complete &= (done >> i & 1) || ops[i].maybe;
	if (complete)
		return true;
	for (size_t i = 0; i < n; i++) {
		const struct register_op *op = &ops[i];
		bool first = !(done >> i & 1);

		for (size_t j = 0; j < n; j++)
			first &= (done >> j & 1) || ops[j].maybe ||
				 ops[j].ret >= op->invoke;
		if (!first ||
		    (op->need == REGISTER_EQUAL && state != op->arg) ||
		    (op->need == REGISTER_OTHER && state == op->arg))
			continue;
		if (explained(ops, n, done | 1u << i,
			      op->write == REGISTER_NO_WRITE ? state
							     : op->write))
			return true;
	}
	return false;
}

static void random_ops(uint64_t *seed, struct register_op *ops, size_t n,
		       bool conditions)
{
	for (size_t i = 0; i < n; i++) {
		struct register_op *op = &ops[i];
		unsigned kind = (unsigned)(rnd(seed) % 16);

		*op = (struct register_op){.write = REGISTER_NO_WRITE};
		op->invoke = rnd(seed) % 16;
		op->ret = op->invoke + rnd(seed) % 8;
		if (kind < 7 || (kind >= 13 && !conditions)) {
			op->need = REGISTER_EQUAL;
			op->arg = (uint32_t)(rnd(seed) % 4);
			continue;
		}
		op->write = (uint32_t)(rnd(seed) % 4);
		op->maybe = rnd(seed) % 4 == 0;
		if (op->maybe)
			op->ret = REGISTER_NEVER;
		if (kind >= 13) {
			op->need = kind == 13 ? REGISTER_OTHER : REGISTER_EQUAL;
			op->arg = (uint32_t)(rnd(seed) % 4);
			if (kind == 13 && rnd(seed) % 2)
				op->write = REGISTER_NO_WRITE;
		}
		if (op->write == REGISTER_NO_WRITE && op->maybe) {
			op->maybe = false;
			op->ret = op->invoke;
		}
	}
}

static void every_verdict_is_that_of_trying_all_orders(void)
{
	uint64_t seed = 88172645463325252u;
	unsigned yes = 0, no = 0;

	for (unsigned round = 0; round < 60000; round++) {
		struct register_op ops[SMALL];
		size_t n = 1 + rnd(&seed) % SMALL;
		enum register_verdict v;
		bool truth;

		random_ops(&seed, ops, n, round % 2);
		truth = explained(ops, n, 0, 0);
		v = register_check(ops, n, 4, 1000000);
		if (v != (truth ? REGISTER_LINEARIZABLE : REGISTER_VIOLATED))
			test_fail(__FILE__, __LINE__,
				  "round %u: %d although %d", round, (int)v,
				  truth);
		yes += truth;
		no += !truth;
	}
	CHECK(yes > 5000 && no > 5000);
}

static void what_remains_after_shrinking_is_violated_and_small(void)
{
	uint64_t seed = 4242;
	unsigned violated = 0;

	for (unsigned round = 0; round < 20000; round++) {
		struct register_op ops[SMALL], part[SMALL];
		size_t kept[SMALL], nkept;

		random_ops(&seed, ops, SMALL, round % 2);
		if (explained(ops, SMALL, 0, 0))
			continue;
		violated++;
		CHECK(register_shrink(ops, SMALL, 4, 1000000, kept, &nkept));
		CHECK(nkept > 0);
		for (size_t i = 0; i < nkept; i++)
			part[i] = ops[kept[i]];
		CHECK(!explained(part, nkept, 0, 0));
	}
	CHECK(violated > 1000);
}

/* ---- against a simulated register ---- */

struct simulation {
	uint64_t seed;
	unsigned clients, keys, operations;
	unsigned unknown_in; /* one of so many writes has no answer; 0: none */
	unsigned values;     /* so many different ones; 0: all different */
};

struct sim_client {
	bool busy;
	struct history_op op;
	uint64_t effect_at; /* between invoke and return */
	uint64_t due;
	bool happens, applied;
	char key[16], value[24], got[24];
};

struct sim_run {
	struct simulation sim;
	struct history *h;
	uint64_t seed;
	struct sim_client clients[64];
	char store[256][24]; /* "" is missing */
	uint64_t now;
	unsigned serial;
	unsigned corrupt_at; /* this many gets from now lies; 0: never */
};

static void sim_begin(struct sim_run *run, unsigned c)
{
	struct sim_client *cl = &run->clients[c];
	unsigned kind = (unsigned)(rnd(&run->seed) % 10);
	uint64_t v = run->serial++;

	if (run->sim.values != 0)
		v = rnd(&run->seed) % run->sim.values;
	*cl = (struct sim_client){.busy = true, .happens = true};
	snprintf(cl->key, sizeof(cl->key), "%u",
		 (unsigned)(rnd(&run->seed) % run->sim.keys));
	snprintf(cl->value, sizeof(cl->value), "v%llu", (unsigned long long)v);
	cl->op.client = c;
	cl->op.key = slice_str(cl->key);
	cl->op.kind = kind < 4	 ? HISTORY_SET
		      : kind < 5 ? HISTORY_DELETE
				 : HISTORY_GET;
	if (cl->op.kind == HISTORY_SET)
		cl->op.value = slice_str(cl->value);
	cl->op.invoke = run->now;
	cl->effect_at = run->now + rnd(&run->seed) % 50;
	cl->due = cl->effect_at + rnd(&run->seed) % 50;
	if (cl->op.kind != HISTORY_GET && run->sim.unknown_in != 0 &&
	    rnd(&run->seed) % run->sim.unknown_in == 0) {
		cl->op.result = HISTORY_UNKNOWN;
		cl->happens = rnd(&run->seed) % 2;
		cl->effect_at += rnd(&run->seed) % 500;
		cl->due = cl->effect_at;
	}
}

static void sim_apply(struct sim_run *run, struct sim_client *cl)
{
	char *cell = run->store[strtoul(cl->key, NULL, 10)];

	cl->applied = true;
	if (cl->op.kind == HISTORY_SET && cl->happens)
		memcpy(cell, cl->value, sizeof(cl->value));
	else if (cl->op.kind == HISTORY_DELETE && cl->happens)
		cell[0] = '\0';
	else if (cl->op.kind == HISTORY_GET)
		memcpy(cl->got, cell, sizeof(cl->got));
}

static void sim_end(struct sim_run *run, struct sim_client *cl)
{
	cl->busy = false;
	cl->op.ret =
		cl->op.result == HISTORY_UNKNOWN ? HISTORY_NEVER : run->now;
	if (cl->op.kind == HISTORY_GET) {
		if (run->corrupt_at > 0 && --run->corrupt_at == 0)
			snprintf(cl->got, sizeof(cl->got), "v%llu",
				 (unsigned long long)(run->serial + 1000));
		cl->op.value =
			cl->got[0] ? slice_str(cl->got) : history_missing();
	}
	CHECK_INT(history_add(run->h, &cl->op), 0);
}

static struct history *simulate(struct simulation sim, unsigned corrupt_at)
{
	struct sim_run *run = calloc(1, sizeof(*run));
	struct history *h;
	unsigned begun = 0, busy = 0;

	run->sim = sim;
	run->seed = sim.seed * 2654435761u + 1;
	run->corrupt_at = corrupt_at;
	run->h = history_new();
	do {
		run->now++;
		busy = 0;
		for (unsigned c = 0; c < sim.clients; c++) {
			struct sim_client *cl = &run->clients[c];

			if (cl->busy && !cl->applied &&
			    run->now >= cl->effect_at)
				sim_apply(run, cl);
			if (cl->busy && cl->applied && run->now >= cl->due)
				sim_end(run, cl);
			if (!cl->busy && begun < sim.operations &&
			    rnd(&run->seed) % 4 == 0) {
				sim_begin(run, c);
				begun++;
			}
			busy += cl->busy;
		}
	} while (busy > 0 || begun < sim.operations);
	h = run->h;
	free(run);
	return h;
}

static enum history_verdict check_simulated(struct simulation sim,
					    unsigned corrupt_at)
{
	struct history *h = simulate(sim, corrupt_at);
	struct history_report report;
	enum history_verdict v;

	CHECK_INT(history_check(h, 0, &report), 0);
	v = report.verdict;
	history_report_release(&report);
	history_free(h);
	return v;
}

static void what_a_true_register_shows_is_linearizable(void)
{
	for (unsigned i = 0; i < 300; i++) {
		struct simulation sim = {.seed = i + 1,
					 .clients = 2 + i % 30,
					 .keys = 1 + i % 3,
					 .operations = 400,
					 .unknown_in = i % 4 ? 10 : 0,
					 .values = i % 3 ? 0 : 3};
		if (check_simulated(sim, 0) != HISTORY_LINEARIZABLE)
			test_fail(__FILE__, __LINE__, "seed %u", i + 1);
	}
}

static void one_lie_in_a_true_history_is_found(void)
{
	for (unsigned i = 0; i < 100; i++) {
		struct simulation sim = {.seed = i + 1,
					 .clients = 2 + i % 30,
					 .keys = 1 + i % 3,
					 .operations = 400,
					 .unknown_in = i % 4 ? 10 : 0};
		CHECK_INT(check_simulated(sim, 1 + i), HISTORY_VIOLATION);
	}
}

static void a_hundred_thousand_operations_are_checked_in_seconds(void)
{
	struct simulation sim = {.seed = 1,
				 .clients = 50,
				 .keys = 100,
				 .operations = 100000,
				 .unknown_in = 50};
	uint64_t start;
	struct history *h = simulate(sim, 0);
	struct history_report report;

	start = clock_monotonic_ms();
	CHECK_INT(history_check(h, 0, &report), 0);
	CHECK_INT(report.verdict, HISTORY_LINEARIZABLE);
	CHECK(clock_monotonic_ms() - start < 10000);
	history_report_release(&report);
	history_free(h);
}

static void a_key_with_a_long_history_is_no_obstacle(void)
{
	struct simulation sim = {.seed = 3,
				 .clients = 30,
				 .keys = 1,
				 .operations = 30000,
				 .unknown_in = 100};

	CHECK_INT(check_simulated(sim, 0), HISTORY_LINEARIZABLE);
}

static void a_search_that_is_too_long_is_undecided(void)
{
	struct register_op ops[64];
	size_t n = 0;

	/* Values that come again and again, all at once, and a last read that
	 * nothing explains: every order has to be tried. */
	for (unsigned i = 0; i < 40; i++)
		ops[n++] = (struct register_op){
			.need = i % 2 ? REGISTER_EQUAL : REGISTER_ANY,
			.arg = i % 7,
			.write = i % 2 ? (i + 3) % 7 : i % 5,
			.invoke = 1,
			.ret = 100};
	ops[n++] = (struct register_op){.need = REGISTER_EQUAL,
					.arg = 7,
					.write = REGISTER_NO_WRITE,
					.invoke = 200,
					.ret = 201};
	CHECK_INT(register_check(ops, n, 8, 1000), REGISTER_UNDECIDED);
}

TEST_MAIN(T(an_empty_history_is_linearizable), T(a_key_is_missing_at_first),
	  T(overlapping_operations_may_be_in_either_order),
	  T(a_stale_read_is_found), T(a_read_that_goes_back_is_found),
	  T(a_lost_update_is_found), T(a_value_that_was_never_written_is_found),
	  T(a_value_read_before_its_write_is_found),
	  T(a_resurrected_delete_is_found), T(a_failed_write_must_not_be_seen),
	  T(an_unknown_write_may_happen_or_not),
	  T(an_unknown_write_happens_once_and_not_before_it_began),
	  T(an_unknown_delete_may_happen_late),
	  T(a_delete_tells_whether_it_found_something),
	  T(a_condition_sees_what_is_there), T(a_bulk_writes_each_of_its_keys),
	  T(lines_survive_a_round_trip), T(a_bad_line_is_refused),
	  T(of_several_violations_the_smallest_is_told),
	  T(every_verdict_is_that_of_trying_all_orders),
	  T(what_remains_after_shrinking_is_violated_and_small),
	  T(what_a_true_register_shows_is_linearizable),
	  T(one_lie_in_a_true_history_is_found),
	  T(a_hundred_thousand_operations_are_checked_in_seconds),
	  T(a_key_with_a_long_history_is_no_obstacle),
	  T(a_search_that_is_too_long_is_undecided))

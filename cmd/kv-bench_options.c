/*
 * kv-bench_options.c - see kv-bench_options.h.
 */
#include "kv-bench_options.h"

#include "base/err.h"
#include "base/parse.h"

#include <bsd/stdlib.h>
#include <stdio.h>
#include <string.h>

const struct option bench_options_long[] = {
	{"protocol", required_argument, NULL, 'p'},
	{"clients", required_argument, NULL, 'c'},
	{"pipeline", required_argument, NULL, 'P'},
	{"threads", required_argument, NULL, 'T'},
	{"keys", required_argument, NULL, OPT_KEYS},
	{"value-size", required_argument, NULL, OPT_VALUE_SIZE},
	{"duration", required_argument, NULL, OPT_DURATION},
	{"seed", required_argument, NULL, 's'},
	{"json", no_argument, NULL, 'j'},
	{"csv", no_argument, NULL, OPT_CSV},
	{"mix", required_argument, NULL, OPT_MIX},
	{"dist", required_argument, NULL, OPT_DIST},
	{"workload", required_argument, NULL, OPT_WORKLOAD},
	{"batch", required_argument, NULL, OPT_BATCH},
	{"rate", required_argument, NULL, OPT_RATE},
	{"requests", required_argument, NULL, 'n'},
	{"warmup", required_argument, NULL, OPT_WARMUP},
	{"runs", required_argument, NULL, OPT_RUNS},
	{"no-fill", no_argument, NULL, OPT_NO_FILL},
	{"verify", no_argument, NULL, OPT_VERIFY},
	{"hdr", no_argument, NULL, OPT_HDR},
	{"svg", required_argument, NULL, OPT_SVG},
	{"prepopulate", required_argument, NULL, OPT_PREPOPULATE},
	{"writes", required_argument, NULL, OPT_WRITES},
	CLIENT_OPTIONS_LONG,
};

void bench_options_init(struct bench *b)
{
	*b = (struct bench){
		.values.size = 100,
		.plan = {.wire = &wire_resp,
			 .threads = 1,
			 .pipeline = 1,
			 .keys = 10000,
			 .batch = 10,
			 .warmup_ms = UINT64_MAX, /* the command decides */
			 .seed = arc4random()},
		.runs = 1,
		.writes = 5000,
	};
	(void)!mix_parse(&b->plan.mix, "get:90,set:10");
}

/* "1,20,300"; each from min to max. */
static int parse_list(const char *what, const char *text, int64_t min,
		      int64_t max, struct bench_list *list)
{
	int r = 0;

	list->n = 0;
	for (const char *p = text; r == 0; p++) {
		size_t len = strcspn(p, ",");
		char item[24];

		if (list->n == BENCH_LIST_MAX)
			return err_set(KV_EUSAGE, "%s takes at most %d numbers",
				       what, BENCH_LIST_MAX);
		snprintf(item, sizeof(item), "%.*s", (int)len, p);
		r = parse_number(what, item, min, max, &list->items[list->n++]);
		p += len;
		if (*p == '\0')
			break;
	}
	return r;
}

static int parse_unsigned(const char *what, const char *text, int64_t max,
			  unsigned *to)
{
	uint64_t n = *to;
	int r = parse_number(what, text, 1, max, &n);

	*to = (unsigned)n;
	return r;
}

static int take_protocol(struct bench *b, const char *name)
{
	static const struct wire *const wires[] = {&wire_resp, &wire_json};

	for (size_t i = 0; i < 2; i++) {
		if (strcmp(name, wires[i]->name) == 0) {
			b->plan.wire = wires[i];
			return 0;
		}
	}
	return err_set(KV_EUSAGE, "'%s' is not a protocol: resp or json", name);
}

/* What the load consists of. */
static int take_load_option(struct bench *b, int letter, const char *arg)
{
	struct load_plan *plan = &b->plan;

	switch (letter) {
	case OPT_MIX:
		return mix_parse(&plan->mix, arg);
	case OPT_DIST:
		return bench_dist_parse(&plan->dist, arg);
	case OPT_WORKLOAD:
		return mix_workload(&plan->mix, &plan->dist, arg);
	case OPT_BATCH:
		return parse_unsigned("--batch", arg, LOAD_BATCH_MAX,
				      &plan->batch);
	case OPT_RATE:
		return parse_list("--rate", arg, 1, 1000000000, &b->rates);
	case 'n':
		return parse_number("--requests", arg, 1, INT64_MAX,
				    &plan->requests);
	case OPT_WARMUP:
		if (strcmp(arg, "0") == 0) {
			plan->warmup_ms = 0;
			return 0;
		}
		return parse_seconds("--warmup", arg, &plan->warmup_ms);
	case OPT_RUNS:
		return parse_number("--runs", arg, 1, 1000, &b->runs);
	case OPT_NO_FILL:
		b->no_fill = true;
		return 0;
	case OPT_VERIFY:
		plan->verify = true;
		return 0;
	case OPT_PREPOPULATE:
		return parse_list("--prepopulate", arg, 0, 1000000000,
				  &b->sizes);
	case OPT_WRITES:
		return parse_number("--writes", arg, 1, 1000000000, &b->writes);
	default:
		return client_option(&b->where, letter, arg);
	}
}

int bench_option_take(struct bench *b, int letter, const char *arg)
{
	struct load_plan *plan = &b->plan;
	uint64_t n = 0;
	int r;

	switch (letter) {
	case 'p':
		return take_protocol(b, arg);
	case 'c':
		return parse_list("--clients", arg, 1, LOAD_CLIENTS_MAX,
				  &b->clients);
	case 'P':
		return parse_unsigned("--pipeline", arg, LOAD_PIPELINE_MAX,
				      &plan->pipeline);
	case 'T':
		return parse_unsigned("--threads", arg, LOAD_THREADS_MAX,
				      &plan->threads);
	case OPT_KEYS:
		return parse_number("--keys", arg, 1, 1000000000, &plan->keys);
	case OPT_VALUE_SIZE:
		r = parse_number("--value-size", arg, 1, KV_VALUE_MAX, &n);
		b->values.size = n;
		return r;
	case OPT_DURATION:
		return parse_seconds("--duration", arg, &plan->duration_ms);
	case 's':
		return parse_number("--seed", arg, 0, INT64_MAX, &plan->seed);
	case 'j':
		b->format = BENCH_JSON;
		return 0;
	case OPT_CSV:
		b->format = BENCH_CSV;
		return 0;
	case OPT_HDR:
		b->format = BENCH_HDR;
		return 0;
	case OPT_SVG:
		b->svg = arg;
		return 0;
	default:
		return take_load_option(b, letter, arg);
	}
}

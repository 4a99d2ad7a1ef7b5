/*
 * kv-bench - measure how fast a server is.
 */
#include "kv-bench_parts.h"
#include "program.h"

#include "base/parse.h"
#include "client/options.h"

#include <bsd/stdlib.h>
#include <getopt.h>
#include <string.h>

#define HELP                                                                  \
	"usage: kv-bench [options]                a short tour\n"             \
	"       kv-bench load [options]           one load, in detail\n"      \
	"       kv-bench throughput --prepopulate N[,N...] [options]\n"       \
	"                                         writes against size\n"      \
	"\n"                                                                  \
	"  -p, --protocol NAME    speak resp, or json to a kv-serve (resp)\n" \
	"  -c, --clients N[,N...] connections (load 50, throughput 1)\n"      \
	"  -P, --pipeline N       requests under way on each (1)\n"           \
	"  -T, --threads N        threads of this program (1)\n"              \
	"      --keys N           size of the key space (10000)\n"            \
	"      --value-size N     bytes of a value (100)\n"                   \
	"      --duration SECONDS how long to measure (load 10, tour 1)\n"    \
	"  -s, --seed N           repeat the choices of a run\n"              \
	"  -j, --json             print one JSON object\n"                    \
	"      --csv              print a row for each measurement\n"         \
	"\n"                                                                  \
	"load:\n"                                                             \
	"      --mix OP:N[,...]   shares of get, set, insert, rmw, delete,\n" \
	"                         bulk and scan (get:90,set:10)\n"            \
	"      --dist NAME        uniform, zipf or latest (uniform)\n"        \
	"      --workload NAME    mix and keys of YCSB's A, B, C, D or F\n"   \
	"      --batch N          keys of a bulk and a delete (10)\n"         \
	"      --rate N[,N...]    open loop: so many requests a second\n"     \
	"  -n, --requests N       end after so many requests\n"               \
	"      --warmup SECONDS   do not measure at first (1)\n"              \
	"      --runs N           measure N times (1)\n"                      \
	"      --no-fill          the keys are there already\n"               \
	"      --verify           look at each value that is read\n"          \
	"      --hdr              print tables of percentiles\n"              \
	"      --svg FILE         draw latency, and throughput against it\n"  \
	"\n"                                                                  \
	"throughput:\n"                                                       \
	"      --prepopulate LIST numbers of keys to begin with\n"            \
	"      --writes N         writes at each of them (5000)\n"            \
	"\n" CLIENT_OPTIONS_HELP

/* Letters that are not short options but stand for long ones, below. */
enum {
	OPT_KEYS = 'k',
	OPT_VALUE_SIZE = 'z',
	OPT_DURATION = 'D',
	OPT_CSV = 'C',
	OPT_MIX = 'm',
	OPT_DIST = 'i',
	OPT_WORKLOAD = 'w',
	OPT_BATCH = 'b',
	OPT_RATE = 'r',
	OPT_WARMUP = 'W',
	OPT_RUNS = 'R',
	OPT_NO_FILL = 'F',
	OPT_VERIFY = 'v',
	OPT_HDR = 'H',
	OPT_SVG = 'S',
	OPT_PREPOPULATE = 'o',
	OPT_WRITES = 'x',
};

#define SHORT_OPTIONS "p:c:P:T:s:jn:" CLIENT_OPTIONS_SHORT

static const struct option long_options[] = {
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

/* Letters of the options that each command has. */
#define COMMON_LETTERS "pPTsztad"

static const struct command {
	const char *name;
	int (*run)(struct bench *b, struct out *out);
	const char *letters;
	uint64_t clients; /* if none are asked for; 0: the command decides */
	uint64_t duration_ms;
} commands[] = {
	{"load", bench_load, COMMON_LETTERS "ckDjCmiwbrnWRFvHS", 50, 10000},
	{"throughput", bench_throughput, COMMON_LETTERS "cox", 1, 0},
};

static const struct command tour = {"the tour", bench_tour,
				    COMMON_LETTERS "kDjC", 0, 1000};

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
static int take_load_option(struct bench *b, int letter)
{
	struct load_plan *plan = &b->plan;

	switch (letter) {
	case OPT_MIX:
		return mix_parse(&plan->mix, optarg);
	case OPT_DIST:
		return bench_dist_parse(&plan->dist, optarg);
	case OPT_WORKLOAD:
		return mix_workload(&plan->mix, &plan->dist, optarg);
	case OPT_BATCH:
		return parse_unsigned("--batch", optarg, LOAD_BATCH_MAX,
				      &plan->batch);
	case OPT_RATE:
		return parse_list("--rate", optarg, 1, 1000000000, &b->rates);
	case 'n':
		return parse_number("--requests", optarg, 1, INT64_MAX,
				    &plan->requests);
	case OPT_WARMUP:
		if (strcmp(optarg, "0") == 0) {
			plan->warmup_ms = 0;
			return 0;
		}
		return parse_seconds("--warmup", optarg, &plan->warmup_ms);
	case OPT_RUNS:
		return parse_number("--runs", optarg, 1, 1000, &b->runs);
	case OPT_NO_FILL:
		b->no_fill = true;
		return 0;
	case OPT_VERIFY:
		plan->verify = true;
		return 0;
	case OPT_PREPOPULATE:
		return parse_list("--prepopulate", optarg, 0, 1000000000,
				  &b->sizes);
	case OPT_WRITES:
		return parse_number("--writes", optarg, 1, 1000000000,
				    &b->writes);
	default:
		return client_option(&b->where, letter, optarg);
	}
}

static int take_option(struct bench *b, int letter)
{
	struct load_plan *plan = &b->plan;
	uint64_t n = 0;
	int r;

	switch (letter) {
	case 'p':
		return take_protocol(b, optarg);
	case 'c':
		return parse_list("--clients", optarg, 1, LOAD_CLIENTS_MAX,
				  &b->clients);
	case 'P':
		return parse_unsigned("--pipeline", optarg, LOAD_PIPELINE_MAX,
				      &plan->pipeline);
	case 'T':
		return parse_unsigned("--threads", optarg, LOAD_THREADS_MAX,
				      &plan->threads);
	case OPT_KEYS:
		return parse_number("--keys", optarg, 1, 1000000000,
				    &plan->keys);
	case OPT_VALUE_SIZE:
		r = parse_number("--value-size", optarg, 1, KV_VALUE_MAX, &n);
		b->values.size = n;
		return r;
	case OPT_DURATION:
		return parse_seconds("--duration", optarg, &plan->duration_ms);
	case 's':
		return parse_number("--seed", optarg, 0, INT64_MAX,
				    &plan->seed);
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
		b->svg = optarg;
		return 0;
	default:
		return take_load_option(b, letter);
	}
}

/* The first word, if it is not an option. */
static int find_command(int argc, char **argv, const struct command **command)
{
	*command = &tour;
	if (argc < 2 || argv[1][0] == '-')
		return 0;
	for (size_t i = 0; i < sizeof(commands) / sizeof(*commands); i++) {
		if (strcmp(argv[1], commands[i].name) == 0) {
			*command = &commands[i];
			return 0;
		}
	}
	return err_set(KV_EUSAGE,
		       "'%s' is not a command: load or throughput, or none for "
		       "a tour",
		       argv[1]);
}

/* What goes with what, and what the command has of its own. */
static int check_options(struct bench *b, const struct command *command)
{
	struct load_plan *plan = &b->plan;

	if (b->clients.n == 0 && command->clients != 0) {
		b->clients.items[0] = command->clients;
		b->clients.n = 1;
	}
	for (size_t i = 0; i < b->clients.n; i++)
		if (b->clients.items[i] < plan->threads)
			return err_set(KV_EUSAGE,
				       "%u threads need at least as many "
				       "clients",
				       plan->threads);
	if (command->run == bench_throughput && b->sizes.n == 0)
		return err_set(KV_EUSAGE, "throughput needs --prepopulate");
	if (command->run == bench_throughput && b->clients.n != 1)
		return err_set(KV_EUSAGE,
			       "throughput takes one number of clients");
	/* A number of requests ends a run, unless both are asked for. */
	if (plan->duration_ms == 0 && plan->requests == 0)
		plan->duration_ms = command->duration_ms;
	if (plan->requests != 0 && plan->warmup_ms == UINT64_MAX)
		plan->warmup_ms = 0;
	if (plan->warmup_ms == UINT64_MAX)
		plan->warmup_ms = command->run == bench_load ? 1000 : 0;
	return 0;
}

/* Finds the server, starting one if need be, and runs the command. */
static int run(struct bench *b, const struct command *command, struct out *out)
{
	size_t size = b->values.size;
	int r = values_init(&b->values, size);

	if (r == 0)
		r = bench_server_start(b);
	if (r == 0)
		r = target_open(&b->target, &b->where);
	if (r == 0 && b->plan.wire == &wire_json && !b->target.is_kv)
		r = err_set(KV_EPROTO,
			    "%s at '%s' speaks no JSON lines: use --protocol "
			    "resp",
			    b->target.name, target_address(&b->target));
	b->plan.target = &b->target;
	b->plan.values = &b->values;
	bench_catch_interrupt(&b->plan);
	if (r == 0)
		r = command->run(b, out);
	target_release(&b->target);
	bench_server_end(b);
	values_release(&b->values);
	return r;
}

int main(int argc, char **argv)
{
	struct bench b = {
		.values.size = 100,
		.plan = {.wire = &wire_resp,
			 .threads = 1,
			 .pipeline = 1,
			 .keys = 10000,
			 .batch = 10,
			 .warmup_ms = UINT64_MAX},
		.runs = 1,
		.writes = 5000,
	};
	const struct command *command;
	struct out out;
	int letter, r;

	program_begin();
	b.plan.seed = arc4random();
	(void)!mix_parse(&b.plan.mix, "get:90,set:10");
	r = find_command(argc, argv, &command);
	optind = command == &tour ? 1 : 2;
	while (r == 0 && (letter = getopt_long(argc, argv, SHORT_OPTIONS,
					       long_options, NULL)) != -1) {
		if (letter == 'h')
			return program_print(HELP);
		if (letter == 'V')
			return program_version();
		if (letter == '?')
			r = KV_EUSAGE; /* getopt_long() has said why */
		else if (strchr(command->letters, letter) == NULL)
			r = err_set(KV_EUSAGE, "%s has no such option: '%s'",
				    command->name, argv[optind - 1]);
		else
			r = take_option(&b, letter);
	}
	if (r == 0 && optind < argc)
		r = err_set(KV_EUSAGE, "'%s' is one word too many",
			    argv[optind]);
	if (r == 0)
		r = check_options(&b, command);
	if (r != 0)
		return program_fail(r);
	out_init(&out, STDOUT_FILENO, "standard output");
	r = run(&b, command, &out);
	return program_end(&out, r);
}

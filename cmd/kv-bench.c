/*
 * kv-bench - measure how fast a server is.
 */
#include "kv-bench_options.h"
#include "program.h"

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

/* Letters of the options that each command has; see kv-bench_options.h. */
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
	struct bench b;
	const struct command *command;
	struct out out;
	int letter, r;

	program_begin();
	bench_options_init(&b);
	r = find_command(argc, argv, &command);
	optind = command == &tour ? 1 : 2;
	while (r == 0 &&
	       (letter = getopt_long(argc, argv, BENCH_OPTIONS_SHORT,
				     bench_options_long, NULL)) != -1) {
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
			r = bench_option_take(&b, letter, optarg);
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

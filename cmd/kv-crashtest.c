/*
 * kv-crashtest - try to lose data.
 */
#include "kv-crashtest_parts.h"
#include "program.h"

#include "base/parse.h"
#include "check/sim_run.h"

#include <bsd/stdlib.h>
#include <getopt.h>
#include <signal.h>
#include <string.h>

#define HELP                                                                 \
	"usage: kv-crashtest kill [options]\n"                               \
	"       kv-crashtest cluster [options]\n"                            \
	"       kv-crashtest power [options]\n"                              \
	"       kv-crashtest sim [options]\n"                                \
	"       kv-crashtest disk [options]\n"                               \
	"       kv-crashtest verify [options] HISTORY\n"                     \
	"\n"                                                                 \
	"kill: kills a busy kv-serve again and again and looks for\n"        \
	"acknowledged writes that are gone.\n"                               \
	"  -r, --rounds N      kill it N times (20)\n"                       \
	"  -c, --clients N     with N clients at once (8)\n"                 \
	"  -k, --keys N        on N keys (1000)\n"                           \
	"  -t, --threads N     the server has N event loops (1)\n"           \
	"  -d, --dir DIR       with the store below DIR ($TMPDIR or /tmp)\n" \
	"      --history FILE  write what the clients saw to FILE\n"         \
	"\n"                                                                 \
	"cluster: the same with a cluster, whose nodes are killed, paused\n" \
	"and cut off; with -c, -k, -d and --history, and\n"                  \
	"      --mode MODE     of this kind (primary)\n"                     \
	"      --nodes N       of N nodes (3)\n"                             \
	"      --duration S    for S seconds (20)\n"                         \
	"\n"                                                                 \
	"power: cuts the power of a store on a simulated disk between any\n" \
	"two operations, and lets any operation fail; then the same with\n"  \
	"a node's store, whose log is replicated.\n"                         \
	"  -n, --states N      verify at least N states of each after cuts " \
	"(100000)\n"                                                         \
	"\n"                                                                 \
	"sim: runs simulated clusters in bad weather, one for each seed.\n"  \
	"      --mode MODE     of this kind (primary)\n"                     \
	"      --nodes N       of 3 or 5 nodes (as the seed says)\n"         \
	"      --seeds N       with N seeds, from --seed on (100)\n"         \
	"      --steps N       each for N steps of bad weather (6000)\n"     \
	"      --trace         print what happens on standard error\n"       \
	"\n"                                                                 \
	"disk: measures how long this disk takes to sync a small write.\n"   \
	"  -d, --dir DIR       in DIR (.)\n"                                 \
	"\n"                                                                 \
	"verify: checks a recorded history for linearizability; '-' is\n"    \
	"standard input. Exits 0: it is, 1: it is not, 2: undecided.\n"      \
	"  -l, --limit N       look at N configurations for each key "       \
	"(5000000)\n"                                                        \
	"\n"                                                                 \
	"  -s, --seed N        kill, cluster, power, sim: repeat the "       \
	"choices of a run\n"                                                 \
	"  -j, --json          print one JSON object at the end\n"           \
	"  -h, --help          print this text\n"                            \
	"  -V, --version       print the version\n"

enum {
	OPT_HISTORY = 256,
	OPT_MODE,
	OPT_NODES,
	OPT_DURATION,
	OPT_SEEDS,
	OPT_STEPS,
	OPT_TRACE
};

static const struct option long_options[] = {
	{"rounds", required_argument, NULL, 'r'},
	{"clients", required_argument, NULL, 'c'},
	{"keys", required_argument, NULL, 'k'},
	{"threads", required_argument, NULL, 't'},
	{"dir", required_argument, NULL, 'd'},
	{"history", required_argument, NULL, OPT_HISTORY},
	{"mode", required_argument, NULL, OPT_MODE},
	{"nodes", required_argument, NULL, OPT_NODES},
	{"duration", required_argument, NULL, OPT_DURATION},
	{"seeds", required_argument, NULL, OPT_SEEDS},
	{"steps", required_argument, NULL, OPT_STEPS},
	{"trace", no_argument, NULL, OPT_TRACE},
	{"states", required_argument, NULL, 'n'},
	{"limit", required_argument, NULL, 'l'},
	{"seed", required_argument, NULL, 's'},
	{"json", no_argument, NULL, 'j'},
	{"help", no_argument, NULL, 'h'},
	{"version", no_argument, NULL, 'V'},
	{NULL, 0, NULL, 0},
};

static const struct command {
	const char *name;
	int (*run)(const struct crashtest *job, struct out *out);
	const char *letters; /* of its options; see plain_letter() */
} commands[] = {
	{"kill", crashtest_kill, "rcktdHsj"},
	{"cluster", crashtest_cluster, "ckdHMNDsj"},
	{"sim", crashtest_sim, "MNSETsj"},
	{"power", crashtest_power, "nsj"},
	{"disk", crashtest_disk, "dj"},
	{"verify", crashtest_verify, "lj"},
};

#define NCOMMANDS (sizeof(commands) / sizeof(*commands))

/* The letter that stands for an option in a command's list. */
static int plain_letter(int letter)
{
	switch (letter) {
	case OPT_HISTORY:
		return 'H';
	case OPT_MODE:
		return 'M';
	case OPT_NODES:
		return 'N';
	case OPT_DURATION:
		return 'D';
	case OPT_SEEDS:
		return 'S';
	case OPT_STEPS:
		return 'E';
	case OPT_TRACE:
		return 'T';
	default:
		return letter;
	}
}

static int take_mode(const char *mode)
{
	if (strcmp(mode, "primary") == 0)
		return 0;
	return err_set(KV_EUSAGE, "--mode '%s': there is only 'primary'", mode);
}

static int take_option(struct crashtest *job, const struct command *command,
		       int letter)
{
	if (letter == '?')
		return KV_EUSAGE; /* getopt_long() has said what is wrong */
	if (strchr(command->letters, plain_letter(letter)) == NULL)
		return err_set(KV_EUSAGE, "'%s' has no such option",
			       command->name);
	switch (letter) {
	case 'r':
		return parse_number("--rounds", optarg, 1, 1000000,
				    &job->rounds);
	case 'c':
		return parse_number("--clients", optarg, 1, 1000,
				    &job->clients);
	case 'k':
		return parse_number("--keys", optarg, 2, 1000000, &job->keys);
	case 't':
		return parse_number("--threads", optarg, 1, 64, &job->threads);
	case 'd':
		job->dir = optarg;
		return 0;
	case OPT_HISTORY:
		job->history = optarg;
		return 0;
	case OPT_MODE:
		return take_mode(optarg);
	case OPT_NODES:
		return parse_number("--nodes", optarg, 1, 9, &job->nodes);
	case OPT_DURATION:
		return parse_seconds("--duration", optarg, &job->duration_ms);
	case OPT_SEEDS:
		return parse_number("--seeds", optarg, 1, INT64_MAX,
				    &job->seeds);
	case OPT_STEPS:
		return parse_number("--steps", optarg, 1, INT64_MAX,
				    &job->steps);
	case OPT_TRACE:
		job->trace = true;
		return 0;
	case 'n':
		return parse_number("--states", optarg, 1, INT64_MAX,
				    &job->states);
	case 'l':
		return parse_number("--limit", optarg, 1, INT64_MAX,
				    &job->limit);
	case 's':
		return parse_number("--seed", optarg, 0, INT64_MAX, &job->seed);
	default:
		job->json = true;
		return 0;
	}
}

/* The first word that is not an option. */
static int find_command(int argc, char **argv, const struct command **command)
{
	if (argc < 2 || argv[1][0] == '-')
		return err_set(KV_EUSAGE, "what to test? kill, cluster, sim, "
					  "power, disk or verify");
	for (size_t i = 0; i < NCOMMANDS; i++) {
		if (strcmp(argv[1], commands[i].name) == 0) {
			*command = &commands[i];
			return 0;
		}
	}
	return err_set(
		KV_EUSAGE,
		"'%s' is not one of kill, cluster, sim, power, disk and verify",
		argv[1]);
}

static int take_operands(struct crashtest *job, const struct command *command,
			 int argc, char **argv)
{
	bool wants_file = command->run == crashtest_verify;

	if (wants_file && optind + 1 == argc) {
		job->history = argv[optind];
		return 0;
	}
	if (wants_file)
		return err_set(KV_EUSAGE, "verify takes one HISTORY");
	if (optind < argc)
		return err_set(KV_EUSAGE, "'%s' is one word too many",
			       argv[optind]);
	return 0;
}

int main(int argc, char **argv)
{
	struct crashtest job = {.rounds = 20,
				.clients = 8,
				.keys = 1000,
				.threads = 1,
				.seeds = 100,
				.steps = SIM_RUN_STEPS,
				.duration_ms = 20000,
				.states = 100000};
	const struct command *command = NULL;
	struct out out;
	int letter, status, r;

	program_begin();
	signal(SIGPIPE, SIG_IGN);
	job.seed = arc4random();
	if (argc > 1 && argv[1][0] != '-')
		optind = 2;
	r = optind == 2 ? find_command(argc, argv, &command) : 0;
	while (r == 0 &&
	       (letter = getopt_long(argc, argv, "r:c:k:t:d:n:l:s:jhV",
				     long_options, NULL)) != -1) {
		if (letter == 'h')
			return program_print(HELP);
		if (letter == 'V')
			return program_version();
		r = command == NULL && letter != '?'
			    ? find_command(argc, argv, &command)
			    : take_option(&job, command, letter);
	}
	if (r == 0 && command == NULL)
		r = find_command(argc, argv, &command);
	if (r == 0)
		r = take_operands(&job, command, argc, argv);
	if (r != 0)
		return program_fail(r);
	out_init(&out, STDOUT_FILENO, "standard output");
	status = command->run(&job, &out);
	r = program_end(&out, 0);
	return r != 0 ? r : status;
}

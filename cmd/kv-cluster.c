/*
 * kv-cluster - start, inspect and steer a cluster.
 */
#include "kv-cluster_parts.h"
#include "program.h"

#include "base/parse.h"
#include "cluster/order.h"
#include "cluster/status.h"

#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#define HELP                                                                   \
	"usage: kv-cluster start [--nodes N] [--port PORT] [-d DIR]\n"         \
	"       kv-cluster stop | restart [NODE]\n"                            \
	"       kv-cluster status [--json | --watch]\n"                        \
	"       kv-cluster down NODE [--pause | --isolate]\n"                  \
	"       kv-cluster up NODE\n"                                          \
	"       kv-cluster partition NODE,.../NODE,... | heal\n"               \
	"       kv-cluster add NODE=HOST:PORT | remove NODE\n"                 \
	"       kv-cluster transfer NODE | repair NODE\n"                      \
	"\n"                                                                   \
	"Runs a cluster of kv-serve processes on this machine, or (-a) steers" \
	"\n"                                                                   \
	"one that runs anywhere.\n"                                            \
	"\n"                                                                   \
	"  -d, --dir DIR          the local cluster's directory "              \
	"(cluster_data)\n"                                                     \
	"  -a, --addr ADDR        nodes of a cluster: "                        \
	"HOST:PORT[,HOST:PORT...]"                                             \
	"\n"                                                                   \
	"  -t, --timeout SECONDS  give up after this time (30)\n"              \
	"  -m, --mode MODE        start: primary (one node leads)\n"           \
	"  -n, --nodes N          start: this many nodes (3)\n"                \
	"  -p, --port PORT        start: the first one's port (65431)\n"       \
	"  -j, --json             status: as one JSON object\n"                \
	"  -w, --watch            status: again and again\n"                   \
	"      --pause            down: SIGSTOP instead of SIGKILL\n"          \
	"      --isolate          down: cut from the other nodes only\n"       \
	"  -h, --help             print this text\n"                           \
	"  -V, --version          print the version\n"

enum { OPT_PAUSE = 256, OPT_ISOLATE };

#define SHORT_OPTIONS "d:a:t:m:n:p:jwhV"

static const struct option long_options[] = {
	{"dir", required_argument, NULL, 'd'},
	{"addr", required_argument, NULL, 'a'},
	{"timeout", required_argument, NULL, 't'},
	{"mode", required_argument, NULL, 'm'},
	{"nodes", required_argument, NULL, 'n'},
	{"port", required_argument, NULL, 'p'},
	{"json", no_argument, NULL, 'j'},
	{"watch", no_argument, NULL, 'w'},
	{"pause", no_argument, NULL, OPT_PAUSE},
	{"isolate", no_argument, NULL, OPT_ISOLATE},
	{"help", no_argument, NULL, 'h'},
	{"version", no_argument, NULL, 'V'},
	{NULL, 0, NULL, 0},
};

enum operand { OPERAND_NONE, OPERAND_MAYBE, OPERAND_ONE };

static const struct command {
	const char *name;
	cluster_command *run;
	const char *letters; /* of its options; P is --pause, I --isolate */
	enum operand operand;
	bool local;  /* only for a cluster on this machine */
	bool begins; /* there may be none yet */
} commands[] = {
	{"start", cluster_start, "mnp", OPERAND_NONE, true, true},
	{"stop", cluster_stop, "", OPERAND_NONE, true, false},
	{"restart", cluster_restart, "", OPERAND_MAYBE, true, false},
	{"status", cluster_show, "jw", OPERAND_NONE, false, false},
	{"down", cluster_down, "PI", OPERAND_ONE, true, false},
	{"up", cluster_up, "", OPERAND_ONE, true, false},
	{"partition", cluster_partition, "", OPERAND_ONE, false, false},
	{"heal", cluster_heal, "", OPERAND_NONE, false, false},
	{"add", cluster_add, "", OPERAND_ONE, false, false},
	{"remove", cluster_remove, "", OPERAND_ONE, false, false},
	{"transfer", cluster_transfer, "", OPERAND_ONE, false, false},
	{"repair", cluster_repair, "", OPERAND_ONE, false, false},
};

#define NCOMMANDS (sizeof(commands) / sizeof(*commands))

static int find_command(int argc, char **argv, const struct command **command)
{
	if (argc < 2 || argv[1][0] == '-')
		return err_set(KV_EUSAGE, "what to do? start, status, down...");
	for (size_t i = 0; i < NCOMMANDS; i++) {
		if (strcmp(argv[1], commands[i].name) == 0) {
			*command = &commands[i];
			return 0;
		}
	}
	return err_set(KV_EUSAGE, "there is no command '%s'", argv[1]);
}

static int take_mode(const char *mode)
{
	if (strcmp(mode, "primary") == 0)
		return 0;
	return err_set(KV_EUSAGE, "--mode '%s': there is only 'primary'", mode);
}

static int take_timeout(struct cluster_job *job)
{
	uint64_t ms;
	int r = parse_seconds("--timeout", optarg, &ms);

	job->timeout_ms = ms < INT32_MAX ? (unsigned)ms : INT32_MAX;
	return r;
}

static int take_option(struct cluster_job *job, const struct command *command,
		       int letter)
{
	int plain = letter == OPT_PAUSE	    ? 'P'
		    : letter == OPT_ISOLATE ? 'I'
					    : letter;

	if (letter == '?')
		return KV_EUSAGE; /* getopt_long() has said what is wrong */
	if (strchr("dat", plain) == NULL &&
	    strchr(command->letters, plain) == NULL)
		return err_set(KV_EUSAGE, "'%s' has no such option",
			       command->name);
	switch (letter) {
	case 'd':
		job->dir = optarg;
		return 0;
	case 'a':
		job->address = optarg;
		return 0;
	case 't':
		return take_timeout(job);
	case 'm':
		return take_mode(optarg);
	case 'n':
		return parse_number("--nodes", optarg, 1, MEMBERS_MAX,
				    &job->nodes);
	case 'p':
		return parse_number("--port", optarg, 1, UINT16_MAX,
				    &job->port);
	case 'j':
		job->json = true;
		return 0;
	case 'w':
		job->watch = true;
		return 0;
	case OPT_PAUSE:
		job->pause = true;
		return 0;
	default:
		job->isolate = true;
		return 0;
	}
}

static int check_options(struct cluster_job *job, const struct command *command,
			 int argc, char **argv)
{
	int left = argc - optind;

	if (left > (command->operand == OPERAND_NONE ? 0 : 1))
		return err_set(
			KV_EUSAGE, "'%s' is one operand too many",
			argv[optind + (command->operand != OPERAND_NONE)]);
	if (left == 0 && command->operand == OPERAND_ONE)
		return err_set(KV_EUSAGE, "'%s' of which node?", command->name);
	job->operand = left != 0 ? argv[optind] : NULL;
	if (job->address != NULL && job->dir != NULL)
		return err_set(KV_EUSAGE, "-a and -d exclude each other");
	if (job->address != NULL && command->local)
		return err_set(KV_EUSAGE,
			       "'%s' is for a cluster on this machine: use -d",
			       command->name);
	if (job->pause && job->isolate)
		return err_set(KV_EUSAGE,
			       "--pause and --isolate exclude each other");
	if (job->json && job->watch)
		return err_set(KV_EUSAGE,
			       "--json and --watch exclude each other");
	if (job->dir == NULL)
		job->dir = "cluster_data";
	return 0;
}

/* Which nodes there are. */
static int find_cluster(struct cluster_job *job, const struct command *command)
{
	int r;

	if (command->begins)
		return 0;
	if (job->address == NULL) {
		r = local_open(&job->local, job->dir);
		job->members = job->local.nodes;
	} else {
		r = status_members(job->address, job->timeout_ms,
				   &job->members);
	}
	if (r == 0 && job->members.n != 0)
		job->addresses = order_addresses(&job->members);
	return r != 0 ? r : job->addresses == NULL ? KV_ENOMEM : 0;
}

int main(int argc, char **argv)
{
	struct cluster_job job = {
		.timeout_ms = 30000, .nodes = 3, .port = 65431};
	const struct command *command = NULL;
	struct out out;
	int letter, r;

	program_begin();
	if (argc > 1 && argv[1][0] != '-')
		optind = 2;
	r = optind == 2 ? find_command(argc, argv, &command) : 0;
	while (r == 0 && (letter = getopt_long(argc, argv, SHORT_OPTIONS,
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
		r = check_options(&job, command, argc, argv);
	if (r != 0)
		return program_fail(r);
	out_init(&out, STDOUT_FILENO, "standard output");
	r = find_cluster(&job, command);
	if (r == 0)
		r = command->run(&job, &out);
	free(job.addresses);
	if (r == KV_ENOTFOUND || r == KV_ECONDITION)
		program_fail(r); /* an answer, but one that needs its words */
	return program_end(&out, r);
}

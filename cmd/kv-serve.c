/*
 * kv-serve - serve a store.
 */
#include "kv-serve_node.h"
#include "kv-serve_offline.h"
#include "program.h"

#include "base/buf.h"
#include "base/parse.h"
#include "serve/daemon.h"
#include "serve/server.h"
#include "store/store.h"

#include <bsd/stdlib.h>
#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define HELP                                                                  \
	"usage: kv-serve [options]\n"                                         \
	"       kv-serve --check [-d DIR]\n"                                  \
	"       kv-serve --salvage [-d DIR] --to NEWDIR\n"                    \
	"\n"                                                                  \
	"Serves the store in DIR over TCP and a Unix socket.\n"               \
	"\n"                                                                  \
	"  -d, --dir DIR            the store, made if missing (kv-data)\n"   \
	"      --host HOST          listen on this address (127.0.0.1)\n"     \
	"      --port PORT          listen on this port (65432); "            \
	"0: a free one\n"                                                     \
	"      --socket PATH        listen on this Unix socket "              \
	"(DIR/kv.sock)\n"                                                     \
	"  -b, --background         return when ready, serve in the "         \
	"background\n"                                                        \
	"      --pid-file PATH      write the process number there "          \
	"(with -b:\n"                                                         \
	"                           DIR/kv-serve.pid)\n"                      \
	"      --ready-fd N         write a newline to descriptor N when "    \
	"ready\n"                                                             \
	"      --max-line BYTES     longest request (268435456)\n"            \
	"      --max-clients N      connections at once\n"                    \
	"      --threads N          event loops (1)\n"                        \
	"      --sync-thread WHEN   auto, never or always\n"                  \
	"      --check              verify the store instead of serving it\n" \
	"      --salvage            copy what is sound in a damaged store "   \
	"...\n"                                                               \
	"      --to NEWDIR          ... to a new one\n"                       \
	"      --debug-seed N       choose which syncs fail on request\n"     \
	"      --debug-rate PERCENT how often they do (1)\n"                  \
	"\n"                                                                  \
	"As a node of a cluster:\n"                                           \
	"\n"                                                                  \
	"      --node NAME          be the node of this name\n"               \
	"      --mode MODE          solo, or primary: one node leads\n"       \
	"      --members LIST       the nodes that the cluster begins with: " \
	"NAME=HOST:PORT,...\n"                                                \
	"      --cluster FILE       the same from a file, a line each\n"      \
	"      --join               wait to be added to a cluster\n"          \
	"      --secret-file FILE   what all nodes know (DIR/secret)\n"       \
	"      --heartbeat MS       how often a leader shows itself\n"        \
	"      --election-timeout MS  how long it may be silent\n"            \
	"      --allow-faults       obey orders to cut links, for tests\n"    \
	"\n"                                                                  \
	"  -h, --help               print this\n"                             \
	"  -V, --version            print the version\n"

enum {
	OPT_HOST = 256,
	OPT_PORT,
	OPT_SOCKET,
	OPT_PID_FILE,
	OPT_READY_FD,
	OPT_MAX_LINE,
	OPT_MAX_CLIENTS,
	OPT_THREADS,
	OPT_SYNC_THREAD,
	OPT_CHECK,
	OPT_SALVAGE,
	OPT_TO,
	OPT_DEBUG_SEED,
	OPT_DEBUG_RATE,
};

static const struct option long_options[] = {
	{"dir", required_argument, NULL, 'd'},
	{"host", required_argument, NULL, OPT_HOST},
	{"port", required_argument, NULL, OPT_PORT},
	{"socket", required_argument, NULL, OPT_SOCKET},
	{"background", no_argument, NULL, 'b'},
	{"pid-file", required_argument, NULL, OPT_PID_FILE},
	{"ready-fd", required_argument, NULL, OPT_READY_FD},
	{"max-line", required_argument, NULL, OPT_MAX_LINE},
	{"max-clients", required_argument, NULL, OPT_MAX_CLIENTS},
	{"threads", required_argument, NULL, OPT_THREADS},
	{"sync-thread", required_argument, NULL, OPT_SYNC_THREAD},
	{"check", no_argument, NULL, OPT_CHECK},
	{"salvage", no_argument, NULL, OPT_SALVAGE},
	{"to", required_argument, NULL, OPT_TO},
	{"debug-seed", required_argument, NULL, OPT_DEBUG_SEED},
	{"debug-rate", required_argument, NULL, OPT_DEBUG_RATE},
	{"node", required_argument, NULL, OPT_NODE},
	{"mode", required_argument, NULL, OPT_MODE},
	{"members", required_argument, NULL, OPT_MEMBERS},
	{"cluster", required_argument, NULL, OPT_CLUSTER},
	{"join", no_argument, NULL, OPT_JOIN},
	{"secret-file", required_argument, NULL, OPT_SECRET_FILE},
	{"allow-faults", no_argument, NULL, OPT_ALLOW_FAULTS},
	{"heartbeat", required_argument, NULL, OPT_HEARTBEAT},
	{"election-timeout", required_argument, NULL, OPT_ELECTION_TIMEOUT},
	{"help", no_argument, NULL, 'h'},
	{"version", no_argument, NULL, 'V'},
	{0},
};

#define MIN_LINE 1024
#define MAX_LINE (INT64_C(1) << 32)
#define MAX_THREADS 64

struct job {
	struct server_options server;
	struct node_choice node;
	const char *host; /* NULL: not given */
	int port;	  /* -1: not given */
	struct daemon daemon;
	const char *pid_file;
	char *pid_file_default, *log_file;
	int ready_fd; /* -1: none */
	const char *salvage_to;
	bool background, check, salvage;
	bool stamped; /* log lines begin with the time */
	/* In the background: what was said before there was a log file to say
	 * it in, each line with its NUL. Whoever started the server may not
	 * have kept it. */
	struct buf early;
};

static void print_log(void *arg, const char *line)
{
	struct job *job = arg;
	char stamp[32] = "";
	time_t now = time(NULL);
	struct tm tm;

	if (job->stamped && gmtime_r(&now, &tm) != NULL)
		strftime(stamp, sizeof(stamp), "%Y-%m-%dT%H:%M:%SZ ", &tm);
	else if (job->background)
		buf_append(&job->early, line, strlen(line) + 1);
	fprintf(stderr, "%skv-serve: %s\n", stamp, line);
}

static void repeat_early(struct job *job)
{
	const struct buf *early = &job->early;

	if (!buf_failed(early))
		for (size_t at = 0; at < early->len;
		     at += strlen(early->data + at) + 1)
			print_log(job, early->data + at);
	buf_release(&job->early);
}

static int parse_rate(const char *text, uint32_t *millionths)
{
	char *end;
	double percent = strtod(text, &end);

	if (end == text || *end != '\0' || !(percent >= 0 && percent <= 100))
		return err_set(KV_EUSAGE,
			       "--debug-rate '%s' is not a percentage from 0 "
			       "to 100",
			       text);
	*millionths = (uint32_t)(percent * 10000 + 0.5);
	return 0;
}

static int parse_sync_thread(const char *text, enum committer_mode *mode)
{
	static const struct {
		const char *name;
		enum committer_mode mode;
	} modes[] = {
		{"auto", COMMITTER_AUTO},
		{"never", COMMITTER_INPLACE},
		{"always", COMMITTER_THREAD},
	};

	for (size_t i = 0; i < sizeof(modes) / sizeof(*modes); i++) {
		if (strcmp(text, modes[i].name) == 0) {
			*mode = modes[i].mode;
			return 0;
		}
	}
	return err_set(KV_EUSAGE,
		       "--sync-thread '%s' is not one of auto, never, always",
		       text);
}

static int take_number(struct job *job, int letter, const char *text)
{
	uint64_t n = 0;
	int r = KV_EUSAGE;

	switch (letter) {
	case OPT_PORT:
		r = parse_number("--port", text, 0, 65535, &n);
		job->port = (int)n;
		break;
	case OPT_READY_FD:
		r = parse_number("--ready-fd", text, 0, INT32_MAX, &n);
		job->ready_fd = (int)n;
		break;
	case OPT_MAX_LINE:
		r = parse_number("--max-line", text, MIN_LINE, MAX_LINE, &n);
		job->server.max_line = n;
		break;
	case OPT_MAX_CLIENTS:
		r = parse_number("--max-clients", text, 1, INT32_MAX, &n);
		job->server.max_clients = n;
		break;
	case OPT_THREADS:
		r = parse_number("--threads", text, 1, MAX_THREADS, &n);
		job->server.threads = (unsigned)n;
		break;
	case OPT_DEBUG_SEED:
		r = parse_number("--debug-seed", text, 0, INT64_MAX, &n);
		job->server.debug_seed = n;
		break;
	}
	return r;
}

static int take_option(struct job *job, int letter)
{
	switch (letter) {
	case 'd':
		job->server.dir = optarg;
		return 0;
	case 'b':
		job->background = true;
		return 0;
	case OPT_HOST:
		job->host = optarg;
		return 0;
	case OPT_SOCKET:
		job->server.socket = optarg;
		return 0;
	case OPT_PID_FILE:
		job->pid_file = optarg;
		return 0;
	case OPT_CHECK:
		job->check = true;
		return 0;
	case OPT_SALVAGE:
		job->salvage = true;
		return 0;
	case OPT_TO:
		job->salvage_to = optarg;
		return 0;
	case OPT_SYNC_THREAD:
		return parse_sync_thread(optarg, &job->server.sync_mode);
	case OPT_DEBUG_RATE:
		return parse_rate(optarg, &job->server.debug_rate);
	case '?':
		return KV_EUSAGE; /* getopt_long() has said what is wrong */
	default:
		return letter >= OPT_NODE
			       ? node_option_take(&job->node, letter, optarg)
			       : take_number(job, letter, optarg);
	}
}

/* What can be told before going to the background, so that the caller is. */
static int check_options(struct job *job)
{
	int r;

	if (job->server.dir[0] == '\0')
		return err_set(KV_EUSAGE, "--dir needs the name of a "
					  "directory");
	if (job->salvage != (job->salvage_to != NULL))
		return err_set(KV_EUSAGE, "--salvage and --to NEWDIR go "
					  "together");
	r = node_options_apply(&job->node, &job->server, job->host, job->port);
	if (r != 0)
		return r;
	if (job->ready_fd >= 0 && fcntl(job->ready_fd, F_GETFD) < 0)
		return err_set(KV_EUSAGE, "--ready-fd %d is not open",
			       job->ready_fd);
	if (asprintf(&job->pid_file_default, "%s/kv-serve.pid",
		     job->server.dir) < 0 ||
	    asprintf(&job->log_file, "%s/kv-serve.log", job->server.dir) < 0)
		return err_set(KV_ENOMEM, "out of memory");
	if (job->background && job->pid_file == NULL)
		job->pid_file = job->pid_file_default;
	return 0;
}

static int announce(struct job *job, struct server *server)
{
	char line[4096];
	int r = 0;

	if (job->pid_file != NULL)
		r = pid_file_write(job->pid_file);
	if (r != 0)
		return r;
	snprintf(line, sizeof(line), "listening on %s", server_address(server));
	print_log(job, line);
	if (job->background) {
		r = daemon_ready(&job->daemon, job->log_file);
		job->stamped = true;
		if (r == 0)
			repeat_early(job);
	}
	if (r == 0 && job->ready_fd >= 0) {
		/* Nobody may be reading any more; that is their affair. */
		(void)!write(job->ready_fd, "\n", 1);
		close(job->ready_fd);
	}
	return r;
}

static int serve(struct job *job)
{
	struct server *server;
	char text[ERR_TEXT_MAX] = "";
	int r = server_open(&server, &job->server), closed;

	if (r != 0)
		return r;
	r = announce(job, server);
	if (r == 0)
		r = server_run(server);
	if (r != 0)
		snprintf(text, sizeof(text), "%s", err_text());
	if (job->pid_file != NULL)
		unlink(job->pid_file);
	closed = server_close(server);
	if (r != 0)
		return err_set(r, "%s", text);
	return closed;
}

static int run(struct job *job)
{
	bool is_parent = false;
	int r = 0, status = 0;

	signal(SIGPIPE, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	if (job->background)
		r = daemon_split(&job->daemon, job->ready_fd, &is_parent,
				 &status);
	if (r == 0 && is_parent)
		return status;
	if (r == 0)
		r = serve(job);
	if (r == 0)
		print_log(job, "stopped");
	else if (job->stamped)
		print_log(job, err_text());
	return r == 0 ? 0 : job->stamped ? err_exit_status(r) : program_fail(r);
}

int main(int argc, char **argv)
{
	struct job job = {
		.server = {.dir = "kv-data",
			   .debug_rate = 10000,
			   .log = print_log},
		.port = -1,
		.ready_fd = -1,
	};
	int letter, r = 0, status;

	program_begin();
	job.server.log_arg = &job;
	job.server.debug_seed = arc4random();
	while (r == 0 && (letter = getopt_long(argc, argv, "d:bhV",
					       long_options, NULL)) != -1) {
		if (letter == 'h')
			return program_print(HELP);
		if (letter == 'V')
			return program_version();
		r = take_option(&job, letter);
	}
	if (r == 0 && optind < argc)
		r = err_set(KV_EUSAGE, "'%s' is not an option", argv[optind]);
	if (r == 0)
		r = check_options(&job);
	if (r != 0)
		return program_fail(r);
	if (job.check)
		status = offline_check(job.server.dir);
	else if (job.salvage)
		status = offline_salvage(job.server.dir, job.salvage_to);
	else
		status = run(&job);
	free(job.pid_file_default);
	free(job.log_file);
	return status;
}

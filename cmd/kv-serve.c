/*
 * kv-serve - serve a store.
 */
#include "kv-serve_offline.h"
#include "kv-serve_options.h"
#include "program.h"

#include "base/buf.h"
#include "serve/daemon.h"
#include "serve/server.h"

#include <getopt.h>
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

struct job {
	struct serve_options options;
	struct daemon daemon;
	char *pid_file_default, *log_file;
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
	else if (job->options.background)
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

/* The files whose names follow from the directory. */
static int name_files(struct job *job)
{
	const char *dir = job->options.server.dir;

	if (asprintf(&job->pid_file_default, "%s/kv-serve.pid", dir) < 0 ||
	    asprintf(&job->log_file, "%s/kv-serve.log", dir) < 0)
		return err_set(KV_ENOMEM, "out of memory");
	if (job->options.background && job->options.pid_file == NULL)
		job->options.pid_file = job->pid_file_default;
	return 0;
}

static int announce(struct job *job, struct server *server)
{
	char line[4096];
	int r = 0;

	if (job->options.pid_file != NULL)
		r = pid_file_write(job->options.pid_file);
	if (r != 0)
		return r;
	snprintf(line, sizeof(line), "listening on %s", server_address(server));
	print_log(job, line);
	if (job->options.background) {
		r = daemon_ready(&job->daemon, job->log_file);
		job->stamped = true;
		if (r == 0)
			repeat_early(job);
	}
	if (r == 0 && job->options.ready_fd >= 0) {
		/* Nobody may be reading any more; that is their affair. */
		(void)!write(job->options.ready_fd, "\n", 1);
		close(job->options.ready_fd);
	}
	return r;
}

static int serve(struct job *job)
{
	struct server *server;
	char text[ERR_TEXT_MAX] = "";
	int r = server_open(&server, &job->options.server), closed;

	if (r != 0)
		return r;
	r = announce(job, server);
	if (r == 0)
		r = server_run(server);
	if (r != 0)
		snprintf(text, sizeof(text), "%s", err_text());
	if (job->options.pid_file != NULL)
		unlink(job->options.pid_file);
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
	if (job->options.background)
		r = daemon_split(&job->daemon, job->options.ready_fd,
				 &is_parent, &status);
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
	struct job job = {0};
	struct serve_options *options = &job.options;
	int letter, r = 0, status;

	program_begin();
	serve_options_init(options);
	options->server.log = print_log;
	options->server.log_arg = &job;
	while (r == 0 &&
	       (letter = getopt_long(argc, argv, SERVE_OPTIONS_SHORT,
				     serve_options_long, NULL)) != -1) {
		if (letter == 'h')
			return program_print(HELP);
		if (letter == 'V')
			return program_version();
		r = serve_option_take(options, letter, optarg);
	}
	if (r == 0 && optind < argc)
		r = err_set(KV_EUSAGE, "'%s' is not an option", argv[optind]);
	if (r == 0)
		r = serve_options_check(options);
	if (r == 0)
		r = name_files(&job);
	if (r != 0)
		return program_fail(r);
	if (options->check)
		status = offline_check(options->server.dir);
	else if (options->salvage)
		status = offline_salvage(options->server.dir,
					 options->salvage_to);
	else
		status = run(&job);
	free(job.pid_file_default);
	free(job.log_file);
	return status;
}

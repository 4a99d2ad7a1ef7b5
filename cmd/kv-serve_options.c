/*
 * kv-serve_options.c - see kv-serve_options.h.
 */
#include "kv-serve_options.h"

#include "base/err.h"
#include "base/parse.h"

#include <bsd/stdlib.h>
#include <fcntl.h>
#include <string.h>

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

const struct option serve_options_long[] = {
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

void serve_options_init(struct serve_options *o)
{
	*o = (struct serve_options){
		.server = {.dir = "kv-data",
			   .debug_seed = arc4random(),
			   .debug_rate = 10000},
		.port = -1,
		.ready_fd = -1,
	};
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

static int take_number(struct serve_options *o, int letter, const char *text)
{
	uint64_t n = 0;
	int r = KV_EUSAGE;

	switch (letter) {
	case OPT_PORT:
		r = parse_number("--port", text, 0, 65535, &n);
		o->port = (int)n;
		break;
	case OPT_READY_FD:
		r = parse_number("--ready-fd", text, 0, INT32_MAX, &n);
		o->ready_fd = (int)n;
		break;
	case OPT_MAX_LINE:
		r = parse_number("--max-line", text, MIN_LINE, MAX_LINE, &n);
		o->server.max_line = n;
		break;
	case OPT_MAX_CLIENTS:
		r = parse_number("--max-clients", text, 1, INT32_MAX, &n);
		o->server.max_clients = n;
		break;
	case OPT_THREADS:
		r = parse_number("--threads", text, 1, MAX_THREADS, &n);
		o->server.threads = (unsigned)n;
		break;
	case OPT_DEBUG_SEED:
		r = parse_number("--debug-seed", text, 0, INT64_MAX, &n);
		o->server.debug_seed = n;
		break;
	}
	return r;
}

int serve_option_take(struct serve_options *o, int letter, const char *arg)
{
	switch (letter) {
	case 'd':
		o->server.dir = arg;
		return 0;
	case 'b':
		o->background = true;
		return 0;
	case OPT_HOST:
		o->host = arg;
		return 0;
	case OPT_SOCKET:
		o->server.socket = arg;
		return 0;
	case OPT_PID_FILE:
		o->pid_file = arg;
		return 0;
	case OPT_CHECK:
		o->check = true;
		return 0;
	case OPT_SALVAGE:
		o->salvage = true;
		return 0;
	case OPT_TO:
		o->salvage_to = arg;
		return 0;
	case OPT_SYNC_THREAD:
		return parse_sync_thread(arg, &o->server.sync_mode);
	case OPT_DEBUG_RATE:
		return parse_rate(arg, &o->server.debug_rate);
	case '?':
		return KV_EUSAGE; /* getopt_long() has said what is wrong */
	default:
		return letter >= OPT_NODE
			       ? node_option_take(&o->node, letter, arg)
			       : take_number(o, letter, arg);
	}
}

int serve_options_check(struct serve_options *o)
{
	int r;

	if (o->server.dir[0] == '\0')
		return err_set(KV_EUSAGE, "--dir needs the name of a "
					  "directory");
	if (o->salvage != (o->salvage_to != NULL))
		return err_set(KV_EUSAGE, "--salvage and --to NEWDIR go "
					  "together");
	r = node_options_apply(&o->node, &o->server, o->host, o->port);
	if (r != 0)
		return r;
	if (o->ready_fd >= 0 && fcntl(o->ready_fd, F_GETFD) < 0)
		return err_set(KV_EUSAGE, "--ready-fd %d is not open",
			       o->ready_fd);
	return 0;
}

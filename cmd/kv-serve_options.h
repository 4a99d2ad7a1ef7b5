/*
 * kv-serve_options.h - what kv-serve was told to do.
 */
#ifndef CMD_KV_SERVE_OPTIONS_H
#define CMD_KV_SERVE_OPTIONS_H

#include "kv-serve_node.h"

#include "serve/server.h"

#include <getopt.h>
#include <stdbool.h>

struct serve_options {
	struct server_options server;
	struct node_choice node;
	const char *host;     /* NULL: not given */
	int port;	      /* -1: not given */
	const char *pid_file; /* NULL: not given */
	int ready_fd;	      /* -1: none */
	const char *salvage_to;
	bool background, check, salvage;
};

#define SERVE_OPTIONS_SHORT "d:bhV"
extern const struct option serve_options_long[];

/* What holds unless options say otherwise. */
void serve_options_init(struct serve_options *o);

/* One option as getopt_long() has it, but for help and version. KV_EUSAGE. */
int serve_option_take(struct serve_options *o, int letter, const char *arg);

/* What can be told before going to the background, so that the caller is. What
 * is odd but allowed is said through o->server.log. KV_EUSAGE, KV_EIO. */
int serve_options_check(struct serve_options *o);

#endif

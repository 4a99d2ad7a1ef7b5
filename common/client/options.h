/*
 * options.h - the options that every client program has, so that they read and
 * behave alike. A program puts the macros into its getopt_long(3) tables and
 * its help, and hands the letters it does not know to client_option().
 */
#ifndef CLIENT_OPTIONS_H
#define CLIENT_OPTIONS_H

#include "kv.h"

#define CLIENT_OPTIONS_SHORT "a:d:t:hV"

/* clang-format off */
#define CLIENT_OPTIONS_LONG                             \
	{"addr", required_argument, NULL, 'a'},         \
	{"dir", required_argument, NULL, 'd'},          \
	{"timeout", required_argument, NULL, 't'},      \
	{"help", no_argument, NULL, 'h'},               \
	{"version", no_argument, NULL, 'V'},            \
	{NULL, 0, NULL, 0}
/* clang-format on */

#define CLIENT_OPTIONS_HELP                                                    \
	"  -a, --addr ADDR        server: HOST:PORT[,HOST:PORT...] or "        \
	"unix:PATH\n"                                                          \
	"  -d, --dir DIR          store directory: through its server if one " \
	"runs,\n"                                                              \
	"                         else opened by this program itself\n"        \
	"                         (neither: $KV_ADDR, then 127.0.0.1:65432)\n" \
	"  -t, --timeout SECONDS  give up after this time (5)\n"               \
	"  -h, --help             print this text\n"                           \
	"  -V, --version          print the version\n"

/*
 * Takes the letter that getopt_long() returned and its argument, which must
 * live as long as *o. 0; KV_EUSAGE with err_text(); or KV_EUSAGE with an empty
 * err_text() if getopt_long() itself has complained ('?').
 */
int client_option(struct kv_options *o, int letter, const char *arg);

#endif

/*
 * kv-bench_options.h - what kv-bench was told to do.
 */
#ifndef CMD_KV_BENCH_OPTIONS_H
#define CMD_KV_BENCH_OPTIONS_H

#include "kv-bench_parts.h"

#include "client/options.h"

#include <getopt.h>

/* Letters that are not short options but stand for long ones. */
enum bench_option {
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

#define BENCH_OPTIONS_SHORT "p:c:P:T:s:jn:" CLIENT_OPTIONS_SHORT
extern const struct option bench_options_long[];

/* What holds unless options say otherwise. */
void bench_options_init(struct bench *b);

/* One option as getopt_long() has it, but for help and version. KV_EUSAGE. */
int bench_option_take(struct bench *b, int letter, const char *arg);

#endif

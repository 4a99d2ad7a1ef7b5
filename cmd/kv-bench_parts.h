/*
 * kv-bench_parts.h - the commands of kv-bench: each prints to `out` and on
 * standard error and returns 0 or a KV_E... that decides the exit status.
 */
#ifndef CMD_KV_BENCH_PARTS_H
#define CMD_KV_BENCH_PARTS_H

#include "base/out.h"
#include "bench/report.h"
#include "check/kill_server.h"

#define BENCH_LIST_MAX 32

struct bench_list {
	uint64_t items[BENCH_LIST_MAX];
	size_t n;
};

enum bench_format { BENCH_TEXT, BENCH_JSON, BENCH_CSV, BENCH_HDR };

struct bench {
	struct kv_options where;
	struct kill_server server; /* of our own, if pid is not 0 */
	struct target target;
	struct values values;
	struct load_plan plan; /* one step of it, as the options say */
	struct bench_list clients, rates, sizes;
	uint64_t runs, writes;
	bool no_fill;
	enum bench_format format;
	const char *svg; /* a file; NULL: none */
};

/* The commands. */
int bench_tour(struct bench *b, struct out *out);
int bench_load(struct bench *b, struct out *out);
int bench_throughput(struct bench *b, struct out *out);

/* kv-bench_server.c: with -d and no server on the directory, the kv-serve
 * beside this program is started for the time of the run. */
int bench_server_start(struct bench *b);
void bench_server_end(struct bench *b);

/* kv-bench_steps.c: what the commands are made of. */

/* Stores, or removes, the keys from `first` on, `n` of them. */
int bench_fill(const struct bench *b, uint64_t first, uint64_t n);
int bench_clear(const struct bench *b, uint64_t n);

/* Measures a plan once, or so many times, as a step of the report. */
int bench_step(const struct load_plan *plan, const char *label, uint64_t runs,
	       struct report *report);

/* Prints in the form that the options ask for, `table` instead of the text for
 * people, and draws the picture. */
int bench_print(const struct bench *b, const struct report *report, bool table,
		struct out *out);

/* What the numbers say about the server, as a result with err_text(): 0,
 * KV_EDAMAGED, KV_EUNREACHABLE, KV_ETIMEOUT or KV_EIO. */
int bench_verdict(const struct report *report);

/* SIGINT has come: the commands end early and print what they have. */
bool bench_interrupted(void);
void bench_catch_interrupt(struct load_plan *plan);

#endif

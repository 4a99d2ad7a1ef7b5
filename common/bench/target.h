/*
 * target.h - the server that is measured: where it is, and what it says about
 * itself.
 *
 * It is asked in RESP whatever the load speaks, because both kv-serve and
 * Redis understand that.
 */
#ifndef BENCH_TARGET_H
#define BENCH_TARGET_H

#include "bench/machine.h"
#include "client/address.h"
#include "kv.h"

#include <stdint.h>

struct target {
	struct address_list servers;
	size_t at; /* the one that answered */
	uint64_t timeout_ms;
	bool is_kv;		     /* kv-serve: it speaks JSON, too */
	char name[MACHINE_TEXT_MAX]; /* "kv-serve 0.1.0", "Redis 7.0.15" */
	char durability[MACHINE_TEXT_MAX];
	char dir[1024]; /* its data; "" if it does not say */
	char file_system[MACHINE_TEXT_MAX];
	uint64_t keys; /* that it held when it was opened */
};

/*
 * Finds the server that the options name and asks it. 0, KV_EUSAGE, or
 * KV_EUNREACHABLE, KV_EPROTO, KV_ETIMEOUT with err_text(). Release it in
 * either case.
 */
int target_open(struct target *t, const struct kv_options *options);
void target_release(struct target *t);

/* A new connection to it; the descriptor may or may not block. */
int target_connect(const struct target *t, int *fd);

const char *target_address(const struct target *t);

#endif

/*
 * sim_command.c - a command that adds one to a number, for clients of a
 * simulated cluster: what INCR is to a server, without a protocol.
 */
#include "check/sim_impl.h"

#include "base/err.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Digits of 64 bits. */
#define NUMBER_MAX 24u

static int run(struct txn_call *call, struct txn *t, struct buf *out)
{
	struct sim_command *c = (struct sim_command *)call;
	struct item item;
	char text[NUMBER_MAX] = "", *kept = txn_alloc(t, NUMBER_MAX);
	uint64_t n;

	if (kept == NULL)
		return err_set(KV_ENOMEM, "no memory to count");
	if (txn_get(t, c->key, &item) && item.value.len < sizeof(text))
		memcpy(text, item.value.data, item.value.len);
	n = strtoull(text, NULL, 10) + 1;
	snprintf(kept, NUMBER_MAX, "%llu", (unsigned long long)n);
	buf_append_str(out, kept);
	return txn_set(t, c->key, slice_str(kept), 0);
}

static int encode(const struct txn_call *call, struct buf *out)
{
	const struct sim_command *c = (const struct sim_command *)call;

	buf_append_slice(out, c->raw);
	return buf_failed(out) ? err_set(KV_ENOMEM, "no memory to forward") : 0;
}

void sim_command_init(struct sim_command *command, struct slice key,
		      struct slice raw)
{
	*command = (struct sim_command){
		.call = {.run = run,
			 .encode = encode,
			 .protocol = FORWARD_RESP2},
		.key = key,
		.raw = raw,
	};
}

/*
 * resp_reply.h - the client's side of RESP: where a reply ends and what it is.
 * RESP2 and RESP3, any depth of aggregates up to a bound, any division of the
 * bytes into reads.
 */
#ifndef BENCH_RESP_REPLY_H
#define BENCH_RESP_REPLY_H

#include "base/slice.h"

#include <stdint.h>
#include <sys/types.h>

struct resp_reply {
	char type; /* its first byte: + - : $ * _ , # ( ! = % ~ > */
	bool null;
	struct slice text; /* of a string, status, error or number */
	int64_t number;	   /* of an integer; of an aggregate: its elements */
};

/*
 * Looks at the reply that `in` begins with. Returns its length in bytes and
 * *reply, whose text points into `in`; 0 if it is not all there yet; or
 * KV_EPROTO with err_text().
 *
 * Of an aggregate only the head is in *reply; the elements begin at
 * resp_reply_first() and can be read one after the other.
 */
ssize_t resp_reply_take(struct slice in, struct resp_reply *reply);

/* Bytes of the line that an aggregate begins with. */
size_t resp_reply_first(struct slice in);

#endif

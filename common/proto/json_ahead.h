/*
 * json_ahead.h - requests in JSON lines that are written as nearly all are: a
 * get or a set, its members strings without escapes. Those that stand one
 * behind the other at the front of the input are read in one go, without a
 * tree, so that the store can be told of all their keys before the first runs.
 * What is written in any other way, or wrong, is left to json_request_parse().
 *
 * Threads: one at a time. Errors: none.
 */
#ifndef PROTO_JSON_AHEAD_H
#define PROTO_JSON_AHEAD_H

#include "base/request.h"

#define JSON_AHEAD_MAX 32u

/* One such request; its slices point into the input. */
struct json_plain {
	struct slice line; /* without its end */
	struct slice key, value, id;
	size_t used; /* bytes of the input */
	bool is_set;
};

struct json_ahead {
	const char *at; /* where list[next] begins; NULL: nothing was read */
	unsigned next, n;
	struct json_plain list[JSON_AHEAD_MAX];
	struct slice keys[JSON_AHEAD_MAX];
	struct change change; /* of the request that was taken */
};

struct json_taken {
	struct request *req; /* to be filled, as json_request_parse() does */
	struct slice id;
	size_t used;
	/* Keys of the requests at hand, if they were read just now, and whether
	 * values are asked for; NULL: nothing new is known. */
	const struct slice *hints;
	size_t nhints;
	bool hint_values;
};

/*
 * Takes the request at the front of the input. False: it is none of those, or
 * not all there, or longer than max. What is taken lives until the next call
 * and as long as the input does, which must not move or change before
 * json_ahead_forget().
 */
bool json_ahead_take(struct json_ahead *ahead, struct slice input, size_t max,
		     struct json_taken *taken);

void json_ahead_forget(struct json_ahead *ahead);

#endif

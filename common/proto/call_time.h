/*
 * call_time.h - moments and spans of time as arguments.
 */
#ifndef PROTO_CALL_TIME_H
#define PROTO_CALL_TIME_H

#include "proto/command.h"

enum time_unit {
	TIME_NONE,
	TIME_SECONDS, /* from now on */
	TIME_MS,
	TIME_SECONDS_AT, /* since 1970 */
	TIME_MS_AT,
};

/* Word i as the moment when something expires, which must be after 1970 (and
 * a span above 0); it may be over. False: the error has been written. */
bool call_expiry(struct call *c, size_t i, enum time_unit unit,
		 uint64_t *expires_ms);

/* The same, but anything that fits 64 bits, below 0 too. */
bool call_moment(struct call *c, size_t i, enum time_unit unit,
		 int64_t *moment_ms);

#endif

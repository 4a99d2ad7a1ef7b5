/*
 * glob.h - the patterns of KEYS, SCAN and CONFIG GET: * any bytes, ? any one,
 * [a-c] [^a] one of a set, \ takes the next byte as it is.
 */
#ifndef PROTO_GLOB_H
#define PROTO_GLOB_H

#include "base/slice.h"

bool glob_match(struct slice pattern, struct slice text, bool ignore_case);

/* The bytes that everything which matches begins with. *exact: there is
 * nothing else in the pattern. Points into the pattern. */
struct slice glob_prefix(struct slice pattern, bool *exact);

#endif

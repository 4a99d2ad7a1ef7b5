/*
 * resp_number.h - numbers as Redis reads and writes them: strictly, so that a
 * value is a number only if it is how that number would be written.
 */
#ifndef PROTO_RESP_NUMBER_H
#define PROTO_RESP_NUMBER_H

#include "base/slice.h"

#include <stdint.h>

/* "0", "42", "-7": no blanks, no plus, no zeros in front, 64 bits. */
bool resp_parse_int(struct slice text, int64_t *value);

/* What strtold() takes as a whole, without blanks in front and not "nan". */
bool resp_parse_float(struct slice text, long double *value);

/* Up to 17 digits behind the point, without zeros at the end; returns the
 * length. The buffer must be RESP_FLOAT_MAX long. */
#define RESP_FLOAT_MAX 5120u
size_t resp_format_float(char *text, long double value);

/* Room for the digits of any number, its sign, and a NUL. */
#define RESP_INT_MAX 21u
size_t resp_format_int(char *text, int64_t value);

#endif

/*
 * parse.h - numbers from the command line, strictly: no blanks, no signs where
 * there is none to have, nothing behind the last digit, no locale.
 *
 * 0, or KV_EUSAGE with err_text() naming `what` ("--limit") and the reason.
 */
#ifndef BASE_PARSE_H
#define BASE_PARSE_H

#include <stdint.h>

/* A whole number from min to max. */
int parse_number(const char *what, const char *text, int64_t min, int64_t max,
		 uint64_t *out);

/* "2", "0.25", ".5": seconds, to milliseconds; a finer part is rounded up, so
 * that no time but 0 becomes 0. More than 0 and at most 100 years. */
int parse_seconds(const char *what, const char *text, uint64_t *ms);

#endif

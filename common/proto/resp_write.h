/*
 * resp_write.h - replies as RESP2 and RESP3 have them. `resp3` chooses where
 * the two differ; a client asks for RESP3 with HELLO.
 *
 * Ask buf_failed() before sending.
 */
#ifndef PROTO_RESP_WRITE_H
#define PROTO_RESP_WRITE_H

#include "base/buf.h"

void resp_bulk(struct buf *out, struct slice bytes);
void resp_bulk_str(struct buf *out, const char *text);
void resp_integer(struct buf *out, int64_t value);

/* "+OK" and the like, without line ends. */
void resp_status(struct buf *out, const char *text);

/* "-ERR what": the line holds the code in front. Line ends in it become
 * blanks. */
void resp_error(struct buf *out, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* The head of an array; n elements follow. */
void resp_array(struct buf *out, size_t n);

/* The head of n pairs: a map, or in RESP2 an array of 2n elements. */
void resp_map(struct buf *out, size_t n, bool resp3);

/* The head of a set, or in RESP2 an array. */
void resp_set(struct buf *out, size_t n, bool resp3);

/* No value; an array that is not there. */
void resp_null(struct buf *out, bool resp3);
void resp_null_array(struct buf *out, bool resp3);

/* Text for people: a verbatim string, or in RESP2 a bulk string. */
void resp_text(struct buf *out, struct slice text, bool resp3);

#endif

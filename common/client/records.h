/*
 * records.h - the three formats in which kv-get writes records and kv-set
 * --bulk reads them.
 *
 *   RECORD_LINES  KEY<TAB>VALUE<LF>, escaped as vis(3) does: any bytes fit on
 *                 a line, and UTF-8 text stays readable.
 *   RECORD_JSON   one object a line: "key", "value", or "key64", "value64" in
 *                 base64 where the bytes are not plain UTF-8 text.
 *   RECORD_NUL    KEY<NUL>VALUE<NUL>, raw; neither may hold a NUL.
 *
 * What is written in a format reads back as the same bytes.
 */
#ifndef CLIENT_RECORDS_H
#define CLIENT_RECORDS_H

#include "base/buf.h"
#include "base/request.h"

enum record_format {
	RECORD_LINES,
	RECORD_JSON,
	RECORD_NUL,
};

/* Appends a record; one without a value (NULL) is its key alone. 0, or
 * KV_EDATA with RECORD_NUL and a NUL in it: nothing is appended then. */
int record_write(struct buf *out, enum record_format format, struct slice key,
		 const struct slice *value);

/*
 * Appends bytes as vis(3) text: a backslash, a tab, a newline and a carriage
 * return become \\ \t \n \r; other control characters (also those of Unicode)
 * and bytes that are no part of valid UTF-8 become \ and three octal digits;
 * the rest stays. No locale has a say. strunvis(3) gives the bytes back.
 */
void record_escape(struct buf *out, struct slice s);

struct record_reader;

/* Reads records from fd, which stays the caller's. `name` is for messages and
 * must live as long. NULL: out of memory. */
struct record_reader *record_reader_new(int fd, const char *name,
					enum record_format format);
void record_reader_free(struct record_reader *r); /* NULL is allowed */

/*
 * The next record into *out, valid until the next call; a time to live that a
 * JSON record brings becomes expires_ms, all other changes have 0 there.
 * Returns 1, 0 at the end, or a code: KV_EDATA and KV_ETOOBIG with the number
 * of the line (of the record, with RECORD_NUL) in err_text(), KV_EIO.
 */
int record_reader_next(struct record_reader *r, struct change *out);

/* Bytes of the input that the records so far came from. */
uint64_t record_reader_bytes(const struct record_reader *r);

#endif

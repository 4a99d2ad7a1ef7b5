/*
 * bulk.h - stores a stream of records, all at once or so many at a time.
 */
#ifndef CLIENT_BULK_H
#define CLIENT_BULK_H

#include "client/records.h"
#include "kv.h"

struct bulk_options {
	enum record_format format;
	uint64_t chunk;	 /* records in one atomic write; 0: all of them */
	uint64_t ttl_ms; /* for records that bring none; 0: for ever */
	bool debug_unreliable;
	int progress_fd; /* with a chunk: show it there if it is a terminal */
};

/*
 * Reads records from `file` (NULL or "-": standard input) to its end and
 * stores them. The store is opened only when the first write is complete, so
 * that a pipeline may read from the store that it writes to.
 *
 * Each write is atomic: when a record is bad, nothing of the write that it
 * belongs to is stored, and with a chunk err_text() tells how many records of
 * earlier ones are. 0 or a code.
 */
int bulk_load(const struct kv_options *where, const char *file,
	      const struct bulk_options *options);

#endif

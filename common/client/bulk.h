/*
 * bulk.h - stores a stream of records, all at once or so many at a time.
 */
#ifndef CLIENT_BULK_H
#define CLIENT_BULK_H

#include "base/progress.h"
#include "client/records.h"
#include "kv.h"

struct bulk_options {
	uint64_t chunk;	 /* records in one atomic write; 0: all of them */
	uint64_t ttl_ms; /* for records that bring none; 0: for ever */
	bool debug_unreliable;
	struct progress *progress; /* NULL: none */
};

/*
 * Reads to the end of the input and stores it. Each write is atomic: when a
 * record is bad, nothing of the write that it belongs to is stored, and
 * err_text() tells how many records of earlier ones are. *stored counts those
 * in any case.
 */
int bulk_load(kv *db, struct record_reader *reader,
	      const struct bulk_options *options, uint64_t *stored);

#endif

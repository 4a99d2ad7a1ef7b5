/*
 * print.h - what kv-get prints, as a stream: nothing here holds more than a
 * page of records, however large the store is.
 *
 * Each returns 0; KV_ENOTFOUND if the key, one of the keys, or anything in the
 * range is missing (what there is has been printed); or a code with
 * err_text().
 */
#ifndef CLIENT_PRINT_H
#define CLIENT_PRINT_H

#include "base/out.h"
#include "base/request.h"
#include "client/records.h"

struct printer {
	kv *db;
	struct out out;
	enum record_format format;
	bool keys_only;
	bool printed; /* a record */
};

/* The exact bytes; a newline behind them only on a terminal. */
int print_value(struct printer *p, struct slice key);
int print_version(struct printer *p, struct slice key);

/* A record for each key that there is, in the order given. */
int print_keys(struct printer *p, char *const *keys, size_t count);

int print_range(struct printer *p, const struct range *range);

/* How many keys are in the range; none is a number too. */
int print_count(struct printer *p, const struct range *range);

#endif

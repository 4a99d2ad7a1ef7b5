/*
 * value.h - the keys and values of a load. A key is "bench:" and ten digits;
 * a value names its key and a version and is otherwise filled in a way that
 * follows from both, so that a reader can tell whether it is one that was
 * written for this key, whole.
 *
 * Threads: read-only after values_init().
 */
#ifndef BENCH_VALUE_H
#define BENCH_VALUE_H

#include "base/slice.h"

#include <stdint.h>

#define BENCH_PREFIX "bench:"
#define BENCH_KEY_LEN 16u
#define BENCH_KEYS_MAX UINT64_C(9999999999) /* what ten digits can name */

struct values {
	size_t size; /* bytes of a value */
	char *pattern;
};

int values_init(struct values *v, size_t size); /* 0 or KV_ENOMEM */
void values_release(struct values *v);

/* BENCH_KEY_LEN bytes, without NUL. */
void key_write(char *to, uint64_t key);

/* v->size bytes, without NUL: ASCII that needs no escape in JSON. */
void value_write(const struct values *v, char *to, uint64_t key,
		 uint32_t version);

/* Whether this is a value that value_write() makes for the key. Below 22 bytes
 * a value has no room for its version, and fewer can be told apart. */
bool value_check(const struct values *v, struct slice value, uint64_t key);

#endif

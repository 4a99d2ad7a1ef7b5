/*
 * value.c - see value.h. The filling is a window into one pattern, at a place
 * that key and version choose: copied and compared at the speed of memory.
 */
#include "bench/value.h"

#include "base/err.h"
#include "base/random.h"

#include <errno.h>
#include <stdlib.h>

#define WINDOWS 4096u
#define DIGITS 10u
#define HEAD (2 * (DIGITS + 1)) /* "key:version:" */

int values_init(struct values *v, size_t size)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz"
				      "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_";
	uint64_t random = 1; /* fixed: the seed of a run is not in its values */

	v->size = size;
	v->pattern = malloc(size + WINDOWS);
	if (v->pattern == NULL)
		return err_sys(ENOMEM, "cannot make values of %zu bytes", size);
	for (size_t i = 0; i < size + WINDOWS; i++)
		v->pattern[i] = letters[random_next(&random) & 63];
	return 0;
}

void values_release(struct values *v)
{
	free(v->pattern);
	v->pattern = NULL;
}

static void write_digits(char *to, uint64_t n)
{
	for (unsigned i = DIGITS; i-- > 0; n /= 10)
		to[i] = (char)('0' + n % 10);
}

void key_write(char *to, uint64_t key)
{
	memcpy(to, BENCH_PREFIX, sizeof(BENCH_PREFIX) - 1);
	write_digits(to + sizeof(BENCH_PREFIX) - 1, key);
}

static void write_head(char head[HEAD], uint64_t key, uint32_t version)
{
	write_digits(head, key);
	head[DIGITS] = ':';
	write_digits(head + DIGITS + 1, version);
	head[HEAD - 1] = ':';
}

static const char *window(const struct values *v, uint64_t key,
			  uint32_t version)
{
	return v->pattern + random_mix(key << 32 ^ version) % WINDOWS;
}

void value_write(const struct values *v, char *to, uint64_t key,
		 uint32_t version)
{
	char head[HEAD];
	size_t n = v->size < HEAD ? v->size : HEAD;

	write_head(head, key, version);
	memcpy(to, head, n);
	memcpy(to + n, window(v, key, version), v->size - n);
}

bool value_check(const struct values *v, struct slice value, uint64_t key)
{
	char head[HEAD];
	uint64_t version = 0;

	if (value.len != v->size)
		return false;
	write_head(head, key, 0);
	if (v->size < HEAD)
		return memcmp(value.data, head,
			      v->size < DIGITS ? v->size : DIGITS) == 0;
	for (unsigned i = DIGITS + 1; i < HEAD - 1; i++) {
		if (value.data[i] < '0' || value.data[i] > '9')
			return false;
		version = version * 10 + (uint64_t)(value.data[i] - '0');
	}
	if (version > UINT32_MAX)
		return false;
	write_head(head, key, (uint32_t)version);
	return memcmp(value.data, head, HEAD) == 0 &&
	       memcmp(value.data + HEAD, window(v, key, (uint32_t)version),
		      v->size - HEAD) == 0;
}

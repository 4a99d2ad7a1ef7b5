/*
 * index_bench.c - what the ordered index costs: bytes per key and nanoseconds
 * per operation.
 *
 *	index_bench [keys [decimal|binary]]
 *
 * Keys are 16 bytes, "key:%012d" or random ones, put in random order. Memory
 * is what the kernel counts as anonymous, above what the program had before.
 */
#include "base/clock.h"
#include "store/index.h"

#include <stdio.h>
#include <stdlib.h>

#define KEY_LEN 16
#define BATCH 64

struct keys {
	uint64_t n;
	bool binary;
};

/* A bijection of 64-bit numbers (the finisher of splitmix64). */
static uint64_t mix(uint64_t x)
{
	x += 0x9e3779b97f4a7c15u;
	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
	x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
	return x ^ (x >> 31);
}

/* A permutation of 0 .. n - 1: a bijection of the next power of two, walked
 * until it falls below n. */
static uint64_t shuffle(uint64_t i, uint64_t n, uint64_t seed)
{
	unsigned bits = 64 - (unsigned)__builtin_clzll(n | 1);
	uint64_t mask = (1ull << bits) - 1;

	do {
		for (unsigned round = 0; round < 3; round++) {
			i = (i + seed + round) & mask;
			i = (i * 0x9e3779b97f4a7c15u) & mask;
			i ^= i >> (bits / 2 + 1);
		}
	} while (i >= n);
	return i;
}

/* The key of rank i, without libc's formatting, which would cost more than
 * what is measured. */
static struct slice make_key(const struct keys *keys, uint64_t i, char *space)
{
	uint64_t a = mix(i), b = mix(a);

	if (keys->binary) {
		memcpy(space, &a, 8);
		memcpy(space + 8, &b, 8);
	} else {
		memcpy(space, "key:", 4);
		for (int d = KEY_LEN - 1; d >= 4; d--, i /= 10)
			space[d] = (char)('0' + i % 10);
	}
	return slice_of(space, KEY_LEN);
}

static uint64_t anonymous_bytes(void)
{
	FILE *f = fopen("/proc/self/status", "r");
	uint64_t kb = 0;
	char line[128];

	while (f != NULL && fgets(line, sizeof(line), f) != NULL)
		if (strncmp(line, "RssAnon:", 8) == 0)
			kb = strtoull(line + 8, NULL, 10);
	if (f != NULL)
		fclose(f);
	return kb * 1024;
}

static void report(const char *what, uint64_t start, uint64_t n)
{
	printf("  %-22s %7.1f ns\n", what,
	       (double)(clock_monotonic_ns() - start) / (double)n);
}

static void put_all(struct index *ix, const struct keys *keys)
{
	uint64_t base = anonymous_bytes(), start = clock_monotonic_ns();
	char space[KEY_LEN];
	uint64_t old;
	bool existed;

	for (uint64_t i = 0; i < keys->n; i++) {
		struct slice key =
			make_key(keys, shuffle(i, keys->n, 1), space);

		if (index_put(ix, key, i, &existed, &old) != 0) {
			fprintf(stderr, "index_bench: out of memory\n");
			exit(1);
		}
	}
	report("put, random", start, keys->n);
	printf("  %-22s %7.1f bytes (index_memory: %.1f)\n",
	       "anonymous per key",
	       (double)(anonymous_bytes() - base) / (double)keys->n,
	       (double)index_memory(ix) / (double)keys->n);
}

static void get_all(const struct index *ix, const struct keys *keys)
{
	uint64_t start = clock_monotonic_ns(), loc, sum = 0;
	char space[BATCH][KEY_LEN];
	struct slice batch[BATCH];
	struct index_place places[BATCH];

	for (uint64_t i = 0; i < keys->n; i++)
		sum += (unsigned char)make_key(keys, shuffle(i, keys->n, 2),
					       space[0])
			       .data[5];
	report("(making a key)", start, keys->n);
	start = clock_monotonic_ns();
	for (uint64_t i = 0; i < keys->n; i++)
		sum += index_get(
			ix, make_key(keys, shuffle(i, keys->n, 2), space[0]),
			&loc);
	report("get, random", start, keys->n);
	start = clock_monotonic_ns();
	for (uint64_t i = 0; i + BATCH <= keys->n; i += BATCH) {
		for (unsigned j = 0; j < BATCH; j++)
			batch[j] = make_key(keys, shuffle(i + j, keys->n, 3),
					    space[j]);
		index_get_many(ix, batch, BATCH, places);
		for (unsigned j = 0; j < BATCH; j++)
			sum += places[j].leaf != NULL;
	}
	report("get, in batches of 64", start, keys->n);
	printf("  (checksum %llu)\n", (unsigned long long)sum);
}

/* Walks all keys, and builds a second index of them. */
static void scan_all(const struct index *ix)
{
	struct index *copy = index_new();
	uint64_t start = clock_monotonic_ns(), sum = 0;
	struct index_cursor cur;
	struct buf key;

	buf_init(&key);
	for (index_seek(ix, slice_of(NULL, 0), &cur); cur.valid;
	     index_next(&cur))
		sum += index_cursor_location(&cur);
	report("scan step", start, index_count(ix));
	start = clock_monotonic_ns();
	for (index_seek(ix, slice_of(NULL, 0), &cur); cur.valid;
	     index_next(&cur)) {
		index_cursor_key(&cur, &key);
		sum += key.len;
	}
	report("scan step with key", start, index_count(ix));
	start = clock_monotonic_ns();
	for (index_seek(ix, slice_of(NULL, 0), &cur); cur.valid;
	     index_next(&cur)) {
		index_cursor_key(&cur, &key);
		if (copy == NULL || index_load(copy, buf_slice(&key),
					       index_cursor_location(&cur)))
			exit(1);
	}
	if (index_load_end(copy) != 0)
		exit(1);
	report("the same and load", start, index_count(ix));
	printf("  %-22s %7.1f bytes (index_memory)\n", "loaded, per key",
	       (double)index_memory(copy) / (double)index_count(copy));
	buf_release(&key);
	index_free(copy);
}

static void delete_all(struct index *ix, const struct keys *keys)
{
	uint64_t start = clock_monotonic_ns(), old;
	char space[KEY_LEN];

	for (uint64_t i = 0; i < keys->n; i++)
		index_delete(ix, make_key(keys, shuffle(i, keys->n, 4), space),
			     &old);
	report("delete, random", start, keys->n);
}

static void run(uint64_t n, bool binary)
{
	struct keys keys = {.n = n, .binary = binary};
	struct index *ix = index_new();

	if (ix == NULL)
		exit(1);
	printf("%llu keys of %d bytes, %s\n", (unsigned long long)n, KEY_LEN,
	       binary ? "random binary" : "key:%012d");
	put_all(ix, &keys);
	get_all(ix, &keys);
	scan_all(ix);
	delete_all(ix, &keys);
	index_free(ix);
}

int main(int argc, char **argv)
{
	uint64_t n = argc > 1 ? strtoull(argv[1], NULL, 10) : 1000000;

	if (argc < 3 || strcmp(argv[2], "decimal") == 0)
		run(n, false);
	if (argc < 3 || strcmp(argv[2], "binary") == 0)
		run(n, true);
	return 0;
}

/*
 * storm_verify.c - the end of the storm: what is there is read back, by one
 * read of everything that is part of the history, and from each node, which
 * must all hold the same.
 */
#include "check/storm_test.h"

#include "base/clock.h"
#include "cluster/order.h"
#include "cluster/status.h"
#include "kv.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define VERIFY_MS 60000u
#define ASK_MS 1000u
#define LOOK_MS 20u

/* What a scan found: by number of the key; empty: missing. */
struct found {
	char (*values)[STORM_VALUE_MAX];
	unsigned keys;
	unsigned strange; /* keys that nobody wrote */
};

static int found_pair(void *arg, const void *key, size_t key_len,
		      const void *value, size_t value_len)
{
	struct found *f = arg;
	char name[STORM_KEY_MAX] = "";
	unsigned number;

	if (key_len < sizeof(name))
		memcpy(name, key, key_len);
	if (sscanf(name, "key-%u", &number) != 1 || number >= f->keys ||
	    value_len == 0 || value_len >= STORM_VALUE_MAX) {
		f->strange++;
		return 0;
	}
	memcpy(f->values[number], value, value_len);
	f->values[number][value_len] = '\0';
	return 0;
}

static int read_all(const char *address, bool stale, struct found *f)
{
	struct kv_options options = {
		.address = address, .timeout_ms = VERIFY_MS, .stale_ok = stale};
	kv *db;
	int r = kv_open(&db, &options);

	if (r != 0)
		return r;
	memset(f->values, 0, f->keys * sizeof(*f->values));
	r = kv_scan(db, &(struct kv_range){0}, found_pair, f);
	kv_close(db);
	return r;
}

static void record_reads(struct storm *s, const struct found *f,
			 uint64_t invoke)
{
	uint64_t ret = storm_now(s);

	for (unsigned i = 0; i < f->keys; i++) {
		char key[STORM_KEY_MAX];
		struct history_op op = {
			.kind = HISTORY_GET, .invoke = invoke, .ret = ret};

		snprintf(key, sizeof(key), "key-%u", i);
		op.key = slice_str(key);
		if (f->values[i][0] != '\0')
			op.value = slice_str(f->values[i]);
		storm_record(s, &op, 1);
	}
}

static int await_calm(struct storm *s)
{
	uint64_t deadline = clock_monotonic_ms() + VERIFY_MS;
	struct cluster_status status;

	for (;;) {
		uint64_t lag = 0;

		status_gather(&status, &s->cluster.nodes, ASK_MS);
		for (unsigned i = 0; i < status.n; i++)
			lag += status_lag(&status, &status.nodes[i]);
		if (status.up == status.n && status.leader != NULL && lag == 0)
			return 0;
		if (clock_monotonic_ms() > deadline)
			return err_set(
				KV_ETIMEOUT,
				"the cluster has not calmed down after a "
				"minute: %u of %u nodes up, %llu entries "
				"behind",
				status.up, status.n, (unsigned long long)lag);
		nanosleep(&(struct timespec){.tv_nsec = LOOK_MS * 1000000},
			  NULL);
	}
}

static void compare(struct storm *s, const char *node, const struct found *all,
		    const struct found *one)
{
	for (unsigned i = 0; i < all->keys; i++) {
		if (strcmp(all->values[i], one->values[i]) == 0)
			continue;
		if (s->report->differing++ < 20)
			buf_printf(&s->report->details,
				   "'key-%u' is '%s' on %s, '%s' elsewhere\n",
				   i, one->values[i], node, all->values[i]);
	}
}

static int verify(struct storm *s, struct found *all, struct found *one)
{
	const struct members *m = &s->cluster.nodes;
	uint64_t invoke;
	int r = await_calm(s);

	invoke = storm_now(s);
	if (r == 0)
		r = read_all(s->addresses, false, all);
	if (r != 0)
		return r;
	record_reads(s, all, invoke);
	/* The read itself may have led to an entry: what expired, say. */
	r = await_calm(s);
	for (unsigned i = 0; i < m->n && r == 0; i++) {
		r = read_all(m->list[i].address, true, one);
		if (r == 0)
			compare(s, m->list[i].name, all, one);
	}
	if (all->strange + one->strange != 0)
		s->report->differing += all->strange + one->strange;
	return r;
}

int storm_verify(struct storm *s)
{
	unsigned keys = s->options->keys;
	struct found all = {calloc(keys, STORM_VALUE_MAX), keys, 0};
	struct found one = {calloc(keys, STORM_VALUE_MAX), keys, 0};
	int r = all.values != NULL && one.values != NULL
			? verify(s, &all, &one)
			: err_set(KV_ENOMEM, "out of memory");

	free(all.values);
	free(one.values);
	return r;
}

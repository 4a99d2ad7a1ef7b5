/*
 * storm_test.h - the inside of storm.h: the state of a test.
 */
#ifndef CHECK_STORM_TEST_H
#define CHECK_STORM_TEST_H

#include "check/storm.h"
#include "cluster/local.h"

#include <pthread.h>
#include <stdatomic.h>

#define STORM_KEY_MAX 32
#define STORM_VALUE_MAX 48
#define STORM_BULK_MAX 4

struct storm;

struct storm_client {
	struct storm *storm;
	unsigned id; /* from 1 */
	bool resp;   /* speaks RESP, not JSON */
	uint64_t random;
	uint64_t written; /* number of its last write */
	pthread_t thread;
};

struct storm {
	const struct storm_options *options;
	struct storm_report *report;
	struct local cluster;
	char *dir, *addresses;
	uint64_t begun_ns;
	uint64_t random; /* the weather's */
	struct storm_client *clients;
	atomic_bool stop;

	pthread_mutex_t lock; /* all below, and the report's counts */
	struct history *history;
	struct buf lines;
	int failed; /* KV_E...: the test itself */
};

uint64_t storm_now(const struct storm *s); /* ns since it began */

/* Adds an operation, or a bulk of several, to the history. */
void storm_record(struct storm *s, const struct history_op *ops, size_t n);

/* storm_client.c: one client's work, until s->stop. */
void *storm_client_thread(void *client);

/* storm_weather.c: until s->stop; then the sky is clear again. */
void *storm_weather_thread(void *storm);
/* Ends every fault: all nodes run and see each other. */
int storm_clear(struct storm *s);

/* storm_verify.c: the last reads, and whether all nodes agree. */
int storm_verify(struct storm *s);

#endif

/*
 * kill_test.h - the inside of kill.h: the state of a test.
 */
#ifndef CHECK_KILL_TEST_H
#define CHECK_KILL_TEST_H

#include "check/kill.h"
#include "check/kill_client.h"
#include "check/kill_server.h"

/* Further things that are wrong are counted, not told. */
#define KILL_DETAILS_MAX 20

struct kill_test {
	const struct kill_options *options;
	struct kill_report *report;
	struct kill_server server;
	struct kill_client *clients; /* 0 is the one that reads back */
	unsigned shared;	     /* keys */
	uint64_t random;
	uint64_t begun_ns;
	char *top, *dir, *log, *address;
	struct history *history;
	struct buf lines;  /* scratch */
	kill_write *found; /* own keys of all clients, then shared ones */
	uint64_t details;
	bool opened; /* the server was ready at least once */
	atomic_bool stop;
	atomic_ullong total; /* acknowledged writes */
};

/* Adds a line to the report's details. */
void kill_tell(struct kill_test *t, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* Moves what the clients saw into the history. */
int kill_take_logs(struct kill_test *t);

/* Reads the whole store back, judges it, and takes it for the truth. */
int kill_read_back(struct kill_test *t);

#endif

/*
 * kv-crashtest_shown.h - what the tests with clients show while they run and at
 * the end: a progress bar, a history in a file, what was wrong.
 */
#ifndef CMD_KV_CRASHTEST_SHOWN_H
#define CMD_KV_CRASHTEST_SHOWN_H

#include "kv-crashtest_parts.h"

#include "base/out.h"
#include "base/progress.h"
#include "check/history.h"

struct shown {
	struct progress bar;
	struct out history;
	bool recording; /* into it */
	char *server;	/* the path of the program to test */
};

/* Looks for the server, begins the file of the history, if one is asked for,
 * and a bar that is full at `total`. End it whatever the result. */
int shown_begin(struct shown *shown, const struct crashtest *job,
		uint64_t total);

/* Adds lines to the history; `shown` as void, as the tests call it. */
int shown_lines(void *shown, struct slice lines);

/* Returns r, or what came of the history's file if that is 0. */
int shown_end(struct shown *shown, int r);

/* What was wrong, on standard error: `details`, and what the history says. */
void shown_details(const struct buf *details,
		   const struct history_report *history);

/* Of so many acknowledged writes that many were lost: in percent. */
double shown_lost_percent(uint64_t acked, uint64_t lost);

/* Whether the history is linearizable, in JSON; null: it was not decided. */
const char *shown_linearizable(const struct history_report *history);

/* What was lost, in a line for people, and the result, if it is a good one. */
void shown_losses(uint64_t acked, uint64_t lost, bool passed, struct buf *out);

#endif

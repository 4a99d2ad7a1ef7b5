/*
 * kv-crashtest_shown.h - what the tests with clients show while they run and at
 * the end: a progress bar, a history in a file, what was wrong.
 */
#ifndef CMD_KV_CRASHTEST_SHOWN_H
#define CMD_KV_CRASHTEST_SHOWN_H

#include "base/out.h"
#include "base/progress.h"
#include "check/history.h"

struct shown {
	struct progress bar;
	struct out history;
	bool recording;
};

/* Begins the file of the history; path NULL: there is none. */
int shown_record(struct shown *shown, const char *path);

/* Adds lines to it; `shown` as void, as the tests call it. */
int shown_lines(void *shown, struct slice lines);

/* Ends it. */
int shown_close(struct shown *shown);

/* What was wrong, on standard error: `details`, and what the history says. */
void shown_details(const struct buf *details,
		   const struct history_report *history);

/* Of so many acknowledged writes that many were lost: in percent. */
double shown_lost_percent(uint64_t acked, uint64_t lost);

#endif

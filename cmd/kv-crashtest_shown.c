/*
 * kv-crashtest_shown.c - see kv-crashtest_shown.h.
 */
#include "kv-crashtest_shown.h"

#include "base/err.h"
#include "cluster/server_path.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static int record(struct shown *shown, const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	if (fd < 0)
		return err_sys(errno, "cannot write '%s'", path);
	out_init(&shown->history, fd, path);
	shown->recording = true;
	return 0;
}

int shown_begin(struct shown *shown, const struct crashtest *job,
		uint64_t total)
{
	int r;

	*shown = (struct shown){0};
	r = server_path(&shown->server);
	if (r == 0 && job->history != NULL)
		r = record(shown, job->history);
	if (r == 0)
		progress_begin(&shown->bar, STDERR_FILENO, total);
	return r;
}

int shown_lines(void *shown, struct slice lines)
{
	struct shown *s = shown;

	return out_put(&s->history, lines.data, lines.len);
}

int shown_end(struct shown *shown, int r)
{
	int closed = shown->recording ? out_close(&shown->history) : 0;

	free(shown->server);
	return r != 0 ? r : closed;
}

static void print(const struct buf *b)
{
	if (b->len != 0)
		fwrite(b->data, 1, b->len, stderr);
}

void shown_details(const struct buf *details,
		   const struct history_report *history)
{
	print(details);
	print(&history->text);
	if (history->undecided > 0)
		fprintf(stderr, "the history of %zu keys was not decided\n",
			history->undecided);
}

double shown_lost_percent(uint64_t acked, uint64_t lost)
{
	return acked == 0 ? 0 : 100.0 * (double)lost / (double)acked;
}

const char *shown_linearizable(const struct history_report *history)
{
	switch (history->verdict) {
	case HISTORY_LINEARIZABLE:
		return "true";
	case HISTORY_VIOLATION:
		return "false";
	default:
		return "null";
	}
}

void shown_losses(uint64_t acked, uint64_t lost, bool passed, struct buf *out)
{
	buf_printf(out, "acked=%" PRIu64 " lost=%" PRIu64 " lost_pct=%.2f%%\n",
		   acked, lost, shown_lost_percent(acked, lost));
	if (passed)
		buf_append_str(out, "Result: PASS (100% durability for "
				    "acknowledged writes)\n");
}

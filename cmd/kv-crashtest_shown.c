/*
 * kv-crashtest_shown.c - see kv-crashtest_shown.h.
 */
#include "kv-crashtest_shown.h"

#include "base/err.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>

int shown_record(struct shown *shown, const char *path)
{
	int fd;

	if (path == NULL)
		return 0;
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	if (fd < 0)
		return err_sys(errno, "cannot write '%s'", path);
	out_init(&shown->history, fd, path);
	shown->recording = true;
	return 0;
}

int shown_lines(void *shown, struct slice lines)
{
	struct shown *s = shown;

	return out_put(&s->history, lines.data, lines.len);
}

int shown_close(struct shown *shown)
{
	return shown->recording ? out_close(&shown->history) : 0;
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

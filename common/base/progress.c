/*
 * progress.c - see progress.h. The rate is the average since the start: a bulk
 * load is even enough that anything cleverer only makes the digits dance.
 */
#include "base/progress.h"

#include "base/clock.h"

#include <inttypes.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define REDRAW_MS 100
#define WIDTH_UNKNOWN 80
#define BAR_MAX 40
#define BAR_MIN 10

void progress_begin(struct progress *p, int fd, uint64_t total)
{
	*p = (struct progress){
		.fd = fd >= 0 && isatty(fd) ? fd : -1,
		.total = total,
		.started_ms = clock_monotonic_ms(),
	};
}

static void append_time(struct buf *line, uint64_t seconds)
{
	if (seconds >= 3600)
		buf_printf(line, "%" PRIu64 ":%02u:%02u", seconds / 3600,
			   (unsigned)(seconds / 60 % 60),
			   (unsigned)(seconds % 60));
	else
		buf_printf(line, "%u:%02u", (unsigned)(seconds / 60),
			   (unsigned)(seconds % 60));
}

static void append_bar(struct buf *line, unsigned columns, double part)
{
	unsigned full = (unsigned)((double)columns * part);

	buf_append_char(line, '[');
	for (unsigned i = 0; i < columns; i++)
		buf_append_char(line, i < full ? '#' : '-');
	buf_append_str(line, "] ");
}

void progress_render(const struct progress *p, uint64_t records, uint64_t bytes,
		     uint64_t elapsed_ms, unsigned width, struct buf *line)
{
	size_t start = line->len;
	uint64_t ms = elapsed_ms ? elapsed_ms : 1;
	struct buf text;
	double part = 0;

	buf_init(&text);
	if (p->total != 0) {
		part = (double)bytes / (double)p->total;
		part = part > 1 ? 1 : part;
		buf_printf(&text, "%3u%%  ", (unsigned)(part * 100));
	}
	buf_printf(&text, "%" PRIu64 " records  %.0f/s", records,
		   (double)records * 1000 / (double)ms);
	if (part > 0) {
		buf_append_str(&text, "  ");
		append_time(&text,
			    (uint64_t)((double)ms * (1 - part) / part / 1000));
		buf_append_str(&text, " left");
	}
	if (p->total != 0 && width >= text.len + BAR_MIN + 3) {
		size_t room = width - text.len - 3;
		append_bar(line, room < BAR_MAX ? (unsigned)room : BAR_MAX,
			   part);
	}
	buf_append_slice(line, buf_slice(&text));
	if (line->len - start > width)
		line->len = start + width;
	buf_release(&text);
}

static unsigned terminal_width(int fd)
{
	struct winsize size;

	/* One column stays free: writing the last one may wrap the line. */
	if (ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 1)
		return size.ws_col - 1u;
	return WIDTH_UNKNOWN - 1;
}

static void draw(struct progress *p, uint64_t records, uint64_t bytes,
		 uint64_t now_ms, const char *end)
{
	struct buf line;

	buf_init(&line);
	buf_append_char(&line, '\r');
	progress_render(p, records, bytes, now_ms - p->started_ms,
			terminal_width(p->fd), &line);
	buf_append_str(&line, "\x1b[K"); /* clear what an older one left */
	buf_append_str(&line, end);
	/* A terminal that takes no more is no reason to end the job. */
	if (!buf_failed(&line))
		(void)!write(p->fd, line.data, line.len);
	buf_release(&line);
	p->drawn_ms = now_ms;
}

void progress_update(struct progress *p, uint64_t records, uint64_t bytes)
{
	uint64_t now_ms;

	if (p->fd < 0)
		return;
	now_ms = clock_monotonic_ms();
	if (now_ms - p->drawn_ms >= REDRAW_MS)
		draw(p, records, bytes, now_ms, "");
}

void progress_end(struct progress *p, uint64_t records, uint64_t bytes)
{
	if (p->fd >= 0)
		draw(p, records, bytes, clock_monotonic_ms(), "\n");
}

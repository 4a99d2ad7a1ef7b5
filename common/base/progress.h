/*
 * progress.h - one line on a terminal that tells how far a long job is, how
 * fast it goes and, when the end is known, how long it still takes.
 *
 * Redrawn at most ten times a second; nothing at all is written unless the
 * descriptor is a terminal.
 */
#ifndef BASE_PROGRESS_H
#define BASE_PROGRESS_H

#include "base/buf.h"

#include <stdint.h>

struct progress {
	int fd;		     /* -1: not a terminal, stay silent */
	uint64_t total;	     /* bytes of input; 0: not known */
	uint64_t started_ms; /* monotonic */
	uint64_t drawn_ms;   /* monotonic; 0: nothing drawn yet */
};

/* fd -1: no terminal. */
void progress_begin(struct progress *p, int fd, uint64_t total);

/* So many records, read from so many bytes of input, are done. */
void progress_update(struct progress *p, uint64_t records, uint64_t bytes);

/* Draws the last state and ends the line. */
void progress_end(struct progress *p, uint64_t records, uint64_t bytes);

/* The line as it is after `elapsed_ms`, at most `width` columns, appended to
 * `line` without any control character. */
void progress_render(const struct progress *p, uint64_t records, uint64_t bytes,
		     uint64_t elapsed_ms, unsigned width, struct buf *line);

#endif

/*
 * out.h - output that does not lie: what a program prints is collected in a
 * buffer, written in large pieces, and checked to the very end, the close
 * included, so that a full disk is never taken for success.
 *
 *	out_init(&out, STDOUT_FILENO, "standard output");
 *	buf_append(&out.buf, ...);  r = out_step(&out);   again and again
 *	r = out_close(&out);
 *
 * Errors: 0 or the code that err_sys() chose, with err_text() set. After a
 * failure nothing more is written and each call returns that code.
 */
#ifndef BASE_OUT_H
#define BASE_OUT_H

#include "base/buf.h"

struct out {
	struct buf buf;	  /* append here */
	const char *name; /* for messages; not owned */
	int fd;
	int failed;  /* 0, or the code of the first failure */
	bool broken; /* it failed because the reader of a pipe has gone */
};

void out_init(struct out *o, int fd, const char *name);

/* Writes all that is waiting. */
int out_flush(struct out *o);

/* Writes it out if enough is waiting to be worth a system call. Call it after
 * each record. */
int out_step(struct out *o);

/* Puts bytes behind what is waiting; many are not copied but written. */
int out_put(struct out *o, const void *data, size_t len);

/* Writes all that is waiting, closes the descriptor and releases the buffer. */
int out_close(struct out *o);

#endif

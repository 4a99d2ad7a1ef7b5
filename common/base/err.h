/*
 * err.h - one domain of results for every module and program.
 *
 * A function that can fail returns 0 or one of the negative codes of kv.h. The
 * place that knows what failed, on what, and why says so with err_set(), which
 * keeps the sentence for this thread, as errno keeps a number:
 *
 *	return err_set(KV_EIO, "cannot read '%s': %s", path, strerror(e));
 *
 * Callers pass the code up unchanged; only a program prints the text. A job
 * that runs on another thread copies the text into its result.
 */
#ifndef BASE_ERR_H
#define BASE_ERR_H

#include "kv.h"

/* Room for one sentence, its end included; longer ones are cut. */
#define ERR_TEXT_MAX 512

/* Keeps the sentence for this thread; returns `code`. */
int err_set(int code, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/*
 * The same for a failed system call: appends ": " and strerror(errno_value),
 * and chooses the code from it (ENOSPC and EDQUOT are KV_EFULL, EACCES and
 * EPERM are KV_EPERM, ENOMEM is KV_ENOMEM, all others KV_EIO).
 */
int err_sys(int errno_value, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* What err_set() kept last on this thread; "" if nothing. Valid until the
 * next call of err_set() on this thread. */
const char *err_text(void);

/* The name on the wire ("READONLY") and back; 0 is "OK". An unknown name is
 * KV_EPROTO. */
const char *err_name(int code);
int err_from_name(const char *name);

/* The exit status that a program reports the code with. */
int err_exit_status(int code);

#endif

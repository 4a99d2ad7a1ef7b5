/*
 * program.h - how every program here begins, complains and ends. Only
 * programs print and exit; the library hands them codes and texts.
 */
#ifndef CMD_PROGRAM_H
#define CMD_PROGRAM_H

#include "base/err.h"
#include "base/out.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

/* Fills descriptors 0 to 2 where the caller left them closed: a socket or a
 * file of the store must not get the number of standard output. What stands
 * in for it cannot be written to, so that writing still fails. */
static inline void program_begin(void)
{
	int fd;

	do
		fd = open("/dev/null", O_RDONLY);
	while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd >= 0)
		close(fd);
}

/* Prints what err_text() holds, if anything, and returns the exit status. */
static inline int program_fail(int code)
{
	if (err_text()[0] != '\0')
		fprintf(stderr, "%s: %s\n", program_invocation_short_name,
			err_text());
	if (code == KV_EUSAGE)
		fprintf(stderr, "try '%s --help'\n",
			program_invocation_short_name);
	return err_exit_status(code);
}

/*
 * The end of a program that did its job with result `code` and printed to
 * `out`. A missing key or an unmet condition is an answer, not a failure: the
 * status tells it and nothing is printed. A reader that has gone is no news
 * either.
 */
static inline int program_end(struct out *out, int code)
{
	bool answered =
		code == 0 || code == KV_ENOTFOUND || code == KV_ECONDITION;

	if (!answered && out->failed == 0)
		program_fail(code);
	if (out_close(out) != 0) {
		if (!out->broken)
			program_fail(out->failed);
		return err_exit_status(out->failed);
	}
	return err_exit_status(code);
}

static inline int program_print(const char *text)
{
	struct out out;

	out_init(&out, STDOUT_FILENO, "standard output");
	buf_append_str(&out.buf, text);
	return program_end(&out, 0);
}

static inline int program_version(void)
{
	char line[128];

	snprintf(line, sizeof(line), "%s %s\n", program_invocation_short_name,
		 KV_VERSION);
	return program_print(line);
}

#endif

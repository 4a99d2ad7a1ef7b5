/*
 * err.c - see err.h. The table in kv.h is the only list of codes; names, exit
 * statuses and texts are expanded from it.
 */
#include "base/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static _Thread_local char err_kept[ERR_TEXT_MAX];

static const struct {
	int code;
	const char *name;
	int status;
	const char *text;
} results[] = {{KV_OK, "OK", 0, "done"},
#define ERR_ROW(symbol, number, name, status, text) \
	{symbol, name, status, text},
	       KV_RESULTS(ERR_ROW)
#undef ERR_ROW
};

#define NRESULTS (sizeof(results) / sizeof(results[0]))

/* The rows stand in the order of their codes, 0, -1, -2, ... */
static size_t result_row(int code)
{
	size_t i = code <= 0 ? (size_t)-code : NRESULTS;

	return i < NRESULTS ? i : (size_t)-KV_EPROTO;
}

int err_set(int code, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(err_kept, sizeof(err_kept), fmt, ap);
	va_end(ap);
	return code;
}

static int code_from_errno(int errno_value)
{
	switch (errno_value) {
	case ENOSPC:
	case EDQUOT:
		return KV_EFULL;
	case EACCES:
	case EPERM:
	case EROFS:
		return KV_EPERM;
	case ENOMEM:
		return KV_ENOMEM;
	default:
		return KV_EIO;
	}
}

int err_sys(int errno_value, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(err_kept, sizeof(err_kept), fmt, ap);
	va_end(ap);
	if (n >= 0 && (size_t)n < sizeof(err_kept))
		snprintf(err_kept + n, sizeof(err_kept) - (size_t)n, ": %s",
			 strerror(errno_value));
	return code_from_errno(errno_value);
}

const char *err_text(void)
{
	return err_kept;
}

const char *err_name(int code)
{
	return results[result_row(code)].name;
}

int err_from_name(const char *name)
{
	for (size_t i = 0; i < NRESULTS; i++)
		if (strcmp(results[i].name, name) == 0)
			return results[i].code;
	return KV_EPROTO;
}

int err_exit_status(int code)
{
	return results[result_row(code)].status;
}

const char *kv_strerror(int code)
{
	return results[result_row(code)].text;
}

const char *kv_error_detail(void)
{
	return err_kept;
}

/*
 * kv-crashtest_verify.c - kv-crashtest verify.
 */
#include "kv-crashtest_parts.h"
#include "program.h"

#include "check/history.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static int read_history(FILE *file, const char *name, struct history *h)
{
	char *line = NULL;
	size_t cap = 0;
	uint64_t number = 0;
	ssize_t n;
	int r = 0;

	while (r == 0 && (n = getline(&line, &cap, file)) >= 0) {
		number++;
		if (n > 0 && line[n - 1] == '\n')
			n--;
		r = history_read_line(h, slice_of(line, (size_t)n));
	}
	if (r != 0) {
		char why[ERR_TEXT_MAX];

		snprintf(why, sizeof(why), "%s", err_text());
		(void)err_set(r, "'%s' line %" PRIu64 ": %s", name, number,
			      why);
	} else if (ferror(file)) {
		r = err_sys(errno, "cannot read '%s'", name);
	}
	free(line);
	return r;
}

static int load_history(const char *path, struct history *h)
{
	FILE *file;
	int r;

	if (strcmp(path, "-") == 0)
		return read_history(stdin, "standard input", h);
	file = fopen(path, "re");
	if (file == NULL)
		return err_sys(errno, "cannot open '%s'", path);
	r = read_history(file, path, h);
	fclose(file);
	return r;
}

static const char *verdict_name(enum history_verdict verdict)
{
	static const char *const names[] = {
		[HISTORY_LINEARIZABLE] = "linearizable",
		[HISTORY_VIOLATION] = "violation",
		[HISTORY_UNDECIDED] = "undecided",
	};

	return names[verdict];
}

static void print_report(const struct crashtest *job, const struct history *h,
			 const struct history_report *report, struct buf *out)
{
	if (job->json) {
		buf_printf(out,
			   "{\"verdict\":\"%s\",\"operations\":%" PRIu64
			   ",\"keys\":%zu,\"violated\":%zu,\"undecided\":%zu,"
			   "\"smallest\":%zu}\n",
			   verdict_name(report->verdict), history_count(h),
			   report->keys, report->violated, report->undecided,
			   report->operations);
		return;
	}
	buf_append_slice(out, buf_slice(&report->text));
	if (report->undecided > 0)
		buf_printf(out, "%zu keys were not decided within the limit\n",
			   report->undecided);
	buf_printf(
		out, "%s: %" PRIu64 " operations on %zu key%s, %zu violated\n",
		verdict_name(report->verdict), history_count(h), report->keys,
		report->keys == 1 ? "" : "s", report->violated);
}

int crashtest_verify(const struct crashtest *job, struct out *out)
{
	struct history *h = history_new();
	struct history_report report = {0};
	int r;

	if (h == NULL)
		return program_fail(err_set(KV_ENOMEM, "out of memory"));
	r = load_history(job->history, h);
	if (r == 0)
		r = history_check(h, job->limit, &report);
	if (r == 0)
		print_report(job, h, &report, &out->buf);
	history_report_release(&report);
	history_free(h);
	if (r != 0)
		return program_fail(r);
	switch (report.verdict) {
	case HISTORY_LINEARIZABLE:
		return 0;
	case HISTORY_VIOLATION:
		return 1;
	default:
		return 2;
	}
}

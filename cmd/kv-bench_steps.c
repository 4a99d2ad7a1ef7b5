/*
 * kv-bench_steps.c - filling, measuring, printing: the same for all commands.
 */
#include "kv-bench_parts.h"
#include "program.h"

#include <inttypes.h>
#include <stdlib.h>

/* Keys that are stored, or removed, in one request: as many as make some
 * 64 KiB, so that no reply takes long. */
#define FILL_BATCH 100u
#define FILL_BYTES 65536u
#define FILL_CLIENTS 8u
#define FILL_PIPELINE 4u

static volatile sig_atomic_t interrupted;

static void on_interrupt(int sig)
{
	(void)sig;
	interrupted = 1;
}

/* The second one ends the program as if it had not been caught. */
void bench_catch_interrupt(struct load_plan *plan)
{
	struct sigaction action = {.sa_handler = on_interrupt,
				   .sa_flags = (int)SA_RESETHAND};

	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	plan->stop = &interrupted;
}

bool bench_interrupted(void)
{
	return interrupted != 0;
}

/* Does something to each of the keys, in order, and demands that it worked. */
static int each_key(const struct bench *b, enum bench_op op, uint64_t first,
		    uint64_t n, const char *doing)
{
	struct load_plan plan = {
		.target = &b->target,
		.wire = b->plan.wire,
		.values = &b->values,
		.threads = 1,
		.clients = FILL_CLIENTS,
		.pipeline = FILL_PIPELINE,
		.dist = BENCH_SEQUENTIAL,
		.first_key = first,
		.keys = n,
		.batch = FILL_BATCH,
		.seed = b->plan.seed,
		.stop = op == BENCH_BULK ? &interrupted : NULL,
	};
	struct load_result *result = load_result_new();
	int r;

	if (op == BENCH_BULK && b->values.size > FILL_BYTES / FILL_BATCH)
		plan.batch = b->values.size < FILL_BYTES
				     ? FILL_BYTES / (unsigned)b->values.size
				     : 1;
	plan.mix.weights[op] = plan.mix.total = 1;
	if (result == NULL)
		return err_set(KV_ENOMEM, "out of memory");
	r = n == 0 ? 0 : load_run(&plan, result);
	if (r == 0 && result->errors.n > 0)
		r = err_set(result->lost > 0 ? KV_EUNREACHABLE : KV_EIO,
			    "%s the keys failed: %s", doing,
			    result->errors.items[0].detail);
	load_result_free(result);
	return r;
}

int bench_fill(const struct bench *b, uint64_t first, uint64_t n)
{
	return each_key(b, BENCH_BULK, first, n, "storing");
}

int bench_clear(const struct bench *b, uint64_t n)
{
	return each_key(b, BENCH_DELETE, 0, n, "removing");
}

static void show_step(const char *label, uint64_t run)
{
	if (isatty(STDERR_FILENO))
		fprintf(stderr, "\r%s, run %" PRIu64 " ...\x1b[K\r", label,
			run + 1);
}

static void hide_step(void)
{
	if (isatty(STDERR_FILENO))
		fputs("\r\x1b[K", stderr);
}

int bench_step(const struct load_plan *plan, const char *label, uint64_t runs,
	       struct report *report)
{
	struct report_step *step = report_add_step(report, plan, label);
	int r = 0;

	if (step == NULL)
		return err_set(KV_ENOMEM, "out of memory");
	for (uint64_t i = 0; r == 0 && i < runs && !bench_interrupted(); i++) {
		struct load_result *result = load_result_new();

		if (result == NULL)
			return err_set(KV_ENOMEM, "out of memory");
		show_step(label[0] != '\0' ? label : "load", i);
		r = load_run(plan, result);
		hide_step();
		if (r == 0)
			r = report_add_run(step, result);
		if (r != 0)
			load_result_free(result);
		else if (result->lost > 0)
			break; /* the next run would only not connect */
	}
	return r;
}

static int draw(const char *path, const struct report *report)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	struct out out;

	if (fd < 0)
		return err_sys(errno, "cannot write '%s'", path);
	out_init(&out, fd, path);
	report_write_chart(&out.buf, report);
	return out_close(&out);
}

int bench_print(const struct bench *b, const struct report *report, bool table,
		struct out *out)
{
	switch (b->format) {
	case BENCH_JSON:
		report_write_json(&out->buf, report);
		break;
	case BENCH_CSV:
		report_write_csv(&out->buf, report);
		break;
	case BENCH_HDR:
		report_write_hdr(&out->buf, report);
		break;
	default:
		if (table)
			report_write_table(&out->buf, report,
					   isatty(STDOUT_FILENO));
		else
			report_write_text(&out->buf, report);
	}
	return b->svg != NULL ? draw(b->svg, report) : 0;
}

int bench_verdict(const struct report *report)
{
	uint64_t wrong = 0, errors = 0, lost = 0, timeouts = 0;

	for (size_t i = 0; i < report->nsteps; i++) {
		const struct load_result *r = report->steps[i].all;

		for (int op = 0; op < BENCH_OPS; op++)
			wrong += r->ops[op].wrong;
		errors += load_errors_total(r);
		lost += r->lost;
		timeouts += r->timeouts;
	}
	if (wrong > 0)
		return err_set(KV_EDAMAGED,
			       "%" PRIu64 " reads found a value that was not "
			       "written for the key, or none",
			       wrong);
	if (lost > 0)
		return err_set(KV_EUNREACHABLE,
			       "%" PRIu64 " connections to '%s' were lost",
			       lost, target_address(report->target));
	if (timeouts > 0)
		return err_set(KV_ETIMEOUT,
			       "%" PRIu64 " requests had no reply in time",
			       timeouts);
	if (errors > 0)
		return err_set(KV_EIO, "%" PRIu64 " requests failed", errors);
	return 0;
}

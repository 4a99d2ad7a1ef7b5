/*
 * load.c - see load.h. All clients are connected before the clock starts.
 */
#include "bench/load.h"

#include "base/clock.h"
#include "bench/worker.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/resource.h>

struct load_result *load_result_new(void)
{
	return calloc(1, sizeof(struct load_result));
}

void load_result_free(struct load_result *r)
{
	free(r);
}

static void op_add(struct load_op *to, const struct load_op *from)
{
	to->errors += from->errors;
	to->missing += from->missing;
	to->wrong += from->wrong;
	hist_add(&to->service, &from->service);
	hist_add(&to->response, &from->response);
}

void load_result_add(struct load_result *to, const struct load_result *from)
{
	for (int op = 0; op < BENCH_OPS; op++)
		op_add(&to->ops[op], &from->ops[op]);
	for (size_t i = 0; i < from->errors.n; i++) {
		const struct load_error *e = &from->errors.items[i];

		load_errors_count(&to->errors, slice_str(e->word),
				  slice_str(e->detail), e->count);
	}
	to->seconds += from->seconds;
	to->done += from->done;
	to->unsent += from->unsent;
	to->lost += from->lost;
	to->timeouts += from->timeouts;
	to->stopped = to->stopped || from->stopped;
	for (int i = 0; i < LOAD_TIMELINE; i++)
		to->timeline[i] += from->timeline[i];
}

uint64_t load_errors_total(const struct load_result *r)
{
	uint64_t n = 0;

	for (int op = 0; op < BENCH_OPS; op++)
		n += r->ops[op].errors;
	return n;
}

double load_rate(const struct load_result *r)
{
	return r->seconds > 0 ? (double)r->done / r->seconds : 0;
}

struct load_op *load_total(const struct load_result *r)
{
	struct load_op *total = calloc(1, sizeof(*total));

	for (int op = 0; total != NULL && op < BENCH_OPS; op++)
		op_add(total, &r->ops[op]);
	return total;
}

static void *thread_body(void *arg)
{
	worker_run(arg);
	return NULL;
}

/* As many connections as are asked for, if the limit is only a soft one. */
static void raise_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
		return;
	limit.rlim_cur = limit.rlim_max;
	(void)setrlimit(RLIMIT_NOFILE, &limit);
}

static void set_clock(struct worker_shared *shared)
{
	const struct load_plan *plan = shared->plan;

	shared->start_ns = clock_monotonic_ns();
	shared->measure_ns = shared->start_ns + plan->warmup_ms * 1000000;
	shared->end_ns = UINT64_MAX;
	if (plan->duration_ms != 0)
		shared->end_ns =
			shared->measure_ns + plan->duration_ms * 1000000;
}

/* Runs `n` workers at once and waits for all of them. */
static int run_threads(struct worker *workers, unsigned n)
{
	unsigned started = 0;
	int e = 0;

	while (started < n && e == 0) {
		e = pthread_create(&workers[started].thread, NULL, thread_body,
				   &workers[started]);
		started += e == 0;
	}
	for (unsigned i = 0; i < started; i++)
		pthread_join(workers[i].thread, NULL);
	return e == 0 ? 0 : err_sys(e, "cannot start a thread");
}

static int collect(const struct worker_shared *shared, struct worker *workers,
		   unsigned n, struct load_result *result)
{
	uint64_t last_ns = shared->measure_ns;
	int failed = 0;

	for (unsigned i = 0; i < n; i++) {
		struct worker *w = &workers[i];

		load_result_add(result, w->result);
		if (w->last_ns > last_ns)
			last_ns = w->last_ns;
		if (w->failed != 0 && failed == 0)
			failed = err_set(w->failed, "%s", w->text);
	}
	result->seconds = (double)(last_ns - shared->measure_ns) / 1e9;
	return failed;
}

int load_run(const struct load_plan *plan, struct load_result *result)
{
	struct worker_shared shared = {.plan = plan};
	struct worker *workers = calloc(plan->threads, sizeof(*workers));
	unsigned made = 0;
	int r = 0;

	if (workers == NULL)
		return err_sys(ENOMEM, "cannot make %u threads", plan->threads);
	raise_limit();
	atomic_init(&shared.next_key, plan->dist == BENCH_SEQUENTIAL
					      ? plan->first_key
					      : plan->first_key + plan->keys);
	atomic_init(&shared.inserted, 0);
	for (; r == 0 && made < plan->threads; made++)
		r = worker_init(&workers[made], &shared, made,
				plan->clients / plan->threads +
					(made < plan->clients % plan->threads));
	set_clock(&shared);
	if (r == 0)
		r = run_threads(workers, made);
	if (r == 0)
		r = collect(&shared, workers, made, result);
	for (unsigned i = 0; i < made; i++)
		worker_release(&workers[i]);
	free(workers);
	return r;
}

/*
 * report.c - the steps and runs that reports are made of, and what all forms
 * say in the same words.
 */
#include "bench/report.h"

#include "base/err.h"

#include <bsd/string.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

const double report_percentiles[REPORT_PERCENTILES] = {50, 90, 99, 99.9, 99.99};
const char *const report_percentile_names[REPORT_PERCENTILES] = {
	"p50", "p90", "p99", "p99.9", "p99.99"};

void report_init(struct report *r, const struct target *target)
{
	*r = (struct report){.target = target};
	machine_read(&r->machine);
}

void report_release(struct report *r)
{
	for (size_t i = 0; i < r->nsteps; i++) {
		struct report_step *step = &r->steps[i];

		for (size_t k = 0; k < step->nruns; k++)
			load_result_free(step->runs[k]);
		free(step->runs);
		load_result_free(step->all);
	}
	free(r->steps);
}

struct report_step *report_add_step(struct report *r,
				    const struct load_plan *plan,
				    const char *label)
{
	struct report_step *steps =
		reallocarray(r->steps, r->nsteps + 1, sizeof(*steps));
	struct report_step *step;

	if (steps == NULL)
		return NULL;
	r->steps = steps;
	step = &steps[r->nsteps];
	*step = (struct report_step){.plan = *plan, .all = load_result_new()};
	if (step->all == NULL)
		return NULL;
	strlcpy(step->label, label, sizeof(step->label));
	r->nsteps++;
	return step;
}

int report_add_run(struct report_step *step, struct load_result *run)
{
	struct load_result **runs =
		reallocarray(step->runs, step->nruns + 1, sizeof(*runs));

	if (runs == NULL)
		return err_sys(ENOMEM, "cannot keep the results");
	runs[step->nruns++] = run;
	step->runs = runs;
	load_result_add(step->all, run);
	return 0;
}

void report_write_facts(struct buf *out, const struct report *r,
			const char *mark)
{
	const struct target *t = r->target;
	const struct load_plan *plan = &r->steps[0].plan;

	buf_printf(out, "%sserver       %s at %s, %s\n", mark, t->name,
		   target_address(t), plan->wire->name);
	buf_printf(out, "%sdurability   %s\n", mark, t->durability);
	buf_printf(out, "%sCPU          %s, %u for this program\n", mark,
		   r->machine.cpu, r->machine.cpus);
	buf_printf(out, "%skernel       %s\n", mark, r->machine.kernel);
	buf_printf(out, "%sfile system  %s\n", mark, t->file_system);
	buf_printf(out, "%sseed         %" PRIu64 "\n", mark, plan->seed);
}

static void write_count(struct buf *out, uint64_t n, const char *what)
{
	buf_printf(out, "%" PRIu64 " %s%s", n, what, n == 1 ? "" : "s");
}

void report_write_work(struct buf *out, const struct load_plan *plan)
{
	mix_write(out, &plan->mix);
	buf_append_str(out, " on ");
	write_count(out, plan->keys, "key");
	buf_printf(out, ", %s; values of ", bench_dist_name(plan->dist));
	write_count(out, plan->values->size, "byte");
}

void report_write_manner(struct buf *out, const struct report *r)
{
	const struct load_plan *plan = &r->steps[0].plan;

	if (r->nsteps == 1) {
		write_count(out, plan->clients, "client");
		buf_append_str(out, ", ");
	}
	buf_printf(out, "pipeline %u, ", plan->pipeline);
	write_count(out, plan->threads, "thread");
	buf_append_str(out, plan->rate > 0 ? "; open loop" : "; closed loop");
	if (r->nsteps == 1 && plan->rate > 0)
		buf_printf(out, ", %.10g a second", plan->rate);
}

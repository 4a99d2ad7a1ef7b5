/*
 * kv-crashtest_sim.c - kv-crashtest sim.
 */
#include "kv-crashtest_parts.h"
#include "program.h"

#include "base/progress.h"
#include "check/sim_run.h"

#include <inttypes.h>

/* All seeds together. */
struct totals {
	struct sim_run_report sum; /* trace_hash: of the last one */
	uint64_t seeds;
	uint64_t bad_seed;
	char broken[sizeof(((struct sim_run_report *)0)->broken)];
};

static void print_line(void *arg, const char *line)
{
	(void)arg;
	fprintf(stderr, "%s\n", line);
}

static void add(struct totals *t, const struct sim_run_report *r)
{
	struct sim_run_report *sum = &t->sum;

	t->seeds++;
	sum->trace_hash = r->trace_hash;
	sum->steps += r->steps;
	sum->virtual_ms += r->virtual_ms;
	sum->operations += r->operations;
	sum->acked += r->acked;
	sum->unknown += r->unknown;
	sum->refused += r->refused;
	sum->crashes += r->crashes;
	sum->stops += r->stops;
	sum->pauses += r->pauses;
	sum->cuts += r->cuts;
	sum->disk_faults += r->disk_faults;
	sum->wipes += r->wipes;
	sum->orders += r->orders;
}

/* How to see it again. */
static void tell_failure(const struct crashtest *job, uint64_t seed,
			 const struct sim_run_report *r)
{
	fprintf(stderr, "seed %" PRIu64 ": %s\n", seed, r->broken);
	if (r->details.len != 0)
		fwrite(r->details.data, 1, r->details.len, stderr);
	fprintf(stderr,
		"again, with all that happens: kv-crashtest sim --mode primary "
		"--seed %" PRIu64 " --steps %" PRIu64,
		seed, job->steps);
	if (job->nodes != 0)
		fprintf(stderr, " --nodes %" PRIu64, job->nodes);
	fprintf(stderr, " --trace\n");
}

static void print_report(const struct crashtest *job, const struct totals *t,
			 struct buf *out)
{
	const char *result = t->broken[0] != '\0' ? "FAIL" : "PASS";
	const struct sim_run_report *s = &t->sum;

	buf_printf(out,
		   job->json ? "{\"seed\":%" PRIu64 ",\"seeds\":%" PRIu64
			       ",\"steps\":%" PRIu64 ",\"virtual_ms\":%" PRIu64
			       ",\"operations\":%" PRIu64 ",\"acked\":%" PRIu64
			       ",\"unknown\":%" PRIu64 ",\"refused\":%" PRIu64
			       ",\"crashes\":%" PRIu64 ",\"stops\":%" PRIu64
			       ",\"pauses\":%" PRIu64 ",\"cuts\":%" PRIu64
			       ",\"disk_faults\":%" PRIu64 ",\"wipes\":%" PRIu64
			       ",\"orders\":%" PRIu64 ",\"trace\":\"%016" PRIx64
			       "\","
			     : "seed=%" PRIu64 " seeds=%" PRIu64
			       " steps=%" PRIu64 " virtual_ms=%" PRIu64
			       " operations=%" PRIu64 " acked=%" PRIu64
			       " unknown=%" PRIu64 " refused=%" PRIu64
			       " crashes=%" PRIu64 " stops=%" PRIu64
			       " pauses=%" PRIu64 " cuts=%" PRIu64
			       " disk_faults=%" PRIu64 " wipes=%" PRIu64
			       " orders=%" PRIu64 " trace=%016" PRIx64 "\n",
		   job->seed, t->seeds, s->steps, s->virtual_ms, s->operations,
		   s->acked, s->unknown, s->refused, s->crashes, s->stops,
		   s->pauses, s->cuts, s->disk_faults, s->wipes, s->orders,
		   s->trace_hash);
	if (job->json && t->broken[0] != '\0')
		buf_printf(out, "\"failed_seed\":%" PRIu64 ",", t->bad_seed);
	if (job->json)
		buf_printf(out, "\"result\":\"%s\"}\n", result);
	else if (t->broken[0] != '\0')
		buf_printf(out, "Result: FAIL (seed %" PRIu64 ": %s)\n",
			   t->bad_seed, t->broken);
	else
		buf_append_str(out, "Result: PASS\n");
}

/* Whether the seed failed; *r: whether it could not be run. */
static bool run_seed(const struct crashtest *job, uint64_t seed,
		     struct totals *t, int *r)
{
	struct sim_run_options options = {
		.seed = seed,
		.members = (unsigned)job->nodes,
		.steps = job->steps,
		.log = job->trace ? print_line : NULL,
	};
	struct sim_run_report report;
	bool failed;

	*r = sim_run(&options, &report);
	failed = report.broken[0] != '\0';
	add(t, &report);
	if (failed) {
		tell_failure(job, seed, &report);
		t->bad_seed = seed;
		memcpy(t->broken, report.broken, sizeof(t->broken));
	}
	sim_run_report_release(&report);
	return failed;
}

int crashtest_sim(const struct crashtest *job, struct out *out)
{
	struct totals totals = {.seeds = 0};
	struct progress bar;
	bool failed = false;
	int r = 0;

	if (job->nodes != 0 && job->nodes != 3 && job->nodes != 5)
		return program_fail(err_set(
			KV_EUSAGE, "sim is for clusters of 3 or 5 nodes"));
	progress_begin(&bar, STDERR_FILENO, job->seeds);
	for (uint64_t i = 0; i < job->seeds && r == 0 && !failed; i++) {
		failed = run_seed(job, job->seed + i, &totals, &r);
		progress_update(&bar, totals.seeds, totals.seeds);
	}
	progress_end(&bar, totals.seeds, totals.seeds);
	if (r != 0)
		return program_fail(r);
	print_report(job, &totals, &out->buf);
	return failed ? 1 : 0;
}

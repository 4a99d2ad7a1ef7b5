/*
 * sim_run.c - see sim_run.h: a run from its seed to its verdict.
 */
#include "check/sim_run_impl.h"

#include "base/err.h"
#include "store/store_log.h"

#include <stdio.h>

#define SEGMENT_SIZE 16384u
#define FILE_MAX (256u << 10)
#define PATIENCE_MS 1000u
#define REST_MS 30000u
/* Steps of a storm between looking at what the nodes have applied. */
#define AUDIT_STEPS 400u

/* ---- conditions ---- */

static bool somebody_leads(struct sim_net *net, void *arg)
{
	unsigned leader = sim_leader(net);
	struct raft_status status;

	(void)arg;
	if (leader == 0)
		return false;
	raft_status(primary_core(sim_primary(net, leader)), &status);
	return status.can_read;
}

static bool nothing_is_to_be_repaired(struct sim_net *net, void *arg)
{
	(void)net;
	return sim_faults_repair(arg);
}

/* All members hold all of the leader's log, and have applied it. */
static bool all_agree(struct sim_net *net, void *arg)
{
	struct sim_run *run = arg;
	unsigned leader = sim_leader(net);
	const struct members *list;
	uint64_t last;

	if (leader == 0)
		return false;
	list = primary_members(sim_primary(net, leader));
	last = store_appended(sim_store(net, leader));
	for (unsigned i = 1; i <= run->nodes; i++) {
		const struct member *m;
		char name[8];

		snprintf(name, sizeof(name), "n%u", i);
		m = members_find_name(list, name);
		if (m != NULL &&
		    (!m->voter || sim_store(net, i) == NULL ||
		     store_log_committed(sim_store(net, i)) != last))
			return false;
	}
	return true;
}

static void await(struct sim_run *run, sim_condition *condition,
		  const char *what)
{
	if (sim_broken(run->net) == NULL &&
	    !sim_run_until(run->net, condition, run, REST_MS))
		sim_break(run->net, "%s within %u s of calm", what,
			  REST_MS / 1000);
}

/* ---- a run ---- */

static int begin(struct sim_run *run, const struct sim_run_options *o)
{
	struct sim_options options = {
		.seed = o->seed,
		.patience_ms = PATIENCE_MS,
		.segment_size = SEGMENT_SIZE,
		.file_max = FILE_MAX,
		.unique_values = true,
		.log = o->log,
		.log_arg = o->log_arg,
	};

	run->members = o->members != 0 ? o->members : o->seed % 3 == 0 ? 5 : 3;
	run->nodes = run->members + (o->seed % 2 == 0);
	options.members = run->members;
	options.nodes = run->nodes;
	run->report->members = run->members;
	run->net = sim_net_new(&options);
	if (run->net == NULL)
		return KV_ENOMEM;
	for (unsigned i = run->members + 1; i <= run->nodes; i++)
		if (sim_start(run->net, i) != 0)
			return KV_ENOMEM;
	await(run, somebody_leads, "nobody led");
	return sim_load_begin(run);
}

static void storm(struct sim_run *run, uint64_t steps)
{
	uint64_t end = sim_steps(run->net) + steps, audit = 0;

	sim_faults_begin(run);
	while (sim_steps(run->net) < end && sim_broken(run->net) == NULL) {
		sim_faults_step(run);
		sim_load_step(run);
		sim_run_ms(run->net, 1);
		if (sim_steps(run->net) >= audit) {
			sim_audit(run->net);
			audit = sim_steps(run->net) + AUDIT_STEPS;
		}
	}
}

static int come_to_rest(struct sim_run *run)
{
	sim_faults_end(run);
	await(run, somebody_leads, "nobody led");
	await(run, nothing_is_to_be_repaired, "a node was not repaired");
	await(run, all_agree, "the members did not agree");
	if (sim_broken(run->net) == NULL)
		sim_audit(run->net);
	return sim_broken(run->net) == NULL ? sim_load_judge(run) : 0;
}

static void take_report(struct sim_run *run)
{
	struct sim_run_report *report = run->report;
	const char *broken = sim_broken(run->net);

	report->steps = sim_steps(run->net);
	report->virtual_ms = sim_now_us(run->net) / 1000;
	report->trace_hash = sim_trace_hash(run->net);
	if (broken != NULL)
		snprintf(report->broken, sizeof(report->broken), "%s", broken);
}

int sim_run(const struct sim_run_options *options,
	    struct sim_run_report *report)
{
	struct sim_run run = {.report = report};
	int r;

	*report = (struct sim_run_report){0};
	r = begin(&run, options);
	if (r == 0) {
		storm(&run,
		      options->steps != 0 ? options->steps : SIM_RUN_STEPS);
		r = sim_broken(run.net) == NULL ? come_to_rest(&run) : 0;
	}
	if (run.net != NULL)
		take_report(&run);
	sim_load_end(&run);
	sim_net_free(run.net);
	return r;
}

void sim_run_report_release(struct sim_run_report *report)
{
	buf_release(&report->details);
}

/*
 * sim_faults.c - what breaks in a simulated run, and when.
 *
 * Anything may break at once, save whole disks: one node at a time loses its
 * own, and is repaired before another does; more a majority could not survive.
 * Members may come and go meanwhile.
 */
#include "check/sim_run_impl.h"

#include "base/err.h"

#include <errno.h>

#define STRIKE_US 250000u
#define DOWN_US 700000u
#define STOP_US 1500000u
#define PAUSE_US 900000u
#define SKEW_MS 4000u

/* ---- the weather ---- */

static const struct sim_weather weathers[] = {
	{/* calm */
	 .delay_min = 100,
	 .delay_max = 400,
	 .flush_min = 200,
	 .flush_max = 2000},
	{/* drizzle */
	 .delay_min = 100,
	 .delay_max = 3000,
	 .flush_min = 200,
	 .flush_max = 6000,
	 .drop = 100,
	 .duplicate = 100,
	 .reorder = true},
	{/* a bad line: much is lost, doubled and overtaken */
	 .delay_min = 100,
	 .delay_max = 20000,
	 .flush_min = 200,
	 .flush_max = 3000,
	 .drop = 2000,
	 .duplicate = 1500,
	 .reorder = true},
	{/* bad disks */
	 .delay_min = 50,
	 .delay_max = 1000,
	 .flush_min = 1000,
	 .flush_max = 60000,
	 .drop = 50,
	 .reorder = true},
};

#define NWEATHERS (sizeof(weathers) / sizeof(*weathers))

/* ---- nodes ---- */

static void crash(struct sim_run *run, unsigned node)
{
	struct sim_faults *f = &run->faults;
	bool power = sim_run_draw(run, 2) != 0;

	if (!sim_is_up(run->net, node))
		return;
	sim_log(run->net, "n%u %s", node,
		power ? "loses its power" : "is killed");
	sim_crash(run->net, node, power ? SIM_POWER : SIM_KILL);
	simfs_clear_faults(sim_disk(run->net, node));
	f->resume_us[node] = 0;
	f->restart_us[node] =
		sim_now_us(run->net) + 1 + sim_run_draw(run, DOWN_US);
	run->report->crashes++;
}

static void wipe(struct sim_run *run, unsigned node)
{
	struct sim_faults *f = &run->faults;

	if (f->wiped != 0)
		return;
	crash(run, node);
	sim_log(run->net, "n%u loses its disk", node);
	sim_wipe(run->net, node);
	f->wiped = node;
	run->report->wipes++;
}

/* A disk in a bad mood while the node starts. */
static bool start_fails(struct sim_run *run, unsigned node)
{
	struct simfs_fault fault = {
		.kind = SIMFS_FAIL,
		.nth = 1 + sim_run_draw(run, 60),
		.error = sim_run_draw(run, 2) != 0 ? EIO : ENOSPC,
	};
	int r;

	simfs_inject(sim_disk(run->net, node), &fault);
	r = sim_start(run->net, node);
	if (r != 0)
		sim_log(run->net, "n%u does not start: %s", node, err_text());
	simfs_clear_faults(sim_disk(run->net, node));
	if (r != 0)
		run->faults.restart_us[node] =
			sim_now_us(run->net) + 1 + sim_run_draw(run, DOWN_US);
	run->report->disk_faults++;
	return r != 0;
}

static void start(struct sim_run *run, unsigned node, bool well)
{
	run->faults.restart_us[node] = 0;
	if (!well && sim_run_draw(run, 8) == 0) {
		(void)start_fails(run, node);
		return;
	}
	sim_log(run->net, "n%u is started", node);
	if (sim_start(run->net, node) != 0)
		sim_break(run->net, "n%u does not start: %s", node, err_text());
}

static void restart_what_is_due(struct sim_run *run, bool all)
{
	struct sim_faults *f = &run->faults;

	for (unsigned i = 1; i <= run->nodes; i++) {
		bool up = sim_is_up(run->net, i);

		if (f->restart_us[i] == 0 && (up || !all))
			continue;
		if (!all && f->restart_us[i] > sim_now_us(run->net))
			continue;
		if (up) { /* its disk was broken, or it was to stop */
			simfs_clear_faults(sim_disk(run->net, i));
			crash(run, i);
		}
		start(run, i, all);
	}
}

/* How far the hand-over gets before the end is left to chance. */
static void stop(struct sim_run *run, unsigned node)
{
	struct sim_faults *f = &run->faults;

	if (!sim_is_up(run->net, node) || f->restart_us[node] != 0 ||
	    f->resume_us[node] != 0)
		return;
	sim_log(run->net, "n%u is told to stop", node);
	sim_resign(run->net, node);
	f->restart_us[node] =
		sim_now_us(run->net) + 1 + sim_run_draw(run, STOP_US);
	run->report->stops++;
}

static void pause_one(struct sim_run *run, unsigned node)
{
	struct sim_faults *f = &run->faults;

	if (!sim_is_up(run->net, node) || f->resume_us[node] != 0)
		return;
	sim_log(run->net, "n%u stands still", node);
	sim_pause(run->net, node);
	f->resume_us[node] =
		sim_now_us(run->net) + 1 + sim_run_draw(run, PAUSE_US);
	run->report->pauses++;
}

static void resume_what_is_due(struct sim_run *run, bool all)
{
	struct sim_faults *f = &run->faults;

	for (unsigned i = 1; i <= run->nodes; i++) {
		if (f->resume_us[i] == 0 ||
		    (!all && f->resume_us[i] > sim_now_us(run->net)))
			continue;
		sim_log(run->net, "n%u goes on", i);
		sim_resume(run->net, i);
		f->resume_us[i] = 0;
	}
}

/* ---- disks and clocks ---- */

static void fail_disk(struct sim_run *run, unsigned node)
{
	bool full = sim_run_draw(run, 2) != 0;
	struct simfs_fault fault = {
		.kind = SIMFS_FAIL,
		.nth = 1 + sim_run_draw(run, 20),
		.sticky = full || sim_run_draw(run, 3) != 0,
		.error = full ? ENOSPC : EIO,
		.only = SIMFS_ONLY(SIMFS_PWRITE) | SIMFS_ONLY(SIMFS_CREATE),
	};

	if (!sim_is_up(run->net, node) || run->faults.restart_us[node] != 0)
		return;
	if (!full)
		fault.only |= SIMFS_ONLY(SIMFS_SYNC) |
			      SIMFS_ONLY(SIMFS_SYNC_DIR) |
			      SIMFS_ONLY(SIMFS_RENAME);
	sim_log(run->net, "n%u's disk %s soon", node,
		full ? "will be full" : "will fail");
	simfs_inject(sim_disk(run->net, node), &fault);
	run->faults.restart_us[node] =
		sim_now_us(run->net) + 1 + sim_run_draw(run, DOWN_US);
	run->report->disk_faults++;
}

static void change_pace(struct sim_run *run, unsigned node)
{
	sim_slow_down(run->net, node,
		      sim_run_draw(run, 2) ? sim_run_draw(run, 50000) : 0);
	sim_skew(run->net, node,
		 (int64_t)sim_run_draw(run, SKEW_MS) - (int64_t)SKEW_MS / 2);
}

/* ---- links ---- */

static void cut(struct sim_run *run, unsigned node, unsigned other)
{
	unsigned set = (unsigned)sim_run_draw(run, 1u << run->nodes);

	if (sim_run_draw(run, 2) != 0) {
		sim_log(run->net, "cut: nodes %#x from the others", set);
		sim_partition(run->net, set);
	} else {
		sim_log(run->net, "cut: n%u to n%u", node, other);
		sim_cut(run->net, node, other);
	}
	run->report->cuts++;
}

/* ---- orders ---- */

/* One that was removed for repair, when leadership changed, is to be added. */
static struct sim_op *order_repair(struct sim_run *run, unsigned leader,
				   unsigned node)
{
	const struct members *list =
		primary_members(sim_primary(run->net, leader));
	char name[8];

	snprintf(name, sizeof(name), "n%u", node);
	return sim_order(run->net, leader,
			 members_find_name(list, name) != NULL ? CLUSTER_REPAIR
							       : CLUSTER_ADD,
			 node);
}

bool sim_faults_repair(struct sim_run *run)
{
	struct sim_faults *f = &run->faults;
	unsigned leader = sim_leader(run->net);

	if (f->wiped == 0)
		return true;
	if (f->repair != NULL && !f->repair->done)
		return false;
	/* Nobody leads who was not repaired. */
	if (leader == f->wiped || (f->repair != NULL && f->repair->code == 0)) {
		f->repair = NULL;
		f->wiped = 0;
		return true;
	}
	f->repair = NULL;
	if (leader != 0 && sim_is_up(run->net, f->wiped))
		f->repair = order_repair(run, leader, f->wiped);
	return false;
}

static void order(struct sim_run *run, unsigned node, unsigned other)
{
	run->report->orders++;
	if (run->nodes > run->members && sim_run_draw(run, 2) != 0)
		(void)sim_order(run->net, node,
				sim_run_draw(run, 2) ? CLUSTER_ADD
						     : CLUSTER_REMOVE,
				run->nodes);
	else
		(void)sim_order(run->net, node, CLUSTER_TRANSFER, other);
}

/* ---- in all ---- */

static void strike(struct sim_run *run)
{
	unsigned node = sim_any_node(run), other = sim_any_node(run);
	unsigned leader = sim_leader(run->net);

	switch (sim_run_draw(run, 19)) {
	case 0:
	case 1:
		crash(run, node);
		break;
	case 2:
		crash(run, leader != 0 ? leader : node);
		break;
	case 3:
	case 4:
		cut(run, node, other);
		break;
	case 5:
	case 6:
	case 7:
		sim_log(run->net, "links heal");
		sim_heal(run->net);
		break;
	case 8:
		pause_one(run, node);
		break;
	case 9:
		pause_one(run, leader != 0 ? leader : node);
		break;
	case 10:
		sim_break_link(run->net, node, other);
		break;
	case 11:
		fail_disk(run, node);
		break;
	case 12:
		change_pace(run, node);
		break;
	case 13:
		sim_weather(run->net, &weathers[sim_run_draw(run, NWEATHERS)]);
		break;
	case 14:
		wipe(run, node);
		break;
	case 15:
		(void)sim_faults_repair(run);
		break;
	case 16:
		stop(run, leader != 0 ? leader : node);
		break;
	default:
		order(run, leader != 0 ? leader : node, other);
		break;
	}
}

void sim_faults_begin(struct sim_run *run)
{
	for (unsigned i = 1; i <= run->nodes; i++)
		change_pace(run, i);
	sim_weather(run->net, &weathers[sim_run_draw(run, NWEATHERS)]);
}

void sim_faults_step(struct sim_run *run)
{
	struct sim_faults *f = &run->faults;

	if (f->strike_us <= sim_now_us(run->net)) {
		strike(run);
		f->strike_us =
			sim_now_us(run->net) + sim_run_draw(run, STRIKE_US);
	}
	resume_what_is_due(run, false);
	restart_what_is_due(run, false);
}

void sim_faults_end(struct sim_run *run)
{
	sim_log(run->net, "the storm is over");
	sim_weather(run->net, &weathers[0]);
	sim_heal(run->net);
	for (unsigned i = 1; i <= run->nodes; i++)
		sim_slow_down(run->net, i, 0);
	resume_what_is_due(run, true);
	restart_what_is_due(run, true);
}

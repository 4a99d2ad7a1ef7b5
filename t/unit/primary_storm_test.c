/*
 * primary_storm_test.c - clusters in bad weather, one seed each: crashes, cuts,
 * pauses, failing disks, members that change, clients on every node. Whatever
 * happens, what the clients saw must be linearizable; a write that was said not
 * to have happened must not have; and when the storm is over all nodes hold the
 * same.
 *
 * KV_STORM_SEEDS and KV_STORM_FIRST choose which seeds.
 */
#include "check/history.h"
#include "primary_cluster.h"

#define CLIENTS 5u
#define KEYS 3u
#define STORM_MS 4000u

struct client {
	struct sim_op *op;
	struct history_op record;
	char key[8], value[16];
	uint64_t next_us;
};

static struct client clients[CLIENTS];
static struct history *history;
static unsigned nodes, members, serial;
static bool is_paused[SIM_NODES_MAX + 1];
static uint64_t restart_us[SIM_NODES_MAX + 1]; /* 0: not down */

/* ---- clients ---- */

static enum history_result result_of(const struct sim_op *op)
{
	switch (op->code) {
	case 0:
		return HISTORY_OK;
	case KV_EUNKNOWN:
	case KV_EUNREACHABLE:
		return HISTORY_UNKNOWN;
	default:
		return HISTORY_FAIL;
	}
}

static void record(struct client *c, bool is_over)
{
	struct history_op *r = &c->record;
	const struct sim_op *op = c->op;

	r->result = is_over ? HISTORY_UNKNOWN : result_of(op);
	r->ret = r->result == HISTORY_UNKNOWN ? HISTORY_NEVER
					      : op->ended_us * 1000 + 999;
	if (r->kind == HISTORY_GET) {
		if (r->result != HISTORY_OK)
			return;
		r->value =
			op->found ? buf_slice(&op->value) : history_missing();
	}
	CHECK_INT(history_add(history, r), 0);
}

static void ask(struct client *c)
{
	struct change change = {.key = slice_str(c->key)};
	struct request req = {.changes = &change, .nchanges = 1};
	unsigned node = 1 + (unsigned)sim_draw(net, nodes);
	uint64_t what = sim_draw(net, 10);

	if (!sim_is_up(net, node))
		return;
	snprintf(c->key, sizeof(c->key), "k%u", (unsigned)sim_draw(net, KEYS));
	snprintf(c->value, sizeof(c->value), "v%u", ++serial);
	change.key = slice_str(c->key);
	c->record = (struct history_op){
		.client = (uint64_t)(c - clients),
		.key = change.key,
		.invoke = sim_now_us(net) * 1000,
	};
	if (what < 5) {
		req = (struct request){
			.op = OP_GET, .keys = &change.key, .nkeys = 1};
		c->record.kind = HISTORY_GET;
	} else if (what < 9) {
		req.op = OP_SET;
		change.value = slice_str(c->value);
		c->record.kind = HISTORY_SET;
		c->record.value = change.value;
	} else {
		req.op = OP_DELETE;
		change.kind = CHANGE_DELETE;
		c->record.kind = HISTORY_SET;
	}
	c->op = sim_submit(net, node, &req);
}

static void serve_clients(void)
{
	for (unsigned i = 0; i < CLIENTS; i++) {
		struct client *c = &clients[i];

		if (c->op != NULL && c->op->done) {
			record(c, false);
			c->op = NULL;
			c->next_us = sim_now_us(net) + sim_draw(net, 20000);
		}
		if (c->op == NULL && c->next_us <= sim_now_us(net))
			ask(c);
	}
}

/* ---- the weather ---- */

static void crash(unsigned node)
{
	if (!sim_is_up(net, node))
		return;
	sim_crash(net, node, sim_draw(net, 2) ? SIM_POWER : SIM_KILL);
	simfs_clear_faults(sim_disk(net, node));
	is_paused[node] = false;
	restart_us[node] = sim_now_us(net) + 1 + sim_draw(net, 600000);
}

static void start(unsigned node)
{
	int r;

	if (sim_is_up(net, node))
		return;
	r = sim_start(net, node);
	if (r != 0)
		printf("# n%u does not start: %s\n", node, err_text());
	CHECK_INT(r, 0);
	restart_us[node] = 0;
}

static void fail_disk(unsigned node)
{
	struct simfs_fault fault = {
		.kind = SIMFS_FAIL,
		.only = SIMFS_ONLY(SIMFS_SYNC) | SIMFS_ONLY(SIMFS_PWRITE),
		.nth = 1 + sim_draw(net, 20),
		.sticky = true,
		.error = 5,
	};

	if (!sim_is_up(net, node) || restart_us[node] != 0)
		return;
	simfs_inject(sim_disk(net, node), &fault);
	restart_us[node] = sim_now_us(net) + sim_draw(net, 800000);
}

static void toggle_pause(unsigned node)
{
	if (!sim_is_up(net, node))
		return;
	is_paused[node] = !is_paused[node];
	if (is_paused[node])
		sim_pause(net, node);
	else
		sim_resume(net, node);
}

static void strike(void)
{
	unsigned node = 1 + (unsigned)sim_draw(net, nodes);
	unsigned other = 1 + (unsigned)sim_draw(net, nodes);

	switch (sim_draw(net, 12)) {
	case 0:
	case 1:
		crash(node);
		break;
	case 2:
		crash(sim_leader(net) ? sim_leader(net) : node);
		break;
	case 3:
		sim_partition(net, (unsigned)sim_draw(net, 1u << nodes));
		break;
	case 4:
	case 5:
		sim_heal(net);
		break;
	case 6:
		sim_cut(net, node, other);
		break;
	case 7:
		toggle_pause(node);
		break;
	case 8:
		sim_break_link(net, node, other);
		break;
	case 9:
		fail_disk(node);
		break;
	case 10:
		(void)sim_order(net, node, CLUSTER_TRANSFER, other);
		break;
	case 11:
		if (nodes > members)
			(void)sim_order(net, node,
					sim_draw(net, 2) ? CLUSTER_ADD
							 : CLUSTER_REMOVE,
					nodes);
		break;
	default:
		break;
	}
}

static void restart_what_is_due(bool all)
{
	for (unsigned i = 1; i <= nodes; i++) {
		if (restart_us[i] == 0 && sim_is_up(net, i))
			continue;
		if (!all && restart_us[i] > sim_now_us(net))
			continue;
		if (sim_is_up(net, i)) { /* with a broken disk */
			simfs_clear_faults(sim_disk(net, i));
			crash(i);
		}
		start(i);
	}
}

/* ---- a seed ---- */

static void begin_storm(uint64_t seed)
{
	static const struct sim_weather bad = {
		.delay_min = 100,
		.delay_max = 3000,
		.flush_min = 200,
		.flush_max = 6000,
		.drop = 100,
		.duplicate = 100,
		.reorder = true,
	};

	members = seed % 3 == 0 ? 5 : 3;
	nodes = members + (seed % 2 == 0);
	serial = 0;
	memset(is_paused, 0, sizeof(is_paused));
	memset(restart_us, 0, sizeof(restart_us));
	memset(clients, 0, sizeof(clients));
	history_free(history);
	history = history_new();
	begin_with((struct sim_options){
		.members = members,
		.nodes = nodes,
		.seed = seed,
		.segment_size = 16384,
		.patience_ms = 1000,
	});
	for (unsigned i = 1; i <= nodes; i++) {
		sim_skew(net, i, (int64_t)sim_draw(net, 4000) - 2000);
		start(i);
	}
	(void)leader();
	sim_weather(net, &bad);
}

static void end_storm(void)
{
	static const struct sim_weather calm = {
		.delay_min = 100,
		.delay_max = 300,
		.flush_min = 200,
		.flush_max = 500,
	};
	unsigned lead;

	sim_weather(net, &calm);
	sim_heal(net);
	for (unsigned i = 1; i <= nodes; i++)
		if (is_paused[i])
			sim_resume(net, i);
	restart_what_is_due(true);
	sim_run_ms(net, 3000);
	serve_clients();
	lead = leader();
	set(lead, "after the storm", "1");
	sim_run_ms(net, 2000);
}

/* Those that take part hold the same. */
static void check_members(void)
{
	unsigned lead = leader();
	const struct members *list = primary_members(sim_primary(net, lead));
	uint64_t last = store_appended(sim_store(net, lead));

	for (unsigned i = 1; i <= nodes; i++) {
		char name[8];

		snprintf(name, sizeof(name), "n%u", i);
		if (members_find_name(list, name) == NULL)
			continue;
		if (store_log_committed(sim_store(net, i)) != last)
			printf("# n%u leads: %s\n", lead,
			       info(lead, "matches"));
		if (store_log_committed(sim_store(net, i)) != last)
			printf("# n%u (%s) is at %llu, not %llu\n", i,
			       info(i, "state"),
			       (unsigned long long)store_log_committed(
				       sim_store(net, i)),
			       (unsigned long long)last);
		CHECK_INT(store_log_committed(sim_store(net, i)), last);
		CHECK(sim_digest(net, i) == sim_digest(net, lead));
	}
}

static void check_history(void)
{
	struct history_report report;

	for (unsigned i = 0; i < CLIENTS; i++)
		if (clients[i].op != NULL)
			record(&clients[i], !clients[i].op->done);
	CHECK_INT(history_check(history, 0, &report), 0);
	if (report.verdict == HISTORY_VIOLATION)
		printf("%.*s\n", (int)report.text.len, report.text.data);
	CHECK_INT(report.verdict, HISTORY_LINEARIZABLE);
	history_report_release(&report);
}

static void weather_a_storm(uint64_t seed)
{
	uint64_t until_us, strike_us;

	begin_storm(seed);
	until_us = sim_now_us(net) + STORM_MS * 1000;
	strike_us = sim_now_us(net);
	while (sim_now_us(net) < until_us && sim_broken(net) == NULL) {
		if (strike_us <= sim_now_us(net)) {
			strike();
			strike_us = sim_now_us(net) + sim_draw(net, 300000);
		}
		restart_what_is_due(false);
		serve_clients();
		sim_run_ms(net, 1);
	}
	if (sim_broken(net) == NULL) {
		end_storm();
		check_members();
		check_history();
	}
	finish();
}

static uint64_t number_from(const char *name, uint64_t otherwise)
{
	const char *text = getenv(name);

	return text != NULL ? strtoull(text, NULL, 10) : otherwise;
}

static volatile uint64_t seed_at;

static void storms_are_weathered(void)
{
	uint64_t first = number_from("KV_STORM_FIRST", 1);
	uint64_t n = number_from("KV_STORM_SEEDS", 60);

	for (seed_at = first; seed_at < first + n; seed_at++) {
		printf("# seed %llu\n", (unsigned long long)seed_at);
		weather_a_storm(seed_at);
	}
}

TEST_MAIN(T(storms_are_weathered))

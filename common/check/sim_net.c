/*
 * sim_net.c - see sim_net.h: time, and what happens when. Each step does the
 * earliest thing that is due: a frame arrives, a flush ends, a coordinator's
 * deadline or a node's background work comes up. Then the nodes that had input
 * have their turn.
 */
#include "check/sim_impl.h"

#include "base/err.h"
#include "proto/json.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <xxhash.h>

#define CONNECT_US 5000u
#define WALL_START_MS 1750000000000u

/* xorshift64* by Marsaglia and Vigna. */
uint64_t sim_draw(struct sim_net *net, uint64_t n)
{
	net->random ^= net->random >> 12;
	net->random ^= net->random << 25;
	net->random ^= net->random >> 27;
	return n == 0 ? 0 : ((net->random * 0x2545f4914f6cdd1du) >> 16) % n;
}

uint64_t sim_between(struct sim_net *net, uint64_t from, uint64_t to)
{
	return to > from ? from + sim_draw(net, to - from + 1) : from;
}

bool sim_chance(struct sim_net *net, uint32_t of_ten_thousand)
{
	return of_ten_thousand != 0 && sim_draw(net, 10000) < of_ten_thousand;
}

uint64_t sim_now_us(const struct sim_net *net)
{
	return net->now_us;
}

/* Monotonic clocks begin anywhere. */
uint64_t sim_node_ms(const struct sim_node *n)
{
	return n->net->now_us / 1000 + 1000 * n->number;
}

uint64_t sim_wall_ms(void *node)
{
	const struct sim_node *n = node;

	return (uint64_t)((int64_t)(WALL_START_MS + n->net->now_us / 1000) +
			  n->skew_ms);
}

uint64_t sim_steps(const struct sim_net *net)
{
	return net->steps;
}

uint64_t sim_trace_hash(const struct sim_net *net)
{
	return net->hash;
}

void sim_mark(struct sim_net *net, uint64_t a, uint64_t b)
{
	const uint64_t what[] = {net->now_us, a, b};

	net->hash = XXH64(what, sizeof(what), net->hash);
}

void sim_log(const struct sim_net *net, const char *fmt, ...)
{
	char text[ERR_TEXT_MAX + 64], line[sizeof(text) + 32];
	va_list ap;

	if (net->options.log == NULL)
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	snprintf(line, sizeof(line), "%10.3f %s", (double)net->now_us / 1000,
		 text);
	net->options.log(net->options.log_arg, line);
}

struct sim_node *sim_find(struct sim_net *net, const char *name)
{
	for (unsigned i = 1; i <= net->options.nodes; i++)
		if (strcmp(net->nodes[i].name, name) == 0)
			return &net->nodes[i];
	return NULL;
}

/* ---- steps ---- */

enum what { DUE_NOTHING, DUE_FRAME, DUE_FLUSH, DUE_TICK, DUE_TASK };

struct due {
	uint64_t at_us;
	enum what what;
	struct sim_node *node;
};

static void offer(struct due *due, uint64_t at_us, enum what what,
		  struct sim_node *node)
{
	if (at_us < due->at_us)
		*due = (struct due){.at_us = at_us, .what = what, .node = node};
}

static uint64_t tick_us(const struct sim_node *n)
{
	uint64_t ms = primary_deadline(n->primary);
	uint64_t base = 1000 * n->number;

	if (ms == UINT64_MAX)
		return UINT64_MAX;
	return ms <= base ? 0 : (ms - base) * 1000;
}

static struct due next_due(struct sim_net *net)
{
	struct due due = {.at_us = UINT64_MAX};
	struct sim_frame *f = sim_next_frame(net);

	if (f != NULL)
		offer(&due, f->at_us, DUE_FRAME, NULL);
	for (unsigned i = 1; i <= net->options.nodes; i++) {
		struct sim_node *n = &net->nodes[i];

		if (!n->up || n->paused)
			continue;
		if (n->flush != NULL)
			offer(&due, n->flush_end_us, DUE_FLUSH, n);
		offer(&due, tick_us(n), DUE_TICK, n);
		offer(&due, n->task_us, DUE_TASK, n);
	}
	if (due.at_us < net->now_us)
		due.at_us = net->now_us;
	return due;
}

static void do_frame(struct sim_net *net)
{
	struct sim_frame f;

	sim_pop_frame(net, &f);
	sim_mark(net, f.from << 8 | f.to,
		 XXH64(f.bytes.data, f.bytes.len, f.link));
	sim_deliver(net, &f);
	buf_release(&f.bytes);
}

static void take_turns(struct sim_net *net)
{
	for (unsigned i = 1; i <= net->options.nodes; i++) {
		struct sim_node *n = &net->nodes[i];

		if (n->up && !n->paused && n->dirty)
			sim_turn(n);
	}
	sim_check(net);
}

/* The next thing, if it is due by then; else only time passes. */
static void step(struct sim_net *net, uint64_t until_us)
{
	struct due due = next_due(net);

	if (net->connect_us <= due.at_us && net->connect_us <= until_us) {
		if (net->now_us < net->connect_us)
			net->now_us = net->connect_us;
		net->connect_us = net->now_us + CONNECT_US;
		sim_connect(net);
		take_turns(net);
		return;
	}
	if (due.what == DUE_NOTHING || due.at_us > until_us) {
		net->now_us = until_us;
		return;
	}
	net->now_us = due.at_us;
	net->steps++;
	sim_mark(net, due.what, due.node != NULL ? due.node->number : 0);
	switch (due.what) {
	case DUE_FRAME:
		do_frame(net);
		break;
	case DUE_FLUSH:
		sim_end_flush(due.node);
		break;
	case DUE_TICK:
		primary_tick(due.node->primary, sim_node_ms(due.node));
		due.node->dirty = true;
		/* A deadline that stays where it is must not stop time. */
		if (tick_us(due.node) <= net->now_us)
			net->now_us++;
		break;
	case DUE_TASK:
		sim_do_task(due.node);
		break;
	case DUE_NOTHING:
		break;
	}
	take_turns(net);
}

bool sim_run_until(struct sim_net *net, sim_condition *condition, void *arg,
		   uint64_t ms)
{
	uint64_t until_us = net->now_us + ms * 1000;

	take_turns(net);
	while (net->now_us < until_us && net->broken[0] == '\0') {
		if (condition != NULL && condition(net, arg))
			return true;
		step(net, until_us);
	}
	return condition != NULL && condition(net, arg);
}

void sim_run_ms(struct sim_net *net, uint64_t ms)
{
	(void)sim_run_until(net, NULL, NULL, ms);
}

/* ---- life ---- */

void sim_weather(struct sim_net *net, const struct sim_weather *weather)
{
	net->weather = *weather;
}

static bool name_nodes(struct sim_net *net)
{
	for (unsigned i = 1; i <= net->options.nodes; i++) {
		struct sim_node *n = &net->nodes[i];
		struct member m = {.voter = true};

		n->net = net;
		n->number = i;
		n->held_tail = &n->held;
		snprintf(n->name, sizeof(n->name), "n%u", i);
		snprintf(n->address, sizeof(n->address), "127.0.0.1:%u",
			 10000 + i);
		n->disk = simfs_new(net->options.file_max);
		if (n->disk == NULL)
			return false;
		snprintf(m.name, sizeof(m.name), "%s", n->name);
		snprintf(m.address, sizeof(m.address), "%s", n->address);
		m.id = member_id(m.name, 0);
		if (i <= net->options.members &&
		    members_add(&net->first, &m) != 0)
			return false;
	}
	return true;
}

struct sim_net *sim_net_new(const struct sim_options *options)
{
	static const struct sim_weather calm = {
		.delay_min = 100,
		.delay_max = 400,
		.flush_min = 200,
		.flush_max = 2000,
	};
	struct sim_net *net = calloc(1, sizeof(*net));
	bool ok;

	if (net == NULL)
		return NULL;
	net->options = *options;
	net->weather = calm;
	net->random = options->seed * 2 + 1;
	if (net->options.nodes < options->members)
		net->options.nodes = options->members;
	net->arena = json_arena_new();
	ok = net->arena != NULL && name_nodes(net);
	for (unsigned i = 1; ok && i <= options->members; i++)
		ok = sim_start(net, i) == 0;
	if (!ok) {
		sim_net_free(net);
		return NULL;
	}
	return net;
}

void sim_net_free(struct sim_net *net)
{
	struct sim_frame f;

	if (net == NULL)
		return;
	for (unsigned i = 1; i <= net->options.nodes; i++) {
		if (net->nodes[i].up)
			sim_crash(net, i, SIM_KILL);
		simfs_free(net->nodes[i].disk);
	}
	while (net->nframes != 0) {
		sim_pop_frame(net, &f);
		buf_release(&f.bytes);
	}
	sim_free_ops(net);
	free(net->frames);
	free(net->committed);
	free(net->leaders);
	free(net->votes);
	sim_model_release(&net->model);
	json_arena_free(net->arena);
	free(net);
}

unsigned sim_leader(const struct sim_net *net)
{
	struct raft_status status;
	uint64_t term = 0;
	unsigned leader = 0;

	for (unsigned i = 1; i <= net->options.nodes; i++) {
		const struct sim_node *n = &net->nodes[i];

		if (!n->up || n->paused || !primary_leads(n->primary))
			continue;
		raft_status(primary_core(n->primary), &status);
		if (status.term >= term) {
			term = status.term;
			leader = i;
		}
	}
	return leader;
}

/*
 * sim_node.c - one node of a simulated cluster: what a server's loop is around
 * a coordinator, without a server.
 */
#include "check/sim_impl.h"

#include "base/err.h"

#include <stdio.h>
#include <stdlib.h>

#define DIR_NAME "/d"
#define SEGMENT_SIZE 65536u
#define TASK_US 100000u
#define EXPIRE_MAX 1000u

/* ---- what the coordinator tells ---- */

static bool on_send(void *arg, const struct member *to, struct slice head,
		    struct slice body)
{
	struct sim_node *n = arg, *other = sim_find(n->net, to->name);
	struct buf frame;

	if (other == NULL)
		return false;
	if (other != n)
		return sim_send(n, other, head, body);
	buf_init(&frame);
	buf_append_slice(&frame, head);
	buf_append_slice(&frame, body);
	if (buf_failed(&frame))
		abort();
	sim_carry_out(n, n->number, buf_slice(&frame));
	buf_release(&frame);
	return true;
}

static void on_progress(void *arg)
{
	sim_progress(arg);
}

static void on_lost(void *arg)
{
	sim_lost(arg);
}

static void on_members(void *arg, const struct members *members)
{
	struct sim_node *n = arg;

	n->members = *members;
}

static void on_log(void *arg, const char *line)
{
	const struct sim_node *n = arg;

	sim_log(n->net, "%s: %s", n->name, line);
}

static int open_store(struct sim_node *n)
{
	const struct sim_options *o = &n->net->options;
	uint64_t size = o->segment_size != 0 ? o->segment_size : SEGMENT_SIZE;
	struct store_options options = {
		.fs = simfs_fs(n->disk),
		.now_ms = sim_wall_ms,
		.now_arg = n,
		.segment_min = size,
		.segment_max = size,
		.create = true,
		.replicated = true,
		.log_keep = o->log_keep != 0 ? o->log_keep : size,
	};

	return store_open(&n->store, DIR_NAME, &options);
}

static void do_swap(struct sim_node *n)
{
	int (*swap)(void *) = n->swap;

	n->swap = NULL;
	(void)!store_close(n->store);
	n->store = NULL;
	if (swap(n->swap_arg) != 0 || open_store(n) != 0) {
		on_log(n, err_text());
		n->store = NULL;
	}
	n->committed = 0;
	primary_set_store(n->primary, n->store);
	n->dirty = true;
}

static void on_replace_store(void *arg, int (*swap)(void *), void *swap_arg)
{
	struct sim_node *n = arg;

	n->swap = swap;
	n->swap_arg = swap_arg;
	if (n->flush == NULL)
		do_swap(n);
}

/* ---- a turn ---- */

static void begin_flush(struct sim_node *n)
{
	struct sim_net *net = n->net;
	const struct sim_weather *w = &net->weather;

	if (n->flush != NULL || n->store == NULL || n->swap != NULL)
		return;
	n->flush = store_flush_begin(n->store);
	if (n->flush == NULL)
		return;
	n->flush_end_us = net->now_us +
			  sim_between(net, w->flush_min, w->flush_max) +
			  n->slow_us;
	/* A crash before the end finds it done, or not begun. */
	n->flush_has_run = sim_draw(net, 2) == 0;
	if (n->flush_has_run)
		store_flush_run(n->flush);
}

void sim_turn(struct sim_node *n)
{
	n->dirty = false;
	primary_tick(n->primary, sim_node_ms(n));
	coord_turn(n->coord);
	begin_flush(n);
}

void sim_end_flush(struct sim_node *n)
{
	int r;

	if (!n->flush_has_run)
		store_flush_run(n->flush);
	r = store_flush_end(n->store, n->flush);
	n->flush = NULL;
	primary_tick(n->primary, sim_node_ms(n));
	coord_flushed(n->coord, r);
	n->dirty = true;
	if (n->swap != NULL)
		do_swap(n);
}

/* A failing disk fails here too; what became of it shows elsewhere. */
void sim_do_task(struct sim_node *n)
{
	struct store_task *task;

	n->task_us = n->net->now_us + TASK_US;
	n->dirty = true;
	if (n->store == NULL || n->swap != NULL)
		return;
	primary_tick(n->primary, sim_node_ms(n));
	(void)store_expire(n->store, EXPIRE_MAX);
	task = store_task_begin(n->store);
	if (task == NULL)
		return;
	store_task_run(task);
	(void)!store_task_end(n->store, task);
}

/* ---- life ---- */

static int open_primary(struct sim_node *n)
{
	struct sim_net *net = n->net;
	const struct primary_events events = {
		.send = on_send,
		.progress = on_progress,
		.lost = on_lost,
		.members = on_members,
		.replace_store = on_replace_store,
		.log = on_log,
		.arg = n,
	};
	struct primary_options options = {
		.fs = simfs_fs(n->disk),
		.dir = DIR_NAME,
		.node = n->name,
		.address = n->address,
		.members =
			n->number <= net->options.members ? &net->first : NULL,
		.seed = sim_draw(net, UINT64_MAX),
		.patience_ms = net->options.patience_ms,
		.uncommitted_max = net->options.uncommitted_max,
	};

	return primary_new(&n->primary, n->store, &options, &events,
			   sim_node_ms(n));
}

int sim_start(struct sim_net *net, unsigned node)
{
	struct sim_node *n = &net->nodes[node];
	int r = open_store(n);

	if (r != 0)
		return r;
	n->starts++;
	r = open_primary(n);
	if (r != 0) {
		(void)!store_close(n->store);
		n->store = NULL;
		return r;
	}
	n->coord = primary_coord(n->primary);
	n->up = true;
	n->paused = false;
	n->dirty = true;
	n->committed = 0;
	n->task_us = net->now_us + sim_draw(net, TASK_US);
	sim_check_promises(n);
	return 0;
}

static unsigned any_version(void *arg, const struct simfs_piece *piece)
{
	return (unsigned)sim_draw(arg, piece->versions);
}

static unsigned last_version(void *arg, const struct simfs_piece *piece)
{
	(void)arg;
	return piece->versions - 1;
}

void sim_crash(struct sim_net *net, unsigned node, enum sim_crash kind)
{
	struct sim_node *n = &net->nodes[node];
	struct simfs *after;

	if (!n->up)
		return;
	after = simfs_power_cycle(
		n->disk, kind == SIM_POWER ? any_version : last_version, net);
	if (after == NULL)
		abort();
	n->up = false;
	for (unsigned other = 1; other <= net->options.nodes; other++)
		sim_lose_link(net, node, other);
	sim_drop_held(n);
	/* What is left of the process is taken apart on the old disk, where it
	 * can do no harm. */
	coord_free(n->coord);
	n->coord = NULL;
	n->primary = NULL;
	n->swap = NULL;
	if (n->flush != NULL) {
		if (!n->flush_has_run)
			store_flush_run(n->flush);
		(void)!store_flush_end(n->store, n->flush);
		n->flush = NULL;
	}
	if (n->store != NULL)
		(void)!store_close(n->store);
	n->store = NULL;
	simfs_free(n->disk);
	n->disk = after;
}

void sim_wipe(struct sim_net *net, unsigned node)
{
	struct sim_node *n = &net->nodes[node];

	simfs_free(n->disk);
	n->told_id = n->told_term = n->told_vote = 0;
	n->disk = simfs_new(net->options.file_max);
	if (n->disk == NULL)
		abort();
}

void sim_resign(struct sim_net *net, unsigned node)
{
	struct sim_node *n = &net->nodes[node];

	primary_tick(n->primary, sim_node_ms(n));
	primary_resign(n->primary);
	n->dirty = true;
}

void sim_pause(struct sim_net *net, unsigned node)
{
	net->nodes[node].paused = true;
}

void sim_resume(struct sim_net *net, unsigned node)
{
	net->nodes[node].paused = false;
	net->nodes[node].dirty = true;
}

void sim_slow_down(struct sim_net *net, unsigned node, uint64_t us)
{
	net->nodes[node].slow_us = us;
}

void sim_skew(struct sim_net *net, unsigned node, int64_t ms)
{
	net->nodes[node].skew_ms = ms;
}

bool sim_is_up(const struct sim_net *net, unsigned node)
{
	return net->nodes[node].up;
}

struct primary *sim_primary(const struct sim_net *net, unsigned node)
{
	return net->nodes[node].primary;
}

struct store *sim_store(const struct sim_net *net, unsigned node)
{
	return net->nodes[node].store;
}

struct simfs *sim_disk(const struct sim_net *net, unsigned node)
{
	return net->nodes[node].disk;
}

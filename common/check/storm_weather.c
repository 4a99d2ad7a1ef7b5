/*
 * storm_weather.c - what happens to the cluster meanwhile.
 *
 * One fault at a time, each for a while, with some fair weather between: so
 * mostly there is a majority, and the clients get somewhere. Now and then all
 * nodes are killed at once. The leader is hit more often than others.
 */
#include "check/storm_test.h"

#include "base/clock.h"
#include "base/random.h"
#include "cluster/order.h"
#include "cluster/status.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <time.h>

#define FAIR_MS 1200u  /* at most, between two faults */
#define FAULT_MS 2000u /* at most, one lasts */
#define ASK_MS 200u
#define ORDER_MS 1000u
#define LOOK_MS 20u
#define END_MS 10000u

/* Until then, or the end of the test. */
static void wait_ms(struct storm *s, uint64_t ms)
{
	uint64_t end = clock_monotonic_ms() + ms;

	while (clock_monotonic_ms() < end && !atomic_load(&s->stop)) {
		struct timespec t = {.tv_nsec = LOOK_MS * 1000000};

		nanosleep(&t, NULL);
	}
}

/* The leader, or any node. */
static const struct member *choose(struct storm *s)
{
	const struct members *m = &s->cluster.nodes;
	struct cluster_status status;

	if (random_below(&s->random, 2) == 0) {
		status_gather(&status, m, ASK_MS);
		if (status.leader != NULL)
			return members_find_name(m, status.leader->name);
	}
	return &m->list[random_below(&s->random, m->n)];
}

static unsigned place(const struct storm *s, const struct member *node)
{
	return (unsigned)(node - s->cluster.nodes.list);
}

static int start(struct storm *s, unsigned which)
{
	return local_start(&s->cluster, s->options->server, which);
}

static int kill_nodes(struct storm *s, unsigned which)
{
	const struct members *m = &s->cluster.nodes;

	for (unsigned i = 0; i < m->n; i++)
		if (which >> i & 1)
			(void)local_signal(&s->cluster, &m->list[i], SIGKILL);
	for (unsigned i = 0; i < m->n; i++)
		if (which >> i & 1)
			(void)local_await_end(&s->cluster, &m->list[i], END_MS);
	s->report->kills++;
	wait_ms(s, random_below(&s->random, FAULT_MS));
	return start(s, which);
}

static int pause_node(struct storm *s, const struct member *node)
{
	int r = local_signal(&s->cluster, node, SIGSTOP);

	s->report->pauses++;
	wait_ms(s, random_below(&s->random, FAULT_MS));
	if (r == 0)
		r = local_signal(&s->cluster, node, SIGCONT);
	return r;
}

static int isolate_node(struct storm *s, const struct member *node)
{
	const struct members *m = &s->cluster.nodes;
	int r = order_isolate(m, node, true, ORDER_MS);

	s->report->partitions++;
	wait_ms(s, random_below(&s->random, FAULT_MS));
	if (r == 0)
		r = order_isolate(m, node, false, ORDER_MS);
	return r;
}

static int one_fault(struct storm *s)
{
	const struct member *node = choose(s);

	switch (random_below(&s->random, 10)) {
	case 0:
		return kill_nodes(s, (1u << s->cluster.nodes.n) - 1);
	case 1:
	case 2:
	case 3:
	case 4:
		return kill_nodes(s, 1u << place(s, node));
	case 5:
	case 6:
		return pause_node(s, node);
	default:
		return isolate_node(s, node);
	}
}

void *storm_weather_thread(void *storm)
{
	struct storm *s = storm;
	int r = 0;

	while (!atomic_load(&s->stop) && r == 0) {
		wait_ms(s, random_below(&s->random, FAIR_MS));
		if (!atomic_load(&s->stop))
			r = one_fault(s);
		/* An order that a busy node did not take in time. */
		if (r == KV_ETIMEOUT || r == KV_EUNREACHABLE ||
		    r == KV_EUNKNOWN)
			r = storm_clear(s);
	}
	if (r != 0) {
		pthread_mutex_lock(&s->lock);
		s->failed = r;
		buf_printf(&s->report->details, "%s\n", err_text());
		pthread_mutex_unlock(&s->lock);
	}
	return NULL;
}

int storm_clear(struct storm *s)
{
	const struct members *m = &s->cluster.nodes;
	int r;

	for (unsigned i = 0; i < m->n; i++)
		(void)local_signal(&s->cluster, &m->list[i], SIGCONT);
	r = start(s, (1u << m->n) - 1);
	return r != 0 ? r : order_partition(m, NULL, END_MS);
}

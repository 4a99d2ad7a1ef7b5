/*
 * storm.c - see storm.h: the test from beginning to end.
 */
#include "check/storm_test.h"

#include "base/clock.h"
#include "base/random.h"
#include "cluster/order.h"

#include <arpa/inet.h>
#include <errno.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define PROGRESS_MS 500u
#define END_MS 20000u
#define PORT_MIN 20000u
#define PORT_RANGE 10000u /* below what the system gives out by itself */
#define PORT_TRIES 100u

uint64_t storm_now(const struct storm *s)
{
	return clock_monotonic_ns() - s->begun_ns;
}

void storm_record(struct storm *s, const struct history_op *ops, size_t n)
{
	int r = 0;

	pthread_mutex_lock(&s->lock);
	for (size_t i = 0; i < n && r == 0; i++)
		r = history_add(s->history, &ops[i]);
	if (r == 0 && s->options->history != NULL) {
		buf_clear(&s->lines);
		if (n > 1)
			history_write_bulk(&s->lines, ops, n);
		else
			history_write_line(&s->lines, &ops[0]);
		r = buf_failed(&s->lines)
			    ? err_set(KV_ENOMEM, "out of memory")
			    : s->options->history(s->options->arg,
						  buf_slice(&s->lines));
	}
	if (r != 0 && s->failed == 0) {
		s->failed = r;
		buf_printf(&s->report->details, "%s\n", err_text());
	}
	pthread_mutex_unlock(&s->lock);
}

/* ---- the cluster ---- */

static bool is_free(unsigned port)
{
	struct sockaddr_in a = {
		.sin_family = AF_INET,
		.sin_port = htons((uint16_t)port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool free = fd >= 0 && bind(fd, (struct sockaddr *)&a, sizeof(a)) == 0;

	if (fd >= 0)
		close(fd);
	return free;
}

/* The first of n ports in a row that are free now; 0: none found. */
static unsigned find_ports(struct storm *s, unsigned n)
{
	for (unsigned tries = 0; tries < PORT_TRIES; tries++) {
		unsigned first = PORT_MIN +
				 (unsigned)random_below(&s->random, PORT_RANGE);
		unsigned i = 0;

		while (i < n && is_free(first + i))
			i++;
		if (i == n)
			return first;
	}
	return 0;
}

static int start_cluster(struct storm *s)
{
	const char *dir = s->options->dir;
	unsigned n = s->options->nodes, port = find_ports(s, n);
	int r;

	if (dir == NULL)
		dir = getenv("TMPDIR");
	if (asprintf(&s->dir, "%s/kv-crashtest.XXXXXX",
		     dir != NULL ? dir : "/tmp") < 0)
		s->dir = NULL;
	if (s->dir == NULL)
		return err_set(KV_ENOMEM, "out of memory");
	if (mkdtemp(s->dir) == NULL) {
		r = err_sys(errno, "cannot make '%s'", s->dir);
		free(s->dir);
		s->dir = NULL;
		return r;
	}
	if (port == 0)
		return err_set(KV_EUNAVAILABLE, "no %u free ports in a row", n);
	r = local_create(s->dir, n, port);
	if (r == 0)
		r = local_open(&s->cluster, s->dir);
	if (r == 0)
		r = local_start(&s->cluster, s->options->server, (1u << n) - 1);
	if (r != 0)
		return r;
	s->addresses = order_addresses(&s->cluster.nodes);
	return s->addresses != NULL ? 0 : KV_ENOMEM;
}

static int remove_one(const char *path, const struct stat *st, int type,
		      struct FTW *at)
{
	(void)st;
	(void)type;
	(void)at;
	return remove(path);
}

static void end_cluster(struct storm *s, bool keep)
{
	const struct members *m = &s->cluster.nodes;

	for (unsigned i = 0; i < m->n; i++)
		(void)local_signal(&s->cluster, &m->list[i], SIGKILL);
	for (unsigned i = 0; i < m->n; i++)
		(void)local_await_end(&s->cluster, &m->list[i], END_MS);
	if (s->dir != NULL && !keep)
		nftw(s->dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	else if (s->dir != NULL)
		buf_printf(&s->report->details,
			   "the stores and the nodes' messages are in '%s'\n",
			   s->dir);
	free(s->dir);
	free(s->addresses);
}

/* ---- the storm ---- */

static void watch(struct storm *s)
{
	const struct storm_options *o = s->options;
	uint64_t begun = clock_monotonic_ms(), elapsed = 0;
	bool failed = false;

	while (elapsed < o->duration_ms && !failed) {
		uint64_t left = o->duration_ms - elapsed;
		uint64_t ms = left < PROGRESS_MS ? left : PROGRESS_MS;

		nanosleep(&(struct timespec){.tv_nsec = (long)ms * 1000000},
			  NULL);
		elapsed = clock_monotonic_ms() - begun;
		pthread_mutex_lock(&s->lock);
		failed = s->failed != 0;
		if (o->progress != NULL)
			o->progress(o->arg, s->report, elapsed);
		pthread_mutex_unlock(&s->lock);
	}
}

static int blow(struct storm *s)
{
	unsigned started = 0, n = s->options->clients;
	pthread_t weather;
	int e = pthread_create(&weather, NULL, storm_weather_thread, s);

	if (e != 0)
		return err_sys(e, "cannot start a thread");
	while (started < n && e == 0) {
		struct storm_client *c = &s->clients[started];

		*c = (struct storm_client){
			.storm = s,
			.id = started + 1,
			.resp = started % 2 != 0,
			.random = s->options->seed + started * UINT64_C(7919),
		};
		e = pthread_create(&c->thread, NULL, storm_client_thread, c);
		started += e == 0;
	}
	if (e == 0)
		watch(s);
	atomic_store(&s->stop, true);
	for (unsigned i = 0; i < started; i++)
		pthread_join(s->clients[i].thread, NULL);
	pthread_join(weather, NULL);
	if (e != 0)
		return err_sys(e, "cannot start a client");
	return s->failed;
}

static int run(struct storm *s)
{
	int r = start_cluster(s);

	if (r == 0)
		r = blow(s);
	if (r == 0)
		r = storm_clear(s);
	if (r == 0)
		r = storm_verify(s);
	if (r == 0)
		r = s->failed;
	if (r == 0)
		r = history_check(s->history, 0, &s->report->history);
	s->report->operations = history_count(s->history);
	return r;
}

int storm_run(const struct storm_options *options, struct storm_report *report)
{
	struct storm s = {
		.options = options,
		.report = report,
		.begun_ns = clock_monotonic_ns(),
		.random = options->seed,
		.lock = PTHREAD_MUTEX_INITIALIZER,
	};
	char text[ERR_TEXT_MAX];
	int r;

	*report = (struct storm_report){0};
	s.history = history_new();
	s.clients = calloc(options->clients, sizeof(*s.clients));
	r = s.history != NULL && s.clients != NULL
		    ? run(&s)
		    : err_set(KV_ENOMEM, "out of memory");
	snprintf(text, sizeof(text), "%s", err_text());
	end_cluster(&s, r != 0 || !storm_passed(report));
	history_free(s.history);
	buf_release(&s.lines);
	free(s.clients);
	return r != 0 ? err_set(r, "%s", text) : 0;
}

void storm_report_release(struct storm_report *report)
{
	buf_release(&report->details);
	history_report_release(&report->history);
}

bool storm_passed(const struct storm_report *report)
{
	return report->differing == 0 &&
	       report->history.verdict != HISTORY_VIOLATION;
}

/*
 * team.c - see team.h.
 *
 * Connections are dealt out rather than left to the loops to take: whichever
 * loop is awake would take all that come at once, and the kernel's own choice
 * between sockets of one port is by a hash, uneven for a few clients, and does
 * not exist for Unix sockets.
 */
#include "serve/team.h"

#include "base/err.h"
#include "serve/session.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

static void on_prepare(uv_prepare_t *prepare)
{
	struct team_member *m = prepare->data;
	struct team *team = m->team;
	bool done;

	team->turn_ended(team->arg, &m->hub);
	if (!m->hub.draining || m == team->members)
		return;
	gate_enter(&team->gate);
	done = m->hub.nsessions == 0;
	if (done)
		team->running--;
	gate_leave(&team->gate);
	if (!done)
		return;
	uv_stop(&m->loop);
	uv_async_send(&team->members[0].hub.wake); /* to notice it */
}

static int open_member(struct team *team, struct team_member *m)
{
	int r = uv_loop_init(&m->loop);

	if (r != 0)
		return err_sys(-r, "cannot start an event loop");
	m->has_loop = true;
	m->team = team;
	r = hub_init(&m->hub, team, &m->loop);
	if (r != 0)
		return r;
	m->has_hub = true;
	uv_prepare_init(&m->loop, &m->prepare);
	m->prepare.data = m;
	uv_prepare_start(&m->prepare, on_prepare);
	if (m != team->members)
		parser_join(m->hub.parser, team->members[0].hub.parser);
	return 0;
}

int team_open(struct team *team, unsigned n,
	      void (*turn_ended)(void *arg, struct hub *hub), void *arg)
{
	int r = 0;

	*team = (struct team){.turn_ended = turn_ended, .arg = arg};
	gate_init(&team->gate, n == 1);
	team->members = calloc(n, sizeof(*team->members));
	if (team->members == NULL)
		return err_set(KV_ENOMEM, "out of memory");
	while (r == 0 && team->n < n)
		r = open_member(team, &team->members[team->n++]);
	return r;
}

struct hub *team_hub(const struct team *team, unsigned i)
{
	return &team->members[i].hub;
}

static void *thread_main(void *arg)
{
	struct team_member *m = arg;

	uv_run(&m->loop, UV_RUN_DEFAULT);
	return NULL;
}

/* Signals are for the first loop. */
int team_start(struct team *team)
{
	sigset_t all, before;
	int r = 0;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	for (unsigned i = 1; i < team->n && r == 0; i++) {
		struct team_member *m = &team->members[i];

		r = pthread_create(&m->thread, NULL, thread_main, m);
		if (r != 0)
			break;
		m->has_thread = true;
		gate_enter(&team->gate);
		team->running++;
		gate_leave(&team->gate);
	}
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return r == 0 ? 0 : err_sys(r, "cannot start a thread");
}

static struct hub *least_busy(const struct team *team)
{
	struct hub *least = team_hub(team, 0);

	for (unsigned i = 1; i < team->n; i++)
		if (team_hub(team, i)->nsessions < least->nsessions)
			least = team_hub(team, i);
	return least;
}

static void on_taken(uv_handle_t *handle)
{
	free(handle);
}

/* The connection's descriptor, off this loop; -1 if that fails. */
static int take_descriptor(uv_stream_t *listener, bool is_unix)
{
	union {
		uv_handle_t handle;
		uv_stream_t stream;
		uv_tcp_t tcp;
		uv_pipe_t pipe;
	} *io = malloc(sizeof(*io));
	uv_os_fd_t fd;
	int copy = -1;

	if (io == NULL)
		return -1;
	if (is_unix)
		uv_pipe_init(listener->loop, &io->pipe, 0);
	else
		uv_tcp_init(listener->loop, &io->tcp);
	if (uv_accept(listener, &io->stream) == 0 &&
	    uv_fileno(&io->handle, &fd) == 0)
		copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	uv_close(&io->handle, on_taken);
	return copy;
}

/* Gives the connection to the hub, which has counted it already. */
static void send_over(struct hub *hub, uv_stream_t *listener)
{
	bool is_unix = uv_handle_get_type((uv_handle_t *)listener) != UV_TCP;
	int fd = take_descriptor(listener, is_unix);
	struct hub_arrival arrival = {.fd = fd, .is_unix = is_unix};
	bool given;

	gate_enter(&hub->team->gate);
	given = fd >= 0 && hub_give(hub, arrival);
	if (!given)
		hub->nsessions--;
	gate_leave(&hub->team->gate);
	if (given)
		uv_async_send(&hub->wake);
	else if (fd >= 0)
		close(fd);
}

void team_accept(struct team *team, uv_stream_t *listener)
{
	struct hub *hub;

	gate_enter(&team->gate);
	hub = least_busy(team);
	hub->nsessions++;
	gate_leave(&team->gate);
	if (hub == team_hub(team, 0))
		session_accept(hub, listener);
	else
		send_over(hub, listener);
}

void team_order(struct team *team, enum hub_order order)
{
	gate_enter(&team->gate);
	for (unsigned i = 0; i < team->n; i++)
		team_hub(team, i)->order = order;
	gate_leave(&team->gate);
	for (unsigned i = 0; i < team->n; i++)
		uv_async_send(&team_hub(team, i)->wake);
}

void team_committed(struct team *team, struct hub *hub)
{
	gate_enter(&team->gate);
	for (unsigned i = 0; i < team->n; i++) {
		struct hub *other = team_hub(team, i);

		if (other != hub && other->awaits != 0)
			uv_async_send(&other->wake);
	}
	gate_leave(&team->gate);
	hub_committed(hub);
}

bool team_is_done(struct team *team)
{
	bool done;

	gate_enter(&team->gate);
	done = team->running == 0 && team_hub(team, 0)->nsessions == 0;
	gate_leave(&team->gate);
	return done;
}

struct hub_counts team_counts(const struct team *team, size_t *nsessions)
{
	struct hub_counts sum = {0};

	*nsessions = 0;
	for (unsigned i = 0; i < team->n; i++) {
		const struct hub *hub = team_hub(team, i);

		sum.accepted += hub->counts.accepted;
		sum.refused += hub->counts.refused;
		sum.requests += hub->counts.requests;
		*nsessions += hub->nsessions;
	}
	return sum;
}

void team_stop(struct team *team)
{
	for (unsigned i = 1; i < team->n; i++) {
		struct team_member *m = &team->members[i];

		if (!m->has_thread)
			continue;
		gate_enter(&team->gate);
		m->hub.order = HUB_CLOSE;
		gate_leave(&team->gate);
		uv_async_send(&m->hub.wake);
		pthread_join(m->thread, NULL);
		m->has_thread = false;
	}
}

static void close_member(struct team_member *m)
{
	if (m->has_hub) {
		uv_close((uv_handle_t *)&m->prepare, NULL);
		hub_detach(&m->hub);
	}
	if (m->has_loop) {
		uv_run(&m->loop, UV_RUN_DEFAULT);
		uv_loop_close(&m->loop);
	}
}

void team_close(struct team *team)
{
	if (team->members == NULL)
		return;
	for (unsigned i = 0; i < team->n; i++)
		close_member(&team->members[i]);
	/* The others use what the first one has. */
	for (unsigned i = team->n; i-- > 0;)
		if (team->members[i].has_hub)
			hub_release(&team->members[i].hub);
	free(team->members);
	gate_release(&team->gate);
}

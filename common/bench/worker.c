/*
 * worker.c - the loop of a generator thread: readiness by epoll, one recv(2)
 * for all replies that are there, one send(2) for all requests that they make
 * room for. A client is filled up again when half of its pipeline is free:
 * refilling it reply by reply would make every request a system call.
 *
 * The clock is read once for each batch of replies, not for each reply.
 */
#include "bench/worker.h"

#include "base/clock.h"
#include "base/random.h"

#include <bsd/string.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#define EVENTS 64
#define READ_ROOM 65536
#define TICK_NS 50000000u /* how long a request to stop may go unseen */

static void fail(struct worker *w, int code)
{
	if (w->failed == 0) {
		w->failed = code;
		strlcpy(w->text, err_text(), sizeof(w->text));
	}
}

static bool is_open_loop(const struct worker *w)
{
	return w->plan->rate > 0;
}

static void lose(struct worker *w, struct client *c, const char *why)
{
	if (c->fd < 0)
		return;
	close(c->fd);
	c->fd = -1;
	w->alive--;
	w->result->lost++;
	worker_abandon(w, c, "CLOSED", why, clock_monotonic_ns());
	if (c->more)
		w->with_more--;
	c->more = false;
}

static void watch(struct worker *w, struct client *c, int how, bool writing)
{
	struct epoll_event e = {.events =
					writing ? EPOLLIN | EPOLLOUT : EPOLLIN,
				.data.ptr = c};

	c->waits_to_write = writing;
	if (epoll_ctl(w->epoll_fd, how, c->fd, &e) != 0)
		fail(w, err_sys(errno, "cannot watch a connection"));
}

static void send_out(struct worker *w, struct client *c)
{
	if (buf_failed(&c->out)) {
		fail(w, err_sys(ENOMEM, "cannot build requests"));
		return;
	}
	while (c->fd >= 0 && c->sent < c->out.len) {
		ssize_t n =
			send(c->fd, c->out.data + c->sent, c->out.len - c->sent,
			     MSG_DONTWAIT | MSG_NOSIGNAL);

		if (n >= 0)
			c->sent += (size_t)n;
		else if (errno == EAGAIN)
			break;
		else if (errno != EINTR)
			lose(w, c, strerror(errno));
	}
	if (c->fd < 0)
		return;
	if (c->sent == c->out.len) {
		c->sent = 0;
		buf_clear(&c->out);
	}
	if (c->waits_to_write != (c->out.len != 0))
		watch(w, c, EPOLL_CTL_MOD, c->out.len != 0);
}

static void flush(struct worker *w)
{
	for (unsigned i = 0; i < w->ndirty; i++) {
		w->dirty[i]->dirty = false;
		send_out(w, w->dirty[i]);
	}
	w->ndirty = 0;
}

static void fill(struct worker *w, struct client *c, uint64_t now_ns)
{
	if (c->under_way > w->plan->pipeline / 2)
		return;
	while (c->under_way < w->plan->pipeline &&
	       worker_issue(w, c, now_ns, now_ns))
		;
}

static void settle_all(struct worker *w, struct client *c, uint64_t now_ns)
{
	size_t at = 0;

	while (c->under_way > 0) {
		struct wire_reply reply;
		ssize_t n = w->plan->wire->take(
			slice_of(c->in.data + at, c->in.len - at),
			c->ring[c->head].kind, &reply);

		if (n < 0) {
			fail(w, (int)n);
			return;
		}
		if (n == 0)
			break;
		worker_settle(w, c, &reply, now_ns);
		at += (size_t)n;
	}
	buf_consume(&c->in, at);
}

static void receive(struct worker *w, struct client *c)
{
	char *to = buf_reserve(&c->in, READ_ROOM);
	uint64_t now_ns;
	ssize_t n;

	if (to == NULL) {
		fail(w, err_sys(ENOMEM, "cannot take replies"));
		return;
	}
	n = recv(c->fd, to, c->in.cap - c->in.len, MSG_DONTWAIT);
	if (n <= 0) {
		if (n == 0)
			lose(w, c, "the server closed the connection");
		else if (errno != EAGAIN && errno != EINTR)
			lose(w, c, strerror(errno));
		return;
	}
	buf_advance(&c->in, (size_t)n);
	now_ns = clock_monotonic_ns();
	settle_all(w, c, now_ns);
	if (!is_open_loop(w) && !w->stopping)
		fill(w, c, now_ns);
}

/* When a request of the schedule is due; the threads take turns. */
static uint64_t due_ns(const struct worker *w, uint64_t slot)
{
	double n = (double)slot * w->plan->threads + w->index;

	return w->shared->start_ns + (uint64_t)(n * 1e9 / w->plan->rate);
}

static bool is_due(const struct worker *w, uint64_t now_ns)
{
	uint64_t due;

	if (w->slot == w->slots)
		return false;
	due = due_ns(w, w->slot);
	return due <= now_ns && due < w->shared->end_ns;
}

/* A living client with room for one more request, in turn; or NULL. */
static struct client *free_client(struct worker *w)
{
	if (w->under_way == w->alive * w->plan->pipeline)
		return NULL;
	for (unsigned i = 0; i < w->nclients; i++) {
		struct client *c = &w->clients[w->turn];

		w->turn = w->turn + 1 == w->nclients ? 0 : w->turn + 1;
		if (c->fd >= 0 && c->under_way < w->plan->pipeline)
			return c;
	}
	return NULL;
}

static void dispatch(struct worker *w, uint64_t now_ns)
{
	struct client *c;

	while (is_due(w, now_ns) && (c = free_client(w)) != NULL) {
		if (!worker_issue(w, c, due_ns(w, w->slot), now_ns))
			break;
		w->slot++;
	}
}

/* All that was due by now and could not be sent. */
static void settle_backlog(struct worker *w, uint64_t now_ns)
{
	for (; is_due(w, now_ns); w->slot++)
		worker_settle_unsent(w, worker_pick_op(w, &w->clients[0]),
				     due_ns(w, w->slot), now_ns);
}

static void stop_sending(struct worker *w, uint64_t now_ns)
{
	if (w->stopping)
		return;
	w->stopping = true;
	w->last_ns = now_ns;
	if (is_open_loop(w))
		settle_backlog(w, now_ns);
}

/* Nanoseconds until something is to be done without any reply. */
static uint64_t patience(const struct worker *w, uint64_t now_ns,
			 uint64_t give_up_ns)
{
	uint64_t until = now_ns + TICK_NS;

	if (!w->stopping && w->shared->end_ns < until)
		until = w->shared->end_ns;
	if (w->stopping && give_up_ns < until)
		until = give_up_ns;
	if (!w->stopping && is_open_loop(w) && w->slot < w->slots &&
	    w->under_way < w->alive * w->plan->pipeline) {
		uint64_t due = due_ns(w, w->slot);

		until = due < until ? due : until;
	}
	return until > now_ns ? until - now_ns : 0;
}

static void wait_and_serve(struct worker *w, uint64_t ns)
{
	struct timespec t = {.tv_sec = (time_t)(ns / 1000000000),
			     .tv_nsec = (long)(ns % 1000000000)};
	struct epoll_event events[EVENTS];
	int n = epoll_pwait2(w->epoll_fd, events, EVENTS, &t, NULL);

	if (n < 0 && errno != EINTR)
		fail(w, err_sys(errno, "cannot wait for replies"));
	for (int i = 0; i < n && w->failed == 0; i++) {
		struct client *c = events[i].data.ptr;

		if ((events[i].events & EPOLLOUT) != 0)
			send_out(w, c);
		if (c->fd >= 0 && (events[i].events & ~(uint32_t)EPOLLOUT) != 0)
			receive(w, c);
	}
}

static bool should_stop(const struct worker *w, uint64_t now_ns)
{
	const volatile sig_atomic_t *stop = w->plan->stop;

	if (now_ns >= w->shared->end_ns || (stop != NULL && *stop))
		return true;
	return w->with_more == 0 || (is_open_loop(w) && w->slot == w->slots);
}

/* Nothing ends a load without a duration if the server has fallen silent. */
static bool is_stuck(const struct worker *w, uint64_t now_ns)
{
	uint64_t since = w->last_ns != 0 ? w->last_ns : w->shared->start_ns;

	return w->plan->duration_ms == 0 && w->under_way > 0 &&
	       now_ns > since + w->plan->target->timeout_ms * 1000000;
}

static void time_out(struct worker *w, uint64_t now_ns)
{
	for (unsigned i = 0; i < w->nclients; i++) {
		struct client *c = &w->clients[i];

		w->result->timeouts += c->under_way;
		worker_abandon(w, c, "TIMEOUT", "no reply in time", now_ns);
	}
}

static void loop(struct worker *w)
{
	uint64_t now_ns = clock_monotonic_ns(), give_up_ns = 0;

	for (unsigned i = 0; i < w->nclients && !is_open_loop(w); i++)
		fill(w, &w->clients[i], now_ns);
	flush(w);
	while (w->failed == 0 && w->alive > 0) {
		now_ns = clock_monotonic_ns();
		if (!w->stopping && is_stuck(w, now_ns)) {
			stop_sending(w, now_ns);
			give_up_ns = now_ns;
		}
		if (!w->stopping && should_stop(w, now_ns)) {
			stop_sending(w, now_ns);
			give_up_ns =
				now_ns + w->plan->target->timeout_ms * 1000000;
		}
		if (w->stopping && w->under_way == 0)
			return;
		if (w->stopping && now_ns >= give_up_ns) {
			time_out(w, now_ns);
			return;
		}
		if (is_open_loop(w) && !w->stopping) {
			dispatch(w, now_ns);
			flush(w);
		}
		wait_and_serve(w, patience(w, now_ns, give_up_ns));
		flush(w);
	}
	stop_sending(w, clock_monotonic_ns());
}

void worker_run(struct worker *w)
{
	/* Else the kernel adds up to 50 us to each wait of an open loop. */
	prctl(PR_SET_TIMERSLACK, 1);
	loop(w);
	w->result->stopped = w->plan->stop != NULL && *w->plan->stop;
}

/* The requests of all clients together are plan->requests. */
static uint64_t share(uint64_t all, uint64_t parts, uint64_t index)
{
	return all / parts + (index < all % parts);
}

static int add_client(struct worker *w, unsigned number)
{
	const struct load_plan *plan = w->plan;
	struct client *c = &w->clients[w->nclients];
	int r;

	*c = (struct client){
		.fd = -1,
		.more = true,
		.random = random_mix(plan->seed) + random_mix(number),
		.left = UINT64_MAX,
	};
	if (plan->requests != 0 && !is_open_loop(w))
		c->left = share(plan->requests, plan->clients, number);
	c->ring = calloc(plan->pipeline, sizeof(*c->ring));
	w->nclients++;
	if (c->ring == NULL)
		return err_sys(ENOMEM, "cannot make %u clients", plan->clients);
	r = target_connect(plan->target, &c->fd);
	if (r != 0)
		return r;
	w->alive++;
	w->with_more++;
	watch(w, c, EPOLL_CTL_ADD, false);
	return w->failed;
}

int worker_init(struct worker *w, struct worker_shared *shared, unsigned index,
		unsigned nclients)
{
	const struct load_plan *plan = shared->plan;
	int r = 0;

	*w = (struct worker){.shared = shared,
			     .plan = plan,
			     .index = index,
			     .slots = UINT64_MAX};
	if (plan->requests != 0)
		w->slots = share(plan->requests, plan->threads, index);
	zipf_init(&w->zipf, plan->keys);
	w->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (w->epoll_fd < 0)
		return err_sys(errno, "cannot make an epoll instance");
	w->clients = calloc(nclients, sizeof(*w->clients));
	w->dirty = calloc(nclients, sizeof(*w->dirty));
	w->result = load_result_new();
	if (w->clients == NULL || w->dirty == NULL || w->result == NULL)
		return err_sys(ENOMEM, "cannot make %u clients", nclients);
	/* Client n belongs to thread n % threads. */
	for (unsigned i = 0; r == 0 && i < nclients; i++)
		r = add_client(w, i * plan->threads + index);
	return r;
}

void worker_release(struct worker *w)
{
	for (unsigned i = 0; i < w->nclients; i++) {
		struct client *c = &w->clients[i];

		if (c->fd >= 0)
			close(c->fd);
		free(c->ring);
		buf_release(&c->out);
		buf_release(&c->in);
	}
	free(w->clients);
	free(w->dirty);
	load_result_free(w->result);
	if (w->epoll_fd >= 0)
		close(w->epoll_fd);
}

/*
 * server.c - see server.h.
 *
 * One turn of a loop: input of all sessions is handled and answered as far
 * as possible, then (turn_ended) what they wrote becomes one group to sync.
 */
#include "serve/server.h"

#include "base/clock.h"
#include "base/err.h"
#include "replica/primary.h"
#include "serve/listener.h"
#include "serve/node.h"
#include "serve/server_info.h"
#include "serve/team.h"
#include "store/store.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#define MAX_LINE ((size_t)256 << 20)

/* How long peers may take to fetch their last replies. */
#define GRACE_MS 5000u

/* A server that was killed or told to stop may not be quite gone yet. */
#define LOCK_TIMEOUT_MS 1000u

/* Descriptors that are not connections: files of the store, the loop's. */
#define OTHER_FILES 128u

/* The log says at most this often that connections could not be accepted. */
#define COMPLAIN_MS 10000u

struct server {
	struct server_options options;
	struct server_info info;
	struct store *store;
	struct store_options store_options;
	char *store_address; /* for the store's lock file */
	struct coord *coord;
	struct node *node; /* NULL: alone; else `coord` is its own */
	struct committer *committer;
	struct team team;
	struct hub *hub; /* the first */
	struct listener tcp, local;
	uv_timer_t grace;
	uv_signal_t on_term, on_int;
	bool has_handles;
	bool stopping;
	uint64_t complained_ms;
	char *socket; /* absolute */
	char *address;
};

__attribute__((format(printf, 2, 3))) static void say(struct server *server,
						      const char *fmt, ...)
{
	char line[ERR_TEXT_MAX + 64];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	server->options.log(server->options.log_arg, line);
}

static void on_committed(void *arg, struct hub *hub, int failed)
{
	struct server *server = arg;
	const char *why = "";

	if (failed != 0) {
		hub_enter(hub);
		store_failed(server->store, &why);
		hub_leave(hub);
		say(server,
		    "store is read-only from now on: %s; "
		    "restart the server when the cause is removed",
		    why);
	}
	/* What this sets free, and what sessions write that were held back. */
	hub_enter(hub);
	coord_flushed(server->coord, failed);
	hub_leave(hub);
	team_committed(&server->team, hub);
	if (server->node != NULL)
		coord_turn(server->coord);
}

static void on_task_failed(void *arg)
{
	say(arg, "background work failed and will be tried again: %s",
	    err_text());
}

static void on_connection(void *arg, uv_stream_t *stream, int status)
{
	struct server *server = arg;
	uint64_t now = clock_monotonic_ms();

	if (status == 0) {
		team_accept(&server->team, stream);
	} else if (server->complained_ms == 0 ||
		   now - server->complained_ms > COMPLAIN_MS) {
		server->complained_ms = now;
		say(server, "cannot accept a connection: %s",
		    uv_strerror(status));
	}
}

static void on_grace(uv_timer_t *timer)
{
	struct server *server = timer->data;

	size_t nsessions;

	hub_enter(server->hub);
	team_counts(&server->team, &nsessions);
	hub_leave(server->hub);
	say(server, "closing %zu connections that do not take their replies",
	    nsessions);
	team_order(&server->team, HUB_CLOSE);
}

static void on_signal(uv_signal_t *handle, int signum)
{
	struct server *server = handle->data;

	if (server->stopping)
		return;
	server->stopping = true;
	say(server, "stopping on %s", signum == SIGTERM ? "SIGTERM" : "SIGINT");
	listener_close(&server->tcp);
	listener_close(&server->local);
	if (server->node != NULL) {
		hub_enter(server->hub);
		node_resign(server->node);
		hub_leave(server->hub);
	}
	committer_wind_down(server->committer);
	team_order(&server->team, HUB_DRAIN);
	uv_timer_start(&server->grace, on_grace, GRACE_MS, 0);
}

static void turn_ended(void *arg, struct hub *hub)
{
	struct server *server = arg;
	bool is_first = hub == server->hub;

	do {
		hub_turn(hub);
		if (server->node != NULL)
			node_turn(server->node);
		/* The first hub also sees to what its timers wrote and, at
		 * their next tick, to a store that failed on another. */
		if (is_first || hub->waiting != 0)
			committer_run(server->committer, hub);
	} while (hub_turn(hub));
	if (server->node != NULL)
		node_flush(server->node);
	if (!is_first || !server->stopping)
		return;
	/* The other nodes' sessions are there until then. */
	if (server->node != NULL && node_resigns(server->node))
		return;
	if (server->node != NULL && hub_is_drained(hub))
		hub_close_all(hub);
	if (team_is_done(&server->team) && committer_is_idle(server->committer))
		uv_stop(hub->loop);
}

static void extend_info(void *arg, struct info_line **lines, size_t *n)
{
	struct server *server = arg;

	server_info_extend(&server->info, server->hub, lines, n);
}

/* As many descriptors as the system lets us have; returns how many. */
static size_t raise_descriptor_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
		return 1024;
	if (limit.rlim_cur != limit.rlim_max) {
		limit.rlim_cur = limit.rlim_max;
		if (setrlimit(RLIMIT_NOFILE, &limit) != 0)
			getrlimit(RLIMIT_NOFILE, &limit);
	}
	return limit.rlim_cur == RLIM_INFINITY ? SIZE_MAX : limit.rlim_cur;
}

static void fill_hub(struct server *server, struct hub *hub, size_t most)
{
	const struct server_options *o = &server->options;

	hub->store = server->store;
	hub->coord = server->coord;
	hub->committer = server->committer;
	hub->extend_info = extend_info;
	hub->extend_arg = server;
	hub->options.max_line = o->max_line ? o->max_line : MAX_LINE;
	hub->options.max_clients =
		o->max_clients && o->max_clients < most ? o->max_clients : most;
}

static int open_solo(struct server *server)
{
	const struct server_options *o = &server->options;
	struct solo_options solo = {o->debug_seed, o->debug_rate};

	server->coord = solo_new(server->store, &solo);
	return server->coord != NULL ? 0 : err_set(KV_ENOMEM, "out of memory");
}

static int open_cluster_node(struct server *server)
{
	struct node_host host = {
		.loop = server->hub->loop,
		.hub = server->hub,
		.dir = server->options.dir,
		.store = &server->store,
		.store_options = &server->store_options,
		.log = server->options.log,
		.log_arg = server->options.log_arg,
	};
	int r;

	server->hub->store = server->store;
	server->hub->committer = server->committer;
	r = node_open(&server->node, server->options.node, &host);
	if (r != 0)
		return r;
	server->coord = node_coord(server->node);
	server->hub->node = server->node;
	parser_set_node(server->hub->parser, server->node);
	return 0;
}

static int open_team(struct server *server)
{
	const struct server_options *o = &server->options;
	size_t files = raise_descriptor_limit();
	size_t most = files > 2 * OTHER_FILES ? files - OTHER_FILES : files / 2;
	struct committer_events events = {on_committed, on_task_failed, server};
	struct team *team = &server->team;
	int r = team_open(team, o->threads ? o->threads : 1, turn_ended,
			  server);

	if (r != 0)
		return r;
	server->hub = team_hub(team, 0);
	r = committer_new(&server->committer, server->hub, &team->gate,
			  server->store, o->sync_mode, &events);
	if (r == 0)
		r = o->node != NULL ? open_cluster_node(server)
				    : open_solo(server);
	if (r != 0)
		return r;
	for (unsigned i = 0; i < team->n; i++)
		fill_hub(server, team_hub(team, i), most);
	return 0;
}

static void open_handles(struct server *server)
{
	uv_loop_t *loop = server->hub->loop;

	server->has_handles = true;
	uv_timer_init(loop, &server->grace);
	uv_signal_init(loop, &server->on_term);
	uv_signal_init(loop, &server->on_int);
	server->grace.data = server;
	server->on_term.data = server;
	server->on_int.data = server;
	uv_signal_start(&server->on_term, on_signal, SIGTERM);
	uv_signal_start(&server->on_int, on_signal, SIGINT);
}

static int open_listeners(struct server *server)
{
	const struct server_options *o = &server->options;
	char tcp[128];
	uv_loop_t *loop = server->hub->loop;
	int r = listener_open_unix(&server->local, loop, server->socket,
				   on_connection, server);

	if (r == 0)
		r = listener_open_tcp(&server->tcp, loop, o->host, o->port,
				      on_connection, server);
	if (r != 0)
		return r;
	listener_address(&server->tcp, tcp, sizeof(tcp));
	if (asprintf(&server->address, "%s and %s", tcp, server->socket) < 0) {
		server->address = NULL;
		return err_set(KV_ENOMEM, "out of memory");
	}
	server_info_init(&server->info, tcp, server->socket);
	for (unsigned i = 0; i < server->team.n; i++)
		team_hub(&server->team, i)->place = (struct hub_place){
			.host = o->host,
			.socket = server->socket,
			.dir = o->dir,
			.port = listener_port(&server->tcp),
			.started_ms = server->info.started_ms,
		};
	return 0;
}

/* The other nodes have what is lost: this one goes on with an empty store, and
 * without a vote until it is repaired. */
static int open_without(struct server *server)
{
	char damage[ERR_TEXT_MAX], path[PATH_MAX];
	int r;

	snprintf(damage, sizeof(damage), "%s", err_text());
	r = primary_set_aside(server->options.dir, NULL, path, sizeof(path));
	if (r != 0)
		return r == KV_EUSAGE ? err_set(KV_EDAMAGED, "%s", damage) : r;
	say(server, "%s; the store was moved to '%s'", damage, path);
	return store_open(&server->store, server->options.dir,
			  &server->store_options);
}

static int open_store(struct server *server)
{
	int r;

	if (asprintf(&server->store_address, "unix:%s", server->socket) < 0) {
		server->store_address = NULL;
		return err_set(KV_ENOMEM, "out of memory");
	}
	server->store_options = (struct store_options){
		.create = true,
		.lock_timeout_ms = LOCK_TIMEOUT_MS,
		.replicated = server->options.node != NULL,
		.address = server->store_address,
	};
	r = store_open(&server->store, server->options.dir,
		       &server->store_options);
	return r == KV_EDAMAGED && server->options.node != NULL
		       ? open_without(server)
		       : r;
}

/* Clients that find the server through the store may stand elsewhere: the
 * path has to be absolute. */
static int choose_socket(struct server *server)
{
	const char *dir = server->options.dir;
	const char *path = server->options.socket;
	char *here = NULL;
	int n;

	if ((path != NULL ? path : dir)[0] != '/') {
		here = getcwd(NULL, 0);
		if (here == NULL)
			return err_sys(errno, "cannot tell where we are");
	}
	n = asprintf(&server->socket, "%s%s%s%s", here != NULL ? here : "",
		     here != NULL ? "/" : "", path != NULL ? path : dir,
		     path != NULL ? "" : "/kv.sock");
	free(here);
	if (n < 0) {
		server->socket = NULL;
		return err_set(KV_ENOMEM, "out of memory");
	}
	return 0;
}

static int open_all(struct server *server)
{
	int r = choose_socket(server);

	if (r == 0)
		r = open_store(server);
	if (r != 0)
		return r;
	r = open_team(server);
	if (r != 0)
		return r;
	open_handles(server);
	/* The lock of the store is held: a socket file that is still there is
	 * a dead server's. */
	r = open_listeners(server);
	return r == 0 ? team_start(&server->team) : r;
}

int server_open(struct server **out, const struct server_options *options)
{
	struct server *server = calloc(1, sizeof(*server));
	char text[ERR_TEXT_MAX];
	int r;

	if (server == NULL)
		return err_set(KV_ENOMEM, "out of memory");
	server->options = *options;
	r = open_all(server);
	if (r != 0) {
		snprintf(text, sizeof(text), "%s", err_text());
		server_close(server);
		return err_set(r, "%s", text);
	}
	*out = server;
	return 0;
}

const char *server_address(const struct server *server)
{
	return server->address;
}

int server_run(struct server *server)
{
	int r = uv_run(server->hub->loop, UV_RUN_DEFAULT);
	const char *why;

	(void)r; /* handles are still open: uv_stop() ended it */
	r = server->store != NULL ? store_failed(server->store, &why) : 0;
	return r != 0 ? err_set(r, "%s", why) : 0;
}

static void close_handles(struct server *server)
{
	listener_close(&server->tcp);
	listener_close(&server->local);
	if (server->node != NULL)
		node_close(server->node);
	if (server->committer != NULL)
		committer_free(server->committer);
	if (!server->has_handles)
		return;
	uv_close((uv_handle_t *)&server->grace, NULL);
	uv_close((uv_handle_t *)&server->on_term, NULL);
	uv_close((uv_handle_t *)&server->on_int, NULL);
}

int server_close(struct server *server)
{
	int r = 0;

	team_stop(&server->team);
	close_handles(server);
	team_close(&server->team);
	if (server->options.node == NULL)
		coord_free(server->coord);
	if (server->store != NULL)
		r = store_close(server->store);
	free(server->socket);
	free(server->store_address);
	free(server->address);
	free(server);
	return r;
}

/*
 * clients.c - see clients.h and struct resp_host_ops.
 */
#include "serve/clients.h"

#include "base/clock.h"
#include "proto/resp.h"
#include "serve/node.h"
#include "serve/session.h"

#include <netinet/in.h>
#include <stdio.h>

/* "127.0.0.1:4711", "[::1]:4711". */
static void print_address(const struct sockaddr_storage *a, char *text,
			  size_t size)
{
	const struct sockaddr_in *v4 = (const struct sockaddr_in *)a;
	const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)a;
	char host[64] = "?";

	if (a->ss_family == AF_INET6) {
		uv_ip6_name(v6, host, sizeof(host));
		snprintf(text, size, "[%s]:%u", host, ntohs(v6->sin6_port));
	} else {
		uv_ip4_name(v4, host, sizeof(host));
		snprintf(text, size, "%s:%u", host, ntohs(v4->sin_port));
	}
}

typedef int name_fn(const uv_tcp_t *tcp, struct sockaddr *name, int *len);

static void print_end(const struct session *s, name_fn *name_of, char *text,
		      size_t size)
{
	struct sockaddr_storage name = {0};
	int len = sizeof(name);
	const char *socket = s->hub->place.socket;

	if (s->io.handle.type != UV_TCP)
		snprintf(text, size, "%s:0", socket != NULL ? socket : "");
	else if (name_of(&s->io.tcp, (struct sockaddr *)&name, &len) == 0)
		print_address(&name, text, size);
	else
		snprintf(text, size, "?:0");
}

static void each_client(void *host, resp_client_fn *fn, void *arg)
{
	struct hub *hub = host;
	uint64_t now = uv_now(hub->loop);
	char address[256], local[256];
	struct session *s;

	TAILQ_FOREACH (s, &hub->all, all) {
		struct resp_client client = {
			.id = s->id,
			.address = address,
			.local = local,
			.fd = -1,
			.is_unix = s->io.handle.type != UV_TCP,
			.age_ms = now - s->began_ms,
			.idle_ms = now - s->heard_ms,
			.input = s->in.len,
			.input_free = s->in.cap - s->in.len,
			.output = session_unsent(s),
			.replies = s->queue.count,
			.conn = s->protocol != NULL && s->protocol->is_resp
					? s->feed.own
					: NULL,
		};

		if (s->closing || s->doomed)
			continue;
		uv_fileno(&s->io.handle, &client.fd);
		print_end(s, uv_tcp_getpeername, address, sizeof(address));
		print_end(s, uv_tcp_getsockname, local, sizeof(local));
		fn(arg, &client);
	}
}

static void kill_client(void *host, uint64_t id)
{
	hub_doom(host, id);
}

static void facts(void *host, struct resp_server_facts *out)
{
	const struct hub *hub = host;
	const struct hub_place *place = &hub->place;

	*out = (struct resp_server_facts){
		.up_ms = clock_monotonic_ms() - place->started_ms,
		.clients = hub->nsessions,
		.clients_max = hub->options.max_clients,
		.accepted = hub->counts.accepted,
		.refused = hub->counts.refused,
		.requests = hub->counts.requests,
		.port = place->port,
		.host = place->host,
		.socket = place->socket,
		.dir = place->dir,
	};
	if (hub->node != NULL)
		node_facts(hub->node, &out->cluster);
}

void clients_init(struct hub *hub)
{
	static const struct resp_host_ops ops = {
		.clients = each_client,
		.kill = kill_client,
		.facts = facts,
	};

	parser_set_host(hub->parser, &ops, hub);
}

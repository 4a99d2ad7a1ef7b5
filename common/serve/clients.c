/*
 * clients.c - see clients.h and struct resp_host_ops. Commands run inside the
 * gate; what can be told of a connection then is what its session shows.
 */
#include "serve/clients.h"

#include "base/clock.h"
#include "proto/resp.h"
#include "serve/node.h"
#include "serve/session.h"
#include "serve/team.h"

#include <stdatomic.h>
#include <string.h>

#define seen_of(s, field) \
	atomic_load_explicit(&(s)->seen.field, memory_order_relaxed)

static void tell(const struct session *s, uint64_t now, resp_client_fn *fn,
		 void *arg)
{
	const char *ends = s->ends != NULL ? s->ends : "?:0\0?:0";
	uint64_t heard_ms = seen_of(s, heard_ms);
	struct resp_client client = {
		.id = s->id,
		.address = ends,
		.local = ends + strlen(ends) + 1,
		.fd = s->fd,
		.is_unix = s->is_unix,
		/* Each loop has a clock of its own. */
		.age_ms = now > s->began_ms ? now - s->began_ms : 0,
		.idle_ms = now > heard_ms ? now - heard_ms : 0,
		.input = seen_of(s, input),
		.input_free = seen_of(s, input_free),
		.output = seen_of(s, output),
		.replies = seen_of(s, replies),
		.conn = s->protocol != NULL && s->protocol->is_resp
				? s->feed.own
				: NULL,
	};

	fn(arg, &client);
}

static void each_client(void *host, resp_client_fn *fn, void *arg)
{
	struct hub *hub = host;
	uint64_t now = uv_now(hub->loop);
	struct session *s;

	TAILQ_FOREACH (s, &hub->all, all) {
		if (s->closing || s->doomed)
			continue;
		session_show(s);
		tell(s, now, fn, arg);
	}
	for (unsigned i = 0; i < hub->team->n; i++) {
		struct hub *other = team_hub(hub->team, i);

		if (other == hub)
			continue;
		TAILQ_FOREACH (s, &other->all, all)
			if (!s->condemned)
				tell(s, now, fn, arg);
	}
}

static void kill_client(void *host, uint64_t id)
{
	struct hub *hub = host;
	struct session *s;

	TAILQ_FOREACH (s, &hub->all, all)
		if (s->id == id)
			session_doom(s);
	for (unsigned i = 0; i < hub->team->n; i++) {
		struct hub *other = team_hub(hub->team, i);

		if (other == hub)
			continue;
		TAILQ_FOREACH (s, &other->all, all) {
			if (s->id != id || s->condemned)
				continue;
			s->condemned = other->condemns = true;
			uv_async_send(&other->wake);
		}
	}
}

static void facts(void *host, struct resp_server_facts *out)
{
	const struct hub *hub = host;
	const struct hub_place *place = &hub->place;
	size_t nsessions;
	struct hub_counts counts = team_counts(hub->team, &nsessions);

	*out = (struct resp_server_facts){
		.up_ms = clock_monotonic_ms() - place->started_ms,
		.clients = nsessions,
		.clients_max = hub->options.max_clients,
		.accepted = counts.accepted,
		.refused = counts.refused,
		.requests = counts.requests,
		.threads = hub->team->n,
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

/*
 * node_peers.c - whom a node talks to: links to the other members, and
 * handshakes in both directions.
 */
#include "base/clock.h"
#include "base/err.h"
#include "serve/node_impl.h"

#include <bsd/stdlib.h>
#include <stdio.h>
#include <stdlib.h>
#include <xxhash.h>

/* ---- links ---- */

static void on_frame(void *arg, struct peer_link *link, struct slice frame)
{
	struct node *node = arg;
	const struct member *to = peer_link_member(link);

	if (!node_is_cut(node, to->name))
		primary_receive(node->primary, clock_monotonic_ms(), to->id,
				frame);
}

static void on_lost(void *arg, struct peer_link *link)
{
	struct node *node = arg;

	primary_link_lost(node->primary, clock_monotonic_ms(),
			  peer_link_member(link)->id);
}

static void on_log(void *arg, const char *line)
{
	node_say(arg, "%s", line);
}

struct peer_link *node_find_link(struct node *node, const char *name)
{
	for (unsigned i = 0; i < node->nlinks; i++)
		if (strcmp(peer_link_member(node->links[i])->name, name) == 0)
			return node->links[i];
	return NULL;
}

static bool is_wanted(const struct node *node, const struct member *m,
		      const struct members *members)
{
	const struct member *now = members_find_name(members, m->name);

	return now != NULL && now->id == m->id &&
	       strcmp(now->address, m->address) == 0 &&
	       strcmp(now->name, node->name) != 0;
}

static void drop_links(struct node *node, const struct members *members)
{
	struct peer_link *link;

	for (unsigned i = 0; i < node->nlinks;) {
		link = node->links[i];
		if (is_wanted(node, peer_link_member(link), members)) {
			i++;
			continue;
		}
		node->links[i] = node->links[--node->nlinks];
		peer_link_close(link);
	}
}

void node_keep_links(struct node *node, const struct members *members)
{
	struct peer_link_events events = {
		.shake = node_shake_ops(),
		.shake_arg = node,
		.frame = on_frame,
		.lost = on_lost,
		.log = on_log,
		.arg = node,
	};
	struct peer_link *link;

	drop_links(node, members);
	for (unsigned i = 0; i < members->n; i++) {
		const struct member *m = &members->list[i];

		if (strcmp(m->name, node->name) == 0 ||
		    node_find_link(node, m->name) != NULL ||
		    node->nlinks == MEMBERS_MAX)
			continue;
		link = peer_link_new(node->host.loop, m, &events);
		if (link == NULL)
			node_say(node, "no memory for a link to '%s'", m->name);
		else
			node->links[node->nlinks++] = link;
	}
}

void node_close_links(struct node *node)
{
	drop_links(node, &(struct members){0});
}

/* ---- handshakes ---- */

static void shake_mac(void *arg, struct slice text,
		      unsigned char mac[PEER_MAC_LEN])
{
	struct node *node = arg;

	peer_secret_mac(&node->secret, text, mac);
}

static void shake_hello(void *arg, struct peer_hello *own)
{
	struct node *node = arg;
	struct primary_hello hello;

	primary_hello(node->primary, &hello);
	*own = (struct peer_hello){
		.cluster_id = hello.cluster_id,
		.id = hello.id,
		.birth = hello.birth,
		.term = hello.term,
		.established = hello.established,
	};
	snprintf(own->name, sizeof(own->name), "%s", hello.name);
	snprintf(own->address, sizeof(own->address), "%s", hello.address);
	arc4random_buf(own->nonce, sizeof(own->nonce));
}

static int shake_meet(void *arg, const struct peer_hello *other)
{
	struct node *node = arg;
	struct primary_hello hello = {
		.cluster_id = other->cluster_id,
		.id = other->id,
		.birth = other->birth,
		.term = other->term,
		.established = other->established,
		.name = other->name,
		.address = other->address,
	};

	if (node_is_cut(node, other->name))
		return err_set(KV_EUNAVAILABLE, "the link is cut");
	return primary_meet(node->primary, &hello);
}

const struct peer_shake_ops *node_shake_ops(void)
{
	static const struct peer_shake_ops ops = {
		.mac = shake_mac,
		.hello = shake_hello,
		.meet = shake_meet,
	};

	return &ops;
}

/* Whoever is refused comes again at once: says it once in a while. */
static bool is_new(struct node *node, const char *text)
{
	uint64_t hash = XXH3_64bits(text, strlen(text));
	uint64_t now = clock_monotonic_ms();
	struct complaint *c;

	for (unsigned i = 0; i < NODE_COMPLAINTS; i++) {
		c = &node->complaints[i];
		if (c->hash == hash && c->at_ms != 0 &&
		    now - c->at_ms < NODE_COMPLAIN_MS)
			return false;
	}
	c = &node->complaints[node->next_complaint++ % NODE_COMPLAINTS];
	*c = (struct complaint){hash, now};
	return true;
}

void node_refused(struct node *node, const struct peer_hello *who,
		  const char *why)
{
	char line[ERR_TEXT_MAX + 512];

	if (who != NULL)
		snprintf(line, sizeof(line),
			 "refused a peer that calls itself '%s' at %s: %s",
			 who->name, who->address, why);
	else
		snprintf(line, sizeof(line), "refused a peer: %s", why);
	if (is_new(node, line))
		node_say(node, "%s", line);
}

/* ---- handshakes that do not end ---- */

void node_greeted(struct node *node, uint64_t connection)
{
	struct greeting *g = malloc(sizeof(*g));

	if (g == NULL) {
		hub_doom(node->host.hub, connection);
		return;
	}
	*g = (struct greeting){
		.connection = connection,
		.began_ms = clock_monotonic_ms(),
	};
	TAILQ_INSERT_TAIL(&node->greetings, g, link);
}

void node_met(struct node *node, uint64_t connection)
{
	struct greeting *g;

	TAILQ_FOREACH (g, &node->greetings, link)
		if (g->connection == connection)
			break;
	if (g == NULL)
		return;
	TAILQ_REMOVE(&node->greetings, g, link);
	free(g);
}

uint64_t node_end_greetings(struct node *node, uint64_t now)
{
	struct greeting *g;

	while ((g = TAILQ_FIRST(&node->greetings)) != NULL) {
		if (g->began_ms + NODE_SHAKE_MS > now)
			return g->began_ms + NODE_SHAKE_MS;
		node_refused(node, NULL, "it did not finish its greeting");
		hub_doom(node->host.hub, g->connection);
		TAILQ_REMOVE(&node->greetings, g, link);
		free(g);
	}
	return UINT64_MAX;
}

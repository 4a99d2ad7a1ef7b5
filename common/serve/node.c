/*
 * node.c - see node.h. node_peers.c has the links and handshakes, node_self.c
 * what a node forwards to itself, node_facts.c what it tells of itself.
 */
#include "serve/node.h"

#include "base/clock.h"
#include "base/err.h"
#include "serve/committer.h"
#include "serve/node_impl.h"
#include "store/store.h"

#include <bsd/stdlib.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

void node_say(struct node *node, const char *fmt, ...)
{
	char line[ERR_TEXT_MAX + 512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	node->host.log(node->host.log_arg, line);
}

/* ---- what the coordinator wants ---- */

static bool on_send(void *arg, const struct member *to, struct slice head,
		    struct slice body)
{
	struct node *node = arg;
	struct peer_link *link;

	if (strcmp(to->name, node->name) == 0)
		return node_self_submit(node->self, head, body);
	link = node_find_link(node, to->name);
	if (link == NULL)
		return false;
	/* A cut loses it without a word, as a broken network does. */
	if (node_is_cut(node, to->name))
		return peer_link_is_up(link);
	return peer_link_send(link, head, body);
}

static void on_progress(void *arg)
{
	struct node *node = arg;

	hub_progress(node->host.hub);
}

static void on_lost(void *arg)
{
	struct node *node = arg;

	if (node->primary == NULL)
		return; /* nothing has been asked yet */
	hub_lost(node->host.hub);
	node_self_lost(node->self);
}

static void on_members(void *arg, const struct members *members)
{
	node_keep_links(arg, members);
}

/* The store's jobs have to end first: see swap_store(). */
static void on_replace_store(void *arg, int (*swap)(void *swap_arg),
			     void *swap_arg)
{
	struct node *node = arg;

	node->swap = swap;
	node->swap_arg = swap_arg;
	committer_hold(node->host.hub->committer, true);
}

static void on_log(void *arg, const char *line)
{
	node_say(arg, "%s", line);
}

/* ---- life ---- */

static int start(struct node *node, const struct node_options *options)
{
	struct primary_options primary = {
		.dir = node->host.dir,
		.node = node->name,
		.address = node->address,
		.members = options->members,
		.heartbeat_ms = options->heartbeat_ms,
		.election_ms = options->election_ms,
	};
	struct primary_events events = {
		.send = on_send,
		.progress = on_progress,
		.lost = on_lost,
		.members = on_members,
		.replace_store = on_replace_store,
		.log = on_log,
		.arg = node,
	};

	arc4random_buf(&primary.seed, sizeof(primary.seed));
	return primary_new(&node->primary, *node->host.store, &primary, &events,
			   clock_monotonic_ms());
}

static int read_secret(struct node *node, const struct node_options *options)
{
	char *path = NULL;
	int r;

	if (options->secret_file != NULL)
		return peer_secret_read(&node->secret, options->secret_file);
	if (asprintf(&path, "%s/secret", node->host.dir) < 0)
		return err_set(KV_ENOMEM, "out of memory");
	r = peer_secret_read(&node->secret, path);
	free(path);
	return r;
}

static void on_timer(uv_timer_t *timer)
{
	struct node *node = timer->data;

	node->armed_for = 0;
	node_end_greetings(node, clock_monotonic_ms());
	primary_tick(node->primary, clock_monotonic_ms());
}

int node_open(struct node **out, const struct node_options *options,
	      const struct node_host *host)
{
	struct node *node = calloc(1, sizeof(*node));
	int r;

	if (node == NULL)
		return err_set(KV_ENOMEM, "out of memory");
	node->host = *host;
	node->allow_faults = options->allow_faults;
	snprintf(node->name, sizeof(node->name), "%s", options->name);
	snprintf(node->address, sizeof(node->address), "%s", options->address);
	TAILQ_INIT(&node->greetings);
	uv_timer_init(host->loop, &node->timer);
	node->timer.data = node;
	*out = node;
	node->self = node_self_new(node);
	if (node->self == NULL)
		return err_set(KV_ENOMEM, "out of memory");
	r = read_secret(node, options);
	return r != 0 ? r : start(node, options);
}

static void on_closed(uv_handle_t *handle)
{
	free(handle->data);
}

void node_close(struct node *node)
{
	if (node->primary != NULL)
		coord_free(primary_coord(node->primary));
	node_close_links(node);
	node_self_free(node->self);
	while (!TAILQ_EMPTY(&node->greetings))
		node_met(node, TAILQ_FIRST(&node->greetings)->connection);
	peer_secret_release(&node->secret);
	uv_close((uv_handle_t *)&node->timer, on_closed);
}

struct coord *node_coord(struct node *node)
{
	return primary_coord(node->primary);
}

void node_resign(struct node *node)
{
	primary_resign(node->primary);
}

bool node_resigns(const struct node *node)
{
	return primary_resigns(node->primary);
}

/* ---- turns ---- */

/* Nothing is under way any more: puts the store that came in the place of
 * ours. */
static void swap_store(struct node *node)
{
	struct hub *hub = node->host.hub;
	struct store **store = node->host.store;
	int r = store_close(*store);

	*store = NULL;
	if (r != 0)
		node_say(node,
			 "the store that is replaced was not closed "
			 "well: %s",
			 err_text());
	r = node->swap(node->swap_arg);
	if (r == 0)
		r = store_open(store, node->host.dir, node->host.store_options);
	node->swap = NULL;
	if (r != 0)
		node_say(node,
			 "cannot open the store again: %s; restart the "
			 "server when the cause is removed",
			 err_text());
	hub->store = *store;
	committer_set_store(hub->committer, *store);
	committer_hold(hub->committer, false);
	primary_set_store(node->primary, *store);
}

static void arm(struct node *node, uint64_t now)
{
	uint64_t at = primary_deadline(node->primary);
	uint64_t greetings = node_end_greetings(node, now);

	if (greetings < at)
		at = greetings;
	if (at == node->armed_for)
		return;
	node->armed_for = at;
	uv_update_time(node->host.loop);
	uv_timer_start(&node->timer, on_timer, at > now ? at - now : 0, 0);
}

static void flush_links(struct node *node)
{
	for (unsigned i = 0; i < node->nlinks; i++)
		peer_link_flush(node->links[i]);
}

static void hear_links(struct node *node)
{
	for (unsigned i = 0; i < node->nlinks; i++)
		if (peer_link_moves(node->links[i]))
			primary_hear(node->primary, clock_monotonic_ms(),
				     peer_link_member(node->links[i])->id);
}

void node_turn(struct node *node)
{
	hear_links(node);
	primary_tick(node->primary, clock_monotonic_ms());
	node_self_turn(node->self);
	coord_turn(primary_coord(node->primary));
	if (node->swap != NULL && committer_is_quiet(node->host.hub->committer))
		swap_store(node);
	node_flush(node);
}

void node_flush(struct node *node)
{
	flush_links(node);
	arm(node, clock_monotonic_ms());
}

void node_wake(struct node *node)
{
	/* Not the loop's time, which stands still while input is handled. */
	uint64_t now = clock_monotonic_ms();
	bool due;

	if (now == node->woke_ms)
		return;
	node->woke_ms = now;
	due = primary_deadline(node->primary) <= now;
	primary_tick(node->primary, now);
	if (due)
		flush_links(node);
}

/* The id that the name has now. */
static uint64_t id_of(const struct node *node, const struct peer_hello *peer)
{
	const struct member *member =
		members_find_name(primary_peers(node->primary), peer->name);

	return member != NULL ? member->id : peer->id;
}

void node_receive(struct node *node, const struct peer_hello *from,
		  struct slice frame)
{
	primary_receive(node->primary, clock_monotonic_ms(), id_of(node, from),
			frame);
}

void node_hear(struct node *node, const struct peer_hello *from)
{
	if (!node_is_cut(node, from->name))
		primary_hear(node->primary, clock_monotonic_ms(),
			     id_of(node, from));
}

/* ---- orders ---- */

static bool cut_names(struct node *node, struct slice names)
{
	if (names.len + 3 > sizeof(node->cut))
		return false;
	node->cut[0] = '\0';
	if (names.len != 0)
		snprintf(node->cut, sizeof(node->cut), ",%.*s,", (int)names.len,
			 names.data);
	return true;
}

bool node_is_cut(const struct node *node, const char *name)
{
	size_t len = strlen(name);
	const char *at = node->cut;

	if (at[0] == '\0')
		return false;
	while ((at = strstr(at, name)) != NULL) {
		if (at != node->cut && at[-1] == ',' && at[len] == ',')
			return true;
		at++;
	}
	return false;
}

static void cut(struct node *node, const struct request *req,
		struct reply *reply)
{
	if (!node->allow_faults)
		reply->code = err_set(KV_EPERM,
				      "links are cut only by a server that was "
				      "started with --allow-faults");
	else if (!cut_names(node, req->order.nodes))
		reply->code = err_set(KV_ETOOBIG, "so many nodes are not in a "
						  "cluster");
	else if (req->order.nodes.len != 0)
		node_say(node, "links to and from %.*s are cut as ordered",
			 (int)req->order.nodes.len, req->order.nodes.data);
	else
		node_say(node, "no links are cut any more");
}

bool node_takes_order(struct node *node, const struct request *req,
		      coord_reply_fn *fn, void *arg)
{
	struct reply reply = {.op = OP_CLUSTER};

	if (node == NULL)
		reply.code = err_set(KV_EUSAGE, "this server is not a node of "
						"a cluster");
	else if (req->order.kind == CLUSTER_CUT)
		cut(node, req, &reply);
	else
		return false;
	reply.message = reply.code != 0 ? err_text() : NULL;
	fn(arg, req, &reply);
	return true;
}

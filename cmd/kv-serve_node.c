/*
 * kv-serve_node.c - see kv-serve_node.h.
 */
#include "kv-serve_node.h"

#include "base/err.h"
#include "base/parse.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HEARTBEAT_MAX_MS 10000
#define ELECTION_MIN_MS 20
#define ELECTION_MAX_MS 60000

#define DEFAULT_HOST "127.0.0.1"
#define DEFAULT_PORT 65432

static int take_ms(const char *what, const char *text, int64_t min, int64_t max,
		   unsigned *ms)
{
	uint64_t n = 0;
	int r = parse_number(what, text, min, max, &n);

	*ms = (unsigned)n;
	return r;
}

int node_option_take(struct node_choice *c, int option, const char *arg)
{
	struct node_options *o = &c->options;

	c->given = c->given || option != OPT_MODE;
	switch ((enum node_option)option) {
	case OPT_NODE:
		o->name = arg;
		return member_check_name(arg);
	case OPT_MODE:
		c->mode = arg;
		if (strcmp(arg, "solo") == 0 || strcmp(arg, "primary") == 0)
			return 0;
		return err_set(KV_EUSAGE,
			       "--mode '%s' is not one of solo, primary", arg);
	case OPT_MEMBERS:
		c->members = arg;
		return members_parse(&c->list, arg);
	case OPT_CLUSTER:
		c->cluster = arg;
		return members_read(&c->list, arg);
	case OPT_JOIN:
		c->join = true;
		return 0;
	case OPT_SECRET_FILE:
		o->secret_file = arg;
		return 0;
	case OPT_ALLOW_FAULTS:
		o->allow_faults = true;
		return 0;
	case OPT_HEARTBEAT:
		return take_ms("--heartbeat", arg, 1, HEARTBEAT_MAX_MS,
			       &o->heartbeat_ms);
	case OPT_ELECTION_TIMEOUT:
		return take_ms("--election-timeout", arg, ELECTION_MIN_MS,
			       ELECTION_MAX_MS, &o->election_ms);
	}
	return KV_EUSAGE;
}

static int check_together(const struct node_choice *c)
{
	const struct node_options *o = &c->options;

	if (o->name == NULL)
		return err_set(KV_EUSAGE, "a node of a cluster needs a name: "
					  "--node NAME");
	if ((c->members != NULL) + (c->cluster != NULL) + c->join != 1)
		return err_set(KV_EUSAGE, "a node needs one of --members LIST, "
					  "--cluster FILE and --join");
	if (o->election_ms != 0 && o->heartbeat_ms != 0 &&
	    o->election_ms < 2 * o->heartbeat_ms)
		return err_set(KV_EUSAGE,
			       "--election-timeout %u is less than twice the "
			       "--heartbeat of %u: leaders would be given up "
			       "for nothing",
			       o->election_ms, o->heartbeat_ms);
	return 0;
}

/* "[::1]:7001": host and port. The address has been checked. */
static void split_address(struct node_choice *c, const char *address,
			  uint16_t *port)
{
	const char *colon = strrchr(address, ':');
	size_t skip = address[0] == '[';
	size_t len = (size_t)(colon - address) - 2 * skip;
	uint64_t n = 0;

	memcpy(c->host, address + skip, len);
	c->host[len] = '\0';
	(void)parse_number("port", colon + 1, 0, UINT16_MAX, &n);
	*port = (uint16_t)n;
}

/* Where it listens is where the others reach it, unless it is told to listen
 * elsewhere. */
static int apply_members(struct node_choice *c, struct server_options *server,
			 const char *host, int port)
{
	const struct member *own = members_find_name(&c->list, c->options.name);
	char line[256];

	if (own == NULL)
		return err_set(KV_EUSAGE,
			       "the list of members does not have this node, "
			       "'%s'",
			       c->options.name);
	c->options.address = own->address;
	c->options.members = &c->list;
	split_address(c, own->address, &server->port);
	server->host = host != NULL ? host : c->host;
	if (port >= 0)
		server->port = (uint16_t)port;
	if (c->list.n % 2 == 0) {
		snprintf(line, sizeof(line),
			 "warning: a cluster of %u nodes is no safer than one "
			 "of %u: it needs a majority of %u",
			 c->list.n, c->list.n - 1, c->list.n / 2 + 1);
		server->log(server->log_arg, line);
	}
	return 0;
}

/* Who joins says itself where it is reached. */
static int apply_join(struct node_choice *c, struct server_options *server,
		      const char *host, int port)
{
	const char *at = host != NULL ? host : DEFAULT_HOST;
	bool v6 = strchr(at, ':') != NULL;

	if (port <= 0)
		return err_set(KV_EUSAGE, "--join needs --port, and --host "
					  "where the others reach this node");
	server->host = at;
	server->port = (uint16_t)port;
	snprintf(c->address, sizeof(c->address), "%s%s%s:%d", v6 ? "[" : "", at,
		 v6 ? "]" : "", port);
	c->options.address = c->address;
	return member_check_address(c->address);
}

int node_options_apply(struct node_choice *c, struct server_options *server,
		       const char *host, int port)
{
	bool solo = c->mode != NULL ? strcmp(c->mode, "solo") == 0 : !c->given;
	int r;

	if (solo && c->given)
		return err_set(KV_EUSAGE, "--mode solo does not go with the "
					  "options of a node");
	if (solo) {
		server->host = host != NULL ? host : DEFAULT_HOST;
		server->port = (uint16_t)(port >= 0 ? port : DEFAULT_PORT);
		return 0;
	}
	r = check_together(c);
	if (r != 0)
		return r;
	server->node = &c->options;
	return c->join ? apply_join(c, server, host, port)
		       : apply_members(c, server, host, port);
}

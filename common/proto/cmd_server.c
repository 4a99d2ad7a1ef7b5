/*
 * cmd_server.c - small questions to the server.
 */
#include "proto/resp_conn.h"
#include "proto/resp_number.h"

#include <ctype.h>
#include <time.h>

void cmd_time(struct call *c)
{
	struct timespec now;
	char text[RESP_INT_MAX];

	clock_gettime(CLOCK_REALTIME, &now);
	resp_array(c->out, 2);
	resp_bulk(c->out, slice_of(text, resp_format_int(text, now.tv_sec)));
	resp_bulk(c->out,
		  slice_of(text, resp_format_int(text, now.tv_nsec / 1000)));
}

/* Every reply has waited for the disks already: in a cluster, for those of a
 * majority. This one comes behind those to the writes before it. */
static unsigned replicas_that_have_it(const struct call *c)
{
	struct resp_cluster_facts cluster;
	unsigned n = 0;

	call_cluster(c, &cluster);
	if (!cluster.clustered)
		return 0;
	for (unsigned i = 0; i < cluster.nothers; i++)
		if (cluster.others[i].offset >= cluster.offset)
			n++;
	return n > cluster.majority - 1 ? n : cluster.majority - 1;
}

void cmd_wait(struct call *c)
{
	int64_t replicas, timeout;

	if (!call_int(c, 1, &replicas))
		return;
	if (!resp_parse_int(c->argv[2], &timeout))
		resp_error(c->out,
			   "ERR timeout is not an integer or out of range");
	else if (timeout < 0)
		resp_error(c->out, "ERR timeout is negative");
	else
		resp_integer(c->out, replicas_that_have_it(c));
}

/* There are no functions, so that none have to go. */
void cmd_function_flush(struct call *c)
{
	if (c->argc > 3 || (c->argc == 3 && !word_is(c->argv[2], "sync") &&
			    !word_is(c->argv[2], "async")))
		resp_error(c->out, "ERR FUNCTION FLUSH only supports "
				   "SYNC|ASYNC option");
	else
		call_ok(c);
}

/* The subcommands of the one whose "help" this is. */
void cmd_help(struct call *c)
{
	const struct command *parent =
		command_find(c->conn->shared->lookup, c->argv[0]);
	const struct command *sub;
	char line[256], *p;
	size_t n = 0;

	for (sub = parent->subcommands; sub->name != NULL; sub++)
		n++;
	resp_array(c->out, 1 + 2 * n);
	snprintf(line, sizeof(line),
		 "%s <subcommand> [<arg> [value] [opt] ...]. Subcommands are:",
		 parent->name);
	for (p = line; *p != ' '; p++)
		*p = (char)toupper((unsigned char)*p);
	resp_status(c->out, line);
	for (sub = parent->subcommands; sub->name != NULL; sub++) {
		snprintf(line, sizeof(line), "%s", command_sub_name(sub));
		for (p = line; *p != '\0'; p++)
			*p = (char)toupper((unsigned char)*p);
		resp_status(c->out, line);
		snprintf(line, sizeof(line), "    %s.", sub->summary);
		resp_status(c->out, line);
	}
}

/*
 * cmd_cluster.c - what a client may ask of a node of a cluster, in the words of
 * Redis's replication: the node that leads is a master, the others are its
 * replicas.
 */
#include "proto/resp_conn.h"
#include "proto/resp_number.h"

static void write_address(struct call *c, const char *address, bool as_text)
{
	struct slice host = resp_address_host(address);
	const char *port = strrchr(address, ':');
	int64_t number = 0;

	resp_bulk(c->out, host);
	port = port != NULL ? port + 1 : "0";
	if (as_text)
		resp_bulk_str(c->out, port);
	else if (resp_parse_int(slice_str(port), &number))
		resp_integer(c->out, number);
	else
		resp_integer(c->out, 0);
}

static void write_master(struct call *c, const struct resp_cluster_facts *f)
{
	char offset[24];

	resp_array(c->out, 3);
	resp_bulk_str(c->out, "master");
	resp_integer(c->out, (int64_t)f->offset);
	resp_array(c->out, f->nothers);
	for (unsigned i = 0; i < f->nothers; i++) {
		snprintf(offset, sizeof(offset), "%llu",
			 (unsigned long long)f->others[i].offset);
		resp_array(c->out, 3);
		write_address(c, f->others[i].address, true);
		resp_bulk_str(c->out, offset);
	}
}

void cmd_role(struct call *c)
{
	struct resp_cluster_facts f;

	call_cluster(c, &f);
	if (!f.clustered || f.leads) {
		write_master(c, &f);
		return;
	}
	resp_array(c->out, 5);
	resp_bulk_str(c->out, "slave");
	write_address(c, f.leader, false);
	resp_bulk_str(c->out, f.linked ? "connected" : "connect");
	resp_integer(c->out, (int64_t)f.offset);
}

static bool is_clustered(struct call *c)
{
	if (c->conn->shared->clustered)
		return true;
	resp_error(c->out, "ERR This instance has cluster support disabled");
	return false;
}

void cmd_readonly(struct call *c)
{
	if (!is_clustered(c))
		return;
	c->conn->readonly = true;
	call_ok(c);
}

void cmd_readwrite(struct call *c)
{
	if (!is_clustered(c))
		return;
	c->conn->readonly = false;
	call_ok(c);
}

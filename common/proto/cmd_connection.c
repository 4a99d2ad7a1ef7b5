/*
 * cmd_connection.c - the connection itself: greeting, leaving, starting anew.
 */
#include "proto/resp_conn.h"
#include "proto/resp_number.h"

#include <stdlib.h>

bool conn_set_text(char **text, struct slice value)
{
	char *copy = NULL;

	if (value.len != 0) {
		copy = strndup(value.data, value.len);
		if (copy == NULL)
			return false;
	}
	free(*text);
	*text = copy;
	return true;
}

void cmd_ping(struct call *c)
{
	if (c->argc > 2)
		call_arity_error(c);
	else if (c->argc == 2)
		resp_bulk(c->out, c->argv[1]);
	else
		resp_status(c->out, "PONG");
}

void cmd_echo(struct call *c)
{
	resp_bulk(c->out, c->argv[1]);
}

void cmd_quit(struct call *c)
{
	c->conn->closing = true;
	call_ok(c);
}

void cmd_select(struct call *c)
{
	int64_t db;

	if (!call_int(c, 1, &db))
		return;
	if (db != 0)
		resp_error(c->out, "ERR DB index is out of range");
	else
		call_ok(c);
}

/* There are no users but the one that needs no password. */
static bool authenticate(struct call *c, struct slice user)
{
	if (slice_eq(user, slice_str("default")))
		return true;
	resp_error(c->out,
		   "WRONGPASS invalid username-password pair or user is "
		   "disabled.");
	return false;
}

void cmd_auth(struct call *c)
{
	if (c->argc > 3)
		call_syntax_error(c);
	else if (c->argc == 2)
		resp_error(c->out,
			   "ERR AUTH <password> called without any password "
			   "configured for the default user. Are you sure your "
			   "configuration is correct?");
	else if (authenticate(c, c->argv[1]))
		call_ok(c);
}

static bool hello_options(struct call *c, size_t *name)
{
	*name = 0;
	for (size_t i = 2; i < c->argc; i++) {
		size_t more = c->argc - 1 - i;

		if (word_is(c->argv[i], "auth") && more >= 2) {
			if (!authenticate(c, c->argv[i + 1]))
				return false;
			i += 2;
		} else if (word_is(c->argv[i], "setname") && more >= 1) {
			*name = ++i;
			if (!client_name_is_valid(c, c->argv[i]))
				return false;
		} else {
			resp_error(c->out,
				   "ERR Syntax error in HELLO option '%.*s'",
				   (int)(c->argv[i].len & 0xffff),
				   c->argv[i].data);
			return false;
		}
	}
	return true;
}

static bool hello_version(struct call *c, int64_t *version)
{
	*version = c->conn->resp3 ? 3 : 2;
	if (c->argc == 1)
		return true;
	if (!resp_parse_int(c->argv[1], version)) {
		resp_error(c->out, "ERR Protocol version is not an integer or "
				   "out of range");
		return false;
	}
	if (*version < 2 || *version > 3) {
		resp_error(c->out, "NOPROTO unsupported protocol version");
		return false;
	}
	return true;
}

void cmd_hello(struct call *c)
{
	struct resp_conn *conn = c->conn;
	struct resp_cluster_facts cluster;
	int64_t version;
	size_t name;

	if (!hello_version(c, &version) || !hello_options(c, &name))
		return;
	if (name != 0 && !conn_set_text(&conn->name, c->argv[name])) {
		call_fail(c, err_set(KV_ENOMEM, "no memory for a name"));
		return;
	}
	conn->resp3 = version == 3;
	call_cluster(c, &cluster);
	resp_map(c->out, 7, conn->resp3);
	resp_bulk_str(c->out, "server");
	resp_bulk_str(c->out, "redis");
	resp_bulk_str(c->out, "version");
	resp_bulk_str(c->out, REDIS_VERSION);
	resp_bulk_str(c->out, "proto");
	resp_integer(c->out, version);
	resp_bulk_str(c->out, "id");
	resp_integer(c->out, (int64_t)conn->id);
	resp_bulk_str(c->out, "mode");
	resp_bulk_str(c->out, "standalone");
	resp_bulk_str(c->out, "role");
	resp_bulk_str(c->out, cluster.clustered && !cluster.leads ? "replica"
								  : "master");
	resp_bulk_str(c->out, "modules");
	resp_array(c->out, 0);
}

void cmd_reset(struct call *c)
{
	struct resp_conn *conn = c->conn;

	multi_discard(conn);
	watch_forget(conn);
	conn_set_text(&conn->name, slice_of(NULL, 0));
	conn->resp3 = false;
	conn->replies_off = conn->skip_reply = false;
	conn->no_evict = conn->readonly = false;
	resp_status(c->out, "RESET");
}

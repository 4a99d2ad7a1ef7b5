/*
 * cmd_config.c - CONFIG: what is asked for most, answered as it is here.
 *
 * Nothing can be changed: the server's options decide. Setting a value that
 * holds anyway is fine; any other is refused by name, so that nobody believes
 * in a setting that has no effect.
 */
#include "proto/glob.h"
#include "proto/resp_conn.h"

#include "kv.h"

#include <stdlib.h>

struct setting {
	const char *name;
	const char *value; /* NULL: see dynamic_value() */
};

/* In alphabetical order. */
static const struct setting settings[] = {
	{"activedefrag", "no"},
	{"active-expire-effort", "1"},
	{"aof-load-truncated", "yes"},
	{"appendfsync", "always"},
	{"appendonly", "yes"},
	{"bind", NULL},
	{"cluster-enabled", "no"},
	{"databases", "1"},
	{"dir", NULL},
	{"io-threads", NULL},
	{"lazyfree-lazy-user-del", "no"},
	{"lazyfree-lazy-user-flush", "no"},
	{"list-max-listpack-size", "-2"},
	{"maxclients", NULL},
	{"maxmemory", "0"},
	{"maxmemory-policy", "noeviction"},
	{"notify-keyspace-events", ""},
	{"port", NULL},
	{"proto-max-bulk-len", "67108864"},
	{"replica-read-only", "yes"},
	{"requirepass", ""},
	{"save", ""},
	{"tcp-keepalive", "60"},
	{"timeout", "0"},
	{"unixsocket", NULL},
};

#define NSETTINGS (sizeof(settings) / sizeof(*settings))

_Static_assert(KV_VALUE_MAX == 67108864, "proto-max-bulk-len says so");

struct values {
	struct resp_server_facts facts;
	char number[32];
};

static const char *value_of(const struct setting *s, struct values *v)
{
	const struct resp_server_facts *f = &v->facts;
	unsigned long long n;

	if (s->value != NULL)
		return s->value;
	if (strcmp(s->name, "dir") == 0)
		return f->dir != NULL ? f->dir : "";
	if (strcmp(s->name, "bind") == 0)
		return f->host != NULL ? f->host : "";
	if (strcmp(s->name, "unixsocket") == 0)
		return f->socket != NULL ? f->socket : "";
	if (strcmp(s->name, "port") == 0)
		n = f->port;
	else if (strcmp(s->name, "io-threads") == 0)
		n = f->threads;
	else
		n = f->clients_max;
	snprintf(v->number, sizeof(v->number), "%llu", n);
	return v->number;
}

static void learn(struct call *c, struct values *v)
{
	const struct resp_shared *shared = c->conn->shared;

	*v = (struct values){.facts.threads = 1};
	if (shared->host_ops != NULL)
		shared->host_ops->facts(shared->host, &v->facts);
}

static bool is_asked(const struct call *c, const struct setting *s)
{
	for (size_t i = 2; i < c->argc; i++)
		if (glob_match(c->argv[i], slice_str(s->name), true))
			return true;
	return false;
}

void cmd_config_get(struct call *c)
{
	struct values v;
	size_t n = 0;

	learn(c, &v);
	for (size_t i = 0; i < NSETTINGS; i++)
		n += is_asked(c, &settings[i]);
	resp_map(c->out, n, c->resp3);
	for (size_t i = 0; i < NSETTINGS; i++) {
		if (!is_asked(c, &settings[i]))
			continue;
		resp_bulk_str(c->out, settings[i].name);
		resp_bulk_str(c->out, value_of(&settings[i], &v));
	}
}

static const struct setting *find_setting(struct slice name)
{
	for (size_t i = 0; i < NSETTINGS; i++)
		if (word_is(name, settings[i].name))
			return &settings[i];
	return NULL;
}

void cmd_config_set(struct call *c)
{
	struct values v;

	if (c->argc % 2 != 0) {
		call_syntax_error(c);
		return;
	}
	learn(c, &v);
	for (size_t i = 2; i < c->argc; i += 2) {
		const struct setting *s = find_setting(c->argv[i]);
		int len = (int)(c->argv[i].len & 0xffff);

		if (s == NULL) {
			resp_error(c->out,
				   "ERR Unknown option or number of arguments "
				   "for CONFIG SET - '%.*s'",
				   len, c->argv[i].data);
			return;
		}
		if (!slice_eq(c->argv[i + 1], slice_str(value_of(s, &v)))) {
			resp_error(c->out,
				   "ERR CONFIG SET failed (possibly related to "
				   "argument '%.*s') - can't set immutable "
				   "config",
				   len, c->argv[i].data);
			return;
		}
	}
	call_ok(c);
}

void cmd_config_resetstat(struct call *c)
{
	resp_counts_reset(c->conn->shared);
	call_ok(c);
}

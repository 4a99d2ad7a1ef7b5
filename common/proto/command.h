/*
 * command.h - the commands: what each is called and takes, and the function
 * that does it. command_table.c has the table; cmd_*.c have the functions.
 *
 * A command function appends exactly one reply to call->out. It checks before
 * it changes: after an error reply the transaction is as it was. So it is when
 * a key or a value was refused (KV_EUSAGE, KV_ETOOBIG), which becomes the reply
 * whatever was appended before. With any other failure, such as a lack of
 * memory, the whole transaction comes to nothing.
 */
#ifndef PROTO_COMMAND_H
#define PROTO_COMMAND_H

#include "base/txn.h"
#include "proto/resp_write.h"

#include <stdint.h>

struct call;
struct resp_conn;

typedef void command_fn(struct call *c);

/* What a command is like; most of it for COMMAND, in Redis's terms. */
enum command_flags {
	CMD_READ = 1 << 0,
	CMD_WRITE = 1 << 1,
	CMD_GROWS = 1 << 2, /* "denyoom": may need more memory */
	CMD_ADMIN = 1 << 3,
	CMD_NOSCRIPT = 1 << 4,
	CMD_LOADING = 1 << 5, /* also while the server is loading */
	CMD_STALE = 1 << 6,   /* also from a replica that lags */
	CMD_SKIP_SLOWLOG = 1 << 7,
	CMD_FAST = 1 << 8,
	CMD_NO_AUTH = 1 << 9,
	CMD_BUSY = 1 << 10,	  /* also while a script runs */
	CMD_DANGEROUS = 1 << 11,  /* may be slow, or lose a lot */
	CMD_KEYSPACE = 1 << 12,	  /* category */
	CMD_CONNECTION = 1 << 13, /* category */
	CMD_LOCAL = 1 << 14,	  /* needs no store: is answered at once */
	CMD_IN_MULTI = 1 << 15,	  /* is done, not queued, inside MULTI */
	CMD_CAT_ADMIN = 1 << 16,  /* category, without the flag */
};

struct command {
	const char *name; /* lower case; a subcommand's is "config|get" */
	command_fn *run;  /* NULL: it only has subcommands */
	/* Words, the name included; negative: at least so many. */
	int arity;
	unsigned flags; /* CMD_... */
	/* Which words are keys: from, to (negative: from the end), step. */
	int first_key, last_key, key_step;
	/* What is done with them: "RW access update", parted by '|' if keys
	 * differ. */
	const char *key_flags;
	const char *group; /* Redis's name for the kind of command */
	const char *since; /* of Redis */
	const char *tips;  /* for clients, parted by blanks; "" */
	const char *summary;
	const char *partial; /* what differs from Redis; NULL: nothing */
	const struct command *subcommands; /* up to one without a name */
	const char *absent;		   /* subcommands that Redis has */
};

/* One execution of one command. */
struct call {
	struct txn *txn; /* NULL: it is done as CMD_LOCAL */
	struct buf *out;
	const struct slice *argv; /* the words; argv[0] is the name */
	size_t argc;
	const struct command *command;
	struct resp_conn *conn;
	bool resp3;
	int failed; /* KV_E...: the transaction ends with it */
};

/* ---- command_table.c ---- */

/* Up to one without a name, sorted by it. */
extern const struct command command_table[];

/* What Redis has besides: names parted by blanks, a group each. */
struct absent_group {
	const char *group;
	const char *names;
};
extern const struct absent_group absent_groups[];

/* ---- command.c ---- */

/* Finds commands by name, whatever its case. */
struct command_lookup;
struct command_lookup *command_lookup_new(void); /* NULL: out of memory */
void command_lookup_free(struct command_lookup *lookup);
const struct command *command_find(const struct command_lookup *lookup,
				   struct slice name);

/* The subcommand, or NULL. */
const struct command *command_find_sub(const struct command *command,
				       struct slice name);

/* "get" of "config|get". */
const char *command_sub_name(const struct command *sub);

bool command_takes(const struct command *command, size_t argc);
size_t command_count(void);

/* The places of the keys among argc words: *first, *last, *step; false if it
 * has none. */
bool command_keys(const struct command *command, size_t argc, size_t *first,
		  size_t *last, size_t *step);

/* ---- call.c: what command functions share ---- */

/* The word equals `text` (lower case), whatever its case. */
bool word_is(struct slice word, const char *text);

static inline struct slice call_word(const struct call *c, size_t i)
{
	return c->argv[i];
}

static inline void call_null(struct call *c)
{
	resp_null(c->out, c->resp3);
}

void call_ok(struct call *c);
void call_syntax_error(struct call *c);
void call_arity_error(struct call *c);

/* The transaction ends with this code; err_text() is set. */
void call_fail(struct call *c, int code);

/* Looks a key up on behalf of a reader; counts hits and misses. */
bool call_get(struct call *c, struct slice key, struct item *item);

/* The reply to a command, and to a transaction as a whole, has at most about
 * this many bytes on top of the last part that was added. */
#define CALL_REPLY_MAX ((size_t)256 << 20)

/* Whether the reply that began at `mark` of the output may still grow. */
bool call_has_room(const struct call *c, size_t mark);

/* Whether such a pair can be stored; if not, the call has failed. */
bool call_check(struct call *c, struct slice key, struct slice value);

/* The cluster that the server is a node of. */
struct resp_cluster_facts;
void call_cluster(const struct call *c, struct resp_cluster_facts *cluster);

/* A change; false: it failed, and so has the call. */
bool call_set(struct call *c, struct slice key, struct slice value,
	      uint64_t expires_ms);
bool call_delete(struct call *c, struct slice key);

/* Memory of the transaction; NULL: the call has failed. */
void *call_alloc(struct call *c, size_t size);

/* Word i as a number; false: the error has been written. */
bool call_int(struct call *c, size_t i, int64_t *value);

/* The error of a value over KV_VALUE_MAX; true if `len` is fine. */
bool call_check_length(struct call *c, uint64_t len);

/* ---- the functions of the table, by file ---- */

/* cmd_string.c */
command_fn cmd_get, cmd_set, cmd_mget, cmd_mset, cmd_msetnx, cmd_setnx,
	cmd_setex, cmd_psetex, cmd_getset, cmd_getdel, cmd_getex;
/* cmd_number.c */
command_fn cmd_incr, cmd_decr, cmd_incrby, cmd_decrby, cmd_incrbyfloat;
/* cmd_range.c */
command_fn cmd_append, cmd_strlen, cmd_getrange, cmd_setrange;
/* cmd_lcs.c */
command_fn cmd_lcs;
/* cmd_key.c */
command_fn cmd_del, cmd_exists, cmd_type, cmd_rename, cmd_renamenx, cmd_copy,
	cmd_randomkey, cmd_dbsize, cmd_flush, cmd_object_encoding,
	cmd_memory_usage;
/* cmd_scan.c */
command_fn cmd_keys, cmd_scan;
/* cmd_expire.c */
command_fn cmd_expire, cmd_pexpire, cmd_expireat, cmd_pexpireat, cmd_ttl,
	cmd_pttl, cmd_expiretime, cmd_pexpiretime, cmd_persist;
/* cmd_multi.c */
command_fn cmd_multi, cmd_exec, cmd_discard, cmd_watch, cmd_unwatch;
/* cmd_connection.c */
command_fn cmd_ping, cmd_echo, cmd_quit, cmd_select, cmd_auth, cmd_hello,
	cmd_reset;
/* cmd_client.c */
command_fn cmd_client_id, cmd_client_getname, cmd_client_setname,
	cmd_client_setinfo, cmd_client_list, cmd_client_info,
	cmd_client_no_evict, cmd_client_reply, cmd_client_kill;
/* cmd_server.c */
command_fn cmd_time, cmd_wait, cmd_function_flush, cmd_help;
/* cmd_config.c */
command_fn cmd_config_get, cmd_config_set, cmd_config_resetstat;
/* cmd_info.c */
command_fn cmd_info;
/* cmd_cluster.c */
command_fn cmd_role, cmd_readonly, cmd_readwrite;
/* cmd_command.c */
command_fn cmd_command, cmd_command_count, cmd_command_list, cmd_command_info,
	cmd_command_docs, cmd_command_getkeys;

#endif

/*
 * command_table.c - the commands, in alphabetical order; see command.h.
 *
 * The table of kv-protocol(7) is made from this one (t/lint/commands says how).
 */
#include "proto/command.h"

/* What the rows have: name, function, words; flags; first and last key, step;
 * what is done with the keys; group, since; tips; summary; differences. */
#define COMMAND(name, run, arity, flags, first, last, step, key_flags, group, \
		since, tips, summary, partial)                                \
	{                                                                     \
		name, run, arity, flags, first, last, step, key_flags, group, \
			since, tips, summary, partial, NULL, NULL             \
	}

/* A command that only has subcommands; and which of Redis's it has not. */
#define CONTAINER(name, arity, group, since, summary, subcommands, absent)    \
	{                                                                     \
		name, NULL, arity, 0, 0, 0, 0, "", group, since, "", summary, \
			NULL, subcommands, absent                             \
	}

#define LAST                                                                   \
	{                                                                      \
		NULL, NULL, 0, 0, 0, 0, 0, NULL, NULL, NULL, NULL, NULL, NULL, \
			NULL, NULL                                             \
	}

static const struct command client_commands[] = {
	COMMAND("client|getname", cmd_client_getname, 2,
		CMD_NOSCRIPT | CMD_LOADING | CMD_STALE | CMD_CONNECTION |
			CMD_LOCAL,
		0, 0, 0, "", "connection", "2.6.9", "",
		"The name of this connection", NULL),
	COMMAND("client|help", cmd_help, 2,
		CMD_LOADING | CMD_STALE | CMD_CONNECTION | CMD_LOCAL, 0, 0, 0,
		"", "connection", "5.0.0", "", "The list of subcommands",
		"in other words than Redis"),
	COMMAND("client|id", cmd_client_id, 2,
		CMD_NOSCRIPT | CMD_LOADING | CMD_STALE | CMD_CONNECTION |
			CMD_LOCAL,
		0, 0, 0, "", "connection", "5.0.0", "",
		"The number of this connection", NULL),
	COMMAND("client|info", cmd_client_info, 2,
		CMD_NOSCRIPT | CMD_LOADING | CMD_STALE | CMD_CONNECTION |
			CMD_LOCAL,
		0, 0, 0, "", "connection", "6.2.0", "nondeterministic_output",
		"This connection, as CLIENT LIST has it", "as CLIENT LIST"),
	COMMAND("client|kill", cmd_client_kill, -3,
		CMD_ADMIN | CMD_NOSCRIPT | CMD_LOADING | CMD_STALE |
			CMD_CONNECTION | CMD_LOCAL,
		0, 0, 0, "", "connection", "2.4.0", "", "Close connections",
		NULL),
	COMMAND("client|list", cmd_client_list, -2,
		CMD_ADMIN | CMD_NOSCRIPT | CMD_LOADING | CMD_STALE |
			CMD_CONNECTION | CMD_LOCAL,
		0, 0, 0, "", "connection", "2.4.0", "nondeterministic_output",
		"All connections", "argv-mem, rbs and rbp are 0"),
	COMMAND("client|no-evict", cmd_client_no_evict, 3,
		CMD_ADMIN | CMD_NOSCRIPT | CMD_LOADING | CMD_STALE |
			CMD_CONNECTION | CMD_LOCAL,
		0, 0, 0, "", "connection", "7.0.0", "",
		"Note whether this connection may be closed for lack of memory",
		"none ever is"),
	COMMAND("client|reply", cmd_client_reply, 3,
		CMD_NOSCRIPT | CMD_LOADING | CMD_STALE | CMD_CONNECTION |
			CMD_LOCAL,
		0, 0, 0, "", "connection", "3.2.0", "", "Leave replies out",
		NULL),
	COMMAND("client|setinfo", cmd_client_setinfo, 4,
		CMD_NOSCRIPT | CMD_LOADING | CMD_STALE | CMD_CONNECTION |
			CMD_LOCAL,
		0, 0, 0, "", "connection", "7.2.0", "",
		"Name the library that speaks", NULL),
	COMMAND("client|setname", cmd_client_setname, 3,
		CMD_NOSCRIPT | CMD_LOADING | CMD_STALE | CMD_CONNECTION |
			CMD_LOCAL,
		0, 0, 0, "", "connection", "2.6.9", "", "Name this connection",
		NULL),
	LAST,
};

static const struct command command_commands[] = {
	COMMAND("command|count", cmd_command_count, 2,
		CMD_LOADING | CMD_STALE | CMD_CONNECTION | CMD_LOCAL, 0, 0, 0,
		"", "server", "2.8.13", "", "Count the commands", NULL),
	COMMAND("command|docs", cmd_command_docs, -2,
		CMD_LOADING | CMD_STALE | CMD_CONNECTION | CMD_LOCAL, 0, 0, 0,
		"", "server", "7.0.0", "nondeterministic_output_order",
		"What commands are for",
		"summary, since and group; no arguments"),
	COMMAND("command|getkeys", cmd_command_getkeys, -4,
		CMD_LOADING | CMD_STALE | CMD_CONNECTION | CMD_LOCAL, 0, 0, 0,
		"", "server", "2.8.13", "",
		"Those arguments of a command that are keys", NULL),
	COMMAND("command|help", cmd_help, 2,
		CMD_LOADING | CMD_STALE | CMD_CONNECTION | CMD_LOCAL, 0, 0, 0,
		"", "server", "5.0.0", "", "The list of subcommands",
		"in other words than Redis"),
	COMMAND("command|info", cmd_command_info, -2,
		CMD_LOADING | CMD_STALE | CMD_CONNECTION | CMD_LOCAL, 0, 0, 0,
		"", "server", "2.8.13", "nondeterministic_output_order",
		"What commands take and are like",
		"key specifications have no notes"),
	COMMAND("command|list", cmd_command_list, -2,
		CMD_LOADING | CMD_STALE | CMD_CONNECTION | CMD_LOCAL, 0, 0, 0,
		"", "server", "7.0.0", "nondeterministic_output_order",
		"The names of the commands", NULL),
	LAST,
};

static const struct command config_commands[] = {
	COMMAND("config|get", cmd_config_get, -3,
		CMD_ADMIN | CMD_NOSCRIPT | CMD_LOADING | CMD_STALE | CMD_LOCAL,
		0, 0, 0, "", "server", "2.0.0", "", "Settings by pattern",
		"has the settings that mean something here"),
	COMMAND("config|help", cmd_help, 2, CMD_LOADING | CMD_STALE | CMD_LOCAL,
		0, 0, 0, "", "server", "5.0.0", "", "The list of subcommands",
		"in other words than Redis"),
	COMMAND("config|resetstat", cmd_config_resetstat, 2,
		CMD_ADMIN | CMD_NOSCRIPT | CMD_LOADING | CMD_STALE | CMD_LOCAL,
		0, 0, 0, "", "server", "2.0.0", "",
		"Count hits, misses and commands from 0 again", NULL),
	COMMAND("config|set", cmd_config_set, -4,
		CMD_ADMIN | CMD_NOSCRIPT | CMD_LOADING | CMD_STALE | CMD_LOCAL,
		0, 0, 0, "", "server", "2.0.0",
		"request_policy:all_nodes response_policy:all_succeeded",
		"Change settings",
		"accepts only what holds anyway; the options of kv-serve "
		"decide"),
	LAST,
};

static const struct command function_commands[] = {
	COMMAND("function|flush", cmd_function_flush, -2,
		CMD_WRITE | CMD_NOSCRIPT | CMD_LOCAL, 0, 0, 0, "", "scripting",
		"7.0.0",
		"request_policy:all_shards response_policy:all_succeeded",
		"Delete all functions", "there are none"),
	COMMAND("function|help", cmd_help, 2,
		CMD_LOADING | CMD_STALE | CMD_LOCAL, 0, 0, 0, "", "scripting",
		"7.0.0", "", "The list of subcommands",
		"in other words than Redis"),
	LAST,
};

static const struct command memory_commands[] = {
	COMMAND("memory|help", cmd_help, 2, CMD_LOADING | CMD_STALE | CMD_LOCAL,
		0, 0, 0, "", "server", "4.0.0", "", "The list of subcommands",
		"in other words than Redis"),
	COMMAND("memory|usage", cmd_memory_usage, -3, CMD_READ, 2, 2, 1, "RO",
		"server", "4.0.0", "", "Bytes that a key and its value take",
		"an estimate of memory and disk"),
	LAST,
};

static const struct command object_commands[] = {
	COMMAND("object|encoding", cmd_object_encoding, 3,
		CMD_READ | CMD_KEYSPACE, 2, 2, 1, "RO", "generic", "2.2.3",
		"nondeterministic_output",
		"How a value is kept: int, embstr or raw",
		"says what Redis would make of the value if it were set as a "
		"whole"),
	COMMAND("object|help", cmd_help, 2,
		CMD_LOADING | CMD_STALE | CMD_KEYSPACE | CMD_LOCAL, 0, 0, 0, "",
		"generic", "6.2.0", "", "The list of subcommands",
		"in other words than Redis"),
	LAST,
};

const struct command command_table[] = {
	COMMAND("append", cmd_append, 3, CMD_WRITE | CMD_GROWS | CMD_FAST, 1, 1,
		1, "RW insert", "string", "2.0.0", "",
		"Append bytes to a value", NULL),
	COMMAND("auth", cmd_auth, -2,
		CMD_NOSCRIPT | CMD_LOADING | CMD_STALE | CMD_FAST |
			CMD_NO_AUTH | CMD_BUSY | CMD_CONNECTION | CMD_LOCAL,
		0, 0, 0, "", "connection", "1.0.0", "", "Log in",
		"there are no passwords: only the user 'default' exists, and "
		"any password of it is right"),
	CONTAINER("client", -2, "connection", "2.4.0", "Connections",
		  client_commands,
		  "caching getredir no-touch pause tracking trackinginfo "
		  "unblock unpause"),
	{"command", cmd_command, -1,
	 CMD_LOADING | CMD_STALE | CMD_CONNECTION | CMD_LOCAL, 0, 0, 0, "",
	 "server", "2.8.13", "nondeterministic_output_order",
	 "The table of commands", "see COMMAND INFO", command_commands,
	 "getkeysandflags"},
	CONTAINER("config", -2, "server", "2.0.0", "Settings", config_commands,
		  "rewrite"),
	COMMAND("copy", cmd_copy, -3, CMD_WRITE | CMD_GROWS | CMD_KEYSPACE, 1,
		2, 1, "RO access|OW update", "generic", "6.2.0", "",
		"Copy a key with its value and time to live", "DB must be 0"),
	COMMAND("dbsize", cmd_dbsize, 1, CMD_READ | CMD_FAST | CMD_KEYSPACE, 0,
		0, 0, "", "server", "1.0.0",
		"request_policy:all_shards response_policy:agg_sum",
		"Count the keys", NULL),
	COMMAND("decr", cmd_decr, 2, CMD_WRITE | CMD_GROWS | CMD_FAST, 1, 1, 1,
		"RW access update", "string", "1.0.0", "", "Subtract one",
		NULL),
	COMMAND("decrby", cmd_decrby, 3, CMD_WRITE | CMD_GROWS | CMD_FAST, 1, 1,
		1, "RW access update", "string", "1.0.0", "",
		"Subtract a whole number", NULL),
	COMMAND("del", cmd_del, -2, CMD_WRITE | CMD_KEYSPACE, 1, -1, 1,
		"RM delete", "generic", "1.0.0",
		"request_policy:multi_shard response_policy:agg_sum",
		"Delete keys", NULL),
	COMMAND("discard", cmd_discard, 1,
		CMD_NOSCRIPT | CMD_LOADING | CMD_STALE | CMD_FAST | CMD_BUSY |
			CMD_LOCAL | CMD_IN_MULTI,
		0, 0, 0, "", "transactions", "2.0.0", "",
		"Forget what MULTI has queued", NULL),
	COMMAND("echo", cmd_echo, 2,
		CMD_LOADING | CMD_STALE | CMD_FAST | CMD_CONNECTION | CMD_LOCAL,
		0, 0, 0, "", "connection", "1.0.0", "",
		"Answer with the argument", NULL),
	COMMAND("exec", cmd_exec, 1,
		CMD_NOSCRIPT | CMD_LOADING | CMD_STALE | CMD_SKIP_SLOWLOG |
			CMD_IN_MULTI,
		0, 0, 0, "", "transactions", "1.2.0", "",
		"Do what MULTI has queued, as one atomic and durable batch",
		NULL),
	COMMAND("exists", cmd_exists, -2, CMD_READ | CMD_FAST | CMD_KEYSPACE, 1,
		-1, 1, "RO", "generic", "1.0.0",
		"request_policy:multi_shard response_policy:agg_sum",
		"Count those of the keys that exist", NULL),
	COMMAND("expire", cmd_expire, -3, CMD_WRITE | CMD_FAST | CMD_KEYSPACE,
		1, 1, 1, "RW update", "generic", "1.0.0", "",
		"Let a key expire in seconds", NULL),
	COMMAND("expireat", cmd_expireat, -3,
		CMD_WRITE | CMD_FAST | CMD_KEYSPACE, 1, 1, 1, "RW update",
		"generic", "1.2.0", "",
		"Let a key expire at a moment, in seconds since 1970", NULL),
	COMMAND("expiretime", cmd_expiretime, 2,
		CMD_READ | CMD_FAST | CMD_KEYSPACE, 1, 1, 1, "RO access",
		"generic", "7.0.0", "",
		"When a key expires, in seconds since 1970", NULL),
	COMMAND("flushall", cmd_flush, -1,
		CMD_WRITE | CMD_KEYSPACE | CMD_DANGEROUS, 0, 0, 0, "", "server",
		"1.0.0",
		"request_policy:all_shards response_policy:all_succeeded",
		"Delete everything, as one atomic batch",
		"ASYNC does not make a difference"),
	COMMAND("flushdb", cmd_flush, -1,
		CMD_WRITE | CMD_KEYSPACE | CMD_DANGEROUS, 0, 0, 0, "", "server",
		"1.0.0",
		"request_policy:all_shards response_policy:all_succeeded",
		"Delete everything, as one atomic batch",
		"ASYNC does not make a difference"),
	CONTAINER("function", -2, "scripting", "7.0.0",
		  "Functions in the server", function_commands,
		  "delete dump kill list load restore stats"),
	COMMAND("get", cmd_get, 2, CMD_READ | CMD_FAST, 1, 1, 1, "RO access",
		"string", "1.0.0", "", "A value", NULL),
	COMMAND("getdel", cmd_getdel, 2, CMD_WRITE | CMD_FAST, 1, 1, 1,
		"RW access delete", "string", "6.2.0", "",
		"A value, deleting its key", NULL),
	COMMAND("getex", cmd_getex, -2, CMD_WRITE | CMD_FAST, 1, 1, 1,
		"RW access update", "string", "6.2.0", "",
		"A value, changing its time to live", NULL),
	COMMAND("getrange", cmd_getrange, 4, CMD_READ, 1, 1, 1, "RO access",
		"string", "2.4.0", "", "Part of a value", NULL),
	COMMAND("getset", cmd_getset, 3, CMD_WRITE | CMD_GROWS | CMD_FAST, 1, 1,
		1, "RW access update", "string", "1.0.0", "",
		"Set a value and answer with the old one", NULL),
	COMMAND("hello", cmd_hello, -1,
		CMD_NOSCRIPT | CMD_LOADING | CMD_STALE | CMD_FAST |
			CMD_NO_AUTH | CMD_BUSY | CMD_CONNECTION | CMD_LOCAL,
		0, 0, 0, "", "connection", "6.0.0", "",
		"Choose the version of the protocol", NULL),
	COMMAND("incr", cmd_incr, 2, CMD_WRITE | CMD_GROWS | CMD_FAST, 1, 1, 1,
		"RW access update", "string", "1.0.0", "", "Add one", NULL),
	COMMAND("incrby", cmd_incrby, 3, CMD_WRITE | CMD_GROWS | CMD_FAST, 1, 1,
		1, "RW access update", "string", "1.0.0", "",
		"Add a whole number", NULL),
	COMMAND("incrbyfloat", cmd_incrbyfloat, 3,
		CMD_WRITE | CMD_GROWS | CMD_FAST, 1, 1, 1, "RW access update",
		"string", "2.6.0", "", "Add a number", NULL),
	COMMAND("info", cmd_info, -1, CMD_LOADING | CMD_STALE | CMD_DANGEROUS,
		0, 0, 0, "", "server", "1.0.0",
		"nondeterministic_output request_policy:all_shards "
		"response_policy:special",
		"What the server is and does",
		"has the lines that mean something here; commandstats, "
		"errorstats and latencystats are empty"),
	COMMAND("keys", cmd_keys, 2, CMD_READ | CMD_KEYSPACE | CMD_DANGEROUS, 0,
		0, 0, "", "generic", "1.0.0",
		"request_policy:all_shards nondeterministic_output_order",
		"The keys that match a pattern, in order", NULL),
	COMMAND("lcs", cmd_lcs, -3, CMD_READ, 1, 2, 1, "RO access", "string",
		"7.0.0", "", "The longest common subsequence of two values",
		NULL),
	CONTAINER("memory", -2, "server", "4.0.0", "Use of memory",
		  memory_commands, "doctor malloc-stats purge stats"),
	COMMAND("mget", cmd_mget, -2, CMD_READ | CMD_FAST, 1, -1, 1,
		"RO access", "string", "1.0.0", "request_policy:multi_shard",
		"Several values", NULL),
	COMMAND("mset", cmd_mset, -3, CMD_WRITE | CMD_GROWS, 1, -1, 2,
		"OW update", "string", "1.0.1",
		"request_policy:multi_shard response_policy:all_succeeded",
		"Set several values, as one atomic batch", NULL),
	COMMAND("msetnx", cmd_msetnx, -3, CMD_WRITE | CMD_GROWS, 1, -1, 2,
		"OW insert", "string", "1.0.1",
		"request_policy:multi_shard response_policy:agg_min",
		"Set several values if none of the keys exists", NULL),
	COMMAND("multi", cmd_multi, 1,
		CMD_NOSCRIPT | CMD_LOADING | CMD_STALE | CMD_FAST | CMD_BUSY |
			CMD_LOCAL | CMD_IN_MULTI,
		0, 0, 0, "", "transactions", "1.2.0", "",
		"Queue the commands that follow, until EXEC", NULL),
	CONTAINER("object", -2, "generic", "2.2.3", "How a value is kept",
		  object_commands, "freq idletime refcount"),
	COMMAND("persist", cmd_persist, 2, CMD_WRITE | CMD_FAST | CMD_KEYSPACE,
		1, 1, 1, "RW update", "generic", "2.2.0", "",
		"Let a key no longer expire", NULL),
	COMMAND("pexpire", cmd_pexpire, -3, CMD_WRITE | CMD_FAST | CMD_KEYSPACE,
		1, 1, 1, "RW update", "generic", "2.6.0", "",
		"Let a key expire in milliseconds", NULL),
	COMMAND("pexpireat", cmd_pexpireat, -3,
		CMD_WRITE | CMD_FAST | CMD_KEYSPACE, 1, 1, 1, "RW update",
		"generic", "2.6.0", "",
		"Let a key expire at a moment, in milliseconds since 1970",
		NULL),
	COMMAND("pexpiretime", cmd_pexpiretime, 2,
		CMD_READ | CMD_FAST | CMD_KEYSPACE, 1, 1, 1, "RO access",
		"generic", "7.0.0", "",
		"When a key expires, in milliseconds since 1970", NULL),
	COMMAND("ping", cmd_ping, -1, CMD_FAST | CMD_CONNECTION | CMD_LOCAL, 0,
		0, 0, "", "connection", "1.0.0",
		"request_policy:all_shards response_policy:all_succeeded",
		"Answer PONG, or with the argument", NULL),
	COMMAND("psetex", cmd_psetex, 4, CMD_WRITE | CMD_GROWS, 1, 1, 1,
		"OW update", "string", "2.6.0", "",
		"Set a value that expires in milliseconds", NULL),
	COMMAND("pttl", cmd_pttl, 2, CMD_READ | CMD_FAST | CMD_KEYSPACE, 1, 1,
		1, "RO access", "generic", "2.6.0", "nondeterministic_output",
		"Milliseconds that a key has to live", NULL),
	COMMAND("quit", cmd_quit, -1,
		CMD_NOSCRIPT | CMD_LOADING | CMD_STALE | CMD_FAST |
			CMD_NO_AUTH | CMD_BUSY | CMD_CONNECTION | CMD_LOCAL |
			CMD_IN_MULTI,
		0, 0, 0, "", "connection", "1.0.0", "",
		"Answer OK and close the connection", NULL),
	COMMAND("randomkey", cmd_randomkey, 1, CMD_READ | CMD_KEYSPACE, 0, 0, 0,
		"", "generic", "1.0.0",
		"request_policy:all_shards nondeterministic_output", "Any key",
		NULL),
	COMMAND("readonly", cmd_readonly, 1,
		CMD_LOADING | CMD_STALE | CMD_FAST | CMD_CONNECTION | CMD_LOCAL,
		0, 0, 0, "", "cluster", "3.0.0", "",
		"Let this node answer reads from what it knows",
		"an error where there is no cluster"),
	COMMAND("readwrite", cmd_readwrite, 1,
		CMD_LOADING | CMD_STALE | CMD_FAST | CMD_CONNECTION | CMD_LOCAL,
		0, 0, 0, "", "cluster", "3.0.0", "",
		"Have reads answered with what is true now",
		"an error where there is no cluster"),
	COMMAND("rename", cmd_rename, 3, CMD_WRITE | CMD_KEYSPACE, 1, 2, 1,
		"RW access delete|OW update", "generic", "1.0.0", "",
		"Give a key another name", NULL),
	COMMAND("renamenx", cmd_renamenx, 3,
		CMD_WRITE | CMD_FAST | CMD_KEYSPACE, 1, 2, 1,
		"RW access delete|OW insert", "generic", "1.0.0", "",
		"Give a key another name that is not taken", NULL),
	COMMAND("reset", cmd_reset, 1,
		CMD_NOSCRIPT | CMD_LOADING | CMD_STALE | CMD_FAST |
			CMD_NO_AUTH | CMD_BUSY | CMD_CONNECTION | CMD_LOCAL |
			CMD_IN_MULTI,
		0, 0, 0, "", "connection", "6.2.0", "",
		"Make the connection as if it were new", NULL),
	COMMAND("role", cmd_role, 1,
		CMD_NOSCRIPT | CMD_LOADING | CMD_STALE | CMD_FAST |
			CMD_DANGEROUS | CMD_CAT_ADMIN | CMD_LOCAL,
		0, 0, 0, "", "server", "2.8.12", "",
		"Whether this node leads, and who else there is",
		"the state of a replica is connected or connect"),
	COMMAND("scan", cmd_scan, -2, CMD_READ | CMD_KEYSPACE, 0, 0, 0, "",
		"generic", "2.8.0",
		"nondeterministic_output request_policy:special",
		"The keys in pages, in order",
		"a cursor that was not given out is an error"),
	COMMAND("select", cmd_select, 2,
		CMD_LOADING | CMD_STALE | CMD_FAST | CMD_CONNECTION | CMD_LOCAL,
		0, 0, 0, "", "connection", "1.0.0", "", "Choose a database",
		"there is only database 0"),
	COMMAND("set", cmd_set, -3, CMD_WRITE | CMD_GROWS, 1, 1, 1,
		"RW access update variable_flags", "string", "1.0.0", "",
		"Set a value", NULL),
	COMMAND("setex", cmd_setex, 4, CMD_WRITE | CMD_GROWS, 1, 1, 1,
		"OW update", "string", "2.0.0", "",
		"Set a value that expires in seconds", NULL),
	COMMAND("setnx", cmd_setnx, 3, CMD_WRITE | CMD_GROWS | CMD_FAST, 1, 1,
		1, "OW insert", "string", "1.0.0", "",
		"Set a value if the key does not exist", NULL),
	COMMAND("setrange", cmd_setrange, 4, CMD_WRITE | CMD_GROWS, 1, 1, 1,
		"RW update", "string", "2.2.0", "", "Overwrite part of a value",
		NULL),
	COMMAND("strlen", cmd_strlen, 2, CMD_READ | CMD_FAST, 1, 1, 1, "RO",
		"string", "2.2.0", "", "The length of a value", NULL),
	COMMAND("substr", cmd_getrange, 4, CMD_READ, 1, 1, 1, "RO access",
		"string", "1.0.0", "",
		"Part of a value: GETRANGE by its old name", NULL),
	COMMAND("time", cmd_time, 1,
		CMD_LOADING | CMD_STALE | CMD_FAST | CMD_LOCAL, 0, 0, 0, "",
		"server", "2.6.0", "nondeterministic_output",
		"The time of the server", NULL),
	COMMAND("touch", cmd_exists, -2, CMD_READ | CMD_FAST | CMD_KEYSPACE, 1,
		-1, 1, "RO", "generic", "3.2.1",
		"request_policy:multi_shard response_policy:agg_sum",
		"Count those of the keys that exist", NULL),
	COMMAND("ttl", cmd_ttl, 2, CMD_READ | CMD_FAST | CMD_KEYSPACE, 1, 1, 1,
		"RO access", "generic", "1.0.0", "nondeterministic_output",
		"Seconds that a key has to live", NULL),
	COMMAND("type", cmd_type, 2, CMD_READ | CMD_FAST | CMD_KEYSPACE, 1, 1,
		1, "RO", "generic", "1.0.0", "",
		"The kind of a value: string, or none", NULL),
	COMMAND("unlink", cmd_del, -2, CMD_WRITE | CMD_FAST | CMD_KEYSPACE, 1,
		-1, 1, "RM delete", "generic", "4.0.0",
		"request_policy:multi_shard response_policy:agg_sum",
		"Delete keys", NULL),
	COMMAND("unwatch", cmd_unwatch, 1,
		CMD_NOSCRIPT | CMD_LOADING | CMD_STALE | CMD_FAST | CMD_BUSY |
			CMD_LOCAL,
		0, 0, 0, "", "transactions", "2.2.0", "",
		"Watch no key any more", NULL),
	COMMAND("wait", cmd_wait, 3, CMD_NOSCRIPT | CMD_CONNECTION | CMD_LOCAL,
		0, 0, 0, "", "generic", "3.0.0",
		"request_policy:all_shards response_policy:agg_min",
		"Count the replicas that have the writes so far",
		"answers at once, as every reply has waited for the disk: 0, "
		"or in a cluster how many others have the writes, a majority "
		"less one at least"),
	COMMAND("watch", cmd_watch, -2,
		CMD_NOSCRIPT | CMD_LOADING | CMD_STALE | CMD_FAST | CMD_BUSY |
			CMD_IN_MULTI,
		1, -1, 1, "RO", "transactions", "2.2.0", "",
		"Make EXEC depend on keys being unchanged", NULL),
	LAST,
};

const struct absent_group absent_groups[] = {
	{"generic", "dump migrate move restore sort sort_ro"},
	{"bitmap", "bitcount bitfield bitfield_ro bitop bitpos getbit setbit"},
	{"hash", "hdel hexists hget hgetall hincrby hincrbyfloat hkeys hlen "
		 "hmget hmset hrandfield hscan hset hsetnx hstrlen hvals"},
	{"list", "blmove blmpop blpop brpop brpoplpush lindex linsert llen "
		 "lmove lmpop lpop lpos lpush lpushx lrange lrem lset ltrim "
		 "rpop rpoplpush rpush rpushx"},
	{"set", "sadd scard sdiff sdiffstore sinter sintercard sinterstore "
		"sismember smembers smismember smove spop srandmember srem "
		"sscan sunion sunionstore"},
	{"sorted_set",
	 "bzmpop bzpopmax bzpopmin zadd zcard zcount zdiff zdiffstore zincrby "
	 "zinter zintercard zinterstore zlexcount zmpop zmscore zpopmax "
	 "zpopmin zrandmember zrange zrangebylex zrangebyscore zrangestore "
	 "zrank zrem zremrangebylex zremrangebyrank zremrangebyscore zrevrange "
	 "zrevrangebylex zrevrangebyscore zrevrank zscan zscore zunion "
	 "zunionstore"},
	{"stream", "xack xadd xautoclaim xclaim xdel xgroup xinfo xlen "
		   "xpending xrange xread xreadgroup xrevrange xsetid xtrim"},
	{"geo",
	 "geoadd geodist geohash geopos georadius georadius_ro "
	 "georadiusbymember georadiusbymember_ro geosearch geosearchstore"},
	{"hyperloglog", "pfadd pfcount pfdebug pfmerge pfselftest"},
	{"pubsub", "psubscribe publish pubsub punsubscribe spublish ssubscribe "
		   "subscribe sunsubscribe unsubscribe"},
	{"scripting", "eval eval_ro evalsha evalsha_ro fcall fcall_ro script"},
	{"server",
	 "acl bgrewriteaof bgsave debug failover lastsave latency lolwut "
	 "module monitor psync replconf replicaof restore-asking save "
	 "shutdown slaveof slowlog swapdb sync"},
	{"cluster", "asking cluster"},
	{NULL, NULL},
};

/*
 * cmd_info.c - INFO: what the server is and does, in the sections and by the
 * names that Redis uses, as far as there is something to say. The JSON op
 * "info" says more about the store.
 */
#include "proto/resp_conn.h"

#include <sys/resource.h>
#include <sys/utsname.h>
#include <unistd.h>

struct info {
	struct buf *out;
	const struct resp_shared *shared;
	struct resp_server_facts facts;
	struct txn_stats store;
};

typedef unsigned long long ull;

static void line(struct info *i, const char *name, uint64_t value)
{
	buf_printf(i->out, "%s:%llu\r\n", name, (ull)value);
}

static void text(struct info *i, const char *name, const char *value)
{
	buf_printf(i->out, "%s:%s\r\n", name, value);
}

static void write_server(struct info *i)
{
	struct utsname os;

	text(i, "redis_version", REDIS_VERSION);
	text(i, "server_name", "kv-serve");
	text(i, "kv_version", KV_VERSION);
	text(i, "redis_mode", "standalone");
	if (uname(&os) == 0)
		buf_printf(i->out, "os:%s %s %s\r\n", os.sysname, os.release,
			   os.machine);
	line(i, "arch_bits", 8 * sizeof(void *));
	line(i, "process_id", (uint64_t)getpid());
	line(i, "tcp_port", i->facts.port);
	line(i, "uptime_in_seconds", i->facts.up_ms / 1000);
	line(i, "uptime_in_days", i->facts.up_ms / 1000 / 86400);
}

static void write_clients(struct info *i)
{
	line(i, "connected_clients", i->facts.clients);
	line(i, "maxclients", i->facts.clients_max);
	line(i, "blocked_clients", 0);
}

/* Resident memory, in bytes; 0 if the system does not say. */
static uint64_t resident(void)
{
	FILE *f = fopen("/proc/self/statm", "re");
	unsigned long size = 0, pages = 0;

	if (f == NULL)
		return 0;
	if (fscanf(f, "%20lu %20lu", &size, &pages) != 2)
		pages = 0;
	fclose(f);
	return (uint64_t)pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

static void write_memory(struct info *i)
{
	line(i, "used_memory", i->store.index_bytes + i->store.waiting_bytes);
	line(i, "used_memory_rss", resident());
	line(i, "used_memory_index", i->store.index_bytes);
	line(i, "maxmemory", 0);
	text(i, "maxmemory_policy", "noeviction");
	text(i, "mem_allocator", "libc");
}

static void write_persistence(struct info *i)
{
	line(i, "loading", 0);
	line(i, "async_loading", 0);
	line(i, "rdb_changes_since_last_save", 0);
	line(i, "rdb_bgsave_in_progress", 0);
	text(i, "rdb_last_bgsave_status", "ok");
	line(i, "aof_enabled", 1);
	line(i, "aof_rewrite_in_progress", 0);
	text(i, "aof_last_bgrewrite_status", "ok");
	text(i, "aof_last_write_status",
	     i->store.read_only_reason == NULL ? "ok" : "err");
	if (i->store.read_only_reason != NULL)
		text(i, "read_only_reason", i->store.read_only_reason);
	line(i, "aof_current_size", i->store.used_bytes);
	line(i, "live_bytes", i->store.live_bytes);
	line(i, "not_yet_synced_bytes", i->store.waiting_bytes);
	line(i, "syncs", i->store.syncs);
	line(i, "sync_failures", i->store.sync_failures);
}

static void write_stats(struct info *i)
{
	line(i, "total_connections_received", i->facts.accepted);
	line(i, "total_commands_processed", i->shared->counts.calls);
	line(i, "rejected_connections", i->facts.refused);
	line(i, "expired_keys", i->store.expired_keys);
	line(i, "evicted_keys", 0);
	line(i, "keyspace_hits", i->shared->counts.hits);
	line(i, "keyspace_misses", i->shared->counts.misses);
	line(i, "pubsub_channels", 0);
	line(i, "pubsub_patterns", 0);
	line(i, "total_error_replies", i->shared->counts.errors);
	line(i, "written_bytes", i->store.written_bytes);
}

struct slice resp_address_host(const char *address)
{
	const char *colon = strrchr(address, ':');
	size_t len = colon != NULL ? (size_t)(colon - address) : 0;

	if (len > 2 && address[0] == '[')
		return slice_of(address + 1, len - 2);
	return slice_of(address, len);
}

static void write_replica(struct info *i, unsigned n, uint64_t offset)
{
	const struct resp_cluster_facts *f = &i->facts.cluster;
	struct slice host = resp_address_host(f->others[n].address);

	buf_printf(i->out,
		   "slave%u:ip=%.*s,port=%s,state=%s,offset=%llu,lag=%llu\r\n",
		   n, (int)host.len, host.data,
		   strrchr(f->others[n].address, ':') + 1,
		   f->others[n].online ? "online" : "offline",
		   (ull)f->others[n].offset,
		   (ull)(offset > f->others[n].offset
				 ? offset - f->others[n].offset
				 : 0));
}

static void write_slave(struct info *i)
{
	const struct resp_cluster_facts *f = &i->facts.cluster;
	struct slice host = resp_address_host(f->leader);
	const char *port = strrchr(f->leader, ':');

	text(i, "role", "slave");
	buf_printf(i->out, "master_host:%.*s\r\n", (int)host.len, host.data);
	text(i, "master_port", port != NULL ? port + 1 : "0");
	text(i, "master_link_status", f->linked ? "up" : "down");
	line(i, "slave_repl_offset", f->offset);
	line(i, "slave_read_only", 0); /* it hands writes on */
	line(i, "connected_slaves", 0);
	line(i, "master_repl_offset", f->offset);
}

static void write_replication(struct info *i)
{
	const struct resp_cluster_facts *f = &i->facts.cluster;
	uint64_t offset = f->clustered ? f->offset : i->store.version;

	if (f->clustered && !f->leads) {
		write_slave(i);
		return;
	}
	text(i, "role", "master");
	line(i, "connected_slaves", f->nothers);
	for (unsigned n = 0; n < f->nothers; n++)
		write_replica(i, n, offset);
	line(i, "master_repl_offset", offset);
}

static void write_time(struct info *i, const char *name, struct timeval t)
{
	buf_printf(i->out, "%s:%ld.%06ld\r\n", name, (long)t.tv_sec,
		   (long)t.tv_usec);
}

static void write_cpu(struct info *i)
{
	struct rusage use;

	if (getrusage(RUSAGE_SELF, &use) != 0)
		return;
	write_time(i, "used_cpu_sys", use.ru_stime);
	write_time(i, "used_cpu_user", use.ru_utime);
}

static void write_nothing(struct info *i)
{
	(void)i;
}

static void write_cluster(struct info *i)
{
	line(i, "cluster_enabled", 0);
}

static void write_keyspace(struct info *i)
{
	if (i->store.keys != 0)
		buf_printf(i->out, "db0:keys=%llu,expires=%llu,avg_ttl=0\r\n",
			   (ull)i->store.keys, (ull)i->store.keys_with_ttl);
}

static const struct section {
	const char *name, *title;
	void (*write)(struct info *i);
	bool by_default;
} sections[] = {
	{"server", "Server", write_server, true},
	{"clients", "Clients", write_clients, true},
	{"memory", "Memory", write_memory, true},
	{"persistence", "Persistence", write_persistence, true},
	{"stats", "Stats", write_stats, true},
	{"replication", "Replication", write_replication, true},
	{"cpu", "CPU", write_cpu, true},
	{"modules", "Modules", write_nothing, true},
	{"commandstats", "Commandstats", write_nothing, false},
	{"errorstats", "Errorstats", write_nothing, true},
	{"latencystats", "Latencystats", write_nothing, false},
	{"cluster", "Cluster", write_cluster, true},
	{"keyspace", "Keyspace", write_keyspace, true},
};

static bool is_asked(const struct call *c, const struct section *s)
{
	if (c->argc == 1)
		return s->by_default;
	for (size_t i = 1; i < c->argc; i++) {
		if (word_is(c->argv[i], s->name) ||
		    word_is(c->argv[i], "all") ||
		    word_is(c->argv[i], "everything"))
			return true;
		if (s->by_default && word_is(c->argv[i], "default"))
			return true;
	}
	return false;
}

void cmd_info(struct call *c)
{
	struct buf all = {0};
	struct info i = {.out = &all, .shared = c->conn->shared};

	txn_stats(c->txn, &i.store);
	if (i.shared->host_ops != NULL)
		i.shared->host_ops->facts(i.shared->host, &i.facts);
	for (size_t n = 0; n < sizeof(sections) / sizeof(*sections); n++) {
		if (!is_asked(c, &sections[n]))
			continue;
		if (all.len != 0)
			buf_append(&all, "\r\n", 2);
		buf_printf(&all, "# %s\r\n", sections[n].title);
		sections[n].write(&i);
	}
	resp_text(c->out, buf_slice(&all), c->resp3);
	c->out->failed |= buf_failed(&all);
	buf_release(&all);
}

/*
 * call.c - what command functions share; see command.h. The errors are worded
 * as Redis words them, for clients compare the text.
 */
#include "proto/command.h"

#include "proto/resp_conn.h"
#include "proto/resp_number.h"

#include <ctype.h>

bool word_is(struct slice word, const char *text)
{
	for (size_t i = 0; i < word.len; i++, text++)
		if (*text == '\0' ||
		    tolower((unsigned char)word.data[i]) != *text)
			return false;
	return *text == '\0';
}

void call_ok(struct call *c)
{
	buf_append(c->out, "+OK\r\n", 5);
}

void call_syntax_error(struct call *c)
{
	resp_error(c->out, "ERR syntax error");
}

void call_arity_error(struct call *c)
{
	resp_error(c->out, "ERR wrong number of arguments for '%s' command",
		   c->command->name);
}

void call_fail(struct call *c, int code)
{
	c->failed = code;
}

bool call_get(struct call *c, struct slice key, struct item *item)
{
	bool found = txn_get(c->txn, key, item);

	if (found)
		c->conn->shared->counts.hits++;
	else
		c->conn->shared->counts.misses++;
	return found;
}

bool call_has_room(const struct call *c, size_t mark)
{
	return c->out->len - mark < CALL_REPLY_MAX;
}

bool call_check(struct call *c, struct slice key, struct slice value)
{
	int r = txn_check(key, value);

	if (r != 0)
		call_fail(c, r);
	return r == 0;
}

bool call_set(struct call *c, struct slice key, struct slice value,
	      uint64_t expires_ms)
{
	int r = txn_set(c->txn, key, value, expires_ms);

	if (r != 0)
		call_fail(c, r);
	return r == 0;
}

bool call_delete(struct call *c, struct slice key)
{
	int r = txn_delete(c->txn, key);

	if (r != 0)
		call_fail(c, r);
	return r == 0;
}

void *call_alloc(struct call *c, size_t size)
{
	void *p = txn_alloc(c->txn, size);

	if (p == NULL)
		call_fail(c, err_set(KV_ENOMEM, "no memory for a transaction"));
	return p;
}

bool call_int(struct call *c, size_t i, int64_t *value)
{
	if (resp_parse_int(c->argv[i], value))
		return true;
	resp_error(c->out, "ERR value is not an integer or out of range");
	return false;
}

void call_cluster(const struct call *c, struct resp_cluster_facts *cluster)
{
	const struct resp_shared *shared = c->conn->shared;
	struct resp_server_facts facts = {0};

	if (shared->host_ops != NULL)
		shared->host_ops->facts(shared->host, &facts);
	*cluster = facts.cluster;
}

bool call_check_length(struct call *c, uint64_t len)
{
	if (len <= KV_VALUE_MAX)
		return true;
	resp_error(c->out, "ERR string exceeds maximum allowed size "
			   "(proto-max-bulk-len)");
	return false;
}

/*
 * resp.c - a connection that speaks RESP: from its bytes to commands that run;
 * see resp.h.
 */
#include "proto/resp_conn.h"

#include <ctype.h>
#include <stdlib.h>
#include <strings.h>

/* Replies to several reads at once: about so many bytes. */
#define RUN_REPLY_MAX ((size_t)64 << 10)

struct resp_shared *resp_shared_new(void)
{
	struct resp_shared *shared = calloc(1, sizeof(*shared));

	if (shared == NULL)
		return NULL;
	shared->first = shared;
	shared->lookup = command_lookup_new();
	shared->cursors = scan_cursors_new();
	if (shared->lookup == NULL || shared->cursors == NULL) {
		resp_shared_free(shared);
		return NULL;
	}
	return shared;
}

void resp_shared_free(struct resp_shared *shared)
{
	if (shared == NULL)
		return;
	command_lookup_free(shared->lookup);
	if (shared->first == shared)
		scan_cursors_free(shared->cursors);
	buf_release(&shared->reply);
	free(shared);
}

void resp_shared_set_clustered(struct resp_shared *shared, bool on)
{
	shared->clustered = on;
}

void resp_shared_set_host(struct resp_shared *shared,
			  const struct resp_host_ops *ops, void *host)
{
	shared->host_ops = ops;
	shared->host = host;
}

void resp_shared_join(struct resp_shared *shared, struct resp_shared *first)
{
	scan_cursors_free(shared->cursors);
	shared->cursors = first->cursors;
	shared->first = first;
	shared->next = first->next;
	first->next = shared;
}

struct resp_counts resp_counts_sum(const struct resp_shared *shared)
{
	struct resp_counts sum = {0};

	for (shared = shared->first; shared != NULL; shared = shared->next) {
		sum.calls += shared->counts.calls;
		sum.errors += shared->counts.errors;
		sum.hits += shared->counts.hits;
		sum.misses += shared->counts.misses;
	}
	return sum;
}

void resp_counts_reset(struct resp_shared *shared)
{
	for (shared = shared->first; shared != NULL; shared = shared->next)
		shared->counts = (struct resp_counts){0};
}

static int run_request(struct txn_call *base, struct txn *t, struct buf *out);

struct resp_conn *resp_open(struct resp_shared *shared, uint64_t id)
{
	struct resp_conn *conn = calloc(1, sizeof(*conn));

	if (conn == NULL)
		return NULL;
	conn->shared = shared;
	conn->id = id;
	conn->request.base.run = run_request;
	conn->request.base.encode = resp_encode;
	return conn;
}

void resp_close(struct resp_conn *conn)
{
	if (conn == NULL)
		return;
	resp_pause(conn);
	multi_discard(conn);
	watch_forget(conn);
	resp_parser_release(&conn->parser);
	free(conn->name);
	free(conn->lib_name);
	free(conn->lib_version);
	free(conn);
}

bool resp_sniff(struct slice head)
{
	unsigned char c = (unsigned char)head.data[0];

	return c == '*' || c == '$' || isalpha(c) || c < ' ';
}

/* ---- running ---- */

void resp_run(struct call *c)
{
	struct resp_shared *shared = c->conn->shared;
	size_t mark = c->out->len;

	shared->counts.calls++;
	c->command->run(c);
	if (c->failed == KV_ETOOBIG || c->failed == KV_EUSAGE) {
		/* A key or value was refused; nothing has changed by it. */
		c->failed = 0;
		c->out->len = mark;
		resp_error(c->out, "ERR %s", err_text());
	}
	if (c->out->len > mark && c->out->data[mark] == '-')
		shared->counts.errors++;
}

/* The reads behind the first, until the replies have RUN_REPLY_MAX bytes. */
static void run_others(struct resp_request *request, size_t start)
{
	struct call *c = &request->call;
	struct ahead *a = &c->conn->shared->ahead;
	const struct ahead_command *next = &a->list[a->next - request->count];
	struct buf *out = c->out;

	while (request->ran < request->count &&
	       out->len - start < RUN_REPLY_MAX) {
		size_t mark = out->len;

		next++;
		c->command = next->command;
		c->argv = next->words;
		c->argc = next->nwords;
		resp_run(c);
		if (c->failed != 0) { /* it shall fail by itself */
			c->failed = 0;
			out->len = mark;
			break;
		}
		request->ran++;
	}
	c->conn->last = c->command;
}

static int run_request(struct txn_call *base, struct txn *t, struct buf *out)
{
	struct resp_request *request = (struct resp_request *)base;
	struct call *c = &request->call;
	size_t mark = out->len;

	c->txn = t;
	c->out = out;
	c->failed = 0;
	resp_run(c);
	request->ran = 1;
	if (request->silent)
		out->len = mark;
	else if (request->count > 1 && c->failed == 0)
		run_others(request, mark);
	return c->failed;
}

size_t resp_take_back(struct resp_conn *conn, unsigned *count)
{
	struct resp_request *request = &conn->request;
	struct ahead *a = &conn->shared->ahead;
	size_t bytes = 0;

	for (; request->ran < request->count; request->count--) {
		bytes += a->list[--a->next].used;
		--*count;
	}
	/* Without anything read ahead there is no place to go back from. */
	if (bytes != 0)
		a->at -= bytes;
	return bytes;
}

void resp_write_error(struct buf *out, int code, const char *message,
		      struct slice tag)
{
	if (resp_tag_is_silent(tag))
		return;
	switch (code) {
	case KV_EREADONLY:
	case KV_EIO:
	case KV_EFULL:
	case KV_EDAMAGED:
		/* How Redis says that its log cannot be written. */
		resp_error(out, "MISCONF Errors writing to the AOF file: %s",
			   message);
		break;
	case KV_ENOMEM:
		resp_error(out,
			   "OOM command not allowed when used memory > "
			   "'maxmemory'. %s",
			   message);
		break;
	case KV_EUNAVAILABLE:
		resp_error(out, "CLUSTERDOWN %s", message);
		break;
	case KV_EUNKNOWN:
		resp_error(out, "UNKNOWN %s", message);
		break;
	case KV_EPERM:
		resp_error(out, "NOPERM %s", message);
		break;
	default:
		resp_error(out, "ERR %s", message);
	}
}

/* ---- what comes in ---- */

static bool begins_with(struct slice s, const char *text)
{
	size_t len = strlen(text);

	return s.len >= len && strncasecmp(s.data, text, len) == 0;
}

/* A page in a browser can make it send a request with a chosen body to any
 * local port; the lines in front of the body give it away. */
static bool looks_like_http(const struct resp_conn *conn, struct slice input)
{
	if (begins_with(input, "POST ") || begins_with(input, "Host:"))
		return true;
	return !conn->greeted && begins_with(input, "GET /");
}

static void unknown_command(struct call *c)
{
	char args[160];
	size_t at = 0;

	args[0] = '\0';
	for (size_t i = 1; i < c->argc && at < 128; i++)
		at += (size_t)snprintf(args + at, sizeof(args) - at, "'%.*s' ",
				       (int)(c->argv[i].len < 128 - at
						     ? c->argv[i].len
						     : 128 - at),
				       c->argv[i].data);
	resp_error(c->out,
		   "ERR unknown command '%.*s', with args beginning with: %s",
		   (int)(c->argv[0].len < 128 ? c->argv[0].len : 128),
		   c->argv[0].data, args);
}

static void unknown_subcommand(struct call *c, const struct command *command)
{
	char name[32];
	size_t i;

	for (i = 0; command->name[i] != '\0' && i + 1 < sizeof(name); i++)
		name[i] = (char)toupper((unsigned char)command->name[i]);
	name[i] = '\0';
	resp_error(c->out, "ERR unknown subcommand '%.*s'. Try %s HELP.",
		   (int)(c->argv[1].len < 128 ? c->argv[1].len : 128),
		   c->argv[1].data, name);
}

/* Finds the subcommand, if there are such; false: there is no such command, or
 * it does not take so many words, and the error has been written. */
static bool check_command(struct call *c)
{
	const struct command *command = c->command;

	if (command == NULL) {
		unknown_command(c);
		return false;
	}
	if (command->subcommands != NULL && c->argc > 1) {
		c->command = command_find_sub(command, c->argv[1]);
		if (c->command == NULL) {
			unknown_subcommand(c, command);
			return false;
		}
	}
	if (command_takes(c->command, c->argc) && c->command->run != NULL)
		return true;
	if (c->command->run == cmd_exec)
		multi_refuse_exec(c);
	else
		call_arity_error(c);
	return false;
}

static enum resp_next local_reply(struct resp_conn *conn,
				  struct resp_feed *feed)
{
	bool silent = conn->replies_off || conn->request.silent;

	feed->reply = buf_slice(&conn->shared->reply);
	if (silent)
		feed->reply.len = 0;
	if (conn->closing)
		return RESP_LAST;
	return feed->reply.len != 0 ? RESP_REPLY : RESP_NOTHING;
}

/* The words are there: does what they say, or has it done. */
enum resp_next resp_dispatch(struct resp_conn *conn, struct resp_feed *feed,
			     const struct command *command,
			     const struct slice *words, size_t nwords)
{
	struct resp_request *request = &conn->request;
	struct call *c = &request->call;

	*c = (struct call){
		.out = &conn->shared->reply,
		.command = command,
		.argv = words,
		.argc = nwords,
		.conn = conn,
		.resp3 = conn->resp3,
	};
	buf_clear(c->out);
	request->silent = conn->skip_reply;
	request->count = 1;
	conn->skip_reply = false;
	if (!check_command(c)) {
		conn->shared->counts.errors++;
		conn->spoilt = conn->spoilt || conn->multi;
		return local_reply(conn, feed);
	}
	conn->last = c->command;
	if (conn->multi && !(c->command->flags & CMD_IN_MULTI)) {
		multi_queue(c);
		return local_reply(conn, feed);
	}
	if (c->command->flags & CMD_LOCAL) {
		resp_run(c);
		return local_reply(conn, feed);
	}
	request->silent = request->silent || conn->replies_off;
	request->base.protocol = conn->resp3 ? 3 : 2;
	request->base.reads_only = c->command->flags & CMD_READ;
	request->base.local = false;
	if (!(c->command->flags & (CMD_READ | CMD_WRITE)))
		resp_classify(request);
	feed->stale_ok = conn->readonly && request->base.reads_only;
	feed->call = &request->base;
	feed->count = 1;
	feed->tag = resp_tag(request);
	return RESP_CALL;
}

static enum resp_next protocol_error(struct resp_conn *conn,
				     struct resp_feed *feed)
{
	struct buf *out = &conn->shared->reply;

	buf_clear(out);
	resp_error(out, "ERR %s", conn->shared->error);
	feed->reply = buf_slice(out);
	conn->closing = true;
	return RESP_LAST;
}

/* Notes the keys of a command, which the store will be told of. */
static size_t note_keys(struct ahead *a, size_t n,
			const struct ahead_command *c)
{
	size_t first, last, step;

	if (!command_keys(c->command, c->nwords, &first, &last, &step))
		return n;
	for (; first <= last && n < AHEAD_KEYS; first += step)
		if (c->words[first].len - 1 < KV_KEY_MAX)
			a->keys[n++] = c->words[first];
	return n;
}

/* Reads the commands at the front of the input that are whole, up to a bound.
 */
static void look_ahead(struct resp_conn *conn, struct resp_feed *feed)
{
	const struct command_lookup *lookup = conn->shared->lookup;
	struct ahead *a = &conn->shared->ahead;
	struct ahead_command *c = a->list, *end = c + AHEAD_COMMANDS;
	struct slice rest = feed->input, *words = a->words;
	size_t room = AHEAD_WORDS, nkeys = 0;
	unsigned flags = 0;

	for (; c < end && rest.len != 0; c++) {
		c->used = resp_parse_whole(rest, feed->max, words, room,
					   &c->nwords);
		if (c->used == 0)
			break;
		c->words = words;
		c->command = command_find(lookup, words[0]);
		if (c->command != NULL) {
			nkeys = note_keys(a, nkeys, c);
			flags |= c->command->flags;
		}
		words += c->nwords;
		room -= c->nwords;
		rest.data += c->used;
		rest.len -= c->used;
	}
	a->conn = conn;
	a->at = feed->input.data;
	a->next = 0;
	a->n = (unsigned)(c - a->list);
	if (nkeys > 1) {
		feed->hints = a->keys;
		feed->nhints = nkeys;
		feed->hint_values = flags & CMD_READ;
	}
}

void resp_pause(struct resp_conn *conn)
{
	struct ahead *a = &conn->shared->ahead;

	if (a->conn == conn)
		a->conn = NULL;
}

/* A read that takes little time and cannot go wrong before it runs. */
static bool is_quick_read(const struct ahead_command *c)
{
	const unsigned wanted = CMD_READ | CMD_FAST;

	return c->command != NULL &&
	       (c->command->flags & (wanted | CMD_WRITE | CMD_LOCAL)) ==
		       wanted &&
	       command_takes(c->command, c->nwords);
}

/* The call under way is for the command before a->next: takes those into it
 * that follow, as long as they are quick reads as well. */
static void join_reads(struct resp_conn *conn, struct resp_feed *feed)
{
	struct ahead *a = &conn->shared->ahead;
	const struct ahead_command *c = &a->list[a->next - 1];

	if (conn->request.silent || !is_quick_read(c))
		return;
	while (a->next < a->n && is_quick_read(++c)) {
		a->next++;
		a->at += c->used;
		feed->used += c->used;
		feed->count++;
	}
	conn->request.count = feed->count;
}

/* The next command that was read ahead; false: there is none. */
static bool take_ahead(struct resp_conn *conn, struct resp_feed *feed,
		       enum resp_next *next)
{
	struct ahead *a = &conn->shared->ahead;
	const struct ahead_command *c;

	if (a->conn != conn || a->next == a->n || a->at != feed->input.data)
		look_ahead(conn, feed);
	if (a->next == a->n)
		return false;
	c = &a->list[a->next++];
	a->at += c->used;
	feed->used = c->used;
	*next = resp_dispatch(conn, feed, c->command, c->words, c->nwords);
	if (*next == RESP_CALL && feed->runs)
		join_reads(conn, feed);
	return true;
}

/* A command that is not all there, or a line, or something wrong. */
static enum resp_next feed_slowly(struct resp_conn *conn,
				  struct resp_feed *feed)
{
	struct resp_parser *p = &conn->parser;

	switch (resp_parse(p, feed->input, feed->max, &feed->used,
			   conn->shared->error)) {
	case RESP_PARSE_MORE:
		return RESP_MORE;
	case RESP_PARSE_COMMAND:
		if (p->nwords == 0)
			return RESP_NOTHING;
		conn->greeted = true;
		return resp_dispatch(
			conn, feed,
			command_find(conn->shared->lookup, p->words[0]),
			p->words, p->nwords);
	case RESP_PARSE_ERROR:
		break;
	case RESP_PARSE_NOMEM:
		snprintf(conn->shared->error, ERR_TEXT_MAX, "out of memory");
		break;
	}
	return protocol_error(conn, feed);
}

enum resp_next resp_feed(struct resp_conn *conn, struct resp_feed *feed)
{
	enum resp_next next;

	if (conn->asked)
		return RESP_WAIT;
	if (feed->input.data[0] == '*' && conn->parser.left == 0) {
		conn->greeted = true;
		if (take_ahead(conn, feed, &next))
			return next;
	} else if (feed->input.data[0] != '*' &&
		   looks_like_http(conn, feed->input)) {
		return RESP_CLOSE;
	}
	return feed_slowly(conn, feed);
}

bool resp_settle(struct resp_conn *conn)
{
	if (conn->nqueued != 0 && !conn->multi)
		multi_discard(conn);
	return conn->closing;
}

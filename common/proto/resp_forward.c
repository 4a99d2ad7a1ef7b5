/*
 * resp_forward.c - calls on their way to the node that runs them, and there;
 * see resp.h.
 *
 * Most commands travel as they came. Two need more than their words: EXEC takes
 * along what was queued and watched, and WATCH has to come back with versions.
 * They travel under names that no client can use, for only this file knows
 * them:
 *
 *	KV.WATCH key...				answered with a version each
 *	KV.EXEC n {key version} * n {words command...}...
 */
#include "proto/resp_conn.h"
#include "proto/resp_number.h"

#include <stdlib.h>

#define WATCH_WORD "KV.WATCH"
#define EXEC_WORD "KV.EXEC"

/* Tags: a letter each for what is to be known of a request when its reply is
 * there. */
#define TAG_SILENT 's'
#define TAG_WATCH 'w'
#define TAG_EXEC 'x'

static bool has_tag(struct slice tag, char letter)
{
	return tag.len != 0 && memchr(tag.data, letter, tag.len) != NULL;
}

bool resp_tag_is_silent(struct slice tag)
{
	return has_tag(tag, TAG_SILENT);
}

struct slice resp_tag(const struct resp_request *request)
{
	command_fn *run = request->call.command->run;
	size_t silent = request->silent;

	if (run == cmd_watch)
		return slice_of("ws", 1 + silent);
	if (run == cmd_exec)
		return slice_of("xs", 1 + silent);
	return slice_of("s", silent);
}

void resp_classify(struct resp_request *request)
{
	const struct call *c = &request->call;
	const struct resp_conn *conn = c->conn;

	if (c->command->run == cmd_watch) {
		request->base.reads_only = true;
		request->base.local = conn->multi; /* an error */
	} else if (c->command->run == cmd_exec) {
		request->base.reads_only = !conn->queue_writes;
		request->base.local = !conn->multi || conn->spoilt;
	} else {
		/* INFO and its like */
		request->base.reads_only = request->base.local = true;
	}
}

/* ---- out ---- */

static void write_number(struct buf *out, uint64_t n)
{
	char text[RESP_INT_MAX];
	int len = snprintf(text, sizeof(text), "%llu", (unsigned long long)n);

	resp_bulk(out, slice_of(text, (size_t)len));
}

static void write_words(struct buf *out, const struct slice *words, size_t n)
{
	for (size_t i = 0; i < n; i++)
		resp_bulk(out, words[i]);
}

static void encode_exec(struct resp_conn *conn, struct buf *out)
{
	size_t words = 2 + 2 * conn->nwatched;

	for (size_t i = 0; i < conn->nqueued; i++)
		words += 1 + conn->queue[i]->argc;
	resp_array(out, words);
	resp_bulk_str(out, EXEC_WORD);
	write_number(out, conn->nwatched);
	for (size_t i = 0; i < conn->nwatched; i++) {
		resp_bulk(out, conn->watched[i].key);
		write_number(out, conn->watched[i].version);
	}
	for (size_t i = 0; i < conn->nqueued; i++) {
		write_number(out, conn->queue[i]->argc);
		write_words(out, conn->queue[i]->argv, conn->queue[i]->argc);
	}
	multi_discard(conn);
	watch_forget(conn);
}

/* The versions are not known yet: nothing has this one. */
#define VERSION_ASKED UINT64_MAX

static int encode_watch(const struct call *c, struct buf *out)
{
	struct resp_conn *conn = c->conn;

	conn->asked = true;
	conn->nasked = 0;
	for (size_t i = 1; i < c->argc; i++) {
		if (watch_has(conn, c->argv[i]))
			continue;
		if (!watch_add(conn, c->argv[i], VERSION_ASKED))
			return err_set(KV_ENOMEM, "no memory to watch");
		conn->nasked++;
	}
	resp_array(out, 1 + conn->nasked);
	resp_bulk_str(out, WATCH_WORD);
	for (size_t i = conn->nwatched - conn->nasked; i < conn->nwatched; i++)
		resp_bulk(out, conn->watched[i].key);
	return 0;
}

int resp_encode(const struct txn_call *base, struct buf *out)
{
	const struct call *c = &((const struct resp_request *)base)->call;
	int r = 0;

	if (c->command->run == cmd_exec) {
		encode_exec(c->conn, out);
	} else if (c->command->run == cmd_watch) {
		r = encode_watch(c, out);
	} else {
		resp_array(out, c->argc);
		write_words(out, c->argv, c->argc);
	}
	if (r == 0 && buf_failed(out))
		r = err_set(KV_ENOMEM, "no memory to forward a command");
	return r;
}

/* ---- and back ---- */

/* Takes ":number\r\n". */
static bool take_version(struct slice *text, uint64_t *version)
{
	const char *end = text->len != 0 && text->data[0] == ':'
				  ? memchr(text->data, '\r', text->len)
				  : NULL;
	int64_t number;

	if (end == NULL ||
	    !resp_parse_int(
		    slice_of(text->data + 1, (size_t)(end - text->data) - 1),
		    &number) ||
	    number < 0)
		return false;
	*version = (uint64_t)number;
	end += 2;
	if (end > text->data + text->len)
		return false;
	text->len -= (size_t)(end - text->data);
	text->data = end;
	return true;
}

static struct slice watch_arrived(struct resp_conn *conn, int code,
				  struct slice encoded)
{
	struct slice text = encoded;
	size_t at = conn->nwatched - conn->nasked;
	bool all = code == 0;

	for (; all && at < conn->nwatched; at++)
		all = take_version(&text, &conn->watched[at].version);
	if (!all)
		watch_drop(conn, conn->nasked);
	conn->asked = false;
	conn->nasked = 0;
	if (all)
		return slice_str("+OK\r\n");
	if (encoded.len != 0 && encoded.data[0] == '-')
		return encoded;
	return slice_str("-ERR the keys could not be watched\r\n");
}

struct slice resp_arrived(struct resp_conn *conn, int code,
			  struct slice encoded, struct slice tag)
{
	if (has_tag(tag, TAG_WATCH) && conn->asked)
		return watch_arrived(conn, code, encoded);
	/* It failed before it could even begin. */
	if (has_tag(tag, TAG_EXEC) && code != 0 && conn->multi &&
	    !conn->asked) {
		multi_discard(conn);
		watch_forget(conn);
	}
	return encoded;
}

/* ---- at the node that runs them ---- */

struct resp_conn *resp_open_forwarded(struct resp_shared *shared, uint64_t id,
				      unsigned version)
{
	struct resp_conn *conn = resp_open(shared, id);

	if (conn != NULL)
		conn->resp3 = version == 3;
	return conn;
}

static void run_watch(struct call *c)
{
	struct item item;

	for (size_t i = 1; i < c->argc; i++)
		resp_integer(c->out, txn_get(c->txn, c->argv[i], &item)
					     ? (int64_t)item.version
					     : 0);
}

static const struct command forwarded_watch = {
	.name = "watch",
	.run = run_watch,
	.arity = -1,
	.flags = CMD_READ,
};

/* The next word as a number of at most `max`. */
static bool take_number(struct resp_parser *p, size_t *at, uint64_t max,
			uint64_t *number)
{
	int64_t value;

	if (*at == p->nwords || !resp_parse_int(p->words[(*at)++], &value) ||
	    value < 0 || (uint64_t)value > max)
		return false;
	*number = (uint64_t)value;
	return true;
}

static bool take_watched(struct resp_conn *conn, size_t *at)
{
	struct resp_parser *p = &conn->parser;
	uint64_t n, version;

	if (!take_number(p, at, p->nwords / 2, &n))
		return false;
	for (; n != 0; n--) {
		size_t key = (*at)++;

		if (key >= p->nwords ||
		    !take_number(p, at, INT64_MAX, &version) ||
		    !watch_add(conn, p->words[key], version))
			return false;
	}
	return true;
}

/* One command of a transaction. */
static bool take_queued(struct resp_conn *conn, size_t *at)
{
	struct resp_parser *p = &conn->parser;
	struct call c = {.out = &conn->shared->reply, .conn = conn};
	uint64_t argc;

	if (!take_number(p, at, p->nwords - *at - 1, &argc) || argc == 0)
		return false;
	c.argv = p->words + *at;
	c.argc = (size_t)argc;
	*at += c.argc;
	c.command = command_find(conn->shared->lookup, c.argv[0]);
	if (c.command != NULL && c.command->subcommands != NULL && argc > 1)
		c.command = command_find_sub(c.command, c.argv[1]);
	if (c.command == NULL || c.command->run == NULL ||
	    !command_takes(c.command, c.argc) ||
	    c.command->flags & CMD_IN_MULTI)
		return false;
	multi_queue(&c);
	return !conn->spoilt;
}

/* Makes the connection as it was on the other side, before its EXEC. */
static enum resp_next begin_exec(struct resp_conn *conn, struct resp_feed *feed)
{
	static const struct slice exec = {"EXEC", 4};
	struct resp_parser *p = &conn->parser;
	size_t at = 1;
	bool whole;

	conn->multi = true;
	whole = take_watched(conn, &at);
	while (whole && at < p->nwords)
		whole = take_queued(conn, &at);
	if (whole)
		return resp_dispatch(conn, feed,
				     command_find(conn->shared->lookup, exec),
				     &exec, 1);
	multi_discard(conn);
	watch_forget(conn);
	return RESP_CLOSE;
}

enum resp_next resp_feed_forwarded(struct resp_conn *conn,
				   struct resp_feed *feed)
{
	struct resp_parser *p = &conn->parser;

	multi_discard(conn);
	watch_forget(conn);
	if (feed->input.len == 0 || feed->input.data[0] != '*' ||
	    resp_parse(p, feed->input, feed->max, &feed->used,
		       conn->shared->error) != RESP_PARSE_COMMAND ||
	    feed->used != feed->input.len || p->nwords == 0) {
		/* Half a command leaves a parser that waits for the rest. */
		resp_parser_release(p);
		*p = (struct resp_parser){0};
		return RESP_CLOSE;
	}
	if (slice_eq(p->words[0], slice_str(EXEC_WORD)))
		return begin_exec(conn, feed);
	if (slice_eq(p->words[0], slice_str(WATCH_WORD)))
		return resp_dispatch(conn, feed, &forwarded_watch, p->words,
				     p->nwords);
	return resp_dispatch(conn, feed,
			     command_find(conn->shared->lookup, p->words[0]),
			     p->words, p->nwords);
}

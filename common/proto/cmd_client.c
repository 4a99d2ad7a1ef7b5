/*
 * cmd_client.c - CLIENT: connections, one's own and those of others.
 */
#include "proto/resp_conn.h"
#include "proto/resp_number.h"

#include <stdlib.h>

void cmd_client_id(struct call *c)
{
	resp_integer(c->out, (int64_t)c->conn->id);
}

void cmd_client_getname(struct call *c)
{
	if (c->conn->name != NULL)
		resp_bulk_str(c->out, c->conn->name);
	else
		call_null(c);
}

/* Names appear in lists that are parsed by blanks and line ends. */
static bool is_plain(struct slice text)
{
	for (size_t i = 0; i < text.len; i++)
		if (text.data[i] < '!' || text.data[i] > '~')
			return false;
	return true;
}

bool client_name_is_valid(struct call *c, struct slice name)
{
	if (is_plain(name))
		return true;
	resp_error(c->out, "ERR Client names cannot contain spaces, newlines "
			   "or special characters.");
	return false;
}

static void set_text(struct call *c, char **text, struct slice value)
{
	if (conn_set_text(text, value))
		call_ok(c);
	else
		call_fail(c, err_set(KV_ENOMEM, "no memory for a name"));
}

void cmd_client_setname(struct call *c)
{
	if (client_name_is_valid(c, c->argv[2]))
		set_text(c, &c->conn->name, c->argv[2]);
}

void cmd_client_setinfo(struct call *c)
{
	struct slice option = c->argv[2], value = c->argv[3];
	bool is_name = word_is(option, "lib-name");

	if (!is_name && !word_is(option, "lib-ver"))
		resp_error(c->out, "ERR Unrecognized option '%.*s'",
			   (int)(option.len & 0xffff), option.data);
	else if (!is_plain(value))
		resp_error(c->out,
			   "ERR %s cannot contain spaces, newlines or special "
			   "characters.",
			   is_name ? "lib-name" : "lib-ver");
	else
		set_text(c,
			 is_name ? &c->conn->lib_name : &c->conn->lib_version,
			 value);
}

void cmd_client_no_evict(struct call *c)
{
	bool on = word_is(c->argv[2], "on");

	if (!on && !word_is(c->argv[2], "off")) {
		call_syntax_error(c);
		return;
	}
	c->conn->no_evict = on;
	call_ok(c);
}

void cmd_client_reply(struct call *c)
{
	struct resp_conn *conn = c->conn;

	if (word_is(c->argv[2], "on")) {
		conn->replies_off = false;
		conn->request.silent = false;
		call_ok(c);
	} else if (word_is(c->argv[2], "off")) {
		conn->replies_off = true;
	} else if (word_is(c->argv[2], "skip")) {
		conn->skip_reply = !conn->replies_off;
	} else {
		call_syntax_error(c);
	}
}

/* ---- lists ---- */

static const char *or_empty(const char *text)
{
	return text != NULL ? text : "";
}

static void write_flags(struct buf *out, const struct resp_client *cl)
{
	bool multi = cl->conn != NULL && cl->conn->multi;
	bool no_evict = cl->conn != NULL && cl->conn->no_evict;

	if (multi)
		buf_append_char(out, 'x');
	if (cl->is_unix)
		buf_append_char(out, 'U');
	if (no_evict)
		buf_append_char(out, 'e');
	if (!multi && !cl->is_unix && !no_evict)
		buf_append_char(out, 'N');
}

static void write_line(struct buf *out, const struct resp_client *cl)
{
	const struct resp_conn *conn = cl->conn;
	const char *last = "NULL";
	size_t queued = conn != NULL ? conn->queue_bytes : 0;
	size_t input = cl->input + cl->input_free;

	if (conn == NULL)
		last = "json";
	else if (conn->last != NULL)
		last = conn->last->name;
	buf_printf(out, "id=%llu addr=%s laddr=%s fd=%d name=%s",
		   (unsigned long long)cl->id, cl->address, cl->local, cl->fd,
		   conn != NULL ? or_empty(conn->name) : "");
	buf_printf(out, " age=%llu idle=%llu flags=",
		   (unsigned long long)(cl->age_ms / 1000),
		   (unsigned long long)(cl->idle_ms / 1000));
	write_flags(out, cl);
	buf_printf(out, " db=0 sub=0 psub=0 ssub=0 multi=%lld",
		   conn != NULL && conn->multi ? (long long)conn->nqueued
					       : -1LL);
	buf_printf(out,
		   " qbuf=%zu qbuf-free=%zu argv-mem=0 multi-mem=%zu"
		   " rbs=0 rbp=0 obl=%zu oll=%zu omem=%zu tot-mem=%zu",
		   cl->input, cl->input_free, queued, cl->output, cl->replies,
		   cl->output, input + queued + cl->output);
	buf_printf(out,
		   " events=r cmd=%s user=default redir=-1 resp=%d"
		   " lib-name=%s lib-ver=%s\n",
		   last, conn != NULL && conn->resp3 ? 3 : 2,
		   conn != NULL ? or_empty(conn->lib_name) : "",
		   conn != NULL ? or_empty(conn->lib_version) : "");
}

/* Which connections are meant. */
struct filter {
	bool nobody;
	bool has_id, has_address, has_local, skip_me;
	const struct slice *ids; /* words that hold numbers */
	size_t nids;
	struct slice address, local;
	const struct resp_conn *me;
	/* What is done with them */
	struct buf text;
	struct buf found; /* uint64_t ids */
	bool found_me;
};

static bool matches(const struct filter *f, const struct resp_client *cl)
{
	bool listed = !f->has_id;
	int64_t id;

	for (size_t i = 0; i < f->nids && !listed; i++)
		listed = resp_parse_int(f->ids[i], &id) &&
			 (uint64_t)id == cl->id;
	if (!listed || f->nobody || (f->skip_me && cl->conn == f->me))
		return false;
	if (f->has_address && !slice_eq(slice_str(cl->address), f->address))
		return false;
	return !f->has_local || slice_eq(slice_str(cl->local), f->local);
}

static void each(struct call *c, resp_client_fn *fn, void *arg)
{
	const struct resp_shared *shared = c->conn->shared;

	if (shared->host_ops != NULL)
		shared->host_ops->clients(shared->host, fn, arg);
}

static void list_one(void *arg, const struct resp_client *cl)
{
	struct filter *f = arg;

	if (matches(f, cl))
		write_line(&f->text, cl);
}

static void reply_list(struct call *c, struct filter *f)
{
	each(c, list_one, f);
	resp_text(c->out, buf_slice(&f->text), c->resp3);
	c->out->failed |= buf_failed(&f->text);
	buf_release(&f->text);
}

/* A kind of client: *ours if it is the kind that we have. */
static bool read_type(struct call *c, struct slice word, bool *ours)
{
	*ours = word_is(word, "normal");
	if (*ours || word_is(word, "master") || word_is(word, "replica") ||
	    word_is(word, "slave") || word_is(word, "pubsub"))
		return true;
	resp_error(c->out, "ERR Unknown client type '%.*s'",
		   (int)(word.len & 0xffff), word.data);
	return false;
}

void cmd_client_list(struct call *c)
{
	struct filter f = {.me = c->conn};
	int64_t id;
	bool ours;

	if (c->argc == 4 && word_is(c->argv[2], "type")) {
		if (!read_type(c, c->argv[3], &ours))
			return;
		f.nobody = !ours;
	} else if (c->argc > 3 && word_is(c->argv[2], "id")) {
		f.has_id = true;
		f.ids = c->argv + 3;
		f.nids = c->argc - 3;
		for (size_t i = 0; i < f.nids; i++) {
			if (resp_parse_int(f.ids[i], &id) && id > 0)
				continue;
			resp_error(c->out, "ERR Invalid client ID");
			return;
		}
	} else if (c->argc != 2) {
		call_syntax_error(c);
		return;
	}
	reply_list(c, &f);
}

static void list_me(void *arg, const struct resp_client *cl)
{
	struct filter *f = arg;

	if (cl->conn == f->me)
		write_line(&f->text, cl);
}

void cmd_client_info(struct call *c)
{
	struct filter f = {.me = c->conn};

	each(c, list_me, &f);
	resp_text(c->out, buf_slice(&f.text), c->resp3);
	c->out->failed |= buf_failed(&f.text);
	buf_release(&f.text);
}

/* ---- KILL ---- */

static void find_one(void *arg, const struct resp_client *cl)
{
	struct filter *f = arg;

	if (!matches(f, cl))
		return;
	if (cl->conn == f->me)
		f->found_me = true;
	buf_append(&f->found, &cl->id, sizeof(cl->id));
}

/* Closes those that are meant; returns how many that are. */
static size_t kill_all(struct call *c, struct filter *f)
{
	const struct resp_shared *shared = c->conn->shared;
	size_t n;
	uint64_t id;

	each(c, find_one, f);
	n = f->found.len / sizeof(id);
	for (size_t i = 0; i < n; i++) {
		memcpy(&id, f->found.data + i * sizeof(id), sizeof(id));
		if (id != c->conn->id)
			shared->host_ops->kill(shared->host, id);
	}
	/* After the reply. */
	if (f->found_me)
		c->conn->closing = true;
	buf_release(&f->found);
	return n;
}

static bool read_kill_filter(struct call *c, size_t i, struct filter *f)
{
	struct slice name = c->argv[i], value = c->argv[i + 1];
	int64_t id;
	bool ours = true;

	if (word_is(name, "id")) {
		if (!resp_parse_int(value, &id) || id < 1) {
			resp_error(c->out,
				   "ERR client-id should be greater than 0");
			return false;
		}
		f->has_id = true;
		f->ids = &c->argv[i + 1];
		f->nids = 1;
	} else if (word_is(name, "type")) {
		if (!read_type(c, value, &ours))
			return false;
		f->nobody = f->nobody || !ours;
	} else if (word_is(name, "addr")) {
		f->has_address = true;
		f->address = value;
	} else if (word_is(name, "laddr")) {
		f->has_local = true;
		f->local = value;
	} else if (word_is(name, "user")) {
		if (!slice_eq(value, slice_str("default"))) {
			resp_error(c->out, "ERR No such user '%.*s'",
				   (int)(value.len & 0xffff), value.data);
			return false;
		}
	} else if (word_is(name, "skipme") &&
		   (word_is(value, "yes") || word_is(value, "no"))) {
		f->skip_me = word_is(value, "yes");
	} else {
		call_syntax_error(c);
		return false;
	}
	return true;
}

void cmd_client_kill(struct call *c)
{
	struct filter f = {.me = c->conn, .skip_me = true};

	if (c->argc == 3) { /* the old form: an address, one's own too */
		f.skip_me = false;
		f.has_address = true;
		f.address = c->argv[2];
		if (kill_all(c, &f) == 0)
			resp_error(c->out, "ERR No such client");
		else
			call_ok(c);
		return;
	}
	if (c->argc % 2 != 0) {
		call_syntax_error(c);
		return;
	}
	for (size_t i = 2; i < c->argc; i += 2)
		if (!read_kill_filter(c, i, &f))
			return;
	resp_integer(c->out, (int64_t)kill_all(c, &f));
}

/*
 * cmd_key.c - keys as such, and all of them at once.
 */
#include "proto/command.h"
#include "proto/resp_number.h"

void cmd_del(struct call *c)
{
	struct item item;
	int64_t deleted = 0;

	for (size_t i = 1; i < c->argc; i++) {
		if (!txn_get(c->txn, c->argv[i], &item))
			continue;
		if (!call_delete(c, c->argv[i]))
			return;
		deleted++;
	}
	resp_integer(c->out, deleted);
}

/* EXISTS and TOUCH. */
void cmd_exists(struct call *c)
{
	struct item item;
	int64_t found = 0;

	for (size_t i = 1; i < c->argc; i++)
		found += call_get(c, c->argv[i], &item);
	resp_integer(c->out, found);
}

void cmd_type(struct call *c)
{
	struct item item;

	resp_status(c->out, call_get(c, c->argv[1], &item) ? "string" : "none");
}

static void rename_key(struct call *c, bool replace)
{
	struct slice from = c->argv[1], to = c->argv[2];
	struct item item, there;
	bool same = slice_eq(from, to);

	if (!txn_get(c->txn, from, &item)) {
		resp_error(c->out, "ERR no such key");
		return;
	}
	if (!replace && (same || txn_get(c->txn, to, &there))) {
		resp_integer(c->out, 0);
		return;
	}
	if (!same && (!call_set(c, to, item.value, item.expires_ms) ||
		      !call_delete(c, from)))
		return;
	if (replace)
		call_ok(c);
	else
		resp_integer(c->out, 1);
}

void cmd_rename(struct call *c)
{
	rename_key(c, true);
}

void cmd_renamenx(struct call *c)
{
	rename_key(c, false);
}

static bool copy_options(struct call *c, bool *replace)
{
	int64_t db;

	*replace = false;
	for (size_t i = 3; i < c->argc; i++) {
		if (word_is(c->argv[i], "replace")) {
			*replace = true;
		} else if (word_is(c->argv[i], "db") && i + 1 < c->argc) {
			if (!call_int(c, ++i, &db))
				return false;
			if (db != 0) {
				resp_error(c->out,
					   "ERR DB index is out of range");
				return false;
			}
		} else {
			call_syntax_error(c);
			return false;
		}
	}
	return true;
}

void cmd_copy(struct call *c)
{
	struct item item, there;
	bool replace;

	if (!copy_options(c, &replace))
		return;
	if (slice_eq(c->argv[1], c->argv[2])) {
		resp_error(c->out, "ERR source and destination objects are "
				   "the same");
		return;
	}
	if (!txn_get(c->txn, c->argv[1], &item) ||
	    (!replace && txn_get(c->txn, c->argv[2], &there)))
		resp_integer(c->out, 0);
	else if (call_set(c, c->argv[2], item.value, item.expires_ms))
		resp_integer(c->out, 1);
}

void cmd_randomkey(struct call *c)
{
	struct slice key;
	int r = txn_pick(c->txn, &key);

	if (r != 0)
		call_fail(c, r);
	else if (key.len == 0)
		call_null(c);
	else
		resp_bulk(c->out, key);
}

void cmd_dbsize(struct call *c)
{
	resp_integer(c->out, (int64_t)txn_count(c->txn));
}

/* FLUSHDB and FLUSHALL: there is one database. */
void cmd_flush(struct call *c)
{
	if (c->argc > 2 || (c->argc == 2 && !word_is(c->argv[1], "sync") &&
			    !word_is(c->argv[1], "async"))) {
		call_syntax_error(c);
		return;
	}
	txn_clear(c->txn);
	call_ok(c);
}

/* The longest value that Redis keeps in one piece with its header. */
#define EMBEDDED_MAX 44

/* Everything is kept in the same way here; this is what Redis would have made
 * of a value that arrived whole. */
void cmd_object_encoding(struct call *c)
{
	struct item item;
	int64_t number;

	if (!call_get(c, c->argv[2], &item))
		call_null(c);
	else if (resp_parse_int(item.value, &number))
		resp_bulk_str(c->out, "int");
	else if (item.value.len <= EMBEDDED_MAX)
		resp_bulk_str(c->out, "embstr");
	else
		resp_bulk_str(c->out, "raw");
}

/* What an entry of the index takes besides the key, about. */
#define INDEX_ENTRY 20

/* Header and padding of a record with one item. */
#define RECORD_EXTRA 64

void cmd_memory_usage(struct call *c)
{
	struct item item;
	int64_t samples;

	if (c->argc != 3) {
		if (c->argc != 5 || !word_is(c->argv[3], "samples")) {
			call_syntax_error(c);
			return;
		}
		if (!call_int(c, 4, &samples))
			return;
		if (samples < 0) {
			call_syntax_error(c);
			return;
		}
	}
	if (!call_get(c, c->argv[2], &item))
		call_null(c);
	else
		resp_integer(c->out,
			     (int64_t)(2 * item.key.len + item.value.len +
				       INDEX_ENTRY + RECORD_EXTRA));
}

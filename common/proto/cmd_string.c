/*
 * cmd_string.c - commands that read and write whole values.
 */
#include "base/err.h"
#include "proto/call_time.h"
#include "proto/command.h"

void cmd_get(struct call *c)
{
	struct item item;

	if (call_get(c, c->argv[1], &item))
		resp_bulk(c->out, item.value);
	else
		call_null(c);
}

void cmd_mget(struct call *c)
{
	struct item item;
	size_t mark = c->out->len;

	resp_array(c->out, c->argc - 1);
	for (size_t i = 1; i < c->argc; i++) {
		if (!call_has_room(c, mark)) {
			call_fail(c, err_set(KV_ETOOBIG,
					     "the values are over the %zu "
					     "bytes that a reply may hold; "
					     "ask for fewer keys",
					     CALL_REPLY_MAX));
			return;
		}
		if (call_get(c, c->argv[i], &item))
			resp_bulk(c->out, item.value);
		else
			call_null(c);
	}
}

/* What stands behind the value of SET, or the key of GETEX. */
struct options {
	bool nx, xx, get, keep_ttl, persist;
	enum time_unit unit; /* TIME_NONE: no expiry */
	size_t when;	     /* the word that says it */
};

/* EX, PX, EXAT or PXAT. */
static enum time_unit expiry_unit(struct slice word)
{
	if (word_is(word, "ex"))
		return TIME_SECONDS;
	if (word_is(word, "px"))
		return TIME_MS;
	if (word_is(word, "exat"))
		return TIME_SECONDS_AT;
	if (word_is(word, "pxat"))
		return TIME_MS_AT;
	return TIME_NONE;
}

static bool read_option(struct call *c, size_t *i, bool is_set,
			struct options *o)
{
	struct slice word = c->argv[*i];
	enum time_unit unit = expiry_unit(word);

	if (unit != TIME_NONE) {
		if (o->keep_ttl || o->persist || *i + 1 == c->argc ||
		    (o->unit != TIME_NONE && o->unit != unit))
			return false;
		o->unit = unit;
		o->when = ++*i;
		return true;
	}
	if (is_set && word_is(word, "nx") && !o->xx)
		o->nx = true;
	else if (is_set && word_is(word, "xx") && !o->nx)
		o->xx = true;
	else if (is_set && word_is(word, "get"))
		o->get = true;
	else if (is_set && word_is(word, "keepttl") && !o->persist &&
		 o->unit == TIME_NONE)
		o->keep_ttl = true;
	else if (!is_set && word_is(word, "persist") && !o->keep_ttl &&
		 o->unit == TIME_NONE)
		o->persist = true;
	else
		return false;
	return true;
}

static bool read_options(struct call *c, size_t from, bool is_set,
			 struct options *o)
{
	*o = (struct options){.unit = TIME_NONE};
	for (size_t i = from; i < c->argc; i++) {
		if (!read_option(c, &i, is_set, o)) {
			call_syntax_error(c);
			return false;
		}
	}
	return true;
}

/* Stores a value whose end has perhaps come already. */
static bool set_until(struct call *c, struct slice key, struct slice value,
		      uint64_t expires_ms)
{
	if (expires_ms != 0 && expires_ms <= txn_now(c->txn))
		return call_delete(c, key);
	return call_set(c, key, value, expires_ms);
}

static void set_with_options(struct call *c)
{
	struct slice key = c->argv[1];
	struct item old = {0};
	struct options o;
	uint64_t expires = 0;
	bool found;

	if (!read_options(c, 3, true, &o))
		return;
	if (o.unit != TIME_NONE && !call_expiry(c, o.when, o.unit, &expires))
		return;
	found = txn_get(c->txn, key, &old);
	if (o.get && found)
		resp_bulk(c->out, old.value);
	else if (o.get)
		call_null(c);
	if ((o.nx && found) || (o.xx && !found)) {
		if (!o.get)
			call_null(c);
		return;
	}
	if (o.keep_ttl && found)
		expires = old.expires_ms;
	if (set_until(c, key, c->argv[2], expires) && !o.get)
		call_ok(c);
}

void cmd_set(struct call *c)
{
	if (c->argc > 3)
		set_with_options(c);
	else if (call_set(c, c->argv[1], c->argv[2], 0))
		call_ok(c);
}

void cmd_setnx(struct call *c)
{
	struct item item;

	if (txn_get(c->txn, c->argv[1], &item))
		resp_integer(c->out, 0);
	else if (call_set(c, c->argv[1], c->argv[2], 0))
		resp_integer(c->out, 1);
}

static void set_for(struct call *c, enum time_unit unit)
{
	uint64_t expires;

	if (call_expiry(c, 2, unit, &expires) &&
	    set_until(c, c->argv[1], c->argv[3], expires))
		call_ok(c);
}

void cmd_setex(struct call *c)
{
	set_for(c, TIME_SECONDS);
}

void cmd_psetex(struct call *c)
{
	set_for(c, TIME_MS);
}

/* A command changes all or nothing, also between MULTI and EXEC: what cannot
 * be set is found out first. */
static bool set_pairs(struct call *c)
{
	for (size_t i = 1; i < c->argc; i += 2)
		if (!call_check(c, c->argv[i], c->argv[i + 1]))
			return false;
	for (size_t i = 1; i < c->argc; i += 2)
		if (!call_set(c, c->argv[i], c->argv[i + 1], 0))
			return false;
	return true;
}

void cmd_mset(struct call *c)
{
	if (c->argc % 2 == 0)
		call_arity_error(c);
	else if (set_pairs(c))
		call_ok(c);
}

void cmd_msetnx(struct call *c)
{
	struct item item;

	if (c->argc % 2 == 0) {
		call_arity_error(c);
		return;
	}
	for (size_t i = 1; i < c->argc; i += 2) {
		if (txn_get(c->txn, c->argv[i], &item)) {
			resp_integer(c->out, 0);
			return;
		}
	}
	if (set_pairs(c))
		resp_integer(c->out, 1);
}

void cmd_getset(struct call *c)
{
	cmd_get(c);
	call_set(c, c->argv[1], c->argv[2], 0);
}

void cmd_getdel(struct call *c)
{
	cmd_get(c);
	call_delete(c, c->argv[1]);
}

void cmd_getex(struct call *c)
{
	struct slice key = c->argv[1];
	struct options o;
	struct item item;
	uint64_t expires = 0;

	if (!read_options(c, 2, false, &o))
		return;
	if (!call_get(c, key, &item)) {
		call_null(c);
		return;
	}
	if (o.unit != TIME_NONE && !call_expiry(c, o.when, o.unit, &expires))
		return;
	resp_bulk(c->out, item.value);
	if (o.unit != TIME_NONE)
		set_until(c, key, item.value, expires);
	else if (o.persist && item.expires_ms != 0)
		call_set(c, key, item.value, 0);
}

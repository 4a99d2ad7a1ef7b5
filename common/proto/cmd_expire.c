/*
 * cmd_expire.c - when keys expire. In the store a time to live is always the
 * moment of its end, so that neither a restart nor a delay moves it.
 *
 * The end is part of the record: changing it writes the value once more.
 */
#include "proto/call_time.h"
#include "proto/command.h"

static void invalid_expire_time(struct call *c)
{
	resp_error(c->out, "ERR invalid expire time in '%s' command",
		   c->command->name);
}

static bool is_seconds(enum time_unit unit)
{
	return unit == TIME_SECONDS || unit == TIME_SECONDS_AT;
}

/* Adds the present to a span, unless that overflows. */
static bool from_now(struct call *c, enum time_unit unit, int64_t *ms)
{
	if (unit != TIME_SECONDS && unit != TIME_MS)
		return true;
	return !__builtin_add_overflow(*ms, (int64_t)txn_now(c->txn), ms);
}

bool call_moment(struct call *c, size_t i, enum time_unit unit,
		 int64_t *moment_ms)
{
	int64_t value;

	if (!call_int(c, i, &value))
		return false;
	if ((is_seconds(unit) && __builtin_mul_overflow(value, 1000, &value)) ||
	    !from_now(c, unit, &value)) {
		invalid_expire_time(c);
		return false;
	}
	*moment_ms = value;
	return true;
}

bool call_expiry(struct call *c, size_t i, enum time_unit unit,
		 uint64_t *expires_ms)
{
	int64_t value;

	if (!call_int(c, i, &value))
		return false;
	if (value <= 0 ||
	    (is_seconds(unit) && __builtin_mul_overflow(value, 1000, &value)) ||
	    !from_now(c, unit, &value)) {
		invalid_expire_time(c);
		return false;
	}
	*expires_ms = (uint64_t)value;
	return true;
}

struct conditions {
	bool nx, xx, gt, lt;
};

static bool read_conditions(struct call *c, struct conditions *o)
{
	*o = (struct conditions){0};
	for (size_t i = 3; i < c->argc; i++) {
		struct slice word = c->argv[i];

		if (word_is(word, "nx")) {
			o->nx = true;
		} else if (word_is(word, "xx")) {
			o->xx = true;
		} else if (word_is(word, "gt")) {
			o->gt = true;
		} else if (word_is(word, "lt")) {
			o->lt = true;
		} else {
			resp_error(c->out, "ERR Unsupported option %.*s",
				   (int)(word.len & 0xffff), word.data);
			return false;
		}
	}
	if (o->nx && (o->xx || o->gt || o->lt)) {
		resp_error(c->out, "ERR NX and XX, GT or LT options at the "
				   "same time are not compatible");
		return false;
	}
	if (o->gt && o->lt) {
		resp_error(c->out, "ERR GT and LT options at the same time "
				   "are not compatible");
		return false;
	}
	return true;
}

/* `was` 0: never, which counts as later than any moment. */
static bool conditions_met(const struct conditions *o, uint64_t was,
			   int64_t moment)
{
	bool later = was != 0 && moment > (int64_t)was;
	bool sooner = was == 0 || moment < (int64_t)was;

	return !(o->nx && was != 0) && !(o->xx && was == 0) &&
	       !(o->gt && !later) && !(o->lt && !sooner);
}

static void expire(struct call *c, enum time_unit unit)
{
	struct conditions o;
	struct item item;
	int64_t moment;
	bool ok;

	if (!read_conditions(c, &o) || !call_moment(c, 2, unit, &moment))
		return;
	if (!txn_get(c->txn, c->argv[1], &item) ||
	    !conditions_met(&o, item.expires_ms, moment)) {
		resp_integer(c->out, 0);
		return;
	}
	if (moment <= (int64_t)txn_now(c->txn))
		ok = call_delete(c, c->argv[1]);
	else
		ok = call_set(c, c->argv[1], item.value, (uint64_t)moment);
	if (ok)
		resp_integer(c->out, 1);
}

void cmd_expire(struct call *c)
{
	expire(c, TIME_SECONDS);
}

void cmd_pexpire(struct call *c)
{
	expire(c, TIME_MS);
}

void cmd_expireat(struct call *c)
{
	expire(c, TIME_SECONDS_AT);
}

void cmd_pexpireat(struct call *c)
{
	expire(c, TIME_MS_AT);
}

/* -2: no such key, -1: it does not expire. */
static int64_t end_of(struct call *c)
{
	struct item item;

	if (!txn_get(c->txn, c->argv[1], &item))
		return -2;
	return item.expires_ms == 0 ? -1 : (int64_t)item.expires_ms;
}

static void reply_time(struct call *c, bool relative, bool seconds)
{
	int64_t end = end_of(c);

	if (end >= 0 && relative)
		end -= (int64_t)txn_now(c->txn);
	if (end >= 0 && seconds)
		end = (end + 500) / 1000;
	resp_integer(c->out, end);
}

void cmd_ttl(struct call *c)
{
	reply_time(c, true, true);
}

void cmd_pttl(struct call *c)
{
	reply_time(c, true, false);
}

void cmd_expiretime(struct call *c)
{
	reply_time(c, false, true);
}

void cmd_pexpiretime(struct call *c)
{
	reply_time(c, false, false);
}

void cmd_persist(struct call *c)
{
	struct item item;

	if (!txn_get(c->txn, c->argv[1], &item) || item.expires_ms == 0)
		resp_integer(c->out, 0);
	else if (call_set(c, c->argv[1], item.value, 0))
		resp_integer(c->out, 1);
}

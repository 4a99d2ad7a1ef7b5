/*
 * cmd_number.c - counting in values that are numbers.
 */
#include "proto/command.h"
#include "proto/resp_number.h"

#include <math.h>

static bool set_number(struct call *c, const char *text, size_t len,
		       uint64_t expires_ms)
{
	char *copy = call_alloc(c, len);

	if (copy == NULL)
		return false;
	memcpy(copy, text, len);
	return call_set(c, c->argv[1], slice_of(copy, len), expires_ms);
}

static void add(struct call *c, int64_t by)
{
	struct item item = {0};
	int64_t value = 0;
	char text[RESP_INT_MAX];

	if (txn_get(c->txn, c->argv[1], &item) &&
	    !resp_parse_int(item.value, &value)) {
		resp_error(c->out,
			   "ERR value is not an integer or out of range");
		return;
	}
	if (__builtin_add_overflow(value, by, &value)) {
		resp_error(c->out, "ERR increment or decrement would overflow");
		return;
	}
	if (set_number(c, text, resp_format_int(text, value), item.expires_ms))
		resp_integer(c->out, value);
}

void cmd_incr(struct call *c)
{
	add(c, 1);
}

void cmd_decr(struct call *c)
{
	add(c, -1);
}

void cmd_incrby(struct call *c)
{
	int64_t by;

	if (call_int(c, 2, &by))
		add(c, by);
}

void cmd_decrby(struct call *c)
{
	int64_t by;

	if (!call_int(c, 2, &by))
		return;
	if (by == INT64_MIN)
		resp_error(c->out, "ERR decrement would overflow");
	else
		add(c, -by);
}

void cmd_incrbyfloat(struct call *c)
{
	struct item item = {0};
	long double value = 0, by;
	char text[RESP_FLOAT_MAX];
	size_t len;

	if ((txn_get(c->txn, c->argv[1], &item) &&
	     !resp_parse_float(item.value, &value)) ||
	    !resp_parse_float(c->argv[2], &by)) {
		resp_error(c->out, "ERR value is not a valid float");
		return;
	}
	value += by;
	if (isnan(value) || isinf(value)) {
		resp_error(c->out,
			   "ERR increment would produce NaN or Infinity");
		return;
	}
	len = resp_format_float(text, value);
	if (set_number(c, text, len, item.expires_ms))
		resp_bulk(c->out, slice_of(text, len));
}

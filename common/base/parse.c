/*
 * parse.c - see parse.h.
 */
#include "base/parse.h"

#include "base/err.h"

#include <bsd/stdlib.h>
#include <inttypes.h>
#include <stdbool.h>

#define SECONDS_MAX (UINT64_C(100) * 366 * 86400)

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

int parse_number(const char *what, const char *text, int64_t min, int64_t max,
		 uint64_t *out)
{
	const char *why = NULL;
	long long v = 0;

	/* strtonum() would let leading blanks and a plus sign pass. */
	if (!is_digit(text[0]) && !(text[0] == '-' && is_digit(text[1])))
		why = "not a number";
	else
		v = strtonum(text, min, max, &why);
	if (why != NULL)
		return err_set(KV_EUSAGE,
			       "%s '%s' is %s; a whole number from %" PRId64
			       " to %" PRId64 " is wanted",
			       what, text, why, min, max);
	*out = (uint64_t)v;
	return 0;
}

/* The digits behind the point as milliseconds, rounded up. */
static const char *parse_fraction(const char *p, uint64_t *ms)
{
	uint64_t unit = 100;
	bool more = false;

	for (; is_digit(*p); p++) {
		*ms += (uint64_t)(*p - '0') * unit;
		if (unit == 0 && *p != '0')
			more = true;
		unit /= 10;
	}
	*ms += more;
	return p;
}

int parse_seconds(const char *what, const char *text, uint64_t *ms)
{
	const char *p = text;
	uint64_t whole = 0, part = 0;
	bool digits = is_digit(*p);

	for (; is_digit(*p) && whole <= SECONDS_MAX; p++)
		whole = whole * 10 + (uint64_t)(*p - '0');
	if (*p == '.') {
		p++;
		digits = digits || is_digit(*p);
		p = parse_fraction(p, &part);
	}
	if (!digits || whole > SECONDS_MAX || *p != '\0' ||
	    (whole == 0 && part == 0))
		return err_set(KV_EUSAGE,
			       "%s '%s' is not a time: seconds more than 0 and "
			       "at most 100 years are wanted, such as 2 or 0.5",
			       what, text);
	*ms = whole * 1000 + part;
	return 0;
}

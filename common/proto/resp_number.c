/*
 * resp_number.c - see resp_number.h.
 */
#include "proto/resp_number.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>

bool resp_parse_int(struct slice text, int64_t *value)
{
	bool negative = text.len > 1 && text.data[0] == '-';
	uint64_t limit = (uint64_t)INT64_MAX + negative, v = 0;
	size_t i = negative;

	if (text.len == 0 || text.len >= RESP_INT_MAX)
		return false;
	if (text.data[i] == '0') {
		*value = 0;
		return text.len == 1;
	}
	for (; i < text.len; i++) {
		unsigned digit = (unsigned)(text.data[i] - '0');

		if (digit > 9 || v > (limit - digit) / 10)
			return false;
		v = v * 10 + digit;
	}
	*value = (int64_t)(negative ? 0 - v : v);
	return true;
}

bool resp_parse_float(struct slice text, long double *value)
{
	char copy[RESP_FLOAT_MAX], *end;

	if (text.len == 0 || text.len >= sizeof(copy) ||
	    isspace((unsigned char)text.data[0]))
		return false;
	memcpy(copy, text.data, text.len);
	copy[text.len] = '\0';
	errno = 0;
	*value = strtold(copy, &end);
	if (end != copy + text.len || isnan(*value))
		return false;
	return errno != ERANGE || (!isinf(*value) && *value != 0);
}

size_t resp_format_float(char *text, long double value)
{
	int printed = snprintf(text, RESP_FLOAT_MAX, "%.17Lf", value);
	size_t len = printed > 0 && (unsigned)printed < RESP_FLOAT_MAX
			     ? (size_t)printed
			     : 0;

	if (memchr(text, '.', len) != NULL) {
		while (text[len - 1] == '0')
			len--;
		if (text[len - 1] == '.')
			len--;
	}
	if (len == 2 && text[0] == '-' && text[1] == '0') {
		text[0] = '0';
		len = 1;
	}
	return len;
}

size_t resp_format_int(char *text, int64_t value)
{
	return (size_t)snprintf(text, RESP_INT_MAX, "%lld", (long long)value);
}

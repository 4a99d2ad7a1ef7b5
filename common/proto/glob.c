/*
 * glob.c - see glob.h.
 *
 * A star that fits less than it could is tried again with one byte more; only
 * the last star that was met has to be, for what stands before it has matched
 * with as little as possible. So the time is at most the product of the two
 * lengths, whatever the pattern.
 */
#include "proto/glob.h"

#include <ctype.h>

static unsigned char fold(char c, bool ignore_case)
{
	unsigned char u = (unsigned char)c;

	return ignore_case ? (unsigned char)tolower(u) : u;
}

/* A set begins at p, behind its bracket; *after gets what follows it. A set
 * that nobody closes ends with the pattern. */
static bool match_set(struct slice p, char c, bool ignore_case, size_t *after)
{
	unsigned char want = fold(c, ignore_case);
	bool negated = p.len != 0 && p.data[0] == '^', found = false;
	size_t i = negated;

	for (; i < p.len && p.data[i] != ']'; i++) {
		bool escaped = p.data[i] == '\\' && i + 1 < p.len;
		unsigned char low, high;

		i += escaped;
		low = high = fold(p.data[i], ignore_case);
		if (!escaped && i + 2 < p.len && p.data[i + 1] == '-') {
			high = fold(p.data[i + 2], ignore_case);
			i += 2;
		}
		if (low > high) {
			unsigned char swap = low;

			low = high;
			high = swap;
		}
		found = found || (want >= low && want <= high);
	}
	*after = i < p.len ? i + 1 : i;
	return found != negated;
}

/* Whether the pattern's next element, which is no star, takes c; *used gets
 * the element's length. */
static bool match_one(struct slice p, char c, bool ignore_case, size_t *used)
{
	*used = 1;
	switch (p.data[0]) {
	case '?':
		return true;
	case '[': {
		bool met = match_set(slice_of(p.data + 1, p.len - 1), c,
				     ignore_case, used);

		*used += 1;
		return met;
	}
	case '\\':
		if (p.len > 1)
			*used = 2;
		break;
	default:
		break;
	}
	return fold(p.data[*used - 1], ignore_case) == fold(c, ignore_case);
}

bool glob_match(struct slice pattern, struct slice text, bool ignore_case)
{
	size_t p = 0, t = 0, star_p = 0, star_t = 0, used;
	bool star = false;

	while (t < text.len) {
		struct slice rest = slice_of(pattern.data + p, pattern.len - p);

		if (rest.len != 0 && rest.data[0] == '*') {
			star = true;
			star_p = ++p;
			star_t = t;
		} else if (rest.len != 0 &&
			   match_one(rest, text.data[t], ignore_case, &used)) {
			p += used;
			t++;
		} else if (star) {
			p = star_p;
			t = ++star_t;
		} else {
			return false;
		}
	}
	while (p < pattern.len && pattern.data[p] == '*')
		p++;
	return p == pattern.len;
}

struct slice glob_prefix(struct slice pattern, bool *exact)
{
	size_t n = 0;

	while (n < pattern.len && memchr("*?[\\", pattern.data[n], 4) == NULL)
		n++;
	*exact = n == pattern.len;
	return slice_of(pattern.data, n);
}

/*
 * resp_reply.c - see resp_reply.h. Nothing is kept between calls: a reply that
 * came in parts is looked at again from its beginning, which is cheap for all
 * but huge aggregates.
 */
#include "bench/resp_reply.h"

#include "base/err.h"

#define DEPTH_MAX 8
#define LINE_MAX 65536u /* of a line: what is longer is no reply */

static int bad_reply(const char *why)
{
	return err_set(KV_EPROTO, "the server's reply is not RESP: %s", why);
}

/* The line without its end; its length with it, or 0 or KV_EPROTO. */
static ssize_t take_line(struct slice in, struct slice *line)
{
	const char *end = memchr(in.data, '\n', in.len);

	if (end == NULL)
		return in.len > LINE_MAX ? bad_reply("a line without end") : 0;
	if (end == in.data || end[-1] != '\r')
		return bad_reply("a line ends without CR");
	*line = slice_of(in.data, (size_t)(end - in.data) - 1);
	return end - in.data + 1;
}

/* Up to 18 digits behind an optional minus. */
static bool parse_count(struct slice s, int64_t *n)
{
	bool negative = s.len > 0 && s.data[0] == '-';
	size_t i = negative;

	if (s.len == i || s.len - i > 18)
		return false;
	for (*n = 0; i < s.len; i++) {
		if (s.data[i] < '0' || s.data[i] > '9')
			return false;
		*n = *n * 10 + (s.data[i] - '0');
	}
	if (negative)
		*n = -*n;
	return true;
}

/* A string whose length stands in its first line, of `head` bytes. */
static ssize_t take_bulk(struct slice in, size_t head, struct slice count,
			 struct resp_reply *reply)
{
	int64_t n;

	if (!parse_count(count, &n) || n < -1)
		return bad_reply("a length is not a number");
	if (n == -1) {
		reply->null = true;
		return (ssize_t)head;
	}
	if (in.len < head + 2 || in.len - head - 2 < (size_t)n)
		return 0;
	reply->text = slice_of(in.data + head, (size_t)n);
	if (memcmp(in.data + head + n, "\r\n", 2) != 0)
		return bad_reply("a string is longer than it says");
	return (ssize_t)(head + (size_t)n + 2);
}

static ssize_t take(struct slice in, struct resp_reply *reply, int depth);

/* Walks over the elements; of a map there are two for each of its count. */
static ssize_t take_aggregate(struct slice in, size_t head, struct slice count,
			      struct resp_reply *reply, int depth)
{
	struct resp_reply element;
	size_t at = head;
	int64_t n;

	if (!parse_count(count, &n) || n < -1)
		return bad_reply("a number of elements is not a number");
	if (depth == DEPTH_MAX)
		return bad_reply("it is too deep");
	if (n == -1) {
		reply->null = true;
		return (ssize_t)head;
	}
	if (reply->type == '%')
		n *= 2;
	reply->number = n;
	for (; n > 0; n--) {
		ssize_t len = take(slice_of(in.data + at, in.len - at),
				   &element, depth + 1);

		if (len <= 0)
			return len;
		at += (size_t)len;
	}
	return (ssize_t)at;
}

static ssize_t take(struct slice in, struct resp_reply *reply, int depth)
{
	struct slice line = {0};
	ssize_t head;

	if (in.len == 0)
		return 0;
	head = take_line(in, &line);
	if (head <= 0)
		return head;
	if (line.len == 0)
		return bad_reply("an empty line");
	*reply = (struct resp_reply){.type = in.data[0]};
	reply->text = slice_of(line.data + 1, line.len - 1);
	switch (reply->type) {
	case '+':
	case '-':
	case ',':
	case '#':
	case '(':
		return head;
	case '_':
		reply->null = true;
		return head;
	case ':':
		return parse_count(reply->text, &reply->number)
			       ? head
			       : bad_reply("an integer is not a number");
	case '$':
	case '!':
	case '=':
		return take_bulk(in, (size_t)head, reply->text, reply);
	case '*':
	case '%':
	case '~':
	case '>':
		return take_aggregate(in, (size_t)head, reply->text, reply,
				      depth);
	default:
		return bad_reply("it begins with no known type");
	}
}

ssize_t resp_reply_take(struct slice in, struct resp_reply *reply)
{
	return take(in, reply, 0);
}

size_t resp_reply_first(struct slice in)
{
	const char *end = memchr(in.data, '\n', in.len);

	return end == NULL ? in.len : (size_t)(end - in.data) + 1;
}

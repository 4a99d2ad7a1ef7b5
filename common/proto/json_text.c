/*
 * json_text.c - see json.h and json_text.h.
 */
#include "proto/json_text.h"

#include "proto/json.h"

#include <utf8proc.h>

const char *json_skip_utf8(const char *p, const char *end)
{
	while (p < end && (unsigned char)*p >= 0x80) {
		utf8proc_int32_t c;
		utf8proc_ssize_t n = utf8proc_iterate(
			(const utf8proc_uint8_t *)p, end - p, &c);

		if (n <= 0)
			return NULL;
		p += n;
	}
	return p;
}

bool json_is_text(struct slice s)
{
	const char *p = s.data, *end = s.data + s.len;

	while (p != NULL && p < end) {
		if ((unsigned char)*p >= 0x80) {
			p = json_skip_utf8(p, end);
		} else {
			if (*p == '\0')
				return false;
			p = json_skip_plain(p + 1, end);
		}
	}
	return s.len == 0 || p != NULL;
}

const char *json_shown(struct slice s, char room[JSON_SHOWN_MAX])
{
	size_t n = s.len < JSON_SHOWN_MAX - 1 ? s.len : JSON_SHOWN_MAX - 1;

	for (size_t i = 0; i < n; i++)
		room[i] =
			(char)(s.data[i] >= ' ' && s.data[i] <= '~' ? s.data[i]
								    : '?');
	room[n] = '\0';
	return room;
}

static void write_escape(struct buf *out, unsigned char c)
{
	static const char hex[] = "0123456789abcdef";
	char six[6] = {'\\', 'u', '0', '0', hex[c >> 4], hex[c & 15]};

	switch (c) {
	case '"':
	case '\\':
		six[1] = (char)c;
		break;
	case '\b':
		six[1] = 'b';
		break;
	case '\f':
		six[1] = 'f';
		break;
	case '\n':
		six[1] = 'n';
		break;
	case '\r':
		six[1] = 'r';
		break;
	case '\t':
		six[1] = 't';
		break;
	default:
		buf_append(out, six, 6);
		return;
	}
	buf_append(out, six, 2);
}

/* The inside of a string. */
static void write_escaped(struct buf *out, const char *p, const char *end)
{
	while (p < end) {
		const char *run = p;

		do {
			p = json_skip_plain(p, end);
			while (p < end && (unsigned char)*p >= 0x80)
				p++;
		} while (p < end && (unsigned char)*p >= 0x20 && *p != '"' &&
			 *p != '\\');
		buf_append(out, run, (size_t)(p - run));
		if (p < end)
			write_escape(out, (unsigned char)*p++);
	}
}

void json_write_string(struct buf *out, struct slice s)
{
	buf_append_char(out, '"');
	if (s.len != 0)
		write_escaped(out, s.data, s.data + s.len);
	buf_append_char(out, '"');
}

/* "name":"...", of bytes that all stand for themselves: most values. */
static void write_plain(struct buf *out, const char *name, struct slice s)
{
	size_t len = strlen(name);
	char *p = buf_reserve(out, len + s.len + 5);

	if (p == NULL)
		return;
	*p++ = '"';
	memcpy(p, name, len);
	p += len;
	memcpy(p, "\":\"", 3);
	p += 3;
	memcpy(p, s.data, s.len);
	p[s.len] = '"';
	buf_advance(out, len + s.len + 5);
}

void json_write_bytes(struct buf *out, const char *name, struct slice s)
{
	if (s.len != 0 &&
	    json_skip_plain(s.data, s.data + s.len) == s.data + s.len) {
		write_plain(out, name, s);
		return;
	}
	buf_append_char(out, '"');
	buf_append_str(out, name);
	if (json_is_text(s)) {
		buf_append(out, "\":\"", 3);
		if (s.len != 0)
			write_escaped(out, s.data, s.data + s.len);
	} else {
		buf_append(out, "64\":\"", 5);
		base64_write(out, s);
	}
	buf_append_char(out, '"');
}

void json_write_message(struct buf *out, const char *s)
{
	const char *end = s + strlen(s);

	buf_append_char(out, '"');
	while (s < end) {
		const char *good = s;
		utf8proc_int32_t c;
		utf8proc_ssize_t n = 1;

		while (s < end &&
		       (n = utf8proc_iterate((const utf8proc_uint8_t *)s,
					     end - s, &c)) > 0)
			s += n;
		write_escaped(out, good, s);
		if (n <= 0) {
			buf_append(out, "\xef\xbf\xbd", 3);
			s++;
		}
	}
	buf_append_char(out, '"');
}

void json_write_version(struct buf *out, const char *name, uint64_t version)
{
	char room[DIGITS_MAX];

	write_plain(out, name, u64_digits(version, room));
}

void json_write_ttl(struct buf *out, uint64_t expires_ms, uint64_t now_ms)
{
	uint64_t left = expires_ms > now_ms ? expires_ms - now_ms : 1;
	unsigned ms = (unsigned)(left % 1000);
	char text[4] = {'.', (char)('0' + ms / 100), (char)('0' + ms / 10 % 10),
			(char)('0' + ms % 10)};
	size_t len = sizeof(text);

	buf_append_u64(out, left / 1000);
	if (ms == 0)
		return;
	while (text[len - 1] == '0')
		len--;
	buf_append(out, text, len);
}

static const char base64_digits[] =
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void base64_write(struct buf *out, struct slice s)
{
	const unsigned char *p = (const unsigned char *)s.data;
	size_t left = s.len;
	char *to = buf_reserve(out, (s.len + 2) / 3 * 4);

	if (to == NULL)
		return;
	for (; left >= 3; left -= 3, p += 3, to += 4) {
		to[0] = base64_digits[p[0] >> 2];
		to[1] = base64_digits[(p[0] & 3) << 4 | p[1] >> 4];
		to[2] = base64_digits[(p[1] & 15) << 2 | p[2] >> 6];
		to[3] = base64_digits[p[2] & 63];
	}
	if (left != 0) {
		unsigned second = left == 2 ? p[1] : 0;

		to[0] = base64_digits[p[0] >> 2];
		to[1] = base64_digits[(p[0] & 3u) << 4 | second >> 4];
		to[2] = left == 2 ? base64_digits[(second & 15) << 2] : '=';
		to[3] = '=';
	}
	buf_advance(out, (s.len + 2) / 3 * 4);
}

/* The value of a digit; above 63 if it is none. */
static unsigned base64_value(char c)
{
	if (c >= 'A' && c <= 'Z')
		return (unsigned)(c - 'A');
	if (c >= 'a' && c <= 'z')
		return (unsigned)(c - 'a') + 26;
	if (c >= '0' && c <= '9')
		return (unsigned)(c - '0') + 52;
	if (c == '+')
		return 62;
	return c == '/' ? 63 : 64;
}

bool base64_decode(const char *from, size_t len, char *to, size_t *to_len)
{
	size_t pad = 0, n = 0;

	*to_len = 0;
	if (len % 4 != 0)
		return false;
	if (len != 0 && from[len - 1] == '=')
		pad = from[len - 2] == '=' ? 2 : 1;
	for (size_t i = 0; i < len; i += 4) {
		size_t skip = i + 4 == len ? pad : 0;
		unsigned a = base64_value(from[i]);
		unsigned b = base64_value(from[i + 1]);
		unsigned c = skip == 2 ? 0 : base64_value(from[i + 2]);
		unsigned d = skip != 0 ? 0 : base64_value(from[i + 3]);
		unsigned bits = a << 18 | b << 12 | c << 6 | d;

		if ((a | b | c | d) > 63 || (skip == 2 && (bits & 0xffff)) ||
		    (skip == 1 && (bits & 0xff)))
			return false;
		to[n++] = (char)(bits >> 16);
		if (skip < 2)
			to[n++] = (char)(bits >> 8);
		if (skip < 1)
			to[n++] = (char)bits;
	}
	*to_len = n;
	return true;
}

bool json_parse_u64(const char *s, uint64_t *out)
{
	uint64_t v = 0;

	if (*s == '\0' || (*s == '0' && s[1] != '\0'))
		return false;
	for (; *s != '\0'; s++) {
		if (*s < '0' || *s > '9' || __builtin_mul_overflow(v, 10, &v) ||
		    __builtin_add_overflow(v, (uint64_t)(*s - '0'), &v))
			return false;
	}
	*out = v;
	return true;
}

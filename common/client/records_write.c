/*
 * records_write.c - see records.h. vis(3) itself would ask the locale what is
 * printable, escape all text beyond ASCII in the C locale, and allocate for
 * each call; what is written here is a subset of its output, found by one
 * pass over a table, and read back by the same unvis(3).
 */
#include "client/records.h"

#include "base/err.h"
#include "proto/json.h"

/* What each byte begins: text that stays, an escape, or a UTF-8 sequence of
 * so many bytes. */
enum { ESCAPE = 0, PLAIN = 1, TWO = 2, THREE = 3, FOUR = 4 };

static const unsigned char byte_class[256] = {
	[' ' ... '['] = PLAIN,	 [']' ... '~'] = PLAIN,	 [0xc2 ... 0xdf] = TWO,
	[0xe0 ... 0xef] = THREE, [0xf0 ... 0xf4] = FOUR,
};

static bool is_continuation(unsigned char c)
{
	return (c & 0xc0) == 0x80;
}

/*
 * The length of the well-formed UTF-8 sequence at s (table 3-7 of the Unicode
 * standard), or 0 if there is none or it is a control character: a terminal
 * may obey U+0080 to U+009F as it obeys ESC.
 */
static size_t text_sequence(const unsigned char *s, size_t left)
{
	size_t n = byte_class[s[0]];

	if (n < TWO || n > left)
		return 0;
	for (size_t i = 1; i < n; i++)
		if (!is_continuation(s[i]))
			return 0;
	switch (s[0]) {
	case 0xc2: /* C1 controls */
		return s[1] >= 0xa0 ? n : 0;
	case 0xe0: /* overlong */
		return s[1] >= 0xa0 ? n : 0;
	case 0xed: /* surrogates */
		return s[1] <= 0x9f ? n : 0;
	case 0xf0: /* overlong */
		return s[1] >= 0x90 ? n : 0;
	case 0xf4: /* beyond U+10FFFF */
		return s[1] <= 0x8f ? n : 0;
	default:
		return n;
	}
}

static void escape_byte(struct buf *out, unsigned char c)
{
	char *p = buf_reserve(out, 4);
	char letter = c == '\\'	  ? '\\'
		      : c == '\t' ? 't'
		      : c == '\n' ? 'n'
		      : c == '\r' ? 'r'
				  : 0;

	if (p == NULL)
		return;
	p[0] = '\\';
	if (letter != 0) {
		p[1] = letter;
		buf_advance(out, 2);
		return;
	}
	/* Always three digits: a digit may follow. */
	p[1] = (char)('0' + (c >> 6));
	p[2] = (char)('0' + (c >> 3 & 7));
	p[3] = (char)('0' + (c & 7));
	buf_advance(out, 4);
}

void record_escape(struct buf *out, struct slice s)
{
	const unsigned char *p = (const unsigned char *)s.data;
	size_t kept = 0, at = 0;

	while (at < s.len) {
		size_t n = 1;

		while (at < s.len && byte_class[p[at]] == PLAIN)
			at++;
		if (at == s.len)
			break;
		n = text_sequence(p + at, s.len - at);
		if (n != 0) {
			at += n;
			continue;
		}
		buf_append(out, p + kept, at - kept);
		escape_byte(out, p[at]);
		kept = ++at;
	}
	buf_append(out, p + kept, at - kept);
}

static void write_line(struct buf *out, struct slice key,
		       const struct slice *value)
{
	record_escape(out, key);
	if (value != NULL) {
		buf_append_char(out, '\t');
		record_escape(out, *value);
	}
	buf_append_char(out, '\n');
}

static void write_json(struct buf *out, struct slice key,
		       const struct slice *value)
{
	buf_append_char(out, '{');
	json_write_bytes(out, "key", key);
	if (value != NULL) {
		buf_append_char(out, ',');
		json_write_bytes(out, "value", *value);
	}
	buf_append_str(out, "}\n");
}

static bool has_nul(struct slice s)
{
	return s.len != 0 && memchr(s.data, '\0', s.len) != NULL;
}

static int write_nul(struct buf *out, struct slice key,
		     const struct slice *value)
{
	if (has_nul(key))
		return err_set(KV_EDATA, "a key holds a NUL, which -0 cannot "
					 "tell from its end: use --json");
	if (value != NULL && has_nul(*value)) {
		struct buf name;

		buf_init(&name);
		record_escape(&name, key);
		err_set(KV_EDATA,
			"the value of '%.*s' holds a NUL, which -0 cannot "
			"tell from its end: use --json",
			(int)(name.len < 200 ? name.len : 200), name.data);
		buf_release(&name);
		return KV_EDATA;
	}
	buf_append_slice(out, key);
	buf_append_char(out, '\0');
	if (value != NULL) {
		buf_append_slice(out, *value);
		buf_append_char(out, '\0');
	}
	return 0;
}

int record_write(struct buf *out, enum record_format format, struct slice key,
		 const struct slice *value)
{
	switch (format) {
	case RECORD_LINES:
		write_line(out, key, value);
		return 0;
	case RECORD_JSON:
		write_json(out, key, value);
		return 0;
	case RECORD_NUL:
		return write_nul(out, key, value);
	}
	return err_set(KV_EUSAGE, "no such record format");
}

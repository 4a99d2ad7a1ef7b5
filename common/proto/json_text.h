/*
 * json_text.h - text, base64 and numbers of the protocol (inside proto/ only).
 */
#ifndef PROTO_JSON_TEXT_H
#define PROTO_JSON_TEXT_H

#include "base/buf.h"
#include "base/bytes.h"

#define JSON_WORD_EACH 0x0101010101010101ull

/*
 * Marks (with its top bit) the first byte of the word that does not stand for
 * itself within a string: '"', '\\', below 0x20, or not ASCII. Bytes behind
 * the first marked one may be marked without reason: the borrow of a
 * subtraction runs towards them.
 */
static inline uint64_t json_word_special(uint64_t w)
{
	uint64_t quote = w ^ (JSON_WORD_EACH * '"');
	uint64_t slash = w ^ (JSON_WORD_EACH * '\\');

	uint64_t ascii = (quote - JSON_WORD_EACH) | (slash - JSON_WORD_EACH) |
			 (w - JSON_WORD_EACH * 0x20);

	return ((ascii & ~w) | w) & (JSON_WORD_EACH * 0x80);
}

/* The first byte from p on that does not stand for itself; end if all do. */
static inline const char *json_skip_plain(const char *p, const char *end)
{
	for (; end - p >= 8; p += 8) {
		uint64_t special = json_word_special(get_le64(p));

		if (special != 0)
			return p + (__builtin_ctzll(special) >> 3);
	}
	for (; p < end; p++)
		if ((unsigned char)*p < 0x20 || (unsigned char)*p >= 0x80 ||
		    *p == '"' || *p == '\\')
			break;
	return p;
}

/* p is at a byte that is not ASCII: the first one behind it that is, or end;
 * NULL if the bytes between are not UTF-8. */
const char *json_skip_utf8(const char *p, const char *end);

/* Room for a name that a sentence shows, its end included. */
#define JSON_SHOWN_MAX 49

/* The beginning of s, fit to be shown: other than printable ASCII is '?'. */
const char *json_shown(struct slice s, char room[JSON_SHOWN_MAX]);

/* Appends s as a string; what is not text becomes U+FFFD. */
void json_write_message(struct buf *out, const char *s);

/* Appends "name":"digits". */
void json_write_version(struct buf *out, const char *name, uint64_t version);

/* Appends the time from now until then in seconds, as in 2.5; at least one
 * millisecond. */
void json_write_ttl(struct buf *out, uint64_t expires_ms, uint64_t now_ms);

void base64_write(struct buf *out, struct slice s); /* without quotes */

/* Bytes that so many characters of base64 stand for, at most. */
static inline size_t base64_decoded_max(size_t len)
{
	return len / 4 * 3;
}

/* Standard alphabet, padding demanded, nothing else allowed, unused bits zero:
 * each run of bytes has exactly one form. `to` may be `from`. */
bool base64_decode(const char *from, size_t len, char *to, size_t *to_len);

/* Decimal digits without sign or leading zeros, within 64 bits. */
bool json_parse_u64(const char *s, uint64_t *out);

#endif

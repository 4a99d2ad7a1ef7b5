/*
 * peer.c - frames and hellos; see peer.h. peer_shake.c has the handshake.
 */
#include "proto/peer.h"

#include "base/bytes.h"
#include "base/err.h"

#define FLAG_ESTABLISHED 1u

bool peer_sniff(struct slice head)
{
	return head.data[0] == PEER_MAGIC[0];
}

enum peer_next peer_next(struct slice *input, size_t max, struct slice *frame)
{
	size_t len;

	if (input->len < PEER_FRAME_HEAD)
		return PEER_MORE;
	len = get_le32(input->data);
	if (len == 0 || len > max)
		return PEER_BAD;
	if (input->len - PEER_FRAME_HEAD < len)
		return PEER_MORE;
	*frame = slice_of(input->data + PEER_FRAME_HEAD, len);
	input->data += PEER_FRAME_HEAD + len;
	input->len -= PEER_FRAME_HEAD + len;
	return PEER_FRAME;
}

void peer_frame_write(struct buf *out, struct slice head, struct slice body)
{
	unsigned char length[PEER_FRAME_HEAD];

	put_le32(length, (uint32_t)(head.len + body.len));
	buf_append(out, length, sizeof(length));
	buf_append_slice(out, head);
	buf_append_slice(out, body);
}

void peer_refusal_write(struct buf *out, int code, const char *why)
{
	char head[5] = {PEER_REFUSAL};

	put_le32(head + 1, (uint32_t)code);
	peer_frame_write(out, slice_of(head, sizeof(head)), slice_str(why));
}

static void put_u64(struct buf *out, uint64_t v)
{
	unsigned char bytes[8];

	put_le64(bytes, v);
	buf_append(out, bytes, sizeof(bytes));
}

static void put_text(struct buf *out, const char *text)
{
	size_t len = strlen(text);

	buf_append_char(out, (char)len); /* MEMBER_..._MAX are below 256 */
	buf_append(out, text, len);
}

void peer_hello_encode(const struct peer_hello *hello, struct buf *out)
{
	unsigned char version[2];

	put_le16(version, PEER_VERSION);
	buf_append(out, version, sizeof(version));
	buf_append(out, hello->nonce, sizeof(hello->nonce));
	put_u64(out, hello->cluster_id);
	put_u64(out, hello->id);
	put_u64(out, hello->birth);
	put_u64(out, hello->term);
	buf_append_char(out, hello->established ? FLAG_ESTABLISHED : 0);
	put_text(out, hello->name);
	put_text(out, hello->address);
	put_text(out, hello->to);
}

/* Takes n bytes from the front; NULL if there are not so many. */
static const char *take(struct slice *bytes, size_t n)
{
	const char *p = bytes->data;

	if (bytes->len < n)
		return NULL;
	bytes->data += n;
	bytes->len -= n;
	return p;
}

static bool take_u64(struct slice *bytes, uint64_t *v)
{
	const char *p = take(bytes, 8);

	if (p != NULL)
		*v = get_le64(p);
	return p != NULL;
}

/* A text of at most `max` printable bytes. */
static bool take_text(struct slice *bytes, char *text, size_t max)
{
	const char *p = take(bytes, 1);
	size_t len;

	if (p == NULL)
		return false;
	len = (unsigned char)*p;
	p = take(bytes, len);
	if (p == NULL || len > max)
		return false;
	for (size_t i = 0; i < len; i++)
		if (p[i] <= ' ' || p[i] > '~')
			return false;
	memcpy(text, p, len);
	text[len] = '\0';
	return true;
}

int peer_hello_decode(struct peer_hello *hello, struct slice bytes)
{
	const char *p = take(&bytes, 2);
	unsigned version = p != NULL ? get_le16(p) : 0;

	*hello = (struct peer_hello){0};
	if (version != PEER_VERSION)
		return err_set(KV_EDATA,
			       "the other node speaks version %u of the "
			       "protocol between nodes, this one version %u",
			       version, PEER_VERSION);
	p = take(&bytes, PEER_NONCE_LEN);
	if (p == NULL)
		return err_set(KV_EDATA, "a greeting is cut short");
	memcpy(hello->nonce, p, PEER_NONCE_LEN);
	if (!take_u64(&bytes, &hello->cluster_id) ||
	    !take_u64(&bytes, &hello->id) || !take_u64(&bytes, &hello->birth) ||
	    !take_u64(&bytes, &hello->term) || (p = take(&bytes, 1)) == NULL)
		return err_set(KV_EDATA, "a greeting is cut short");
	hello->established = ((unsigned char)*p & FLAG_ESTABLISHED) != 0;
	if (!take_text(&bytes, hello->name, MEMBER_NAME_MAX) ||
	    !take_text(&bytes, hello->address, MEMBER_ADDRESS_MAX) ||
	    !take_text(&bytes, hello->to, MEMBER_NAME_MAX) || bytes.len != 0)
		return err_set(KV_EDATA, "a greeting is not understood");
	return 0;
}

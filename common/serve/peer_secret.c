/*
 * peer_secret.c - see peer_secret.h.
 */
#include "serve/peer_secret.h"

#include "base/err.h"
#include "base/input.h"

#include <bsd/stdlib.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <sys/stat.h>
#include <unistd.h>

static int check_mode(int fd, const char *path)
{
	struct stat st;

	if (fstat(fd, &st) != 0)
		return err_sys(errno, "cannot look at '%s'", path);
	if (!S_ISREG(st.st_mode))
		return err_set(KV_EUSAGE, "the secret '%s' is not a file",
			       path);
	if (st.st_mode & (S_IRWXG | S_IRWXO))
		return err_set(KV_EUSAGE,
			       "others may read the secret in '%s': "
			       "chmod 600 it",
			       path);
	return 0;
}

static int take(struct peer_secret *secret, const char *path,
		const struct buf *text)
{
	size_t len = text->len;

	while (len != 0 && strchr(" \t\r\n", text->data[len - 1]) != NULL)
		len--;
	if (len < PEER_SECRET_MIN || len > PEER_SECRET_MAX)
		return err_set(KV_EUSAGE,
			       "the secret in '%s' has %zu bytes, it needs %u "
			       "to %u",
			       path, len, PEER_SECRET_MIN, PEER_SECRET_MAX);
	memcpy(secret->bytes, text->data, len);
	secret->len = len;
	return 0;
}

int peer_secret_read(struct peer_secret *secret, const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct buf text = {0};
	int r;

	if (fd < 0 && errno == ENOENT)
		return err_set(
			KV_EUSAGE,
			"there is no secret in '%s': make one, the same "
			"for all nodes, as in: head -c 32 /dev/urandom | "
			"base64 >FILE; chmod 600 FILE",
			path);
	if (fd < 0)
		return err_sys(errno, "cannot read the secret '%s'", path);
	r = check_mode(fd, path);
	if (r == 0)
		r = input_read_all(fd, path, PEER_SECRET_MAX + 2, &text);
	close(fd);
	if (r == 0)
		r = take(secret, path, &text);
	if (text.data != NULL)
		OPENSSL_cleanse(text.data, text.cap);
	buf_release(&text);
	return r;
}

void peer_secret_mac(const struct peer_secret *secret, struct slice text,
		     unsigned char mac[PEER_MAC_LEN])
{
	unsigned len = 0;

	if (HMAC(EVP_sha256(), secret->bytes, (int)secret->len,
		 (const unsigned char *)text.data, text.len, mac,
		 &len) == NULL ||
	    len != PEER_MAC_LEN)
		arc4random_buf(mac, PEER_MAC_LEN); /* that fits nothing */
}

void peer_secret_release(struct peer_secret *secret)
{
	OPENSSL_cleanse(secret, sizeof(*secret));
}

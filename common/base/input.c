/*
 * input.c - see input.h.
 */
#include "base/input.h"

#include "base/err.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#define READ_SIZE 65536

int input_read_all(int fd, const char *name, size_t max, struct buf *b)
{
	while (b->len <= max) {
		char *to = buf_reserve(b, READ_SIZE);
		ssize_t n;

		if (to == NULL)
			return err_sys(ENOMEM, "cannot read %s", name);
		n = read(fd, to, b->cap - b->len);
		if (n == 0)
			break;
		if (n < 0 && errno != EINTR)
			return err_sys(errno, "cannot read %s", name);
		if (n > 0)
			buf_advance(b, (size_t)n);
	}
	return 0;
}

uint64_t input_bytes_left(int fd)
{
	struct stat st;
	off_t at;

	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
		return 0;
	at = lseek(fd, 0, SEEK_CUR);
	return at >= 0 && at < st.st_size ? (uint64_t)(st.st_size - at) : 0;
}

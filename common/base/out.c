/*
 * out.c - see out.h. stdio is not used because it would copy large values
 * once more and cannot tell why a write failed once it has buffered it.
 */
#include "base/out.h"

#include "base/err.h"

#include <errno.h>
#include <unistd.h>

/* One write(2) of this size costs about as much as copying it. */
#define OUT_BLOCK 65536

void out_init(struct out *o, int fd, const char *name)
{
	*o = (struct out){.fd = fd, .name = name};
}

static int write_all(struct out *o, const char *data, size_t len)
{
	while (len > 0 && o->failed == 0) {
		ssize_t n = write(o->fd, data, len);

		if (n < 0 && errno != EINTR) {
			o->broken = errno == EPIPE;
			o->failed = err_sys(errno, "cannot write %s", o->name);
		}
		if (n > 0) {
			data += n;
			len -= (size_t)n;
		}
	}
	return o->failed;
}

int out_flush(struct out *o)
{
	if (buf_failed(&o->buf) && o->failed == 0)
		o->failed = err_sys(ENOMEM, "cannot write %s", o->name);
	write_all(o, o->buf.data, o->buf.len);
	buf_clear(&o->buf);
	return o->failed;
}

int out_step(struct out *o)
{
	if (o->buf.len < OUT_BLOCK && !buf_failed(&o->buf))
		return o->failed;
	return out_flush(o);
}

int out_put(struct out *o, const void *data, size_t len)
{
	if (len < OUT_BLOCK) {
		buf_append(&o->buf, data, len);
		return out_step(o);
	}
	out_flush(o);
	return write_all(o, data, len);
}

int out_close(struct out *o)
{
	out_flush(o);
	buf_release(&o->buf);
	/* EINTR: the descriptor is gone, and nothing was waiting in it. */
	if (close(o->fd) != 0 && errno != EINTR && o->failed == 0)
		o->failed = err_sys(errno, "cannot write %s", o->name);
	return o->failed;
}

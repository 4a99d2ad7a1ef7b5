/*
 * session_io.c - the bytes of a session: reading, sending, stalling, closing;
 * see session.h. None of this is done inside the gate.
 *
 * A connection at rest holds no buffers: input is read into one buffer of the
 * hub and output is built in others, which are lent. Only a request that has
 * begun, or output that the peer does not take, makes a session keep its own.
 *
 * Short output waits until the input of all sessions has been handled. A client
 * of many connections then wakes up once to many replies, and not once for
 * each; and where it has to share a processor with us, it does not push us
 * aside in the middle. Long output is worth a system call at once, while it is
 * in cache.
 */
#include "serve/session.h"

#include "base/err.h"
#include "serve/node.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <sys/socket.h>

#define READ_MIN ((size_t)64 << 10)  /* into a session's own buffer */
#define SPARE_KEEP ((size_t)1 << 20) /* the hub keeps one buffer that large */
#define SHORT_OUTPUT HUB_SPARE_MAX   /* what the hub has buffers for */
#define SEND_MAX ((size_t)1 << 30)   /* uv_try_write() counts in an int */
#define DISCARD_READS 64

static void set_owed(struct session *s, bool on)
{
	if (on == s->is_owed)
		return;
	if (on)
		TAILQ_INSERT_TAIL(&s->hub->owed, s, owed);
	else
		TAILQ_REMOVE(&s->hub->owed, s, owed);
	s->is_owed = on;
}

static void set_stalled(struct session *s, bool on)
{
	if (on == s->is_stalled)
		return;
	if (on)
		TAILQ_INSERT_TAIL(&s->hub->stalled, s, stalled);
	else
		TAILQ_REMOVE(&s->hub->stalled, s, stalled);
	s->is_stalled = on;
}

static void on_closed(uv_handle_t *handle)
{
	session_free(handle->data);
}

void session_close(struct session *s)
{
	if (s->closing)
		return;
	s->closing = true;
	reply_queue_release(&s->queue);
	set_owed(s, false);
	set_stalled(s, false);
	if (s->is_dirty)
		TAILQ_REMOVE(&s->hub->dirty, s, dirty);
	s->is_dirty = false;
	uv_close(&s->io.handle, on_closed);
}

static void borrow_output(struct session *s)
{
	struct hub *hub = s->hub;

	if (s->out.cap == 0 && hub->nspares != 0)
		s->out = hub->spares[--hub->nspares];
}

static void return_output(struct session *s)
{
	struct hub *hub = s->hub;
	size_t most = hub->nspares == 0 ? SPARE_KEEP : HUB_SPARE_MAX;

	if (s->out.len != 0)
		return;
	if (hub->nspares < HUB_SPARES && s->out.cap <= most) {
		if (s->out.cap != 0)
			hub->spares[hub->nspares++] = s->out;
		buf_init(&s->out);
	} else {
		buf_release(&s->out);
	}
}

/* Whether the output goes at the end of the turn. */
static bool put_off(struct session *s)
{
	struct hub *hub = s->hub;

	if (s->out.len == 0 || s->out.len > SHORT_OUTPUT || s->writing ||
	    s->closing || hub->nput_off == HUB_SPARES)
		return false;
	hub->nput_off++;
	if (!s->is_dirty)
		TAILQ_INSERT_TAIL(&hub->dirty, s, dirty);
	s->is_dirty = true;
	return true;
}

size_t session_unsent(const struct session *s)
{
	return s->out.len +
	       (s->writing ? uv_stream_get_write_queue_size(&s->io.stream) : 0);
}

void session_show(struct session *s)
{
	struct session_seen *seen = &s->seen;

	atomic_store_explicit(&seen->input, s->in.len, memory_order_relaxed);
	atomic_store_explicit(&seen->input_free, s->in.cap - s->in.len,
			      memory_order_relaxed);
	atomic_store_explicit(&seen->output, session_unsent(s),
			      memory_order_relaxed);
	atomic_store_explicit(&seen->replies, s->queue.count,
			      memory_order_relaxed);
}

static void on_written(uv_write_t *req, int status)
{
	struct session *s = req->data;

	s->writing = false;
	buf_release(&s->sending);
	if (s->closing)
		return;
	if (status < 0) {
		session_close(s);
		return;
	}
	if (s->is_stalled)
		session_pump(s);
	else
		session_send(s);
	session_show(s);
}

/* The kernel took only `sent` bytes: the rest goes when it has room. */
static void send_later(struct session *s, size_t sent)
{
	uv_buf_t rest = {.base = s->out.data + sent, .len = s->out.len - sent};

	s->sending = s->out;
	buf_init(&s->out);
	s->write.data = s;
	s->writing = true;
	if (uv_write(&s->write, &s->io.stream, &rest, 1, on_written) != 0) {
		s->writing = false;
		session_close(s);
	}
}

static void send_now(struct session *s)
{
	size_t len = s->out.len < SEND_MAX ? s->out.len : SEND_MAX;
	uv_buf_t all = {.base = s->out.data, .len = len};
	int n = uv_try_write(&s->io.stream, &all, 1);

	if (n == UV_EAGAIN)
		n = 0;
	if (n < 0)
		session_close(s);
	else if ((size_t)n == s->out.len)
		buf_clear(&s->out);
	else
		send_later(s, (size_t)n);
}

/* Closing a socket with unread input makes the kernel drop what it has not yet
 * delivered, the last replies: so take it. A peer that goes on sending may
 * still lose them; that cannot be helped without waiting for it. */
static void discard_input(struct session *s)
{
	uv_os_fd_t fd;

	if (uv_fileno(&s->io.handle, &fd) != 0)
		return;
	for (int i = 0; i < DISCARD_READS; i++)
		if (recv(fd, s->hub->read_buf, HUB_READ_SIZE, MSG_DONTWAIT) <=
		    0)
			break;
}

void session_send(struct session *s)
{
	if (s->closing)
		return;
	if (buf_failed(&s->out)) { /* out of memory: no way to go on */
		session_close(s);
		return;
	}
	if (!s->writing && s->out.len != 0)
		send_now(s);
	if (s->closing)
		return;
	return_output(s);
	set_owed(s, s->queue.count != 0);
	if (s->finished && s->queue.count == 0 && session_unsent(s) == 0) {
		if (!s->ended)
			discard_input(s);
		session_close(s);
	}
}

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buf)
{
	struct session *s = handle->data;

	(void)suggested;
	if (s->in.len == 0) {
		buf->base = s->hub->read_buf;
		buf->len = HUB_READ_SIZE;
		return;
	}
	buf->base = buf_reserve(&s->in, READ_MIN);
	buf->len = buf->base != NULL ? s->in.cap - s->in.len : 0;
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf);

void session_set_reading(struct session *s, bool on)
{
	if (on == s->reading)
		return;
	if (!on)
		uv_read_stop(&s->io.stream);
	else if (uv_read_start(&s->io.stream, on_alloc, on_read) != 0)
		session_close(s);
	s->reading = on;
}

/* Handles input and sends, in turns: what has been sent makes room for more.
 * Ends when the input is used up or a limit holds. */
static void handle_input(struct session *s, struct slice *input)
{
	bool used_up, full;

	do {
		borrow_output(s);
		s->pumping = true;
		used_up = session_handle(s, input);
		s->pumping = false;
		if (!put_off(s))
			session_send(s);
		if (s->closing)
			return;
		full = session_is_full(s);
	} while (!used_up && !full);
	if (s->finished)
		return;
	set_stalled(s, full);
	session_set_reading(s, !full);
}

void session_pump(struct session *s)
{
	struct slice input = buf_slice(&s->in);

	if (s->closing)
		return;
	handle_input(s, &input);
	buf_consume(&s->in, s->in.len - input.len);
	if (s->in.len == 0)
		buf_release(&s->in);
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
	struct session *s = stream->data;
	struct slice input;

	atomic_store_explicit(&s->seen.heard_ms, uv_now(s->hub->loop),
			      memory_order_relaxed);
	if (s->hub->node != NULL)
		node_wake(s->hub->node);
	if (n == UV_EOF) {
		s->ended = true;
		session_finish(s);
	} else if (n < 0) {
		session_close(s);
	} else if (buf->base != s->hub->read_buf) {
		buf_advance(&s->in, (size_t)n);
		session_pump(s);
	} else if (n > 0) {
		input = slice_of(buf->base, (size_t)n);
		handle_input(s, &input);
		buf_append_slice(&s->in, input);
		if (buf_failed(&s->in))
			session_close(s);
	}
	session_show(s);
}

void session_doom(struct session *s)
{
	s->doomed = true;
	if (s->is_dirty || s->closing)
		return;
	TAILQ_INSERT_TAIL(&s->hub->dirty, s, dirty);
	s->is_dirty = true;
}

void session_release(struct session *s)
{
	struct reply_gate reached;

	if (s->doomed)
		session_close(s);
	if (s->closing)
		return;
	reached = hub_reached(s->hub);
	borrow_output(s);
	reply_queue_take(&s->queue, &reached, &s->out);
	session_send(s);
	if (s->is_stalled)
		session_pump(s);
	session_show(s);
}

void session_finish(struct session *s)
{
	if (s->closing)
		return;
	s->finished = true;
	set_stalled(s, false);
	session_set_reading(s, false);
	session_send(s);
}

/*
 * listener.h - where connections come in: a TCP port, a Unix socket.
 */
#ifndef SERVE_LISTENER_H
#define SERVE_LISTENER_H

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

/* Called with the stream to accept from, or with status < 0 (a libuv code) if
 * the kernel had none to give. */
typedef void listener_fn(void *arg, uv_stream_t *stream, int status);

struct listener {
	union {
		uv_handle_t handle;
		uv_stream_t stream;
		uv_tcp_t tcp;
		uv_pipe_t pipe;
	} io;
	listener_fn *fn;
	void *arg;
	bool open;
};

/* A name stands for the first address that it resolves to. Port 0: the kernel
 * chooses; see listener_address(). 0 or KV_E... with err_text(); on failure the
 * loop may have to run once more before the struct may go. */
int listener_open_tcp(struct listener *l, uv_loop_t *loop, const char *host,
		      uint16_t port, listener_fn *fn, void *arg);

/* A socket file that nobody listens on any more is replaced; one that is in
 * use, or a file of another kind, is left alone and an error. */
int listener_open_unix(struct listener *l, uv_loop_t *loop, const char *path,
		       listener_fn *fn, void *arg);

/* "127.0.0.1:65432" or "[::1]:65432", of a TCP listener. */
void listener_address(const struct listener *l, char *text, size_t size);

/* The port of a TCP listener; 0: not known. */
uint16_t listener_port(const struct listener *l);

/* Stops listening and removes the socket file; does nothing if not open. The
 * loop has to run once more before the struct may go. */
void listener_close(struct listener *l);

#endif

/*
 * daemon.h - going to the background so that whoever started the program
 * learns how that went, and the files that tell of it.
 *
 * Until daemon_ready() the child keeps the caller's standard error, so that
 * its complaints are seen where they are expected.
 */
#ifndef SERVE_DAEMON_H
#define SERVE_DAEMON_H

#include <stdbool.h>

struct daemon {
	int pipe; /* to the parent, who waits on the other end; -1: none */
};

/*
 * Splits the process. In the child *is_parent is false: it has a session of
 * its own and no descriptors above 2 but `keep_fd` (-1: none). In the parent,
 * which is back only when the child is ready or has ended, it is true, and
 * *status is the exit status to leave with: 0 once the child is ready.
 *
 * To be called before threads are started. 0 or KV_E... with err_text(), in
 * the parent also if a signal ended the child.
 */
int daemon_split(struct daemon *d, int keep_fd, bool *is_parent, int *status);

/* In the child: sends what is printed to `log` from now on (appending), and
 * lets the parent go. 0 or KV_E... with err_text(). */
int daemon_ready(struct daemon *d, const char *log);

/* Writes the number of this process to the file, all at once. 0 or KV_E...
 * with err_text(). */
int pid_file_write(const char *path);

#endif

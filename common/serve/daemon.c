/*
 * daemon.c - see daemon.h. One fork is enough: the child leads a session
 * without a terminal and opens no terminal later.
 */
#include "serve/daemon.h"

#include "base/err.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static void close_range_of(int from, int to)
{
	if (from <= to)
		close_range((unsigned)from, (unsigned)to, 0);
}

/* What the caller had open is not ours to hold open: a pipe that somebody
 * reads to its end, for one. */
static void close_others(int a, int b)
{
	int low = a < b ? a : b, high = a < b ? b : a;
	int from = STDERR_FILENO + 1;

	if (low >= from) {
		close_range_of(from, low - 1);
		from = low + 1;
	}
	if (high >= from) {
		close_range_of(from, high - 1);
		from = high + 1;
	}
	close_range((unsigned)from, ~0u, 0);
}

static int wait_for_child(int fd, pid_t child, int *status)
{
	char byte;
	ssize_t n;
	int how;

	do
		n = read(fd, &byte, 1);
	while (n < 0 && errno == EINTR);
	close(fd);
	*status = 0;
	if (n == 1)
		return 0;
	while (waitpid(child, &how, 0) < 0)
		if (errno != EINTR)
			return err_sys(errno, "cannot wait for the server");
	if (WIFSIGNALED(how))
		return err_set(KV_EIO, "the server was ended by signal %d",
			       WTERMSIG(how));
	*status = WEXITSTATUS(how);
	if (*status == 0)
		return err_set(KV_EIO, "the server ended before it was ready");
	return 0;
}

int daemon_split(struct daemon *d, int keep_fd, bool *is_parent, int *status)
{
	int fds[2];
	pid_t child;

	if (pipe2(fds, O_CLOEXEC) != 0)
		return err_sys(errno, "cannot open a pipe");
	child = fork();
	if (child < 0) {
		close(fds[0]);
		close(fds[1]);
		return err_sys(errno, "cannot start a process");
	}
	*is_parent = child != 0;
	if (*is_parent) {
		close(fds[1]);
		return wait_for_child(fds[0], child, status);
	}
	d->pipe = fds[1];
	close_others(d->pipe, keep_fd);
	setsid();
	return 0;
}

static int redirect(int fd, const char *path, int flags)
{
	int opened = open(path, flags | O_NOCTTY | O_CLOEXEC, 0600);

	if (opened < 0)
		return err_sys(errno, "cannot open '%s'", path);
	if (dup2(opened, fd) < 0) {
		int e = errno;

		close(opened);
		return err_sys(e, "cannot redirect to '%s'", path);
	}
	close(opened);
	return 0;
}

int daemon_ready(struct daemon *d, const char *log)
{
	int r = redirect(STDIN_FILENO, "/dev/null", O_RDONLY);
	ssize_t n;

	if (r == 0)
		r = redirect(STDOUT_FILENO, "/dev/null", O_WRONLY);
	if (r == 0)
		r = redirect(STDERR_FILENO, log, O_WRONLY | O_APPEND | O_CREAT);
	if (r != 0)
		return r;
	do
		n = write(d->pipe, "\n", 1);
	while (n < 0 && errno == EINTR);
	close(d->pipe);
	d->pipe = -1;
	/* A parent that has gone does not wait: nothing to do about it. */
	return 0;
}

int pid_file_write(const char *path)
{
	char *tmp;
	FILE *f;
	bool ok;
	int e;

	if (asprintf(&tmp, "%s.tmp", path) < 0)
		return err_set(KV_ENOMEM, "out of memory");
	f = fopen(tmp, "we");
	ok = f != NULL;
	if (ok) {
		ok = fprintf(f, "%d\n", (int)getpid()) > 0;
		ok = fclose(f) == 0 && ok;
	}
	ok = ok && rename(tmp, path) == 0;
	e = errno;
	if (!ok)
		unlink(tmp);
	free(tmp);
	return ok ? 0 : err_sys(e, "cannot write the pid file '%s'", path);
}

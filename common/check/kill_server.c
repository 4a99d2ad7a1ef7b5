/*
 * kill_server.c - see kill_server.h.
 */
#include "check/kill_server.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define READY_MS 60000
#define READY_FD 3

/* In the child: becomes kv-serve. Async-signal-safe calls only. */
__attribute__((noreturn)) static void become_server(const struct kill_server *s,
						    int ready, int log,
						    pid_t parent)
{
	char *const argv[] = {(char[]){"kv-serve"},
			      (char[]){"-d"},
			      (char *)(uintptr_t)s->dir,
			      (char[]){"--port"},
			      (char[]){"0"},
			      (char[]){"--ready-fd"},
			      (char[]){"3"},
			      (char[]){"--threads"},
			      (char *)(uintptr_t)s->threads,
			      NULL};

	/* What a terminal sends to this program is not meant for its server. */
	setpgid(0, 0);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(1); /* it died before the line above */
	if (dup2(log, STDOUT_FILENO) >= 0 && dup2(log, STDERR_FILENO) >= 0 &&
	    dup2(ready, READY_FD) >= 0) {
		if (ready == READY_FD)
			fcntl(ready, F_SETFD, 0);
		execv(s->path, argv);
	}
	_exit(127);
}

int kill_server_find(char **path)
{
	char self[4096];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	const char *places = getenv("PATH");

	if (n > 0) {
		self[n] = '\0';
		*strrchr(self, '/') = '\0';
		if (asprintf(path, "%s/kv-serve", self) < 0)
			return err_set(KV_ENOMEM, "out of memory");
		if (access(*path, X_OK) == 0)
			return 0;
		free(*path);
	}
	while (places != NULL && *places != '\0') {
		size_t len = strcspn(places, ":");

		if (asprintf(path, "%.*s/kv-serve", (int)len, places) < 0)
			return err_set(KV_ENOMEM, "out of memory");
		if (access(*path, X_OK) == 0)
			return 0;
		free(*path);
		places += len + (places[len] == ':');
	}
	*path = NULL;
	return err_set(KV_EUNAVAILABLE, "there is no kv-serve beside this "
					"program or on the path");
}

int kill_server_start(struct kill_server *s, const char *path, const char *dir,
		      unsigned threads, const char *log)
{
	pid_t parent = getpid();
	int fds[2], log_fd;

	*s = (struct kill_server){
		.ready_fd = -1, .path = path, .dir = dir, .log = log};
	snprintf(s->threads, sizeof(s->threads), "%u", threads);
	log_fd = open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	if (log_fd < 0)
		return err_sys(errno, "cannot open '%s'", log);
	if (pipe2(fds, O_CLOEXEC) != 0) {
		close(log_fd);
		return err_sys(errno, "cannot make a pipe");
	}
	s->pid = fork();
	if (s->pid == 0)
		become_server(s, fds[1], log_fd, parent);
	close(fds[1]);
	close(log_fd);
	if (s->pid < 0) {
		s->pid = 0;
		close(fds[0]);
		return err_sys(errno, "cannot start '%s'", path);
	}
	s->ready_fd = fds[0];
	return 0;
}

int kill_server_ready(struct kill_server *s)
{
	struct pollfd p = {.fd = s->ready_fd, .events = POLLIN};
	char c;
	int n;

	do
		n = poll(&p, 1, READY_MS);
	while (n < 0 && errno == EINTR);
	if (n == 0)
		return err_set(KV_EUNAVAILABLE,
			       "'%s' did not get ready within a minute; see "
			       "'%s'",
			       s->path, s->log);
	if (n < 0 || read(s->ready_fd, &c, 1) != 1)
		return err_set(KV_EUNAVAILABLE,
			       "'%s' ended instead of serving; see '%s'",
			       s->path, s->log);
	return 0;
}

void kill_server_signal(const struct kill_server *s, int sig)
{
	if (s->pid > 0)
		kill(s->pid, sig);
}

int kill_server_wait(struct kill_server *s)
{
	int status = 0;

	if (s->pid > 0)
		while (waitpid(s->pid, &status, 0) < 0 && errno == EINTR)
			;
	if (s->ready_fd >= 0)
		close(s->ready_fd);
	s->pid = 0;
	s->ready_fd = -1;
	return status;
}

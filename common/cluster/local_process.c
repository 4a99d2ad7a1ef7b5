/*
 * local_process.c - the processes of a local cluster; see local.h.
 *
 * A node is started as anybody would start it: "kv-serve -b", which returns
 * when it serves. Its pid file may be left over from a process that was killed,
 * and the number be another's by now: it is believed only while the store's
 * lock is held.
 */
#include "cluster/local.h"

#include "base/err.h"
#include "base/input.h"
#include "base/parse.h"
#include "client/transport.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#define COMPLAINT_MAX 4096
#define END_POLL_MS 5

static pid_t read_pid(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct buf text;
	int64_t n = 0;

	if (fd < 0)
		return 0;
	buf_init(&text);
	if (input_read_all(fd, path, 64, &text) == 0) {
		buf_append_char(&text, '\0');
		if (!buf_failed(&text))
			n = strtoll(text.data, NULL, 10);
	}
	close(fd);
	buf_release(&text);
	return n > 1 && n <= INT32_MAX ? (pid_t)n : 0;
}

pid_t local_pid(const struct local *l, const struct member *node)
{
	char *dir = local_path(l, node->name), *file = NULL, *address = NULL;
	pid_t pid = 0;

	if (dir != NULL && asprintf(&file, "%s/kv-serve.pid", dir) < 0)
		file = NULL;
	if (file != NULL)
		pid = read_pid(file);
	if (pid != 0 && (embedded_find_server(dir, &address) != 0 ||
			 address == NULL || kill(pid, 0) != 0))
		pid = 0;
	free(address);
	free(file);
	free(dir);
	return pid;
}

bool local_is_paused(const struct local *l, const struct member *node)
{
	pid_t pid = local_pid(l, node);
	char path[64], text[512];
	const char *end;
	ssize_t n = 0;
	int fd;

	if (pid == 0)
		return false;
	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0) {
		n = read(fd, text, sizeof(text) - 1);
		close(fd);
	}
	text[n > 0 ? n : 0] = '\0';
	/* "PID (name) STATE ...", and a name may have brackets in it. */
	end = strrchr(text, ')');
	return end != NULL && strncmp(end, ") T", 3) == 0;
}

/* One node on its way up. */
struct start {
	const struct member *node;
	pid_t pid;
	int said; /* what it says, if it fails */
	char *dir, *cluster, *secret;
	char *host, *port; /* of one that joins; else NULL */
};

/* What it says goes to `said`. 0 or an errno. */
static int spawn_server(const char *server, struct start *s, int said)
{
	bool joins = s->port != NULL;
	const char *argv[] = {
		"kv-serve",
		"-b",
		"-d",
		s->dir,
		"--mode",
		"primary",
		"--node",
		s->node->name,
		"--secret-file",
		s->secret,
		"--allow-faults",
		joins ? "--join" : "--cluster",
		joins ? "--host" : s->cluster,
		joins ? s->host : NULL,
		"--port",
		s->port,
		NULL,
	};

	posix_spawn_file_actions_t actions;
	int e = posix_spawn_file_actions_init(&actions);

	if (e != 0)
		return e;
	e = posix_spawn_file_actions_adddup2(&actions, said, STDOUT_FILENO);
	if (e == 0)
		e = posix_spawn_file_actions_adddup2(&actions, said,
						     STDERR_FILENO);
	if (e == 0)
		e = posix_spawn(&s->pid, server, &actions, NULL,
				(char *const *)(uintptr_t)argv, environ);
	posix_spawn_file_actions_destroy(&actions);
	return e;
}

/* Host and port of "host:port", "[host]:port". */
static int split_address(struct start *s)
{
	const char *address = s->node->address;
	const char *colon = strrchr(address, ':');
	bool bracketed = address[0] == '[';

	s->host = strndup(address + bracketed,
			  (size_t)(colon - address) - 2 * bracketed);
	s->port = strdup(colon + 1);
	return s->host != NULL && s->port != NULL
		       ? 0
		       : err_set(KV_ENOMEM, "out of memory");
}

static int start_one(const struct local *l, const char *server, struct start *s)
{
	int fds[2], e;

	s->dir = local_path(l, s->node->name);
	s->cluster = local_path(l, "cluster");
	s->secret = local_path(l, "secret");
	if (s->dir == NULL || s->cluster == NULL || s->secret == NULL)
		return KV_ENOMEM;
	if (members_find_name(&l->first, s->node->name) == NULL &&
	    split_address(s) != 0)
		return KV_ENOMEM;
	if (pipe2(fds, O_CLOEXEC) != 0)
		return err_sys(errno, "cannot make a pipe");
	e = spawn_server(server, s, fds[1]);
	close(fds[1]);
	s->said = fds[0];
	return e == 0 ? 0 : err_sys(e, "cannot run '%s'", server);
}

/* The last line that the node said, without the name of the program. */
static const char *complaint(struct buf *said)
{
	static const char prefix[] = "kv-serve: ";
	char *last;

	while (said->len != 0 && said->data[said->len - 1] == '\n')
		said->len--;
	buf_append_char(said, '\0');
	if (buf_failed(said) || said->len == 1)
		return "it did not say why";
	last = strrchr(said->data, '\n');
	last = last != NULL ? last + 1 : said->data;
	return strncmp(last, prefix, sizeof(prefix) - 1) == 0
		       ? last + sizeof(prefix) - 1
		       : last;
}

static int await_one(struct start *s)
{
	struct buf said;
	int status = 0, r = 0;

	buf_init(&said);
	if (input_read_all(s->said, "the server", COMPLAINT_MAX, &said) != 0)
		buf_clear(&said);
	while (waitpid(s->pid, &status, 0) < 0 && errno == EINTR)
		;
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
		r = err_set(KV_EIO, "node '%s' does not start: %s",
			    s->node->name, complaint(&said));
	buf_release(&said);
	return r;
}

static void start_release(struct start *s)
{
	if (s->said >= 0)
		close(s->said);
	free(s->dir);
	free(s->cluster);
	free(s->secret);
	free(s->host);
	free(s->port);
}

int local_start(const struct local *l, const char *server, unsigned which)
{
	struct start starts[MEMBERS_MAX];
	char text[ERR_TEXT_MAX] = "";
	unsigned n = 0;
	int r = 0;

	for (unsigned i = 0; i < l->nodes.n && r == 0; i++) {
		if (!(which >> i & 1) || local_pid(l, &l->nodes.list[i]) != 0)
			continue;
		starts[n] =
			(struct start){.node = &l->nodes.list[i], .said = -1};
		r = start_one(l, server, &starts[n++]);
	}
	if (r != 0)
		snprintf(text, sizeof(text), "%s", err_text());
	for (unsigned i = 0; i < n; i++) {
		int one = starts[i].pid > 0 ? await_one(&starts[i]) : 0;

		if (one != 0 && r == 0) {
			r = one;
			snprintf(text, sizeof(text), "%s", err_text());
		}
		start_release(&starts[i]);
	}
	return r == 0 ? 0 : err_set(r, "%s", text);
}

int local_signal(const struct local *l, const struct member *node, int sig)
{
	pid_t pid = local_pid(l, node);

	if (pid == 0)
		return err_set(KV_ECONDITION, "node '%s' does not run",
			       node->name);
	if (kill(pid, sig) != 0)
		return err_sys(errno, "cannot signal node '%s'", node->name);
	return 0;
}

int local_await_end(const struct local *l, const struct member *node,
		    unsigned timeout_ms)
{
	/* Not our child: nothing tells of its end but its lock. */
	for (unsigned waited = 0; local_pid(l, node) != 0;
	     waited += END_POLL_MS) {
		if (waited >= timeout_ms)
			return err_set(KV_ETIMEOUT,
				       "node '%s' has not ended after %u "
				       "seconds",
				       node->name, timeout_ms / 1000);
		poll(NULL, 0, END_POLL_MS);
	}
	return 0;
}

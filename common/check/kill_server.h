/*
 * kill_server.h - a kv-serve that is started to be killed. Its process dies
 * with ours.
 */
#ifndef CHECK_KILL_SERVER_H
#define CHECK_KILL_SERVER_H

#include "base/err.h"

#include <signal.h>
#include <stdbool.h>
#include <sys/types.h>

struct kill_server {
	pid_t pid;    /* 0: not running */
	int ready_fd; /* -1: closed */
	const char *path, *dir, *log;
	char threads[12];
};

/* The kv-serve beside this program, else the one on the path; to be freed.
 * KV_EUNAVAILABLE: there is none. */
int kill_server_find(char **path);

/* Starts it on the store in `dir`, with so many event loops and its messages
 * appended to `log`; returns at once. */
int kill_server_start(struct kill_server *s, const char *path, const char *dir,
		      unsigned threads, const char *log);

/* Waits until it serves. KV_EUNAVAILABLE: it ended instead, or took longer than
 * a minute; the log says why. */
int kill_server_ready(struct kill_server *s);

void kill_server_signal(const struct kill_server *s, int sig);

/* Waits for its end; the status as of waitpid(2). */
int kill_server_wait(struct kill_server *s);

#endif

/*
 * kv-cluster_watch.c - kv-cluster status --watch.
 *
 * The nodes are asked first; then the new table is written over the old one in
 * one piece, so that nothing flickers. Signals are blocked and read from a
 * descriptor: then nothing can come between a look at them and the wait, and
 * the terminal is given back as it was whatever ends it.
 */
#include "kv-cluster_parts.h"

#include "base/err.h"
#include "cluster/status.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <termios.h>
#include <unistd.h>

#define WATCH_MS 1000

struct watch {
	bool terminal; /* what it prints goes to one */
	bool keys;     /* they come from standard input */
	bool changed;  /* its settings are `before` no more */
	bool full;     /* the last line of the screen is written */
	int signals;
	struct termios before;
};

/* In the background it must not touch the terminal. */
static void take_keys(struct watch *w)
{
	struct termios raw = w->before;

	if (!w->keys || tcgetpgrp(STDIN_FILENO) != getpgrp())
		return;
	raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
	raw.c_cc[VMIN] = 1;
	raw.c_cc[VTIME] = 0;
	w->changed = tcsetattr(STDIN_FILENO, TCSANOW, &raw) == 0;
}

static int watch_begin(struct watch *w, const struct out *out)
{
	sigset_t set;

	w->terminal = isatty(out->fd);
	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGWINCH);
	sigaddset(&set, SIGCONT);
	sigprocmask(SIG_BLOCK, &set, NULL);
	w->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (w->signals < 0)
		return err_sys(errno, "cannot wait for signals");
	w->keys = w->terminal && tcgetattr(STDIN_FILENO, &w->before) == 0;
	take_keys(w);
	return 0;
}

static void watch_end(struct watch *w)
{
	if (w->changed)
		tcsetattr(STDIN_FILENO, TCSANOW, &w->before);
	if (w->signals >= 0)
		close(w->signals);
}

/* Lines that are too long, or too many, would wrap or scroll: they are cut at
 * the edge. True: the last line of the screen is used, too. */
static bool paint(const struct buf *text, struct buf *out)
{
	struct winsize size = {0};
	size_t rows, columns, row, at = 0;

	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0)
		size = (struct winsize){0};
	rows = size.ws_row != 0 ? size.ws_row : 24;
	columns = size.ws_col != 0 ? size.ws_col : 80;
	buf_append_str(out, "\033[H");
	for (row = 0; row < rows && at < text->len; row++) {
		const char *line = text->data + at;
		const char *end = memchr(line, '\n', text->len - at);
		size_t len =
			end != NULL ? (size_t)(end - line) : text->len - at;

		if (row != 0)
			buf_append_char(out, '\n');
		buf_append(out, line, len < columns ? len : columns);
		/* Behind the last column it would erase that. */
		if (len < columns)
			buf_append_str(out, "\033[K");
		at += len + 1;
	}
	if (row < rows)
		buf_append_str(out, "\n\033[J");
	return row == rows;
}

/* Nodes come and go meanwhile. */
static int refresh(struct cluster_job *job)
{
	int r;

	if (job->address != NULL)
		return 0;
	r = local_open(&job->local, job->dir);
	if (r == 0)
		job->members = job->local.nodes;
	return r;
}

static int show(const struct cluster_job *job, struct watch *w, struct out *out)
{
	struct cluster_status status;
	struct buf text;

	status_gather(&status, &job->members, CLUSTER_ASK_MS);
	buf_init(&text);
	status_table(&status, &text);
	if (w->terminal && !buf_failed(&text))
		w->full = paint(&text, &out->buf);
	else
		buf_append(&out->buf, text.data, text.len);
	if (!w->terminal)
		buf_append_char(&out->buf, '\n');
	buf_release(&text);
	return out_flush(out);
}

/* True if it is to end. A change of the window's size only cuts it short, as
 * does being brought back to the foreground. */
static bool wait_a_while(struct watch *w)
{
	struct pollfd fds[2] = {
		{.fd = w->signals, .events = POLLIN},
		{.fd = w->keys ? STDIN_FILENO : -1, .events = POLLIN},
	};
	struct signalfd_siginfo info;
	char key = 0;

	poll(fds, 2, WATCH_MS);
	while (read(w->signals, &info, sizeof(info)) == sizeof(info)) {
		if (info.ssi_signo == SIGCONT)
			take_keys(w);
		else if (info.ssi_signo != SIGWINCH)
			return true;
	}
	if (fds[1].revents == 0)
		return false;
	if (read(STDIN_FILENO, &key, 1) != 1)
		w->keys = false;
	return key == 'q';
}

int cluster_watch(struct cluster_job *job, struct out *out)
{
	struct watch w = {.signals = -1};
	int r = watch_begin(&w, out);

	if (r == 0 && w.terminal)
		buf_append_str(&out->buf, "\033[H\033[J");
	while (r == 0) {
		r = show(job, &w, out);
		if (r == 0 && wait_a_while(&w))
			break;
		if (r == 0)
			r = refresh(job);
	}
	/* What follows begins on a line of its own. */
	if (r == 0 && w.full)
		buf_append_char(&out->buf, '\n');
	watch_end(&w);
	return r;
}

/*
 * kill.c - see kill.h: the rounds, and what is verified between them.
 */
#include "check/kill.h"

#include "base/clock.h"
#include "base/random.h"
#include "check/kill_test.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* Clients work until so many writes are acknowledged, or so long. */
#define ROUND_ACKS 1800u
#define ROUND_MS 3000u
#define LOOK_US 300u
#define START_US 30000u
#define STOP_US 20000u
#define AFTER_US 3000u

static uint64_t lot(struct kill_test *t, uint64_t n)
{
	return random_next(&t->random) % n;
}

static void pause_us(uint64_t us)
{
	struct timespec t = {.tv_sec = (time_t)(us / 1000000),
			     .tv_nsec = (long)(us % 1000000 * 1000)};

	while (nanosleep(&t, &t) != 0 && errno == EINTR)
		;
}

/* ---- rounds ---- */

static int start_and_read(struct kill_test *t)
{
	int r = kill_server_start(&t->server, t->options->server, t->dir,
				  t->options->threads, t->log);

	if (r == 0)
		r = kill_server_ready(&t->server);
	if (r != 0)
		return r;
	t->opened = true;
	return kill_read_back(t);
}

static void kill_and_wait(struct kill_test *t)
{
	kill_server_signal(&t->server, SIGKILL);
	(void)kill_server_wait(&t->server);
}

/* Asks the server, busy as it is, how much compaction has copied since it was
 * started: the test should have killed some of that, too. */
static void note_compaction(struct kill_test *t)
{
	static const char name[] = "compacted_bytes:";
	struct kv_options options = {.address = t->address};
	char *text, *line;
	kv *db;

	if (kv_open(&db, &options) != 0)
		return;
	if (kv_info(db, &text) == 0) {
		line = strstr(text, name);
		if (line != NULL)
			t->report->compacted +=
				strtoull(line + sizeof(name) - 1, NULL, 10);
		kv_free(text);
	}
	kv_close(db);
}

/* By count, so that a round means the same on a slow disk; the moment is as
 * random as the disk. */
static void wait_for_acks(struct kill_test *t, uint64_t more)
{
	uint64_t end = clock_monotonic_ms() + ROUND_MS;
	uint64_t target = atomic_load(&t->total) + more;

	while (atomic_load(&t->total) < target && clock_monotonic_ms() < end)
		pause_us(lot(t, 2 * LOOK_US));
}

/* Lets the clients work, and ends the server under them. */
static int work_and_kill(struct kill_test *t)
{
	unsigned started = 0;
	int r = 0;

	atomic_store(&t->stop, false);
	while (started < t->options->clients) {
		struct kill_client *c = &t->clients[started + 1];
		int e = pthread_create(&c->thread, NULL, kill_client_thread, c);
		if (e != 0) {
			r = err_sys(e, "cannot start a client");
			break;
		}
		started++;
	}
	wait_for_acks(t, lot(t, lot(t, 4) == 0 ? ROUND_ACKS / 10 : ROUND_ACKS));
	note_compaction(t);
	pause_us(lot(t, AFTER_US));
	if (lot(t, 5) == 0) {
		t->report->stopping++;
		kill_server_signal(&t->server, SIGTERM);
		pause_us(lot(t, STOP_US));
	}
	kill_server_signal(&t->server, SIGKILL);
	atomic_store(&t->stop, true);
	for (unsigned i = 1; i <= started; i++)
		pthread_join(t->clients[i].thread, NULL);
	(void)kill_server_wait(&t->server);
	return r;
}

static void gather(struct kill_test *t)
{
	t->report->acked = 0;
	for (unsigned i = 1; i <= t->options->clients; i++) {
		struct kill_client *c = &t->clients[i];

		t->report->acked += c->acks;
		t->report->wrong += c->wrong;
		c->wrong = 0;
		if (t->details < KILL_DETAILS_MAX)
			buf_append_slice(&t->report->details,
					 buf_slice(&c->details));
		t->details += c->details.len > 0;
		buf_clear(&c->details);
	}
}

static int one_round(struct kill_test *t)
{
	int r = 0;

	if (lot(t, 5) == 0) {
		t->report->starting++;
		r = kill_server_start(&t->server, t->options->server, t->dir,
				      t->options->threads, t->log);
		if (r != 0)
			return r;
		pause_us(lot(t, START_US));
		kill_and_wait(t);
	}
	r = start_and_read(t);
	if (r == 0)
		r = work_and_kill(t);
	if (r == 0)
		r = kill_take_logs(t);
	gather(t);
	if (r == 0)
		t->report->rounds++;
	return r;
}

/* Once more, to its regular end. */
static int last_round(struct kill_test *t)
{
	int r = start_and_read(t), status;

	if (r != 0)
		return r;
	kill_server_signal(&t->server, SIGTERM);
	status = kill_server_wait(&t->server);
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
		t->report->wrong++;
		kill_tell(t, "the server did not end well: wait status %d",
			  status);
	}
	return 0;
}

/* ---- around them ---- */

static int make_places(struct kill_test *t)
{
	const char *dir = t->options->dir;

	if (dir == NULL)
		dir = getenv("TMPDIR");
	if (dir == NULL)
		dir = "/tmp";
	if (asprintf(&t->top, "%s/kv-crashtest.XXXXXX", dir) < 0)
		t->top = NULL;
	if (t->top == NULL)
		return err_set(KV_ENOMEM, "out of memory");
	if (mkdtemp(t->top) == NULL) {
		int e = errno;
		free(t->top);
		t->top = NULL;
		return err_sys(e, "cannot make a directory in '%s'", dir);
	}
	if (asprintf(&t->dir, "%s/store", t->top) < 0)
		t->dir = NULL;
	if (asprintf(&t->log, "%s/kv-serve.log", t->top) < 0)
		t->log = NULL;
	if (asprintf(&t->address, "unix:%s/store/kv.sock", t->top) < 0)
		t->address = NULL;
	return t->dir != NULL && t->log != NULL && t->address != NULL
		       ? 0
		       : err_set(KV_ENOMEM, "out of memory");
}

static int make_clients(struct kill_test *t)
{
	const struct kill_options *o = t->options;
	unsigned own = o->keys / o->clients;
	int r = 0;

	own = own < 2 ? 2 : own;
	t->shared = own / 4 + 1;
	t->clients = calloc((size_t)o->clients + 1, sizeof(*t->clients));
	t->found =
		calloc((size_t)o->clients * own + t->shared, sizeof(*t->found));
	t->history = history_new();
	if (t->clients == NULL || t->found == NULL || t->history == NULL)
		return err_set(KV_ENOMEM, "out of memory");
	for (unsigned i = 0; r == 0 && i <= o->clients; i++) {
		struct kill_client *c = &t->clients[i];

		r = kill_client_init(c, i, own, t->shared, o->seed);
		c->address = t->address;
		c->begun_ns = t->begun_ns;
		c->stop = &t->stop;
		c->total = &t->total;
		c->reads = i == 0;
	}
	return r;
}

static void remove_dir(const char *path)
{
	DIR *dir = opendir(path);
	const struct dirent *entry;

	if (dir == NULL)
		return;
	while ((entry = readdir(dir)) != NULL)
		if (strcmp(entry->d_name, ".") != 0 &&
		    strcmp(entry->d_name, "..") != 0)
			(void)unlinkat(dirfd(dir), entry->d_name, 0);
	closedir(dir);
	(void)rmdir(path);
}

static void test_release(struct kill_test *t, bool keep)
{
	kill_and_wait(t);
	if (!keep && t->top != NULL) {
		if (t->dir != NULL)
			remove_dir(t->dir);
		remove_dir(t->top);
	}
	for (unsigned i = 0; t->clients && i <= t->options->clients; i++)
		kill_client_release(&t->clients[i]);
	free(t->clients);
	free(t->found);
	history_free(t->history);
	buf_release(&t->lines);
	free(t->top);
	free(t->dir);
	free(t->log);
	free(t->address);
}

int kill_run(const struct kill_options *options, struct kill_report *report)
{
	struct kill_test t = {.options = options,
			      .report = report,
			      .random = options->seed,
			      .begun_ns = clock_monotonic_ns(),
			      .server.ready_fd = -1};
	bool keep;
	int r;

	*report = (struct kill_report){0};
	r = make_places(&t);
	if (r == 0)
		r = make_clients(&t);
	for (unsigned i = 0; r == 0 && i < options->rounds; i++) {
		r = one_round(&t);
		if (r == 0 && options->progress != NULL)
			options->progress(options->arg, report);
	}
	if (r == 0)
		r = last_round(&t);
	if (r == KV_EUNAVAILABLE && t.opened) {
		/* A store that does not open any more is what we look for. */
		report->wrong++;
		kill_tell(&t, "%s", err_text());
		r = 0;
	}
	if (r == 0)
		r = history_check(t.history, 0, &report->history);
	if (t.history != NULL)
		report->operations = history_count(t.history);
	keep = t.top != NULL && (r != 0 || !kill_passed(report));
	if (keep)
		buf_printf(&report->details,
			   "the store and the server's messages are in '%s'\n",
			   t.top);
	test_release(&t, keep);
	return r;
}

void kill_report_release(struct kill_report *report)
{
	buf_release(&report->details);
	history_report_release(&report->history);
}

bool kill_passed(const struct kill_report *report)
{
	return report->lost == 0 && report->torn == 0 && report->wrong == 0 &&
	       report->history.verdict != HISTORY_VIOLATION;
}

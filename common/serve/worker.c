/*
 * worker.c - see worker.h. A mailbox of one job: there is never a second one,
 * so there is no queue.
 */
#include "serve/worker.h"

#include "base/err.h"

#include <assert.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>

struct worker {
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	worker_run_fn *run;
	worker_done_fn *on_done;
	void *arg;
	/* lock: */
	void *handed; /* waits to be picked up */
	void *result; /* done, waits for the loop */
	bool busy;    /* from worker_start() until on_done */
	bool quitting;
	uv_async_t done;
};

static void *thread_main(void *arg)
{
	struct worker *w = arg;
	void *job;

	pthread_mutex_lock(&w->lock);
	for (;;) {
		while (w->handed == NULL && !w->quitting)
			pthread_cond_wait(&w->wake, &w->lock);
		if (w->handed == NULL)
			break;
		job = w->handed;
		w->handed = NULL;
		pthread_mutex_unlock(&w->lock);
		w->run(job);
		pthread_mutex_lock(&w->lock);
		w->result = job;
		pthread_mutex_unlock(&w->lock);
		uv_async_send(&w->done);
		pthread_mutex_lock(&w->lock);
	}
	pthread_mutex_unlock(&w->lock);
	return NULL;
}

static void on_async(uv_async_t *async)
{
	struct worker *w = async->data;
	void *job;

	pthread_mutex_lock(&w->lock);
	job = w->result;
	w->result = NULL;
	if (job != NULL)
		w->busy = false;
	pthread_mutex_unlock(&w->lock);
	if (job != NULL)
		w->on_done(w->arg, job);
}

/* Signals are for the loop's thread: here they would only interrupt a sync. */
static int start_thread(struct worker *w)
{
	sigset_t all, before;
	int r;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	r = pthread_create(&w->thread, NULL, thread_main, w);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return r;
}

static void on_closed(uv_handle_t *handle)
{
	struct worker *w = handle->data;

	pthread_cond_destroy(&w->wake);
	pthread_mutex_destroy(&w->lock);
	free(w);
}

int worker_new(struct worker **out, uv_loop_t *loop, worker_run_fn *run,
	       worker_done_fn *on_done, void *arg)
{
	struct worker *w = calloc(1, sizeof(*w));
	int r;

	if (w == NULL)
		return err_set(KV_ENOMEM, "out of memory");
	w->run = run;
	w->on_done = on_done;
	w->arg = arg;
	r = uv_async_init(loop, &w->done, on_async);
	if (r != 0) {
		free(w);
		return err_sys(-r, "cannot watch a thread");
	}
	w->done.data = w;
	pthread_mutex_init(&w->lock, NULL);
	pthread_cond_init(&w->wake, NULL);
	r = start_thread(w);
	if (r != 0) {
		uv_close((uv_handle_t *)&w->done, on_closed);
		return err_sys(r, "cannot start a thread");
	}
	*out = w;
	return 0;
}

void worker_start(struct worker *w, void *job)
{
	pthread_mutex_lock(&w->lock);
	assert(!w->busy);
	w->busy = true;
	w->handed = job;
	pthread_cond_signal(&w->wake);
	pthread_mutex_unlock(&w->lock);
}

bool worker_is_busy(struct worker *w)
{
	bool busy;

	pthread_mutex_lock(&w->lock);
	busy = w->busy;
	pthread_mutex_unlock(&w->lock);
	return busy;
}

void worker_free(struct worker *w)
{
	pthread_mutex_lock(&w->lock);
	assert(!w->busy);
	w->quitting = true;
	pthread_cond_signal(&w->wake);
	pthread_mutex_unlock(&w->lock);
	pthread_join(w->thread, NULL);
	uv_close((uv_handle_t *)&w->done, on_closed);
}

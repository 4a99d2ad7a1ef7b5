/*
 * worker.h - one thread beside an event loop that does one job at a time.
 *
 * worker_start() hands a job over; when it is done, on_done is called on the
 * loop. A new job may be started from there. The hand-over costs two thread
 * switches, some 10 us together: short jobs are better run in place.
 *
 * Threads: on_done is called on the loop's thread, `run` on the other one. A
 * worker may be asked and started from any thread, by one at a time.
 */
#ifndef SERVE_WORKER_H
#define SERVE_WORKER_H

#include <stdbool.h>
#include <uv.h>

struct worker;

typedef void worker_run_fn(void *job);
typedef void worker_done_fn(void *arg, void *job);

/* 0 or KV_E... with err_text(). */
int worker_new(struct worker **out, uv_loop_t *loop, worker_run_fn *run,
	       worker_done_fn *on_done, void *arg);

/* No job may be under way. */
void worker_start(struct worker *w, void *job);

bool worker_is_busy(struct worker *w);

/* Ends the thread; no job may be under way. The memory is freed when the loop,
 * which has to run once more, has closed the handle. */
void worker_free(struct worker *w);

#endif

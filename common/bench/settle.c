/*
 * settle.c - books replies: latencies of what succeeded, errors by their name,
 * and what a read should have found.
 */
#include "bench/worker.h"

#include <bsd/string.h>

void load_errors_count(struct load_errors *errors, struct slice word,
		       struct slice detail, uint64_t count)
{
	struct load_error *e = errors->items;
	size_t i = 0;

	while (i < errors->n && !slice_eq(slice_str(e[i].word), word))
		i++;
	if (i == errors->n && i == LOAD_ERRORS_MAX)
		strlcpy(e[--i].word, "other", sizeof(e[i].word));
	if (i == errors->n) {
		errors->n++;
		e[i].count = 0;
		snprintf(e[i].word, sizeof(e[i].word), "%.*s", (int)word.len,
			 word.data);
		snprintf(e[i].detail, sizeof(e[i].detail), "%.*s",
			 (int)detail.len, detail.data);
	}
	e[i].count += count;
}

static bool is_measured(const struct worker *w, uint64_t due_ns)
{
	return due_ns >= w->shared->measure_ns;
}

static void book_error(struct worker *w, const struct flight *f,
		       struct slice word, struct slice detail)
{
	if (!is_measured(w, f->due_ns))
		return;
	w->result->ops[f->op].errors++;
	load_errors_count(&w->result->errors, word, detail, 1);
}

static void book_time(struct worker *w, uint64_t now_ns)
{
	uint64_t from = w->shared->measure_ns, to = w->shared->end_ns;

	if (w->plan->duration_ms != 0 && now_ns >= from && now_ns < to)
		w->result->timeline[(now_ns - from) * LOAD_TIMELINE /
				    (to - from)]++;
}

static void book_success(struct worker *w, const struct flight *f,
			 uint64_t now_ns)
{
	struct load_op *op = &w->result->ops[f->op];

	book_time(w, now_ns);
	if (!is_measured(w, f->due_ns))
		return;
	hist_record(&op->service, now_ns - f->sent_ns);
	if (w->plan->rate > 0)
		hist_record(&op->response, now_ns - f->due_ns);
	w->result->done++;
}

/* With --verify each of the keys that there were at the start is there, unless
 * the load deletes, and has a value that was written for it. */
static void book_read(struct worker *w, const struct flight *f,
		      const struct wire_reply *reply)
{
	const struct load_plan *plan = w->plan;
	struct load_op *op = &w->result->ops[f->op];
	bool must_be_there = f->key < plan->first_key + plan->keys &&
			     plan->mix.weights[BENCH_DELETE] == 0;

	if (is_measured(w, f->due_ns) && !reply->found)
		op->missing++;
	if (!plan->verify)
		return;
	if (reply->found ? !value_check(plan->values, reply->value, f->key)
			 : must_be_there)
		op->wrong++;
}

static struct flight land(struct worker *w, struct client *c)
{
	struct flight f = c->ring[c->head++];

	if (c->head == w->plan->pipeline)
		c->head = 0;
	c->under_way--;
	w->under_way--;
	return f;
}

void worker_settle(struct worker *w, struct client *c,
		   const struct wire_reply *reply, uint64_t now_ns)
{
	struct flight f = land(w, c);

	w->last_ns = now_ns;
	if (!reply->ok) {
		book_error(w, &f, reply->error, reply->detail);
		return;
	}
	if (f.kind == WIRE_GET)
		book_read(w, &f, reply);
	if (f.op == BENCH_RMW && f.kind == WIRE_GET) {
		worker_issue_write(w, c, &f);
		return;
	}
	if (f.op == BENCH_INSERT)
		atomic_fetch_add_explicit(&w->shared->inserted, 1,
					  memory_order_relaxed);
	book_success(w, &f, now_ns);
}

void worker_abandon(struct worker *w, struct client *c, const char *word,
		    const char *detail, uint64_t now_ns)
{
	while (c->under_way > 0) {
		struct flight f = land(w, c);
		struct load_op *op = &w->result->ops[f.op];

		book_error(w, &f, slice_str(word), slice_str(detail));
		if (!is_measured(w, f.due_ns))
			continue;
		hist_record(&op->service, now_ns - f.sent_ns);
		if (w->plan->rate > 0)
			hist_record(&op->response, now_ns - f.due_ns);
	}
}

void worker_settle_unsent(struct worker *w, enum bench_op op, uint64_t due_ns,
			  uint64_t now_ns)
{
	if (!is_measured(w, due_ns))
		return;
	hist_record(&w->result->ops[op].response, now_ns - due_ns);
	w->result->unsent++;
}

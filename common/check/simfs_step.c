/*
 * simfs_step.c - counting, watching, tracing and failing the operations of the
 * simulated file system: see simfs.h.
 */
#include "check/simfs_node.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

static void step_meet(struct simfs_running *st, struct simfs_pending_fault *p,
		      int *r)
{
	const struct simfs_fault *f = &p->fault;

	if (f->only != 0 && (f->only & SIMFS_ONLY(st->what.op)) == 0)
		return;
	if (f->kind == SIMFS_FLIP &&
	    ((st->what.op != SIMFS_PREAD && st->what.op != SIMFS_MAP) ||
	     st->what.len == 0))
		return;
	p->seen++;
	if (p->seen < f->nth || (p->seen > f->nth && !f->sticky))
		return;
	st->sim->fired++;
	switch (f->kind) {
	case SIMFS_FAIL:
		*r = -f->error;
		st->written = f->written;
		break;
	case SIMFS_FLIP:
		st->flip = true;
		st->bit = f->bit;
		break;
	case SIMFS_CUT:
		st->cut = true;
		break;
	}
}

/* 0, or what the step has to fail with. */
int simfs_step_begin(struct simfs_running *st, struct simfs *sim,
		     struct simfs_step what)
{
	int r = 0;

	*st = (struct simfs_running){.sim = sim, .what = what};
	if (sim->dead)
		return -EIO;
	st->what.number = ++sim->steps;
	if (sim->hook != NULL)
		sim->hook(sim->hook_arg, sim, &st->what);
	for (size_t i = 0; i < sim->nfaults; i++)
		step_meet(st, &sim->faults[i], &r);
	return r;
}

void simfs_step_done(struct simfs_running *st, ssize_t result)
{
	struct simfs *sim = st->sim;

	if (sim->tracing) {
		simfs_step_text(&st->what, &sim->trace);
		if (sim->dead)
			buf_append_str(&sim->trace, ": no power");
		else if (result < 0)
			buf_printf(&sim->trace, ": %s", strerror((int)-result));
		buf_append_str(&sim->trace, "\n");
	}
	if (st->cut)
		sim->dead = true;
}

int simfs_step_end(struct simfs_running *st, int result)
{
	simfs_step_done(st, result);
	return result;
}

uint64_t simfs_steps(const struct simfs *sim)
{
	return sim->steps;
}

void simfs_inject(struct simfs *sim, const struct simfs_fault *fault)
{
	assert(sim->nfaults < SIMFS_FAULTS_MAX);
	sim->faults[sim->nfaults++] =
		(struct simfs_pending_fault){.fault = *fault};
}

void simfs_clear_faults(struct simfs *sim)
{
	sim->nfaults = 0;
}

uint64_t simfs_fired(const struct simfs *sim)
{
	return sim->fired;
}

void simfs_watch(struct simfs *sim, simfs_hook *hook, void *arg)
{
	sim->hook = hook;
	sim->hook_arg = arg;
}

void simfs_step_text(const struct simfs_step *step, struct buf *out)
{
	static const char *const words[SIMFS_NOPS] = {
		[SIMFS_OPEN] = "open",
		[SIMFS_CREATE] = "create",
		[SIMFS_RENAME] = "rename",
		[SIMFS_UNLINK] = "unlink",
		[SIMFS_MKDIR] = "mkdir",
		[SIMFS_SYNC_DIR] = "sync directory",
		[SIMFS_LIST] = "list",
		[SIMFS_PREAD] = "pread",
		[SIMFS_PWRITE] = "pwrite",
		[SIMFS_SYNC] = "sync",
		[SIMFS_SIZE] = "ask size of",
		[SIMFS_MAP] = "map",
	};

	buf_printf(out, "op %llu: %s '%s'", (unsigned long long)step->number,
		   words[step->op], step->path);
	if (step->to != NULL)
		buf_printf(out, " to '%s'", step->to);
	if (step->op == SIMFS_PREAD || step->op == SIMFS_PWRITE)
		buf_printf(out, " %llu+%zu", (unsigned long long)step->off,
			   step->len);
	if (step->op == SIMFS_MAP)
		buf_printf(out, " %zu", step->len);
}

void simfs_trace(struct simfs *sim)
{
	sim->tracing = true;
}

void simfs_trace_text(const struct simfs *sim, size_t lines, struct buf *out)
{
	size_t from = sim->trace.len;

	while (from > 0 && (sim->trace.data[from - 1] != '\n' ||
			    from == sim->trace.len || lines-- > 1))
		from--;
	buf_append(out, sim->trace.data + from, sim->trace.len - from);
}

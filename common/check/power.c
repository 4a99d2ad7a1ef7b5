/*
 * power.c - cuts the power of a store on its own; see power.h.
 */
#include "check/power.h"

#include "check/power_explore.h"
#include "check/power_script.h"

#include <string.h>

/* Whatever an opening has shown must be on disk already: without another
 * operation, the next opening shows the same. */
static void check_again(struct explorer *ex, struct simfs *sim,
			const struct model_state *first, const char *what)
{
	struct script *sc = (struct script *)ex->work;
	struct simfs *next = explorer_cycle(ex, sim);
	struct store *s;

	if (next == NULL)
		return;
	s = explorer_open(ex, next, what);
	if (s != NULL) {
		if (memcmp(sc->found.value, first->value,
			   sizeof(first->value)) != 0)
			explorer_tell(ex, what,
				      slice_str("it shows another state\n"));
		(void)!store_close(s);
	}
	simfs_free(next);
}

/* One write more on s, which is open in sim and in this state of the model. */
static void check_write(struct explorer *ex, struct simfs *sim, struct store *s,
			size_t which, struct model_state *state)
{
	struct script *sc = (struct script *)ex->work;
	struct model model = sc->model;

	if (script_write_once(s, &model, which, state) != 0)
		explorer_tell(ex, "the recovered store takes no write",
			      slice_str(err_text()));
	/* For a moment, what was written is all that may be found. */
	sc->model = (struct model){.v = state, .n = 1};
	if (!explorer_failed(ex))
		check_again(ex, sim, state, "written to and opened again");
	sc->model = model;
}

static void check(struct explorer *ex, struct simfs *sim)
{
	const struct script *sc = (const struct script *)ex->work;
	struct store *s = explorer_open(ex, sim, "after the power came back");
	struct model_state first = sc->found;
	size_t which = sc->which;

	if (s == NULL)
		return;
	check_again(ex, sim, &first, "opened a second time");
	if (!explorer_failed(ex) && ex->tried % 2 == 0)
		check_write(ex, sim, s, which, &first);
	(void)!store_close(s);
}

int power_explore(const struct power_options *options,
		  struct power_report *report)
{
	static const struct explorer_kind kind = {
		.work = &script_kind,
		.steps = 160,
		.steps_faulty = 160,
		.limit = 64,
		.few = 4,
		.cuts_after_fault = 12,
		.check = check,
	};
	struct script script = {0};

	return explorer_run(&kind, &script.work, options, report);
}

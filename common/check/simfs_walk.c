/*
 * simfs_walk.c - which of the states after a power cut to look at: see
 * simfs.h.
 *
 * A recovery goes wrong on patterns, not on particular bits: something newer
 * is there without something older. So beyond what can be enumerated the
 * families come first that contain each such pair, then random choices.
 */
#include "check/simfs.h"

#include "base/random.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum family {
	NOTHING,
	EVERYTHING,
	ONE_MISSING,
	ONE_PRESENT,
	ONE_OLD, /* each old version, all else newest */
	FIRST_HALF,
	LAST_HALF,
	EVEN,
	ODD,
	ONLY_SECTORS,
	ONLY_NAMES_AND_SIZES,
	RANDOM,
};

static bool few(const struct simfs_cut *cut, uint64_t limit)
{
	uint64_t states = 1;

	for (size_t i = 0; i < cut->npieces; i++)
		if (__builtin_mul_overflow(states, cut->pieces[i].versions,
					   &states) ||
		    states > limit)
			return false;
	return true;
}

int simfs_walk_init(struct simfs_walk *w, const struct simfs_cut *cut,
		    uint64_t limit, uint64_t seed)
{
	*w = (struct simfs_walk){.cut = cut, .limit = limit, .random = seed};
	w->choice = calloc(cut->npieces + 1, sizeof(*w->choice));
	if (w->choice == NULL)
		return -ENOMEM;
	w->exhaustive = few(cut, limit);
	return 0;
}

void simfs_walk_release(struct simfs_walk *w)
{
	free(w->choice);
	*w = (struct simfs_walk){0};
}

/* Counts in mixed radix; false after the last. */
static bool count_up(struct simfs_walk *w)
{
	if (w->given == 0)
		return true; /* all zero */
	for (size_t i = 0; i < w->cut->npieces; i++) {
		if (++w->choice[i] < w->cut->pieces[i].versions)
			return true;
		w->choice[i] = 0;
	}
	return false;
}

static unsigned newest(const struct simfs_walk *w, size_t i)
{
	return w->cut->pieces[i].versions - 1;
}

/* The choice for piece i where a family consists of newest and oldest. */
static bool wants(const struct simfs_walk *w, size_t i)
{
	size_t n = w->cut->npieces;
	bool sector = w->cut->pieces[i].kind == SIMFS_PIECE_SECTOR;

	switch ((enum family)w->family) {
	case NOTHING:
		return false;
	case EVERYTHING:
		return true;
	case ONE_MISSING:
	case ONE_OLD:
		return i != w->at;
	case ONE_PRESENT:
		return i == w->at;
	case FIRST_HALF:
		return i < n / 2;
	case LAST_HALF:
		return i >= n / 2;
	case EVEN:
		return i % 2 == 0;
	case ODD:
		return i % 2 == 1;
	case ONLY_SECTORS:
		return sector;
	case ONLY_NAMES_AND_SIZES:
		return !sector;
	case RANDOM:
		break;
	}
	return false;
}

static void fill(struct simfs_walk *w)
{
	for (size_t i = 0; i < w->cut->npieces; i++)
		w->choice[i] = wants(w, i) ? newest(w, i) : 0;
	if (w->family == ONE_OLD)
		w->choice[w->at] = w->old;
}

/* Some of the random choices keep nearly all or nearly nothing. */
static void fill_random(struct simfs_walk *w)
{
	static const unsigned keep_of_16[] = {1, 4, 8, 12, 14, 15};
	uint64_t r = random_next(&w->random);
	unsigned keep = keep_of_16[r % 6];

	for (size_t i = 0; i < w->cut->npieces; i++) {
		r = random_next(&w->random);
		if (r % 16 < keep)
			w->choice[i] = newest(w, i);
		else
			w->choice[i] = (unsigned)((r >> 8) %
						  w->cut->pieces[i].versions);
	}
}

/* To the next member of the families; leaves family at RANDOM at the end. */
static void advance(struct simfs_walk *w)
{
	size_t n = w->cut->npieces;
	bool each = w->family == ONE_MISSING || w->family == ONE_PRESENT ||
		    w->family == ONE_OLD;

	if (each && w->family == ONE_OLD && w->old + 2 <= newest(w, w->at)) {
		w->old++;
		return;
	}
	if (each && ++w->at < n)
		goto next_old;
	w->at = 0;
	w->family++;
next_old:
	if (w->family != ONE_OLD)
		return;
	w->old = 1; /* version 0 was among ONE_MISSING */
	while (w->at < n && newest(w, w->at) < 2)
		w->at++;
	if (w->at == n) {
		w->at = 0;
		w->family++;
	}
}

const unsigned *simfs_walk_next(struct simfs_walk *w)
{
	if (w->given >= w->limit)
		return NULL;
	if (w->exhaustive) {
		if (!count_up(w))
			return NULL;
	} else if (w->family == RANDOM) {
		fill_random(w);
	} else {
		fill(w);
		advance(w);
	}
	w->given++;
	return w->choice;
}

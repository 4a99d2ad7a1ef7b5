/*
 * directory.c - the directory itself: made, recognised, or refused.
 *
 * kv.format names the format version and the store's id, and of a replicated
 * log where it begins; it is made once and checked ever after. A directory
 * without one becomes a store only if nothing is in it that is not ours.
 */
#include "store/log.h"

#include <bsd/stdlib.h>
#include <errno.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>

#define FORMAT_TEXT "kv-store %u\nid %016llx\n"
#define FORMAT_LOG "log %llu %llu\n"
#define FORMAT_TEXT_MAX 160

struct contents {
	bool has_format;
	bool has_others;
};

/* What opening a store, and serving one, may leave behind before kv.format; and
 * what a node has besides its store, which may be there before it. */
static void look_at(void *arg, const char *name)
{
	static const char *const ours[] = {
		"lock",		"kv.format.tmp", "kv.sock",
		"kv-serve.pid", "kv-serve.log",	 "secret",
		"kv.raft",	"kv.raft.tmp",	 "incoming"};
	struct contents *c = arg;
	uint64_t n;

	if (strcmp(name, "kv.format") == 0) {
		c->has_format = true;
		return;
	}
	for (size_t i = 0; i < sizeof(ours) / sizeof(ours[0]); i++)
		if (strcmp(name, ours[i]) == 0)
			return;
	if (strncmp(name, "damaged-", 8) == 0)
		return;
	/* Segments without kv.format are damage, not somebody else's. */
	c->has_others = c->has_others || !segment_name_parse(name, ".log", &n);
}

int directory_prepare(struct store *s)
{
	struct contents c = {0};
	int r = 0;

	if (s->options.create && !s->read_only)
		r = fs_mkdir(s->fs, s->dir);
	if (r != 0 && r != -EEXIST)
		return err_sys(-r, "cannot create '%s'", s->dir);
	r = fs_list(s->fs, s->dir, look_at, &c);
	if (r == -ENOENT || r == -ENOTDIR)
		return err_set(KV_EFORMAT,
			       "'%s' is not a store: no such "
			       "directory",
			       s->dir);
	if (r != 0)
		return err_sys(-r, "cannot read '%s'", s->dir);
	if (!c.has_format && c.has_others)
		return err_set(KV_EFORMAT,
			       "'%s' is not a store and holds other files; a "
			       "store needs a directory of its own",
			       s->dir);
	return 0;
}

size_t directory_format(uint64_t id, const struct store_log *log, char *text,
			size_t size)
{
	uint64_t sum = segment_seed(id, FORMAT_VERSION);
	int n = snprintf(text, size, FORMAT_TEXT, FORMAT_VERSION,
			 (unsigned long long)id);

	if (log != NULL) {
		sum = segment_seed(segment_seed(sum, log->base_index),
				   log->base_term);
		n += snprintf(text + n, size - (size_t)n, FORMAT_LOG,
			      (unsigned long long)log->base_index,
			      (unsigned long long)log->base_term);
	}
	n += snprintf(text + n, size - (size_t)n, "sum %016llx\n",
		      (unsigned long long)sum);
	return (size_t)n;
}

static int format_create(struct store *s, const char *path)
{
	char text[FORMAT_TEXT_MAX];
	char *dir = strdup(s->dir);
	size_t n;
	int r;

	arc4random_buf(&s->id, sizeof(s->id));
	n = directory_format(s->id, s->log, text, sizeof(text));
	/* The directory's own name must last as well; synced first, so that a
	 * kv.format vouches for it even if what follows fails. */
	r = dir == NULL ? -ENOMEM : fs_sync_dir(s->fs, dirname(dir));
	if (r == 0)
		r = fs_replace(s->fs, s->dir, path, text, n);
	free(dir);
	return r == 0 ? 0
		      : err_sys(-r, "cannot create a store in '%s'", s->dir);
}

/* Whether the log is replicated is no matter of taste: a coordinator that
 * does not know what others have agreed on would undo it, or break its own
 * promises. Only who just looks may take either. */
static int format_kind(struct store *s, bool replicated)
{
	if (replicated == s->options.replicated || s->either_kind)
		return 0;
	if (replicated)
		return err_set(KV_EFORMAT,
			       "'%s' belongs to a node of a cluster, and can "
			       "only be opened as one",
			       s->dir);
	return err_set(KV_EFORMAT,
		       "'%s' belongs to a store of its own, and cannot become "
		       "a node of a cluster",
		       s->dir);
}

static int format_parse(struct store *s, const char *text, const char *path)
{
	char expected[FORMAT_TEXT_MAX];
	struct store_log log = {0};
	unsigned version;
	unsigned long long id = 0, index = 0, term = 0;
	bool replicated;
	int r;

	if (sscanf(text, "kv-store %u", &version) == 1 &&
	    version != FORMAT_VERSION)
		return err_set(KV_EFORMAT,
			       "'%s' has format version %u; this program "
			       "reads version %u",
			       s->dir, version, FORMAT_VERSION);
	replicated = sscanf(text, FORMAT_TEXT FORMAT_LOG, &version, &id, &index,
			    &term) == 4;
	s->id = id;
	log.base_index = index;
	log.base_term = term;
	directory_format(s->id, replicated ? &log : NULL, expected,
			 sizeof(expected));
	if (strcmp(text, expected) != 0)
		return err_set(KV_EDAMAGED, "'%s' is damaged", path);
	r = format_kind(s, replicated);
	if (r == 0)
		r = store_set_replicated(s, replicated);
	if (r != 0 || !replicated)
		return r;
	s->log->base_index = index;
	s->log->base_term = term;
	return 0;
}

int directory_identify(struct store *s, bool has_segments)
{
	char *path = store_path(s, "kv.format");
	char text[FORMAT_TEXT_MAX] = "";
	struct file *f;
	int r;

	if (path == NULL)
		return err_set(KV_ENOMEM, "no memory to open '%s'", s->dir);
	r = fs_open(s->fs, path, FS_READ, &f);
	if (r == 0) {
		ssize_t n = file_pread(f, text, sizeof(text) - 1, 0);

		file_close(f);
		r = n < 0 ? err_sys((int)-n, "cannot read '%s'", path)
			  : format_parse(s, text, path);
	} else if (r != -ENOENT) {
		r = err_sys(-r, "cannot read '%s'", path);
	} else if (has_segments) {
		r = err_set(KV_EDAMAGED, "'%s' holds segments but no kv.format",
			    s->dir);
	} else if (!s->options.create || s->read_only) {
		r = err_set(KV_EFORMAT, "'%s' is not a store", s->dir);
	} else {
		r = store_set_replicated(s, s->options.replicated);
		if (r == 0)
			r = format_create(s, path);
	}
	free(path);
	return r;
}

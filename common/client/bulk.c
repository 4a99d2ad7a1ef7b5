/*
 * bulk.c - see bulk.h.
 */
#include "client/bulk.h"

#include "base/err.h"
#include "base/input.h"
#include "base/progress.h"
#include "client/batch.h"
#include "client/client.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

struct load {
	const struct kv_options *where;
	const struct bulk_options *options;
	struct record_reader *reader;
	struct batch batch;
	struct progress progress;
	kv *db; /* NULL: not opened yet */
	uint64_t stored;
};

/* Gathers the records of the next write: 1 if more may follow, 0 at the end,
 * or a code. */
static int gather(struct load *l)
{
	uint64_t expires_ms = client_expiry(l->options->ttl_ms);

	batch_clear(&l->batch);
	while (l->options->chunk == 0 || l->batch.count < l->options->chunk) {
		struct change change;
		int r = record_reader_next(l->reader, &change);

		if (r != 1)
			return r;
		if (change.expires_ms == 0)
			change.expires_ms = expires_ms;
		r = batch_add(&l->batch, &change);
		if (r != 0)
			return r;
	}
	return 1;
}

static int store_batch(struct load *l)
{
	struct request req = {
		.op = OP_BULK_SET,
		.changes = l->batch.changes,
		.nchanges = l->batch.count,
		.debug_unreliable = l->options->debug_unreliable,
	};
	struct reply reply;
	int r = 0;

	if (l->db == NULL)
		r = kv_open(&l->db, l->where);
	if (r == 0 && l->batch.count != 0)
		r = client_ask(l->db, &req, &reply);
	if (r == 0)
		l->stored += l->batch.count;
	return r;
}

/* Adds to a failure what is known about the chunks before it, or that there
 * could be some. */
static int explain(int code, const struct load *l)
{
	char text[ERR_TEXT_MAX - 64];

	snprintf(text, sizeof(text), "%s", err_text());
	if (l->options->chunk != 0)
		return err_set(code,
			       "%s; the first %" PRIu64 " records are stored",
			       text, l->stored);
	if (code == KV_ETOOBIG && l->db != NULL)
		return err_set(code, "%s (--chunk does so)", text);
	return code;
}

static int load_all(struct load *l)
{
	int more = 1, r = 0;

	while (more == 1 && r == 0) {
		more = gather(l);
		r = more < 0 ? more : store_batch(l);
		if (r == 0)
			progress_update(&l->progress, l->stored,
					record_reader_bytes(l->reader));
	}
	progress_end(&l->progress, l->stored, record_reader_bytes(l->reader));
	return r != 0 ? explain(r, l) : 0;
}

static int load_fd(const struct kv_options *where, int fd, const char *name,
		   const struct bulk_options *options)
{
	struct load l = {
		.where = where,
		.options = options,
		.reader = record_reader_new(fd, name, options->format),
	};
	int r;

	if (l.reader == NULL)
		return err_sys(ENOMEM, "cannot read %s", name);
	batch_init(&l.batch);
	progress_begin(&l.progress,
		       options->chunk != 0 ? options->progress_fd : -1,
		       input_bytes_left(fd));
	r = load_all(&l);
	kv_close(l.db);
	batch_release(&l.batch);
	record_reader_free(l.reader);
	return r;
}

int bulk_load(const struct kv_options *where, const char *file,
	      const struct bulk_options *options)
{
	char name[256];
	int fd, r;

	if (file == NULL || (file[0] == '-' && file[1] == '\0'))
		return load_fd(where, STDIN_FILENO, "standard input", options);
	snprintf(name, sizeof(name), "'%s'", file);
	fd = open(file, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return err_sys(errno, "cannot open %s", name);
	r = load_fd(where, fd, name, options);
	close(fd);
	return r;
}

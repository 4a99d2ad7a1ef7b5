/*
 * kv-del - delete keys.
 */
#include "program.h"

#include "base/parse.h"
#include "client/client.h"
#include "client/options.h"
#include "client/records.h"

#include <getopt.h>
#include <inttypes.h>
#include <stdlib.h>

#define HELP                                                                 \
	"usage: kv-del [options] KEY...\n"                                   \
	"       kv-del [options] [-f] --prefix P\n"                          \
	"\n"                                                                 \
	"Deletes the KEYs, all at once. Exits 1 if none of them existed.\n"  \
	"\n"                                                                 \
	"  -p, --prefix P         all keys that begin with P ('': all)\n"    \
	"  -f, --force            do not ask, also on a terminal\n"          \
	"  -c, --count            print how many were deleted\n"             \
	"      --if-version V     only if the one KEY still has version V\n" \
	"      --debug-unreliable let the sync of this write fail at "       \
	"times\n" CLIENT_OPTIONS_HELP

#define SHORT_OPTIONS "p:fc" CLIENT_OPTIONS_SHORT

enum { OPT_IF_VERSION = 256, OPT_DEBUG_UNRELIABLE };

static const struct option long_options[] = {
	{"prefix", required_argument, NULL, 'p'},
	{"force", no_argument, NULL, 'f'},
	{"count", no_argument, NULL, 'c'},
	{"if-version", required_argument, NULL, OPT_IF_VERSION},
	{"debug-unreliable", no_argument, NULL, OPT_DEBUG_UNRELIABLE},
	CLIENT_OPTIONS_LONG,
};

struct job {
	struct kv_options where;
	struct request req;
	bool force, count;
};

static int take_option(struct job *job, int letter)
{
	switch (letter) {
	case 'p':
		job->req.range.prefix = slice_str(optarg);
		job->req.has_range = true;
		return 0;
	case 'f':
		job->force = true;
		return 0;
	case 'c':
		job->count = true;
		return 0;
	case OPT_IF_VERSION:
		job->req.condition = KV_IF_VERSION;
		return parse_number("--if-version", optarg, 0, INT64_MAX,
				    &job->req.if_version);
	case OPT_DEBUG_UNRELIABLE:
		job->req.debug_unreliable = true;
		return 0;
	default:
		return client_option(&job->where, letter, optarg);
	}
}

static int take_keys(struct job *job, char **keys, size_t count)
{
	int r = 0;

	if (job->req.has_range && count != 0)
		return err_set(KV_EUSAGE,
			       "'%s': KEYs and --prefix exclude each other",
			       keys[0]);
	if (!job->req.has_range && count == 0)
		return err_set(KV_EUSAGE,
			       "what to delete? give a KEY or --prefix");
	if (job->req.condition == KV_IF_VERSION && count != 1)
		return err_set(KV_EUSAGE, "--if-version takes one KEY");
	job->req.changes = calloc(count + 1, sizeof(*job->req.changes));
	if (job->req.changes == NULL)
		return err_sys(ENOMEM, "cannot delete %zu keys", count);
	job->req.nchanges = count;
	for (size_t i = 0; r == 0 && i < count; i++) {
		job->req.changes[i].key = slice_str(keys[i]);
		job->req.changes[i].kind = CHANGE_DELETE;
		r = client_check_key(job->req.changes[i].key);
	}
	return r;
}

/* Asks the person at the terminal; 0 to go on, KV_ENOTFOUND to leave it. */
static int ask_person(const struct job *job, kv *db)
{
	struct slice prefix = job->req.range.prefix;
	struct kv_range range = {
		.prefix = prefix.data,
		.prefix_len = prefix.len,
	};
	char answer[16] = "";
	struct buf shown;
	uint64_t count;
	int r = kv_count(db, &range, &count);

	if (r != 0)
		return r;
	if (count == 0)
		return KV_ENOTFOUND;
	buf_init(&shown);
	record_escape(&shown, prefix);
	if (prefix.len == 0)
		fprintf(stderr, "delete ALL %" PRIu64 " keys? [y/N] ", count);
	else
		fprintf(stderr,
			"delete %" PRIu64
			" keys that begin with '%.*s'? [y/N] ",
			count, (int)shown.len, shown.data);
	buf_release(&shown);
	if (fgets(answer, sizeof(answer), stdin) == NULL)
		fputc('\n', stderr);
	return answer[0] == 'y' || answer[0] == 'Y' ? 0 : KV_ENOTFOUND;
}

static int run(struct job *job, struct out *out)
{
	struct reply reply = {0};
	kv *db;
	int r = kv_open(&db, &job->where);

	if (r != 0)
		return r;
	if (job->req.has_range && !job->force && isatty(STDIN_FILENO))
		r = ask_person(job, db);
	if (r == 0)
		r = client_ask(db, &job->req, &reply);
	if (job->count && (r == 0 || r == KV_ENOTFOUND))
		buf_printf(&out->buf, "%" PRIu64 "\n", reply.count);
	kv_close(db);
	return r == 0 && reply.count == 0 ? KV_ENOTFOUND : r;
}

int main(int argc, char **argv)
{
	struct job job = {.req.op = OP_DELETE};
	struct out out;
	int letter, r = 0;

	program_begin();
	while (r == 0 && (letter = getopt_long(argc, argv, SHORT_OPTIONS,
					       long_options, NULL)) != -1) {
		if (letter == 'h')
			return program_print(HELP);
		if (letter == 'V')
			return program_version();
		r = take_option(&job, letter);
	}
	if (r == 0)
		r = take_keys(&job, argv + optind, (size_t)(argc - optind));
	if (r != 0) {
		free(job.req.changes);
		return program_fail(r);
	}
	out_init(&out, STDOUT_FILENO, "standard output");
	r = run(&job, &out);
	free(job.req.changes);
	return program_end(&out, r);
}

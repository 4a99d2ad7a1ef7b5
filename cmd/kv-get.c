/*
 * kv-get - print values.
 */
#include "program.h"

#include "base/parse.h"
#include "client/client.h"
#include "client/options.h"
#include "client/print.h"

#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>

#define HELP                                                                \
	"usage: kv-get [options] KEY...\n"                                  \
	"       kv-get [options] --prefix P | --range FROM TO\n"            \
	"\n"                                                                \
	"Prints the exact value of one KEY; of several, a record a line.\n" \
	"\n"                                                                \
	"  -p, --prefix P         all keys that begin with P ('': all)\n"   \
	"  -R, --range FROM TO    all keys from FROM on and before TO\n"    \
	"  -k, --keys             print keys only\n"                        \
	"  -c, --count            print how many there are\n"               \
	"  -n, --limit N          at most N records\n"                      \
	"  -r, --reverse          in descending order of keys\n"            \
	"  -j, --json             one JSON object a line\n"                 \
	"  -0, --null             KEY NUL VALUE NUL, raw\n"                 \
	"      --print-version    print the version of one KEY "            \
	"instead\n"                                                         \
	"      --stale-ok         any node of a cluster may answer from "   \
	"what it\n"                                                         \
	"                         has\n"                                    \
	"      --print-lag        say how far behind that "                 \
	"was\n" CLIENT_OPTIONS_HELP

enum { OPT_PRINT_VERSION = 256, OPT_STALE_OK, OPT_PRINT_LAG };

struct job {
	struct kv_options where;
	struct range range;
	struct printer printer;
	bool has_range, count, print_version, print_lag;
	bool formatted; /* a record even if it is one key's */
	char **keys;
	size_t nkeys;
};

#define SHORT_OPTIONS "p:R:kcn:rj0" CLIENT_OPTIONS_SHORT

static const struct option long_options[] = {
	{"prefix", required_argument, NULL, 'p'},
	{"range", required_argument, NULL, 'R'},
	{"keys", no_argument, NULL, 'k'},
	{"count", no_argument, NULL, 'c'},
	{"limit", required_argument, NULL, 'n'},
	{"reverse", no_argument, NULL, 'r'},
	{"json", no_argument, NULL, 'j'},
	{"null", no_argument, NULL, '0'},
	{"print-version", no_argument, NULL, OPT_PRINT_VERSION},
	{"stale-ok", no_argument, NULL, OPT_STALE_OK},
	{"print-lag", no_argument, NULL, OPT_PRINT_LAG},
	CLIENT_OPTIONS_LONG,
};

static int take_option(struct job *job, int letter, int argc, char **argv)
{
	switch (letter) {
	case 'p':
		job->range.prefix = slice_str(optarg);
		job->has_range = true;
		return 0;
	case 'R':
		if (optind == argc)
			return err_set(KV_EUSAGE, "--range needs FROM and TO");
		job->range.from = slice_str(optarg);
		job->range.to = slice_str(argv[optind++]);
		job->has_range = true;
		return 0;
	case 'k':
		job->formatted = true;
		job->range.keys_only = true;
		job->printer.keys_only = true;
		return 0;
	case 'c':
		job->count = true;
		return 0;
	case 'n':
		return parse_number("--limit", optarg, 1, INT64_MAX,
				    &job->range.limit);
	case 'r':
		job->range.reverse = true;
		return 0;
	case 'j':
	case '0':
		job->formatted = true;
		job->printer.format = letter == 'j' ? RECORD_JSON : RECORD_NUL;
		return 0;
	case OPT_STALE_OK:
		job->where.stale_ok = true;
		return 0;
	case OPT_PRINT_LAG:
		job->print_lag = true;
		return 0;
	case OPT_PRINT_VERSION:
		job->print_version = true;
		return 0;
	default:
		return client_option(&job->where, letter, optarg);
	}
}

/* What goes with what. --keys and --count alone mean the whole store. */
static int check_options(struct job *job)
{
	if (job->nkeys == 0 && (job->range.keys_only || job->count))
		job->has_range = true;
	if (job->nkeys == 0 && !job->has_range)
		return err_set(KV_EUSAGE,
			       "what to get? give a KEY, --prefix or --range");
	if (job->nkeys != 0 && job->has_range)
		return err_set(KV_EUSAGE,
			       "'%s': KEYs and --prefix or --range "
			       "exclude each other",
			       job->keys[0]);
	if (job->nkeys != 0 &&
	    (job->count || job->range.limit != 0 || job->range.reverse))
		return err_set(KV_EUSAGE, "--count, --limit and --reverse go "
					  "with --prefix or --range");
	if (job->print_version && job->nkeys != 1)
		return err_set(KV_EUSAGE, "--print-version takes one KEY");
	if (job->print_lag && !job->where.stale_ok)
		return err_set(KV_EUSAGE, "--print-lag goes with --stale-ok");
	return 0;
}

static void print_lag(struct client_lag lag)
{
	if (!lag.stale)
		fprintf(stderr, "kv-get: not behind: the leader answered\n");
	else if (lag.unknown)
		fprintf(stderr, "kv-get: behind: nobody knows how far, no "
				"leader was heard of yet\n");
	else
		fprintf(stderr,
			"kv-get: behind: at least %" PRIu64
			" entries, the leader was heard of %" PRIu64
			" ms ago\n",
			lag.entries, lag.heard_ms);
}

static int run(struct job *job)
{
	struct printer *p = &job->printer;
	int r = 0;

	for (size_t i = 0; r == 0 && i < job->nkeys; i++)
		r = client_check_key(slice_str(job->keys[i]));
	if (r == 0)
		r = kv_open(&p->db, &job->where);
	if (r != 0)
		return r;
	if (job->count)
		r = print_count(p, &job->range);
	else if (job->has_range)
		r = print_range(p, &job->range);
	else if (job->print_version)
		r = print_version(p, slice_str(job->keys[0]));
	else if (job->nkeys == 1 && !job->formatted)
		r = print_value(p, slice_str(job->keys[0]));
	else
		r = print_keys(p, job->keys, job->nkeys);
	if (job->print_lag && (r == 0 || r == KV_ENOTFOUND))
		print_lag(client_lag(p->db));
	kv_close(p->db);
	return r;
}

int main(int argc, char **argv)
{
	struct job job = {.where.read_only = true};
	int letter, r = 0;

	program_begin();
	while (r == 0 && (letter = getopt_long(argc, argv, SHORT_OPTIONS,
					       long_options, NULL)) != -1) {
		if (letter == 'h')
			return program_print(HELP);
		if (letter == 'V')
			return program_version();
		r = take_option(&job, letter, argc, argv);
	}
	job.keys = argv + optind;
	job.nkeys = (size_t)(argc - optind);
	if (r == 0)
		r = check_options(&job);
	if (r != 0)
		return program_fail(r);
	out_init(&job.printer.out, STDOUT_FILENO, "standard output");
	r = run(&job);
	return program_end(&job.printer.out, r);
}

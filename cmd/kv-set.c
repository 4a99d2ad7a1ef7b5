/*
 * kv-set - store values.
 */
#include "program.h"

#include "base/input.h"
#include "base/parse.h"
#include "client/bulk.h"
#include "client/client.h"
#include "client/options.h"

#include <getopt.h>
#include <inttypes.h>

#define HELP                                                                   \
	"usage: kv-set [options] KEY VALUE\n"                                  \
	"       kv-set [options] KEY -\n"                                      \
	"       kv-set [options] --bulk [FILE]\n"                              \
	"\n"                                                                   \
	"Stores VALUE, or what standard input holds (-). The argument after\n" \
	"KEY is always VALUE, also if it begins with a dash.\n"                \
	"\n"                                                                   \
	"  -b, --bulk             store the records of FILE or standard "      \
	"input,\n"                                                             \
	"                         all or none\n"                               \
	"  -c, --chunk N          with --bulk: N records at a time, with a\n"  \
	"                         progress bar on a terminal\n"                \
	"  -j, --json             records are JSON objects, one a line\n"      \
	"  -0, --null             records are KEY NUL VALUE NUL\n"             \
	"  -x, --ttl SECONDS      what is stored goes after this time\n"       \
	"      --if-absent        only if there is no such key\n"              \
	"      --if-present       only if there is one\n"                      \
	"      --if-version V     only if the key still has version V\n"       \
	"      --print-version    print the version of what was stored\n"      \
	"      --debug-unreliable let the sync of this write fail at "         \
	"times\n" CLIENT_OPTIONS_HELP

enum {
	OPT_OPERAND = 1, /* how getopt_long() tells one that it met */
	OPT_IF_ABSENT = 256,
	OPT_IF_PRESENT,
	OPT_IF_VERSION,
	OPT_PRINT_VERSION,
	OPT_DEBUG_UNRELIABLE,
};

struct job {
	struct kv_options where;
	struct kv_write write;
	enum record_format format;
	uint64_t chunk;
	bool bulk, formatted, conditional, print_version;
	char *operands[2]; /* KEY VALUE, or FILE */
	int noperands;
};

/* In the order of the command line ("-"), so that VALUE can be taken as it is
 * and options may still stand behind it. */
#define SHORT_OPTIONS "-bc:j0x:" CLIENT_OPTIONS_SHORT

static const struct option long_options[] = {
	{"bulk", no_argument, NULL, 'b'},
	{"chunk", required_argument, NULL, 'c'},
	{"json", no_argument, NULL, 'j'},
	{"null", no_argument, NULL, '0'},
	{"ttl", required_argument, NULL, 'x'},
	{"if-absent", no_argument, NULL, OPT_IF_ABSENT},
	{"if-present", no_argument, NULL, OPT_IF_PRESENT},
	{"if-version", required_argument, NULL, OPT_IF_VERSION},
	{"print-version", no_argument, NULL, OPT_PRINT_VERSION},
	{"debug-unreliable", no_argument, NULL, OPT_DEBUG_UNRELIABLE},
	CLIENT_OPTIONS_LONG,
};

static int take_operand(struct job *job, char *operand)
{
	if (job->noperands == (job->bulk ? 1 : 2))
		return err_set(KV_EUSAGE, "'%s' is one operand too many",
			       operand);
	job->operands[job->noperands++] = operand;
	return 0;
}

static int take_condition(struct job *job, enum kv_condition condition)
{
	if (job->conditional)
		return err_set(KV_EUSAGE, "one write has one condition");
	job->conditional = true;
	job->write.condition = condition;
	return 0;
}

static int take_option(struct job *job, int letter, int argc, char **argv)
{
	int r;

	switch (letter) {
	case OPT_OPERAND:
		r = take_operand(job, optarg);
		if (r == 0 && !job->bulk && job->noperands == 1 &&
		    optind < argc)
			r = take_operand(job, argv[optind++]);
		return r;
	case 'b':
		job->bulk = true;
		return 0;
	case 'c':
		return parse_number("--chunk", optarg, 1, INT64_MAX,
				    &job->chunk);
	case 'j':
	case '0':
		job->formatted = true;
		job->format = letter == 'j' ? RECORD_JSON : RECORD_NUL;
		return 0;
	case 'x':
		return parse_seconds("--ttl", optarg, &job->write.ttl_ms);
	case OPT_IF_ABSENT:
		return take_condition(job, KV_IF_ABSENT);
	case OPT_IF_PRESENT:
		return take_condition(job, KV_IF_PRESENT);
	case OPT_IF_VERSION:
		r = take_condition(job, KV_IF_VERSION);
		return r != 0 ? r
			      : parse_number("--if-version", optarg, 0,
					     INT64_MAX, &job->write.version);
	case OPT_PRINT_VERSION:
		job->print_version = true;
		return 0;
	case OPT_DEBUG_UNRELIABLE:
		job->write.debug_unreliable = true;
		return 0;
	default:
		return client_option(&job->where, letter, optarg);
	}
}

static int check_options(const struct job *job)
{
	if (!job->bulk && (job->chunk != 0 || job->formatted))
		return err_set(KV_EUSAGE,
			       "--chunk, --json and --null go with --bulk");
	if (job->bulk && (job->conditional || job->print_version))
		return err_set(KV_EUSAGE, "--if-absent, --if-present, "
					  "--if-version and --print-version go "
					  "with one KEY, not with --bulk");
	if (!job->bulk && job->noperands != 2)
		return err_set(KV_EUSAGE, job->noperands == 0
						  ? "what to store? give a KEY "
						    "and a VALUE, or --bulk"
						  : "a VALUE is missing");
	return job->bulk ? 0 : client_check_key(slice_str(job->operands[0]));
}

static int set_one(struct job *job, struct out *out)
{
	struct slice key = slice_str(job->operands[0]);
	struct slice value = slice_str(job->operands[1]);
	struct buf input;
	uint64_t version;
	kv *db = NULL;
	int r = 0;

	buf_init(&input);
	if (slice_eq(value, slice_str("-"))) {
		r = input_read_all(STDIN_FILENO, "standard input", KV_VALUE_MAX,
				   &input);
		value = buf_slice(&input);
	}
	if (r == 0)
		r = client_check_value(value);
	if (r == 0)
		r = kv_open(&db, &job->where);
	if (r == 0)
		r = kv_set(db, key.data, key.len, value.data, value.len,
			   &job->write, &version);
	if (r == 0 && job->print_version)
		buf_printf(&out->buf, "%" PRIu64 "\n", version);
	kv_close(db);
	buf_release(&input);
	return r;
}

static int set_bulk(const struct job *job)
{
	struct bulk_options o = {
		.format = job->format,
		.chunk = job->chunk,
		.ttl_ms = job->write.ttl_ms,
		.debug_unreliable = job->write.debug_unreliable,
		.progress_fd = STDERR_FILENO,
	};

	return bulk_load(&job->where, job->operands[0], &o);
}

int main(int argc, char **argv)
{
	struct job job = {.where.create = true};
	struct out out;
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
	while (r == 0 && optind < argc) /* behind "--" */
		r = take_operand(&job, argv[optind++]);
	if (r == 0)
		r = check_options(&job);
	if (r != 0)
		return program_fail(r);
	out_init(&out, STDOUT_FILENO, "standard output");
	r = job.bulk ? set_bulk(&job) : set_one(&job, &out);
	return program_end(&out, r);
}

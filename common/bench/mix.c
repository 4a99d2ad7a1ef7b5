/*
 * mix.c - see mix.h.
 */
#include "bench/mix.h"

#include "base/err.h"
#include "base/parse.h"

#include <strings.h>

#define WEIGHT_MAX 1000000

static const char *const op_names[] = {
	[BENCH_GET] = "get",	   [BENCH_SET] = "set",
	[BENCH_INSERT] = "insert", [BENCH_RMW] = "rmw",
	[BENCH_DELETE] = "delete", [BENCH_BULK] = "bulk",
	[BENCH_SCAN] = "scan",
};

static const char *const dist_names[] = {
	[BENCH_UNIFORM] = "uniform",
	[BENCH_ZIPF] = "zipf",
	[BENCH_LATEST] = "latest",
	[BENCH_SEQUENTIAL] = "sequential",
};

static const struct workload {
	const char *name, *mix;
	enum bench_dist dist;
} workloads[] = {
	{"A", "get:50,set:50", BENCH_ZIPF},
	{"B", "get:95,set:5", BENCH_ZIPF},
	{"C", "get:100", BENCH_ZIPF},
	{"D", "get:95,insert:5", BENCH_LATEST},
	{"F", "get:50,rmw:50", BENCH_ZIPF},
};

const char *bench_op_name(enum bench_op op)
{
	return op_names[op];
}

const char *bench_dist_name(enum bench_dist dist)
{
	return dist_names[dist];
}

int bench_dist_parse(enum bench_dist *dist, const char *text)
{
	for (enum bench_dist d = BENCH_UNIFORM; d <= BENCH_LATEST; d++) {
		if (strcmp(text, dist_names[d]) == 0) {
			*dist = d;
			return 0;
		}
	}
	return err_set(KV_EUSAGE,
		       "'%s' is not a distribution: uniform, zipf or latest",
		       text);
}

static int find_op(const char *name, size_t len)
{
	for (int op = 0; op < BENCH_OPS; op++)
		if (strlen(op_names[op]) == len &&
		    memcmp(op_names[op], name, len) == 0)
			return op;
	return -1;
}

/* One "name" or "name:weight" of len bytes. */
static int parse_share(struct bench_mix *mix, const char *text, size_t len)
{
	size_t name_len = strcspn(text, ":,");
	int op = find_op(text, name_len);
	uint64_t weight = 1;
	char digits[24];
	int r = 0;

	if (op < 0)
		return err_set(KV_EUSAGE,
			       "'%.*s' is not one of get, set, insert, rmw, "
			       "delete, bulk and scan",
			       (int)name_len, text);
	if (mix->weights[op] != 0)
		return err_set(KV_EUSAGE, "'%s' comes twice in the mix",
			       op_names[op]);
	if (name_len < len) {
		snprintf(digits, sizeof(digits), "%.*s",
			 (int)(len - name_len - 1), text + name_len + 1);
		r = parse_number(op_names[op], digits, 1, WEIGHT_MAX, &weight);
	}
	mix->weights[op] = (unsigned)weight;
	mix->total += (unsigned)weight;
	return r;
}

int mix_parse(struct bench_mix *mix, const char *text)
{
	int r = 0;

	*mix = (struct bench_mix){.total = 0};
	for (const char *p = text; r == 0; p++) {
		size_t len = strcspn(p, ",");

		r = parse_share(mix, p, len);
		p += len;
		if (*p == '\0')
			break;
	}
	return r;
}

void mix_write(struct buf *out, const struct bench_mix *mix)
{
	const char *comma = "";

	for (int op = 0; op < BENCH_OPS; op++) {
		if (mix->weights[op] == 0)
			continue;
		buf_printf(out, "%s%s:%u", comma, op_names[op],
			   mix->weights[op]);
		comma = ",";
	}
}

int mix_workload(struct bench_mix *mix, enum bench_dist *dist, const char *name)
{
	for (size_t i = 0; i < sizeof(workloads) / sizeof(*workloads); i++) {
		if (strcasecmp(name, workloads[i].name) == 0) {
			*dist = workloads[i].dist;
			return mix_parse(mix, workloads[i].mix);
		}
	}
	return err_set(KV_EUSAGE,
		       "'%s' is not a workload: A, B, C, D or F of YCSB", name);
}

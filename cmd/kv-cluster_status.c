/*
 * kv-cluster_status.c - kv-cluster status.
 */
#include "kv-cluster_parts.h"

#include "base/err.h"
#include "cluster/status.h"

int cluster_print_table(const struct cluster_job *job, struct out *out)
{
	struct cluster_status status;

	status_gather(&status, &job->members, CLUSTER_ASK_MS);
	status_table(&status, &out->buf);
	return out_flush(out);
}

int cluster_show(struct cluster_job *job, struct out *out)
{
	struct cluster_status status;

	if (job->watch)
		return cluster_watch(job, out);
	status_gather(&status, &job->members, CLUSTER_ASK_MS);
	if (job->json)
		status_json(&status, &out->buf);
	else
		status_table(&status, &out->buf);
	return status.up != 0 ? 0
			      : err_set(KV_EUNREACHABLE,
					"no node of the cluster answers");
}

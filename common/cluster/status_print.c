/*
 * status_print.c - a cluster's state as a table and as JSON; see status.h.
 */
#include "cluster/status.h"

#include <bsd/stdlib.h>
#include <inttypes.h>
#include <stdio.h>

#define COLUMNS 10
#define CELL_MAX 64

struct row {
	char cells[COLUMNS][CELL_MAX];
};

static const char *state_name(const struct node_status *node)
{
	switch (node->state) {
	case NODE_DOWN:
		return "down";
	case NODE_SILENT:
		return "silent";
	case NODE_OTHER:
		return "other";
	case NODE_UP:
		break;
	}
	return node->role;
}

static void write_uptime(char *cell, uint64_t s)
{
	if (s < 60)
		snprintf(cell, CELL_MAX, "%" PRIu64 "s", s);
	else if (s < 3600)
		snprintf(cell, CELL_MAX, "%" PRIu64 "m%02" PRIu64 "s", s / 60,
			 s % 60);
	else if (s < 86400)
		snprintf(cell, CELL_MAX, "%" PRIu64 "h%02" PRIu64 "m", s / 3600,
			 s / 60 % 60);
	else
		snprintf(cell, CELL_MAX, "%" PRIu64 "d%02" PRIu64 "h",
			 s / 86400, s / 3600 % 24);
}

static void write_size(char *cell, uint64_t bytes)
{
	int64_t n = bytes < INT64_MAX ? (int64_t)bytes : INT64_MAX;

	humanize_number(cell, 6, n, "", HN_AUTOSCALE,
			HN_DECIMAL | HN_NOSPACE | HN_B);
}

static void fill_row(struct row *row, const struct cluster_status *status,
		     const struct node_status *node)
{
	snprintf(row->cells[0], CELL_MAX, "%s", node->name);
	snprintf(row->cells[1], CELL_MAX, "%.*s", CELL_MAX - 1, node->address);
	snprintf(row->cells[3], CELL_MAX, "%s", state_name(node));
	if (node->state != NODE_UP) {
		static const int unknown[] = {2, 4, 5, 6, 7, 8, 9};

		for (size_t i = 0; i < sizeof(unknown) / sizeof(*unknown); i++)
			snprintf(row->cells[unknown[i]], CELL_MAX, "-");
		return;
	}
	snprintf(row->cells[2], CELL_MAX, "%" PRIu64, node->pid);
	snprintf(row->cells[4], CELL_MAX, "%" PRIu64, node->term);
	snprintf(row->cells[5], CELL_MAX, "%" PRIu64, node->last);
	snprintf(row->cells[6], CELL_MAX, "%" PRIu64, node->applied);
	snprintf(row->cells[7], CELL_MAX, "%" PRIu64, status_lag(status, node));
	write_uptime(row->cells[8], node->uptime_seconds);
	write_size(row->cells[9], node->disk_bytes);
}

static void write_row(const struct row *row, const int *widths, struct buf *out)
{
	static const bool to_the_right[COLUMNS] = {
		[2] = true, [4] = true, [5] = true, [6] = true,
		[7] = true, [8] = true, [9] = true,
	};

	for (int i = 0; i < COLUMNS; i++)
		buf_printf(out, "%s%*s", i != 0 ? "  " : "",
			   to_the_right[i] ? widths[i] : -widths[i],
			   row->cells[i]);
	buf_append_char(out, '\n');
}

static bool is_troubled(const struct node_status *node)
{
	return node->state == NODE_UP && node->condition[0] != '\0' &&
	       strcmp(node->condition, "ok") != 0;
}

static void write_summary(const struct cluster_status *status, struct buf *out)
{
	const struct node_status *leader = status->leader;

	buf_append_char(out, '\n');
	if (leader == NULL)
		buf_printf(out, "no leader; ");
	else
		buf_printf(out, "leader %s in term %" PRIu64 "; ", leader->name,
			   leader->term);
	buf_printf(out, "%squorum; %u of %u nodes up\n",
		   leader != NULL && leader->quorum ? "" : "no ", status->up,
		   status->n);
	for (unsigned i = 0; i < status->n; i++)
		if (is_troubled(&status->nodes[i]))
			buf_printf(out, "%s: %s\n", status->nodes[i].name,
				   status->nodes[i].condition);
}

void status_table(const struct cluster_status *status, struct buf *out)
{
	static const struct row head = {{"NODE", "ADDRESS", "PID", "ROLE",
					 "TERM", "LAST", "APPLIED", "LAG", "UP",
					 "SIZE"}};
	struct row rows[MEMBERS_MAX + 1];
	int widths[COLUMNS] = {0};

	rows[0] = head;
	for (unsigned i = 0; i < status->n; i++)
		fill_row(&rows[i + 1], status, &status->nodes[i]);
	for (unsigned i = 0; i <= status->n; i++)
		for (int j = 0; j < COLUMNS; j++)
			if ((int)strlen(rows[i].cells[j]) > widths[j])
				widths[j] = (int)strlen(rows[i].cells[j]);
	for (unsigned i = 0; i <= status->n; i++)
		write_row(&rows[i], widths, out);
	write_summary(status, out);
}

/* Texts have no character that needs an escape; those that are not known are
 * null, as everything else that is not. */
static void json_text(struct buf *out, const char *name, const char *text)
{
	if (text != NULL && text[0] != '\0')
		buf_printf(out, ",\"%s\":\"%s\"", name, text);
	else
		buf_printf(out, ",\"%s\":null", name);
}

static void json_number(struct buf *out, const char *name, bool known,
			uint64_t value)
{
	if (known)
		buf_printf(out, ",\"%s\":%" PRIu64, name, value);
	else
		buf_printf(out, ",\"%s\":null", name);
}

static void json_node(const struct cluster_status *status,
		      const struct node_status *node, struct buf *out)
{
	bool up = node->state == NODE_UP;

	buf_printf(out, "{\"node\":\"%s\",\"address\":\"%s\",\"up\":%s",
		   node->name, node->address, up ? "true" : "false");
	json_text(out, "role", state_name(node));
	json_text(out, "state", up ? node->condition : NULL);
	json_number(out, "pid", up, node->pid);
	json_number(out, "term", up, node->term);
	json_text(out, "leader", up ? node->leader : NULL);
	json_number(out, "last_index", up, node->last);
	json_number(out, "applied_index", up, node->applied);
	json_number(out, "lag", up, up ? status_lag(status, node) : 0);
	json_number(out, "uptime_seconds", up, node->uptime_seconds);
	json_number(out, "disk_bytes", up, node->disk_bytes);
	json_number(out, "keys", up, node->keys);
	buf_append_char(out, '}');
}

void status_json(const struct cluster_status *status, struct buf *out)
{
	const struct node_status *leader = status->leader;

	buf_printf(out, "{\"quorum\":%s,\"up\":%u",
		   leader != NULL && leader->quorum ? "true" : "false",
		   status->up);
	json_text(out, "leader", leader != NULL ? leader->name : NULL);
	json_number(out, "term", leader != NULL,
		    leader != NULL ? leader->term : 0);
	buf_append_str(out, ",\"nodes\":[");
	for (unsigned i = 0; i < status->n; i++) {
		if (i != 0)
			buf_append_char(out, ',');
		json_node(status, &status->nodes[i], out);
	}
	buf_append_str(out, "]}\n");
}

/*
 * status.c - see status.h: asking. status_print.c shows it.
 */
#include "cluster/status.h"

#include "base/err.h"
#include "client/client.h"

#include <bsd/string.h>
#include <stdio.h>
#include <stdlib.h>

static void take_text(char *to, size_t size, struct slice text)
{
	size_t n = text.len < size ? text.len : size - 1;

	if (n != 0)
		memcpy(to, text.data, n);
	to[n] = '\0';
}

static uint64_t take_number(struct slice text)
{
	char digits[24];

	take_text(digits, sizeof(digits), text);
	return strtoull(digits, NULL, 10);
}

/* "n1=127.0.0.1:65431 n4=127.0.0.1:65434/learner", as info shows them. */
static int take_members(struct members *members, struct slice text)
{
	char *list = strndup(text.data, text.len), *word, *rest = list;
	int r = list != NULL ? 0 : err_set(KV_ENOMEM, "out of memory");

	*members = (struct members){0};
	while (r == 0 && (word = strsep(&rest, " ")) != NULL) {
		struct members one;

		word[strcspn(word, "/")] = '\0';
		r = members_parse(&one, word);
		if (r == 0)
			r = members_add(members, &one.list[0]);
	}
	free(list);
	return r;
}

static void take_line(struct node_status *node, const struct info_line *line,
		      bool *is_node)
{
	static const struct {
		const char *name;
		size_t offset;
	} numbers[] = {
		{"pid", offsetof(struct node_status, pid)},
		{"term", offsetof(struct node_status, term)},
		{"last_index", offsetof(struct node_status, last)},
		{"applied_index", offsetof(struct node_status, applied)},
		{"commit_index", offsetof(struct node_status, committed)},
		{"uptime_seconds",
		 offsetof(struct node_status, uptime_seconds)},
		{"disk_bytes", offsetof(struct node_status, disk_bytes)},
		{"keys", offsetof(struct node_status, keys)},
	};

	for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers); i++)
		if (strcmp(line->name, numbers[i].name) == 0)
			*(uint64_t *)(void *)((char *)node +
					      numbers[i].offset) =
				take_number(line->text);
	if (strcmp(line->name, "role") == 0)
		take_text(node->role, sizeof(node->role), line->text);
	else if (strcmp(line->name, "leader") == 0)
		take_text(node->leader, sizeof(node->leader), line->text);
	else if (strcmp(line->name, "state") == 0)
		take_text(node->condition, sizeof(node->condition), line->text);
	else if (strcmp(line->name, "quorum") == 0)
		node->quorum = take_number(line->text) != 0;
	else if (strcmp(line->name, "node") == 0)
		*is_node = slice_eq(line->text, slice_str(node->name));
}

static int ask_info(const char *address, unsigned timeout_ms, kv **db,
		    struct reply *reply)
{
	struct kv_options o = {.address = address, .timeout_ms = timeout_ms};
	struct request req = {.op = OP_INFO};
	int r = kv_open(db, &o);

	return r != 0 ? r : client_ask(*db, &req, reply);
}

/* Also which members it knows; none if it does not say. */
static void ask_node(struct node_status *node, unsigned timeout_ms,
		     struct members *known)
{
	struct reply reply;
	bool is_node = false;
	kv *db = NULL;
	int r = ask_info(node->address, timeout_ms, &db, &reply);

	*known = (struct members){0};
	if (r == 0) {
		for (size_t i = 0; i < reply.ninfo; i++) {
			take_line(node, &reply.info[i], &is_node);
			if (strcmp(reply.info[i].name, "members") == 0)
				(void)take_members(known, reply.info[i].text);
		}
		node->state = is_node ? NODE_UP : NODE_OTHER;
	} else {
		node->state = r == KV_EUNREACHABLE ? NODE_DOWN : NODE_SILENT;
	}
	kv_close(db);
}

/* One that was removed may not have heard of it. */
static void mark_strangers(struct cluster_status *status,
			   const struct members *members)
{
	for (unsigned i = 0; i < status->n; i++) {
		struct node_status *node = &status->nodes[i];

		if (node->state == NODE_UP &&
		    members_find_name(members, node->name) == NULL)
			strlcpy(node->condition, "not a member of the cluster",
				sizeof(node->condition));
	}
}

void status_gather(struct cluster_status *status, const struct members *members,
		   unsigned timeout_ms)
{
	struct members known, leaders = {0};

	*status = (struct cluster_status){.n = members->n};
	for (unsigned i = 0; i < members->n; i++) {
		struct node_status *node = &status->nodes[i];

		strlcpy(node->name, members->list[i].name, sizeof(node->name));
		strlcpy(node->address, members->list[i].address,
			sizeof(node->address));
		ask_node(node, timeout_ms, &known);
		if (node->state != NODE_UP)
			continue;
		status->up++;
		/* One that was deposed may not know it yet. */
		if (strcmp(node->role, "leader") == 0 &&
		    (status->leader == NULL ||
		     node->term > status->leader->term)) {
			status->leader = node;
			leaders = known;
		}
	}
	if (leaders.n != 0)
		mark_strangers(status, &leaders);
}

int status_members(const char *addresses, unsigned timeout_ms,
		   struct members *members)
{
	struct slice text = slice_of(NULL, 0);
	struct reply reply;
	kv *db = NULL;
	int r = ask_info(addresses, timeout_ms, &db, &reply);

	for (size_t i = 0; r == 0 && i < reply.ninfo; i++)
		if (strcmp(reply.info[i].name, "members") == 0)
			text = reply.info[i].text;
	if (r == 0 && text.len == 0)
		r = err_set(KV_ECONDITION,
			    "what answers at '%s' is not a node of a cluster",
			    addresses);
	if (r == 0)
		r = take_members(members, text);
	kv_close(db);
	return r;
}

const struct node_status *status_find(const struct cluster_status *status,
				      const char *name)
{
	for (unsigned i = 0; i < status->n; i++)
		if (strcmp(status->nodes[i].name, name) == 0)
			return &status->nodes[i];
	return NULL;
}

uint64_t status_lag(const struct cluster_status *status,
		    const struct node_status *node)
{
	uint64_t end = status->leader != NULL ? status->leader->committed
					      : node->committed;

	return end > node->applied ? end - node->applied : 0;
}

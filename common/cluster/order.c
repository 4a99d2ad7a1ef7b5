/*
 * order.c - see order.h.
 */
#include "cluster/order.h"

#include "base/err.h"
#include "client/client.h"

#include <stdlib.h>

int order_send(const char *addresses, unsigned timeout_ms,
	       const struct cluster_order *order)
{
	struct kv_options o = {.address = addresses, .timeout_ms = timeout_ms};
	struct request req = {.op = OP_CLUSTER, .order = *order};
	struct reply reply;
	kv *db = NULL;
	int r = kv_open(&db, &o);

	if (r == 0)
		r = client_ask(db, &req, &reply);
	kv_close(db);
	return r;
}

char *order_addresses(const struct members *members)
{
	struct buf text;

	buf_init(&text);
	for (unsigned i = 0; i < members->n; i++)
		buf_printf(&text, "%s%s", i != 0 ? "," : "",
			   members->list[i].address);
	buf_append_char(&text, '\0');
	if (!buf_failed(&text))
		return text.data;
	buf_release(&text);
	err_set(KV_ENOMEM, "out of memory");
	return NULL;
}

/* Tells one node which others it has no link to. */
static int cut(const struct member *node, const struct buf *others,
	       unsigned timeout_ms)
{
	struct cluster_order order = {
		.kind = CLUSTER_CUT,
		.nodes = buf_slice(others),
	};

	if (buf_failed(others))
		return err_set(KV_ENOMEM, "out of memory");
	return order_send(node->address, timeout_ms, &order);
}

static void add_name(struct buf *list, const char *name)
{
	if (list->len != 0)
		buf_append_char(list, ',');
	buf_append_str(list, name);
}

int order_isolate(const struct members *members, const struct member *node,
		  bool isolated, unsigned timeout_ms)
{
	struct buf others;
	int r;

	buf_init(&others);
	for (unsigned i = 0; isolated && i < members->n; i++)
		if (&members->list[i] != node)
			add_name(&others, members->list[i].name);
	r = cut(node, &others, timeout_ms);
	buf_release(&others);
	return r;
}

/* Which group each member is in, from 1 on. */
static int read_groups(const struct members *members, const char *text,
		       unsigned *groups)
{
	char *copy = strdup(text), *rest = copy, *group, *name;
	unsigned n = 0;
	int r = copy != NULL ? 0 : err_set(KV_ENOMEM, "out of memory");

	while (r == 0 && (group = strsep(&rest, "/")) != NULL) {
		n++;
		while (r == 0 && (name = strsep(&group, ",")) != NULL) {
			const struct member *m =
				members_find_name(members, name);

			if (m == NULL)
				r = err_set(KV_EUSAGE, "there is no node '%s'",
					    name);
			else if (groups[m - members->list] != 0)
				r = err_set(KV_EUSAGE,
					    "node '%s' is named twice", name);
			else
				groups[m - members->list] = n;
		}
	}
	for (unsigned i = 0; i < members->n && r == 0; i++)
		if (groups[i] == 0)
			r = err_set(KV_EUSAGE,
				    "node '%s' is in no group: name each node "
				    "once, as in n1/n2,n3",
				    members->list[i].name);
	free(copy);
	return r;
}

int order_partition(const struct members *members, const char *text,
		    unsigned timeout_ms)
{
	unsigned groups[MEMBERS_MAX] = {0};
	int r = text != NULL ? read_groups(members, text, groups) : 0;

	for (unsigned i = 0; i < members->n && r == 0; i++) {
		struct buf others;

		buf_init(&others);
		for (unsigned j = 0; j < members->n; j++)
			if (groups[j] != groups[i])
				add_name(&others, members->list[j].name);
		r = cut(&members->list[i], &others, timeout_ms);
		if (text == NULL && (r == KV_EUNREACHABLE || r == KV_ETIMEOUT))
			r = 0;
		buf_release(&others);
	}
	return r;
}

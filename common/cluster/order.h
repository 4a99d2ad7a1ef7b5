/*
 * order.h - orders to a running cluster: membership, leadership, and the links
 * that a test cuts. See kv-protocol(7).
 */
#ifndef CLUSTER_ORDER_H
#define CLUSTER_ORDER_H

#include "base/members.h"
#include "base/request.h"

/* Gives the order to whichever of the addresses answers ("a:1,b:2") and waits
 * for the outcome. KV_E... with err_text(). */
int order_send(const char *addresses, unsigned timeout_ms,
	       const struct cluster_order *order);

/* "a:1,b:2" of all members, to be freed; NULL: out of memory. */
char *order_addresses(const struct members *members);

/*
 * Cuts the members into groups ("n1/n2,n3"): links within a group stay, all
 * others go. Every member must be in one group. `text` NULL: no link is cut any
 * more. Members that do not answer are passed over when healing, and an error
 * when cutting.
 */
int order_partition(const struct members *members, const char *text,
		    unsigned timeout_ms);

/* Cuts all links of one node, or (cut false) none. */
int order_isolate(const struct members *members, const struct member *node,
		  bool cut, unsigned timeout_ms);

#endif

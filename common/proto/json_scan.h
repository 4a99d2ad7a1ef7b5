/*
 * json_scan.h - the strict check that stands before the parser (inside proto/
 * only). It accepts exactly the JSON of RFC 8259, less what the protocol does
 * not carry, and closes what cJSON leaves open: it takes any bytes for UTF-8,
 * any control character for blank space, "\u0000" for the end of a string,
 * "01" and "1." for numbers, and a long list for as much memory as it likes.
 */
#ifndef PROTO_JSON_SCAN_H
#define PROTO_JSON_SCAN_H

#include "base/slice.h"

/* cJSON reads no longer numbers. */
#define JSON_NUMBER_MAX 63u

struct json_scan {
	/* Raw text of the outermost object's "id", a string or a number. */
	struct slice id;
	/* What stands between the brackets of its "keys", "items" or "results",
	 * and how many members that is; data is NULL if there is no such list.
	 * Such a list is never parsed as a whole: see json_tree.h. */
	struct slice list;
	size_t list_count;
};

/*
 * Checks the line: one object, nested at most JSON_DEPTH_MAX deep, with at
 * most max_values values in it besides the list, and as many in each member of
 * the list. That bounds the tree which the parser makes of either.
 *
 * KV_EDATA or KV_ETOOBIG with a text that says where and what. *out holds what
 * was seen until then.
 */
int json_scan(struct slice line, unsigned max_values, struct json_scan *out);

#endif

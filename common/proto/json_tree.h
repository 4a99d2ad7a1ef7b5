/*
 * json_tree.h - the parser's trees, built in an arena (inside proto/ only).
 *
 * A line that json_scan() accepted is parsed by cJSON in two steps: first with
 * its list left empty, then the list's members one after the other, each in
 * the memory of the one before. A tree thus never has more nodes than the scan
 * allowed; a bulk of a million records costs its bytes and its changes, not
 * three nodes of 64 bytes a record.
 */
#ifndef PROTO_JSON_TREE_H
#define PROTO_JSON_TREE_H

#include "proto/json_arena.h"
#include "proto/json_scan.h"

#include <cjson/cJSON.h>

/* Where in a request something is: the member `index` of the list `list`, or,
 * with list NULL, the outermost object. */
struct json_place {
	const char *list;
	size_t index;
};

/* Installs cJSON's hooks, once in the process. */
void json_tree_install(void);

/*
 * Empties the arena, scans the line and parses it, its list left empty. The
 * tree stays until the next call.
 */
int json_tree_parse(struct json_arena *a, struct slice line,
		    unsigned max_values, struct json_scan *scan,
		    const cJSON **root);

struct json_list {
	struct json_arena *arena;
	const char *at, *end;
	size_t left;
	struct json_place place; /* of the member handed out last */
};

/* `name` is for error texts and must outlive the list. */
void json_list_init(struct json_list *l, struct json_arena *a,
		    const struct json_scan *scan, const char *name);

/* The next member, whose tree lives until the next call; NULL at the end. */
int json_list_next(struct json_list *l, const cJSON **member);

/* Copies a member's text (or any bytes) to where it lives as long as the
 * request. */
int json_keep(struct json_arena *a, const char *text, size_t len,
	      struct slice *out);

/* Returns `code`; the text is prefixed with the place, as in "items[3]: ". */
int json_refuse(const struct json_place *place, int code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

int json_no_memory(void);

#endif

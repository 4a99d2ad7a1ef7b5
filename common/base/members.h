/*
 * members.h - the nodes of a cluster: names, addresses, and lists of them as
 * text ("n1=127.0.0.1:65431,n2=127.0.0.1:65432") and as bytes.
 *
 * A node is known to people by its name and to the other nodes by its id, which
 * is made of the name and of which bearer of the name it is. The ids of the
 * first members follow from their names, so that all who are given the same
 * list agree without talking; a node that joins later, also one that comes back
 * under its old name after it lost its data, gets a new one. So nothing that an
 * earlier bearer of a name has promised can be held against a later one, and a
 * node can tell that an id is meant for a later bearer of its own name.
 *
 * A birth is a number that a node draws when its directory is made. A node that
 * is listed with another birth than its own has lost what it once knew.
 */
#ifndef BASE_MEMBERS_H
#define BASE_MEMBERS_H

#include "base/buf.h"
#include "base/slice.h"

#include <stdbool.h>
#include <stdint.h>

#define MEMBER_NAME_MAX 63u	/* [A-Za-z0-9._-]+ */
#define MEMBER_ADDRESS_MAX 255u /* host:port, [::1]:port */
#define MEMBERS_MAX 15u

struct member {
	uint64_t id;	/* never 0 */
	uint64_t birth; /* 0: not known yet */
	bool voter;
	char name[MEMBER_NAME_MAX + 1];
	char address[MEMBER_ADDRESS_MAX + 1];
};

struct members {
	unsigned n;
	struct member list[MEMBERS_MAX];
};

/* The list as text: all voters, ids from the names. KV_EUSAGE with err_text():
 * a name or an address that is none, a name or an address twice, too many, or
 * two names that could be mixed up by their ids. */
int members_parse(struct members *m, const char *text);

/* The same from a file: one NAME=HOST:PORT a line, '#' begins a comment.
 * KV_EIO, KV_EUSAGE; both name the file. */
int members_read(struct members *m, const char *path);

/* Checks one name or one HOST:PORT; KV_EUSAGE. */
int member_check_name(const char *name);
int member_check_address(const char *address);

/* The id of one bearer of a name; a later one has a higher incarnation, below
 * 2^40; 0 is a first member. The other way: which bearer it is; and whether it
 * is one of that name (as good as a hash of 24 bits can tell). */
uint64_t member_id(const char *name, uint64_t incarnation);
uint64_t member_incarnation(uint64_t id);
bool member_id_is_of(uint64_t id, const char *name);

/* What all who were given the same first list agree on, in whatever order they
 * were given it: names and addresses. Never 0. */
uint64_t members_cluster_id(const struct members *m);

/* NULL: there is none. The pointers live as long as the list is not changed. */
const struct member *members_find(const struct members *m, uint64_t id);
const struct member *members_find_name(const struct members *m,
				       const char *name);

/* Adds one, checked as above. KV_EUSAGE, KV_ETOOBIG. */
int members_add(struct members *m, const struct member *member);
void members_drop(struct members *m, uint64_t id);

/* Bytes and back: all that is in the list. KV_EDATA. */
void members_encode(const struct members *m, struct buf *out);
int members_decode(struct members *m, struct slice bytes);

/* "n1=host:port,n2=host:port" */
void members_text(const struct members *m, struct buf *out);

#endif

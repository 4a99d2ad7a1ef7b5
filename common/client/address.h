/*
 * address.h - where a server listens, as people write it:
 *
 *	host:port   [v6]:port   unix:PATH   and several: a:1,b:2,c:3
 *
 * A host is a name or a number. What begins with "unix:" is one path to its
 * end, commas included, because a path may hold one.
 */
#ifndef CLIENT_ADDRESS_H
#define CLIENT_ADDRESS_H

#include <stddef.h>
#include <stdint.h>

struct address {
	char *text; /* as written, for messages */
	char *host; /* without brackets; NULL: a Unix socket */
	char *port;
	char *path;
};

struct address_list {
	struct address *items;
	size_t count; /* at least one after a successful parse */
};

/* 0 or KV_EUSAGE, KV_ENOMEM. */
int address_list_parse(struct address_list *list, const char *text);
void address_list_release(struct address_list *list);

/*
 * Connects a stream socket by the deadline (monotonic ms). Looking up a name
 * (not a number) may take longer: the resolver has its own patience.
 *
 * The descriptor, close-on-exec, goes into *fd; it may or may not block, so
 * use it with MSG_DONTWAIT. 0, or KV_EUNREACHABLE with err_text() saying what
 * to do.
 */
int address_connect(const struct address *address, uint64_t deadline_ms,
		    int *fd);

#endif

/*
 * server_info.h - what info says about the server besides what the store and
 * the coordinator say about themselves.
 */
#ifndef SERVE_SERVER_INFO_H
#define SERVE_SERVER_INFO_H

#include "base/request.h"
#include "serve/team.h"

#define SERVER_INFO_LINES_MAX 96u
#define SERVER_INFO_TEXT_MAX 24u

struct server_info {
	char tcp[128];
	const char *socket; /* not owned */
	uint64_t started_ms;
	/* Where the lines of one reply are put together. */
	struct info_line lines[SERVER_INFO_LINES_MAX];
	char texts[16][SERVER_INFO_TEXT_MAX];
	char spread[512]; /* connections of each loop */
};

void server_info_init(struct server_info *info, const char *tcp,
		      const char *socket);

/* Puts the server's lines before the *n given; the result is valid until the
 * next call. */
void server_info_extend(struct server_info *info, const struct hub *hub,
			struct info_line **lines, size_t *n);

#endif

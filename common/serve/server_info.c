/*
 * server_info.c - see server_info.h.
 */
#include "serve/server_info.h"

#include "base/clock.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

void server_info_init(struct server_info *info, const char *tcp,
		      const char *socket)
{
	snprintf(info->tcp, sizeof(info->tcp), "%s", tcp);
	info->socket = socket;
	info->started_ms = clock_monotonic_ms();
}

static size_t add_text(struct server_info *info, size_t at, const char *name,
		       const char *text)
{
	info->lines[at] = (struct info_line){name, slice_str(text), false};
	return at + 1;
}

static size_t add_number(struct server_info *info, size_t at, const char *name,
			 uint64_t value)
{
	char *text = info->texts[at];

	snprintf(text, SERVER_INFO_TEXT_MAX, "%llu", (unsigned long long)value);
	info->lines[at] = (struct info_line){name, slice_str(text), true};
	return at + 1;
}

static const char *spread(struct server_info *info, const struct team *team)
{
	size_t at = 0;

	for (unsigned i = 0; i < team->n && at < sizeof(info->spread); i++)
		at += (size_t)snprintf(
			info->spread + at, sizeof(info->spread) - at, "%s%zu",
			i == 0 ? "" : " ", team_hub(team, i)->nsessions);
	return info->spread;
}

void server_info_extend(struct server_info *info, const struct hub *hub,
			struct info_line **lines, size_t *n)
{
	uint64_t up_ms = clock_monotonic_ms() - info->started_ms;
	size_t at = 0, more, nsessions;
	struct hub_counts counts = team_counts(hub->team, &nsessions);

	at = add_number(info, at, "uptime_seconds", up_ms / 1000);
	at = add_text(info, at, "tcp_address", info->tcp);
	at = add_text(info, at, "unix_socket", info->socket);
	at = add_number(info, at, "threads", hub->team->n);
	at = add_number(info, at, "connections", nsessions);
	at = add_text(info, at, "connections_by_thread",
		      spread(info, hub->team));
	at = add_number(info, at, "connections_max", hub->options.max_clients);
	at = add_number(info, at, "connections_accepted", counts.accepted);
	at = add_number(info, at, "connections_refused", counts.refused);
	at = add_number(info, at, "requests", counts.requests);
	assert(at <= sizeof(info->texts) / sizeof(*info->texts));
	more = *n < SERVER_INFO_LINES_MAX - at ? *n
					       : SERVER_INFO_LINES_MAX - at;
	if (more != 0)
		memcpy(info->lines + at, *lines, more * sizeof(**lines));
	*lines = info->lines;
	*n = at + more;
}

/*
 * options.c - see options.h.
 */
#include "client/options.h"

#include "base/err.h"
#include "base/parse.h"

#include <limits.h>

int client_option(struct kv_options *o, int letter, const char *arg)
{
	uint64_t ms;
	int r;

	switch (letter) {
	case 'a':
		o->address = arg;
		break;
	case 'd':
		o->dir = arg;
		break;
	case 't':
		r = parse_seconds("--timeout", arg, &ms);
		if (r != 0)
			return r;
		o->timeout_ms = ms < UINT_MAX ? (unsigned)ms : UINT_MAX;
		break;
	default:
		return err_set(KV_EUSAGE, "%s", "");
	}
	if (o->address != NULL && o->dir != NULL)
		return err_set(KV_EUSAGE, "-a and -d exclude each other");
	if ((o->address != NULL && o->address[0] == '\0') ||
	    (o->dir != NULL && o->dir[0] == '\0'))
		return err_set(KV_EUSAGE, "-%c needs more than empty text",
			       letter);
	return 0;
}

/*
 * resp_parse.h - commands out of bytes: an array of bulk strings, or a line of
 * words ("inline").
 *
 * A command may come in any number of pieces; what has been understood of it is
 * kept, so that each byte is looked at once.
 */
#ifndef PROTO_RESP_PARSE_H
#define PROTO_RESP_PARSE_H

#include "base/slice.h"

#include <stdint.h>

/* A line of words, and a line with a length, are at most this long. */
#define RESP_LINE_MAX (64u << 10)

/* Words that a parser keeps room for between commands. */
#define RESP_WORDS_KEEP 64u

struct resp_parser {
	struct slice *words; /* the command, when it is whole */
	size_t nwords;
	size_t cap;
	char *line; /* the words of an inline command, unquoted; or NULL */
	/* Of a command that is not whole yet: */
	const char *base; /* where it began when it was last seen */
	size_t at;	  /* so much of it is understood */
	size_t scanned;	  /* of an inline command: no line end before */
	uint64_t left;	  /* bulk strings still to come; 0: none begun */
};

enum resp_parse {
	RESP_PARSE_MORE,    /* not whole yet */
	RESP_PARSE_COMMAND, /* words, nwords: 0 if it was empty */
	RESP_PARSE_ERROR,   /* `error`: there is no way to go on */
	RESP_PARSE_NOMEM,
};

void resp_parser_release(struct resp_parser *p);

/*
 * Looks for a command at the front of `input`, of at most `max` bytes; *used
 * gets its length. `input` begins where it began in the call before, if that
 * asked for more. The words live as long as `input` and until the next call.
 * `error`, of ERR_TEXT_MAX bytes, gets what Redis says of such input.
 */
enum resp_parse resp_parse(struct resp_parser *p, struct slice input,
			   size_t max, size_t *used, char *error);

/*
 * The common case by itself: an array that is whole and has at most `room`
 * words. Returns its length and *nwords; 0 if it is anything else.
 */
size_t resp_parse_whole(struct slice input, size_t max, struct slice *words,
			size_t room, size_t *nwords);

#endif

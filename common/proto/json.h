/*
 * json.h - the JSON lines protocol: bytes <-> request and reply.
 *
 * One request object a line, one reply object a line; kv-protocol(7) has the
 * whole of it. These functions see single lines and keep no state between
 * them: what follows what, and where a line ends, is the session's affair.
 *
 * The line is checked in full, strictly, before anything is believed: grammar,
 * UTF-8, depth, field names and types, limits. An unknown field is refused, so
 * that a mistyped option is never silently ignored.
 *
 * Threads: an arena serves one thread at a time; different arenas are
 * independent. The parsing is cJSON's, whose allocation hooks are one setting
 * for the process: the first json_arena_new() installs hooks that serve the
 * parse under way on the calling thread from its arena and anybody else from
 * malloc() and free(). A program that uses cJSON besides must not install
 * other hooks.
 *
 * Errors: 0 or a negative KV_E... with err_text() set, as everywhere.
 */
#ifndef PROTO_JSON_H
#define PROTO_JSON_H

#include "base/buf.h"
#include "base/request.h"

/* Limits of one line, besides KV_KEY_MAX and KV_VALUE_MAX. */
#define JSON_ID_MAX 256u	     /* bytes of the raw text of "id" */
#define JSON_DEPTH_MAX 32u	     /* nested objects and lists */
#define JSON_LIST_MAX 4000000u	     /* members of "keys" or "items" */
#define JSON_TTL_MAX_S 31557600000.0 /* a thousand years */

/* The memory of one parse, used again by the next. What a large line needed is
 * given back at the start of the next parse, or by json_arena_trim(). */
struct json_arena;

struct json_arena *json_arena_new(void);    /* NULL: out of memory */
void json_arena_free(struct json_arena *a); /* NULL is allowed */

/* Gives all of its memory back now; what the last parse handed out is gone. */
void json_arena_trim(struct json_arena *a);

/*
 * Reads one request from a line (without its LF; a CR at the end is blank
 * space). On success *req is filled, `reply_max` excepted; its slices live
 * until the next parse with the same arena, and as long as `line` does.
 * now_ms, the wall clock, turns a time to live into the moment of expiry.
 *
 * *id gets the raw JSON text of "id", which points into `line` (empty: none);
 * also on failure if it stood before what was wrong. `line` need not end in a
 * NUL.
 *
 * KV_EDATA, KV_ETOOBIG or KV_ENOMEM.
 */
int json_request_parse(struct json_arena *a, struct slice line, uint64_t now_ms,
		       struct request *req, struct slice *id);

/*
 * Appends the reply as a line with its LF, `id` first if it is not empty.
 * now_ms turns the moment of expiry into a time to live. Bytes of the message
 * that are not UTF-8 appear as U+FFFD. Ask buf_failed() before sending.
 */
void json_reply_write(struct buf *out, const struct reply *reply,
		      struct slice id, uint64_t now_ms);

/* The client's side: appends the request as a line with its LF, without "id".
 * `reply_max` does not travel. */
void json_request_write(struct buf *out, const struct request *req,
			uint64_t now_ms);

/*
 * Reads the reply to a request of kind `op`. An error that the server reports
 * is a success of this call, told by reply->code and reply->message. Fields
 * that are not known are ignored: servers may say more one day. Slices live as
 * with json_request_parse(); `after` is 0. A get leaves items[0].key empty.
 *
 * KV_EPROTO if the line is not such a reply, or KV_ENOMEM.
 */
int json_reply_parse(struct json_arena *a, struct slice line, enum op op,
		     uint64_t now_ms, struct reply *reply);

/* Reads one record: an object with "key" or "key64", "value" or "value64", and
 * perhaps "ttl". *out becomes a CHANGE_SET; otherwise as json_request_parse().
 */
int json_record_parse(struct json_arena *a, struct slice line, uint64_t now_ms,
		      struct change *out);

/* Valid UTF-8 without NUL: fits "key" and "value". Empty is text. */
bool json_is_text(struct slice s);

/* Appends s quoted and escaped; s must be text. */
void json_write_string(struct buf *out, struct slice s);

/* Appends "name":"..." if s is text, else "name64":"..." in base64. */
void json_write_bytes(struct buf *out, const char *name, struct slice s);

#endif

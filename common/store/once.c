/*
 * once.c - writes that are done once, however often they are asked for.
 *
 * A client that does not learn the outcome of a write asks again, with the same
 * number. What the last write of each client came to is kept under a key of the
 * store's own, set by the same record that did the write: so it is there if and
 * only if the write is, wherever the log goes. It expires, by a deadline in
 * that record.
 */
#include "store/store_internal.h"

#include <stdlib.h>

#define KEEP_MS (15u * 60u * 1000u)

/* number, version, count */
#define VALUE_LEN 24u

#define KEY_PREFIX KEY_OWN_PREFIX "once:"
#define KEY_LEN (sizeof(KEY_PREFIX) - 1 + REQUEST_CLIENT)

static struct slice once_key(const struct request *req, char bytes[KEY_LEN])
{
	memcpy(bytes, KEY_PREFIX, sizeof(KEY_PREFIX) - 1);
	memcpy(bytes + sizeof(KEY_PREFIX) - 1, req->client.data,
	       REQUEST_CLIENT);
	return slice_of(bytes, KEY_LEN);
}

static int fail(struct reply *reply, int code)
{
	reply->code = code;
	reply->message = err_text();
	return code;
}

bool once_answered(struct store *s, const struct request *req,
		   struct reply *reply, uint64_t *seq)
{
	struct stored_item item;
	char key[KEY_LEN];
	uint64_t number;
	location l;

	*seq = 0;
	if (req->client.len != REQUEST_CLIENT || req->number == 0) {
		fail(reply, err_set(KV_EUSAGE, "a client's name has 16 bytes, "
					       "and its numbers begin at 1"));
		return true;
	}
	if (!store_find_own(s, once_key(req, key), &l, &item, seq) ||
	    item.value.len != VALUE_LEN)
		return false;
	number = get_le64(item.value.data);
	if (req->number > number)
		return false;
	if (req->number < number) {
		fail(reply, err_set(KV_EUSAGE,
				    "the client has written with number %llu, "
				    "and cannot go back to %llu",
				    (unsigned long long)number,
				    (unsigned long long)req->number));
		return true;
	}
	reply->version = get_le64(item.value.data + 8);
	reply->count = get_le64(item.value.data + 16);
	return true;
}

int once_append(struct store *s, const struct request *req,
		const struct change *changes, size_t n)
{
	struct change *list = reallocarray(NULL, n + 1, sizeof(*list));
	char key[KEY_LEN], value[VALUE_LEN];
	int r;

	if (list == NULL)
		return err_set(KV_ENOMEM, "no memory for a write");
	put_le64(value, req->number);
	put_le64(value + 8, s->version + 1);
	put_le64(value + 16, n);
	memcpy(list, changes, n * sizeof(*list));
	list[n] = (struct change){
		.key = once_key(req, key),
		.value = slice_of(value, sizeof(value)),
		.expires_ms = store_now(s) + KEEP_MS,
	};
	r = store_append(s, list, n + 1);
	free(list);
	return r;
}

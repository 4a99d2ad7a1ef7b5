/*
 * cmd_range.c - parts of values.
 */
#include "proto/command.h"

void cmd_strlen(struct call *c)
{
	struct item item = {0};

	call_get(c, c->argv[1], &item);
	resp_integer(c->out, (int64_t)item.value.len);
}

/* Makes the value `len` bytes long in memory of its own, old bytes first, then
 * zeros; NULL: the call has failed. */
static char *resized(struct call *c, const struct item *old, size_t len)
{
	char *bytes = call_alloc(c, len);

	if (bytes == NULL)
		return NULL;
	if (old->value.len != 0)
		memcpy(bytes, old->value.data, old->value.len);
	memset(bytes + old->value.len, 0, len - old->value.len);
	return bytes;
}

void cmd_append(struct call *c)
{
	struct slice more = c->argv[2];
	struct item old = {0};
	size_t len;
	char *bytes;

	txn_get(c->txn, c->argv[1], &old);
	len = old.value.len + more.len;
	if (!call_check_length(c, len))
		return;
	bytes = resized(c, &old, len);
	if (bytes == NULL)
		return;
	if (more.len != 0)
		memcpy(bytes + old.value.len, more.data, more.len);
	if (call_set(c, c->argv[1], slice_of(bytes, len), old.expires_ms))
		resp_integer(c->out, (int64_t)len);
}

void cmd_setrange(struct call *c)
{
	struct slice bytes = c->argv[3];
	struct item old = {0};
	int64_t offset;
	size_t len;
	char *all;

	if (!call_int(c, 2, &offset))
		return;
	if (offset < 0) {
		resp_error(c->out, "ERR offset is out of range");
		return;
	}
	txn_get(c->txn, c->argv[1], &old);
	if (bytes.len == 0) {
		resp_integer(c->out, (int64_t)old.value.len);
		return;
	}
	if (!call_check_length(c, (uint64_t)offset + bytes.len))
		return;
	len = (size_t)offset + bytes.len;
	if (len < old.value.len)
		len = old.value.len;
	all = resized(c, &old, len);
	if (all == NULL)
		return;
	memcpy(all + offset, bytes.data, bytes.len);
	if (call_set(c, c->argv[1], slice_of(all, len), old.expires_ms))
		resp_integer(c->out, (int64_t)len);
}

void cmd_getrange(struct call *c)
{
	struct item item = {0};
	int64_t start, end, len;

	if (!call_int(c, 2, &start) || !call_int(c, 3, &end))
		return;
	call_get(c, c->argv[1], &item);
	len = (int64_t)item.value.len;
	if (start < 0 && end < 0 && start > end)
		len = 0;
	if (start < 0)
		start = start < -len ? 0 : start + len;
	if (end < 0)
		end = end < -len ? 0 : end + len;
	if (end >= len)
		end = len - 1;
	if (len == 0 || start > end)
		resp_bulk(c->out, slice_of(NULL, 0));
	else
		resp_bulk(c->out, slice_of(item.value.data + start,
					   (size_t)(end - start + 1)));
}

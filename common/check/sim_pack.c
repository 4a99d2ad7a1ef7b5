/*
 * sim_pack.c - how requests travel in a simulated cluster: in the JSON protocol
 * behind an envelope of what it does not say: whether the answer may be stale,
 * client and number, or an order.
 */
#include "check/sim_impl.h"

#include "base/bytes.h"
#include "proto/json.h"

#include <stdlib.h>

#define CLIENT_SIZE 16u
/* What stands behind the envelope. */
enum { BODY_JSON, BODY_ORDER, BODY_COMMAND };
/* stale, client, number, body */
#define ENVELOPE (1u + CLIENT_SIZE + 8u + 1u)
#define REPLY_MAX ((size_t)1 << 20)

static void append_text(struct buf *out, struct slice text)
{
	buf_append_char(out, (char)text.len);
	buf_append_slice(out, text);
}

static struct slice take_text(struct slice *from)
{
	size_t len = (unsigned char)from->data[0];
	struct slice text = slice_of(from->data + 1, len);

	from->data += 1 + len;
	from->len -= 1 + len;
	return text;
}

void sim_pack(struct sim_node *n, const struct request *req, struct buf *out)
{
	char head[ENVELOPE] = {(char)req->stale_ok};

	if (req->client.len == CLIENT_SIZE)
		memcpy(head + 1, req->client.data, CLIENT_SIZE);
	put_le64(head + 1 + CLIENT_SIZE, req->number);
	head[ENVELOPE - 1] = req->op == OP_CLUSTER   ? BODY_ORDER
			     : req->op == OP_COMMAND ? BODY_COMMAND
						     : BODY_JSON;
	buf_append(out, head, sizeof(head));
	if (req->op == OP_COMMAND) {
		buf_append_slice(out, req->keys[0]);
	} else if (req->op == OP_CLUSTER) {
		buf_append_char(out, (char)req->order.kind);
		append_text(out, req->order.node);
		append_text(out, req->order.address);
	} else {
		json_request_write(out, req, sim_wall_ms(n));
		out->len--; /* its LF */
	}
	if (buf_failed(out))
		abort();
}

static void unpack_command(struct slice raw, struct slice key,
			   struct sim_unpacked *u)
{
	sim_command_init(&u->command, key, raw);
	u->req = (struct request){
		.op = OP_COMMAND, .call = &u->command.call, .out = &u->out};
}

static void unpack_order(struct slice from, struct request *req)
{
	*req = (struct request){.op = OP_CLUSTER};
	req->order.kind = (enum cluster_order_kind)from.data[0];
	from.data++;
	from.len--;
	req->order.node = take_text(&from);
	req->order.address = take_text(&from);
}

/* What we packed ourselves. */
void sim_unpack(struct sim_node *n, struct slice raw, struct sim_unpacked *u)
{
	static const char nobody[CLIENT_SIZE];
	struct slice rest = slice_of(raw.data + ENVELOPE, raw.len - ENVELOPE);
	struct request *req = &u->req;
	struct slice id;

	buf_init(&u->out);
	if (raw.data[ENVELOPE - 1] == BODY_ORDER)
		unpack_order(rest, req);
	else if (raw.data[ENVELOPE - 1] == BODY_COMMAND)
		unpack_command(raw, rest, u);
	else if (json_request_parse(n->net->arena, rest, sim_wall_ms(n), req,
				    &id) != 0)
		abort();
	req->stale_ok = raw.data[0] != 0;
	req->client = slice_of(raw.data + 1, CLIENT_SIZE);
	if (slice_eq(req->client, slice_of(nobody, CLIENT_SIZE)))
		req->client.len = 0;
	req->number = get_le64(raw.data + 1 + CLIENT_SIZE);
	req->raw = raw;
	req->reply_max = REPLY_MAX;
}

/*
 * sim_client.c - requests of clients of a simulated cluster, and the gates that
 * replies wait at: what sessions do in a server.
 */
#include "check/sim_impl.h"

#include "base/bytes.h"
#include "base/err.h"
#include "proto/json.h"

#include <stdio.h>
#include <stdlib.h>
#include <xxhash.h>

#define FORWARD_HEAD 10u
#define CALL_MS 10000u

/* The op comes first: what is handed out is the same address. */
struct client_op {
	struct sim_op op;
	struct sim_node *node;
	struct buf raw;
};

/* ---- replies ---- */

static void finish(struct sim_net *net, struct sim_op *op, int code,
		   const char *message)
{
	op->done = true;
	op->code = code;
	op->ended_us = net->now_us;
	sim_mark(net, (uint64_t)code, XXH64(op->text.data, op->text.len, 0));
	snprintf(op->message, sizeof(op->message), "%s", message);
	if (op->on_done != NULL)
		op->on_done(op->arg, op);
}

static void take_reply(struct sim_node *n, struct sim_op *op, struct slice line)
{
	struct reply reply;
	int r;

	buf_append_slice(&op->text, line);
	buf_append_char(&op->text, '\0');
	if (line.len != 0 && line.data[line.len - 1] == '\n')
		line.len--;
	if (op->op == OP_COMMAND) {
		op->count = strtoull(op->text.data, NULL, 10);
		finish(n->net, op, 0, "");
		return;
	}
	/* Orders and info are for the eye. */
	r = op->op == OP_CLUSTER || op->op == OP_INFO
		    ? 0
		    : json_reply_parse(n->net->arena, line, op->op,
				       sim_wall_ms(n), &reply);
	if (op->op == OP_CLUSTER || op->op == OP_INFO || r != 0) {
		finish(n->net, op, r, r != 0 ? err_text() : "");
		return;
	}
	op->version = reply.version;
	op->count = reply.count;
	if (reply.nitems != 0) {
		op->found = reply.items[0].found;
		buf_append_slice(&op->value, reply.items[0].value);
		op->version = reply.items[0].version;
	}
	if (reply.nitems > 1) {
		op->found_2 = reply.items[1].found;
		buf_append_slice(&op->value_2, reply.items[1].value);
		op->version_2 = reply.items[1].version;
	}
	finish(n->net, op, reply.code, reply.code != 0 ? reply.message : "");
}

static void fail_op(struct sim_node *n, struct sim_op *op, int code,
		    const char *message)
{
	finish(n->net, op, code, message);
}

/* The answer to a request that another node forwarded, or this one. */
static void answer_forward(struct sim_node *n, const struct sim_held *h)
{
	struct sim_node *to = &n->net->nodes[h->origin];
	struct slice bytes = buf_slice(&h->bytes);
	char head[13] = {FRAME_FORWARDED};
	struct buf frame;

	if (n->net->links[n->number][h->origin].number != h->link)
		return; /* the connection is gone */
	put_le64(head + 1, h->id);
	put_le32(head + 9, (uint32_t)h->code);
	if (to != n) {
		(void)sim_send(n, to, slice_of(head, sizeof(head)), bytes);
		return;
	}
	buf_init(&frame);
	buf_append(&frame, head, sizeof(head));
	buf_append_slice(&frame, bytes);
	if (buf_failed(&frame))
		abort();
	primary_receive(n->primary, sim_node_ms(n), 0, buf_slice(&frame));
	buf_release(&frame);
}

/* ---- gates ---- */

static void leave(struct sim_node *n, struct sim_held *h)
{
	if (h->op != NULL && h->code != 0)
		fail_op(n, h->op, h->code, h->bytes.data);
	else if (h->op != NULL)
		take_reply(n, h->op, buf_slice(&h->bytes));
	else
		answer_forward(n, h);
	buf_release(&h->bytes);
	free(h);
}

/* Takes out of the list those that may leave, or all, and lets them go. */
static void release(struct sim_node *n, bool lost)
{
	struct sim_held *ready = NULL, **tail = &ready, **at = &n->held, *h;
	static const char why[] = "leadership was lost";

	while ((h = *at) != NULL) {
		bool may = coord_may_tell(n->coord, h->after, h->confirm);

		if (!may && !lost) {
			at = &h->next;
			continue;
		}
		if (!may) {
			h->code = h->wrote ? KV_EUNKNOWN : KV_EUNAVAILABLE;
			buf_clear(&h->bytes);
			buf_append(&h->bytes, why, sizeof(why));
		}
		*at = h->next;
		h->next = NULL;
		*tail = h;
		tail = &h->next;
	}
	n->held_tail = at;
	while ((h = ready) != NULL) {
		ready = h->next;
		leave(n, h);
	}
}

void sim_progress(struct sim_node *n)
{
	release(n, false);
}

void sim_lost(struct sim_node *n)
{
	release(n, true);
}

/* The node is gone, and with it all connections. */
void sim_drop_held(struct sim_node *n)
{
	struct sim_held *h;

	while ((h = n->held) != NULL) {
		n->held = h->next;
		if (h->op != NULL)
			fail_op(n, h->op, KV_EUNREACHABLE, "connection lost");
		buf_release(&h->bytes);
		free(h);
	}
	n->held_tail = &n->held;
}

/* A request that another node forwarded, or this one to itself. */
struct forward {
	struct sim_node *node;
	unsigned origin;
	uint64_t id;
	uint64_t link; /* it came on, and its answer goes on */
};

static void pass(struct sim_node *n, const struct reply *reply,
		 struct sim_op *op, const struct forward *f)
{
	struct sim_held *h = calloc(1, sizeof(*h));

	if (h == NULL)
		abort();
	h->after = reply->after;
	h->confirm = reply->confirm;
	h->wrote = reply->wrote;
	h->op = op;
	if (f != NULL) {
		h->origin = f->origin;
		h->id = f->id;
		h->link = f->link;
	}
	/* A forwarded one must see what it cannot tell from the bytes. */
	if (reply->code != 0 &&
	    (op != NULL || reply->op == OP_COMMAND ||
	     reply->code == KV_EUNAVAILABLE || reply->code == KV_EUNKNOWN)) {
		h->code = reply->code;
		buf_append_str(&h->bytes,
			       reply->message != NULL ? reply->message : "");
		buf_append_char(&h->bytes, '\0');
	} else if (reply->encoded.len != 0) {
		buf_append_slice(&h->bytes, reply->encoded);
	} else if (reply->op == OP_COMMAND) {
		buf_append_slice(&h->bytes, reply->raw);
	} else {
		json_reply_write(&h->bytes, reply, slice_of(NULL, 0),
				 sim_wall_ms(n));
	}
	if (buf_failed(&h->bytes))
		abort();
	if (coord_may_tell(n->coord, h->after, h->confirm)) {
		leave(n, h);
		return;
	}
	*n->held_tail = h;
	n->held_tail = &h->next;
}

static void on_client_reply(void *arg, const struct request *req,
			    const struct reply *reply)
{
	struct client_op *c = arg;

	(void)req;
	if (c->node->up)
		pass(c->node, reply, &c->op, NULL);
	else if (!c->op.done)
		fail_op(c->node, &c->op, KV_EUNREACHABLE, "connection lost");
}

static void on_forward_reply(void *arg, const struct request *req,
			     const struct reply *reply)
{
	struct forward *f = arg;

	(void)req;
	if (f->node->up)
		pass(f->node, reply, NULL, f);
	free(f);
}

/* ---- requests ---- */

static void submit(struct sim_node *n, struct sim_unpacked *u,
		   coord_reply_fn *fn, void *arg)
{
	coord_submit(n->coord, &u->req, fn, arg);
	buf_release(&u->out);
	n->dirty = true;
}

void sim_carry_out(struct sim_node *n, unsigned origin, struct slice frame)
{
	struct forward *f = calloc(1, sizeof(*f));
	struct sim_unpacked u;

	if (f == NULL)
		abort();
	*f = (struct forward){n, origin, get_le64(frame.data + 1),
			      n->net->links[n->number][origin].number};
	sim_unpack(
		n,
		slice_of(frame.data + FORWARD_HEAD, frame.len - FORWARD_HEAD),
		&u);
	u.req.forwarded = true;
	submit(n, &u, on_forward_reply, f);
}

struct sim_op *sim_submit(struct sim_net *net, unsigned node,
			  const struct request *req)
{
	struct sim_node *n = &net->nodes[node];
	struct client_op *c = calloc(1, sizeof(*c));
	struct sim_unpacked u;

	if (c == NULL)
		abort();
	c->node = n;
	c->op.op = req->op;
	c->op.node = node;
	c->op.began_us = net->now_us;
	c->op.next = net->ops;
	net->ops = &c->op;
	if (!n->up) {
		fail_op(n, &c->op, KV_EUNREACHABLE, "the node is down");
		return &c->op;
	}
	sim_pack(n, req, &c->raw);
	/* Answers that leave now are taken apart in the same arena. */
	primary_tick(n->primary, sim_node_ms(n));
	sim_unpack(n, buf_slice(&c->raw), &u);
	submit(n, &u, on_client_reply, c);
	return &c->op;
}

void sim_free_ops(struct sim_net *net)
{
	struct sim_op *op;

	while ((op = net->ops) != NULL) {
		net->ops = op->next;
		buf_release(&op->value);
		buf_release(&op->value_2);
		buf_release(&op->text);
		buf_release(&((struct client_op *)op)->raw);
		free(op);
	}
}

static bool is_done(struct sim_net *net, void *arg)
{
	(void)net;
	return ((struct sim_op *)arg)->done;
}

struct sim_op *sim_call(struct sim_net *net, unsigned node,
			const struct request *req, uint64_t ms)
{
	struct sim_op *op = sim_submit(net, node, req);

	(void)sim_run_until(net, is_done, op, ms);
	return op;
}

struct sim_op *sim_set(struct sim_net *net, unsigned node, const char *key,
		       const char *value)
{
	struct change c = {.key = slice_str(key), .value = slice_str(value)};
	struct request req = {.op = OP_SET, .changes = &c, .nchanges = 1};

	return sim_call(net, node, &req, CALL_MS);
}

struct sim_op *sim_get(struct sim_net *net, unsigned node, const char *key)
{
	struct slice k = slice_str(key);
	struct request req = {.op = OP_GET, .keys = &k, .nkeys = 1};

	return sim_call(net, node, &req, CALL_MS);
}

struct sim_op *sim_increment(struct sim_net *net, unsigned node,
			     const char *key)
{
	struct slice k = slice_str(key);
	struct request req = {.op = OP_COMMAND, .keys = &k, .nkeys = 1};

	return sim_submit(net, node, &req);
}

struct sim_op *sim_order(struct sim_net *net, unsigned node,
			 enum cluster_order_kind kind, unsigned about)
{
	const struct sim_node *n = &net->nodes[about];
	struct request req = {
		.op = OP_CLUSTER,
		.order = {.kind = kind,
			  .node = slice_str(n->name),
			  .address = slice_str(n->address)},
	};

	return sim_submit(net, node, &req);
}

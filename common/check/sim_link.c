/*
 * sim_link.c - the links of a simulated cluster: frames on their way, hellos.
 *
 * A pair of nodes has one link for both directions, with a number; when it
 * breaks, its frames are gone, and both ends are told. The frames on their way
 * are a heap ordered by arrival.
 */
#include "check/sim_impl.h"

#include "base/err.h"

#include <stdlib.h>

/* A cut link breaks after this long. */
#define CUT_BREAKS_US 1500000u

/* ---- the heap ---- */

static bool is_before(const struct sim_frame *a, const struct sim_frame *b)
{
	return a->at_us != b->at_us ? a->at_us < b->at_us
				    : a->serial < b->serial;
}

static void swap(struct sim_frame *a, struct sim_frame *b)
{
	struct sim_frame c = *a;

	*a = *b;
	*b = c;
}

static void push(struct sim_net *net, const struct sim_frame *f)
{
	size_t at = net->nframes;
	struct sim_frame *more;

	if (net->nframes == net->frames_cap) {
		net->frames_cap = net->frames_cap ? 2 * net->frames_cap : 256;
		more = realloc(net->frames, net->frames_cap * sizeof(*more));
		if (more == NULL)
			abort(); /* a simulation without memory says nothing */
		net->frames = more;
	}
	net->frames[net->nframes++] = *f;
	for (; at != 0; at = (at - 1) / 2) {
		if (!is_before(&net->frames[at], &net->frames[(at - 1) / 2]))
			break;
		swap(&net->frames[at], &net->frames[(at - 1) / 2]);
	}
}

struct sim_frame *sim_next_frame(struct sim_net *net)
{
	return net->nframes != 0 ? &net->frames[0] : NULL;
}

void sim_pop_frame(struct sim_net *net, struct sim_frame *out)
{
	size_t at = 0, child;

	*out = net->frames[0];
	net->frames[0] = net->frames[--net->nframes];
	while ((child = 2 * at + 1) < net->nframes) {
		if (child + 1 < net->nframes &&
		    is_before(&net->frames[child + 1], &net->frames[child]))
			child++;
		if (!is_before(&net->frames[child], &net->frames[at]))
			break;
		swap(&net->frames[child], &net->frames[at]);
		at = child;
	}
}

/* ---- frames ---- */

static bool may_suffer(char kind)
{
	return kind == FRAME_RAFT || kind == FRAME_FETCH || kind == FRAME_CHUNK;
}

static void send_one(struct sim_net *net, struct sim_node *from,
		     struct sim_node *to, struct slice head, struct slice body)
{
	struct sim_link *l = &net->links[from->number][to->number];
	const struct sim_weather *w = &net->weather;
	struct sim_frame f = {
		.from = from->number,
		.to = to->number,
		.link = l->number,
		.serial = ++net->serial,
	};

	f.at_us = net->now_us + sim_between(net, w->delay_min, w->delay_max);
	if (!may_suffer(head.data[0]) || !w->reorder) {
		if (f.at_us < l->last_us)
			f.at_us = l->last_us;
		l->last_us = f.at_us;
	}
	buf_append_slice(&f.bytes, head);
	buf_append_slice(&f.bytes, body);
	if (buf_failed(&f.bytes))
		abort();
	push(net, &f);
}

bool sim_send(struct sim_node *from, struct sim_node *to, struct slice head,
	      struct slice body)
{
	struct sim_net *net = from->net;
	const struct sim_weather *w = &net->weather;

	sim_promise(from, head);
	if (net->links[from->number][to->number].number == 0)
		return false;
	if (may_suffer(head.data[0])) {
		if (sim_chance(net, w->drop))
			return true;
		if (sim_chance(net, w->duplicate))
			send_one(net, from, to, head, body);
	}
	send_one(net, from, to, head, body);
	return true;
}

void sim_deliver(struct sim_net *net, struct sim_frame *f)
{
	struct sim_node *to = &net->nodes[f->to];
	struct sim_link *l = &net->links[f->from][f->to];
	const struct member *m;

	if (l->number != f->link || !to->up)
		return;
	if (l->cut || to->paused) {
		/* Held back, in order. */
		f->at_us = net->now_us + 1000;
		if (l->last_us < f->at_us)
			l->last_us = f->at_us;
		push(net, f);
		buf_init(&f->bytes);
		return;
	}
	to->dirty = true;
	if (f->bytes.data[0] == FRAME_FORWARD) {
		primary_tick(to->primary, sim_node_ms(to));
		sim_carry_out(to, f->from, buf_slice(&f->bytes));
		return;
	}
	m = members_find_name(primary_peers(to->primary),
			      net->nodes[f->from].name);
	primary_receive(to->primary, sim_node_ms(to), m != NULL ? m->id : 0,
			buf_slice(&f->bytes));
}

/* ---- links ---- */

static void tell_lost(struct sim_node *n, const struct sim_node *other)
{
	const struct member *m;

	if (!n->up)
		return;
	m = members_find_name(primary_peers(n->primary), other->name);
	n->dirty = true;
	if (m != NULL)
		primary_link_lost(n->primary, sim_node_ms(n), m->id);
}

void sim_lose_link(struct sim_net *net, unsigned a, unsigned b)
{
	if (net->links[a][b].number == 0)
		return;
	net->links[a][b].number = net->links[b][a].number = 0;
	net->links[a][b].last_us = net->links[b][a].last_us = 0;
	tell_lost(&net->nodes[a], &net->nodes[b]);
	tell_lost(&net->nodes[b], &net->nodes[a]);
}

static bool wants(const struct sim_node *n, const struct sim_node *other)
{
	return members_find_name(&n->members, other->name) != NULL;
}

static void greet(struct sim_net *net, struct sim_node *a, struct sim_node *b)
{
	struct primary_hello of_a, of_b;

	primary_hello(a->primary, &of_a);
	primary_hello(b->primary, &of_b);
	a->dirty = b->dirty = true;
	if (primary_meet(a->primary, &of_b) != 0 ||
	    primary_meet(b->primary, &of_a) != 0)
		return;
	net->links[a->number][b->number].number = ++net->links_made;
	net->links[b->number][a->number].number = net->links_made;
}

static void look_after(struct sim_net *net, unsigned a, unsigned b)
{
	struct sim_link *there = &net->links[a][b], *back = &net->links[b][a];
	struct sim_node *one = &net->nodes[a], *other = &net->nodes[b];
	bool cut = there->cut || back->cut;

	if (there->number != 0) {
		if ((there->cut &&
		     there->cut_us + CUT_BREAKS_US <= net->now_us) ||
		    (back->cut && back->cut_us + CUT_BREAKS_US <= net->now_us))
			sim_lose_link(net, a, b);
		return;
	}
	if (one->up && other->up && !one->paused && !other->paused && !cut &&
	    (wants(one, other) || wants(other, one)))
		greet(net, one, other);
}

void sim_connect(struct sim_net *net)
{
	for (unsigned a = 1; a <= net->options.nodes; a++)
		for (unsigned b = a + 1; b <= net->options.nodes; b++)
			look_after(net, a, b);
}

void sim_cut(struct sim_net *net, unsigned from, unsigned to)
{
	struct sim_link *l = &net->links[from][to];

	if (!l->cut)
		l->cut_us = net->now_us;
	l->cut = true;
}

void sim_partition(struct sim_net *net, unsigned set)
{
	for (unsigned a = 1; a <= net->options.nodes; a++)
		for (unsigned b = 1; b <= net->options.nodes; b++)
			if (((set >> (a - 1)) & 1) != ((set >> (b - 1)) & 1))
				sim_cut(net, a, b);
}

void sim_heal(struct sim_net *net)
{
	for (unsigned a = 1; a <= net->options.nodes; a++)
		for (unsigned b = 1; b <= net->options.nodes; b++)
			net->links[a][b].cut = false;
}

void sim_break_link(struct sim_net *net, unsigned a, unsigned b)
{
	sim_lose_link(net, a, b);
}

/*
 * simfs_power.c - what a restart may find after a power cut: see simfs.h.
 *
 * The un-synced past is a list of pieces with a few versions each; a choice of
 * a version for every piece is a state. Building one copies the files and
 * replaces some sectors; nothing is ever undone.
 */
#include "check/simfs_node.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

/* ---- pieces ---- */

static bool add_piece(struct simfs_cut *cut, size_t *cap, struct simfs_piece p)
{
	if (!simfs_grow((void **)&cut->pieces, cut->npieces, cap, sizeof(p)))
		return false;
	cut->pieces[cut->npieces++] = p;
	return true;
}

/* Whether a restart can find the file at all. */
static bool may_survive(const struct simfs *sim, const struct simfs_node *node)
{
	for (size_t i = 0; i < sim->disk.n; i++)
		if (sim->disk.v[i].node == node)
			return true;
	for (size_t i = 0; i < sim->nchanges; i++)
		if (sim->changes[i].node == node && sim->changes[i].to != NULL)
			return true;
	return false;
}

static bool add_file_pieces(struct simfs_cut *cut, size_t *cap,
			    const struct simfs_node *node)
{
	struct simfs_piece p = {.file = node->number, .owner = node};

	if (node->nold_sizes > 0) {
		p.kind = SIMFS_PIECE_SIZE;
		p.versions = (unsigned)node->nold_sizes + 1;
		if (!add_piece(cut, cap, p))
			return false;
	}
	p.kind = SIMFS_PIECE_SECTOR;
	for (size_t i = 0; i < node->npast; i++) {
		p.at = node->past[i].number;
		p.versions = node->past[i].nold + 1;
		if (!add_piece(cut, cap, p))
			return false;
	}
	return true;
}

int simfs_cut_init(struct simfs_cut *cut, const struct simfs *sim)
{
	const struct simfs_node *node;
	size_t cap = 0;

	*cut = (struct simfs_cut){.sim = sim};
	for (size_t i = 0; i < sim->nchanges; i++) {
		const struct simfs_change *c = &sim->changes[i];
		if (!add_piece(cut, &cap,
			       (struct simfs_piece){.kind = SIMFS_PIECE_NAME,
						    .versions = 2,
						    .file = c->node->number,
						    .at = c->number,
						    .owner = c}))
			goto fail;
	}
	TAILQ_FOREACH (node, &sim->nodes, link)
		if (may_survive(sim, node) && !add_file_pieces(cut, &cap, node))
			goto fail;
	return 0;
fail:
	simfs_cut_release(cut);
	return -ENOMEM;
}

void simfs_cut_release(struct simfs_cut *cut)
{
	free(cut->pieces);
	*cut = (struct simfs_cut){0};
}

/* ---- the state after it ---- */

/* Gives the node its name on both sides of the file system. */
static int adopt(struct simfs *sim, const char *path, struct simfs_node *node)
{
	int r;

	TAILQ_INSERT_TAIL(&sim->nodes, node, link);
	node->refs++;
	r = simfs_names_place(&sim->now, path, node, simfs_unref, sim);
	if (r == 0)
		r = simfs_names_place(&sim->disk, path, node, simfs_unref, sim);
	simfs_unref(sim, node);
	return r;
}

static void no_unref(void *arg, struct simfs_node *node)
{
	(void)arg;
	node->refs--;
}

/* The names that are there under this choice, nodes of the old system. */
static int chosen_names(const struct simfs_cut *cut, const unsigned *choice,
			struct simfs_names *out)
{
	const struct simfs *sim = cut->sim;
	int r = 0;

	for (size_t i = 0; r == 0 && i < sim->disk.n; i++)
		r = simfs_names_place(out, sim->disk.v[i].path,
				      sim->disk.v[i].node, no_unref, NULL);
	for (size_t i = 0; r == 0 && i < sim->nchanges; i++)
		if (choice[i] != 0) /* names come first among the pieces */
			r = simfs_names_place(out, sim->changes[i].to,
					      sim->changes[i].node, no_unref,
					      NULL);
	return r;
}

/* A file whose directory is not there cannot be reached. */
static bool has_parent(const struct simfs_names *names, const char *path)
{
	const char *slash = strrchr(path, '/');
	size_t n = slash == NULL ? 0 : (size_t)(slash - path);

	if (n == 0)
		return true;
	for (size_t i = 0; i < names->n; i++)
		if (names->v[i].node->is_dir &&
		    strncmp(names->v[i].path, path, n) == 0 &&
		    names->v[i].path[n] == '\0')
			return has_parent(names, names->v[i].path);
	return false;
}

static void replace_sector(struct simfs_node *to, const struct simfs_node *from,
			   const struct simfs_piece *piece, unsigned version)
{
	uint64_t off = piece->at * SIMFS_SECTOR;
	size_t i = 0, n;

	while (from->past[i].number != piece->at)
		i++;
	if (version == from->past[i].nold || off >= to->size)
		return; /* the newest is there already */
	n = to->size - off < SIMFS_SECTOR ? (size_t)(to->size - off)
					  : SIMFS_SECTOR;
	memcpy(to->data + off,
	       from->past[i].old + (size_t)version * SIMFS_SECTOR, n);
}

static struct simfs_node *chosen_file(const struct simfs_cut *cut,
				      const unsigned *choice, struct simfs *sim,
				      const struct simfs_node *from)
{
	struct simfs_node *to =
		simfs_node_new(sim->pool, from->number, from->is_dir);
	uint64_t size = from->size;
	size_t i = 0;

	if (to == NULL)
		return NULL;
	while (i < cut->npieces && cut->pieces[i].owner != from)
		i++;
	if (i < cut->npieces && cut->pieces[i].kind == SIMFS_PIECE_SIZE) {
		if (choice[i] < from->nold_sizes)
			size = from->old_sizes[choice[i]];
		i++;
	}
	simfs_node_load(to, from->data, size);
	for (; i < cut->npieces && cut->pieces[i].owner == from; i++)
		replace_sector(to, from, &cut->pieces[i], choice[i]);
	return to;
}

struct simfs *simfs_restart(const struct simfs_cut *cut, const unsigned *choice)
{
	struct simfs *sim = simfs_new_in(cut->sim->pool);
	struct simfs_names names = {0};
	int r;

	if (sim == NULL)
		return NULL;
	sim->next_number = cut->sim->next_number;
	r = chosen_names(cut, choice, &names);
	for (size_t i = 0; r == 0 && i < names.n; i++) {
		struct simfs_node *node;

		if (!has_parent(&names, names.v[i].path))
			continue;
		node = chosen_file(cut, choice, sim, names.v[i].node);
		r = node == NULL ? -ENOMEM : adopt(sim, names.v[i].path, node);
	}
	simfs_names_release(&names, no_unref, NULL);
	if (r == 0)
		return sim;
	simfs_free(sim);
	return NULL;
}

struct simfs *simfs_power_cycle(const struct simfs *sim, simfs_choose *choose,
				void *arg)
{
	struct simfs_cut cut;
	struct simfs *next = NULL;
	unsigned *choice;

	if (simfs_cut_init(&cut, sim) != 0)
		return NULL;
	choice = calloc(cut.npieces + 1, sizeof(*choice));
	if (choice != NULL) {
		for (size_t i = 0; i < cut.npieces; i++)
			choice[i] = choose != NULL ? choose(arg, &cut.pieces[i])
						   : 0;
		next = simfs_restart(&cut, choice);
	}
	free(choice);
	simfs_cut_release(&cut);
	return next;
}

static const char *name_of(const struct simfs *sim,
			   const struct simfs_node *node)
{
	for (size_t i = 0; i < sim->now.n; i++)
		if (sim->now.v[i].node == node)
			return sim->now.v[i].path;
	for (size_t i = 0; i < sim->disk.n; i++)
		if (sim->disk.v[i].node == node)
			return sim->disk.v[i].path;
	return "(unlinked)";
}

static void piece_text(const struct simfs *sim, const struct simfs_piece *p,
		       unsigned version, struct buf *out)
{
	const struct simfs_change *c = p->owner;

	if (p->kind == SIMFS_PIECE_NAME && c->to != NULL)
		buf_printf(out, "name '%s' not there", c->to);
	else if (p->kind == SIMFS_PIECE_NAME)
		buf_printf(out, "file %llu not unlinked",
			   (unsigned long long)p->file);
	else if (p->kind == SIMFS_PIECE_SIZE)
		buf_printf(out, "size of '%s': version %u of %u",
			   name_of(sim, p->owner), version, p->versions);
	else
		buf_printf(out, "sector %llu of '%s': version %u of %u",
			   (unsigned long long)p->at, name_of(sim, p->owner),
			   version, p->versions);
	buf_append_char(out, '\n');
}

void simfs_choice_text(const struct simfs_cut *cut, const unsigned *choice,
		       struct buf *out)
{
	for (size_t i = 0; i < cut->npieces; i++)
		if (choice[i] + 1 < cut->pieces[i].versions)
			piece_text(cut->sim, &cut->pieces[i], choice[i], out);
}

/* ---- the whole ---- */

static int clone_names(struct simfs *copy, struct simfs_names *to,
		       const struct simfs_names *from,
		       struct simfs_node *const *nodes)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < from->n; i++)
		r = simfs_names_place(to, from->v[i].path,
				      nodes[from->v[i].node->number],
				      simfs_unref, copy);
	return r;
}

static int clone_changes(struct simfs *copy, const struct simfs *sim,
			 struct simfs_node *const *nodes)
{
	for (size_t i = 0; i < sim->nchanges; i++) {
		struct simfs_change c = sim->changes[i];

		if (!simfs_grow((void **)&copy->changes, copy->nchanges,
				&copy->cap_changes, sizeof(c)))
			return -ENOMEM;
		c.node = nodes[c.node->number];
		c.node->refs++;
		c.dir = strdup(c.dir);
		c.to = c.to != NULL ? strdup(c.to) : NULL;
		copy->changes[copy->nchanges++] = c;
		if (c.dir == NULL || (c.to == NULL && sim->changes[i].to))
			return -ENOMEM;
	}
	return 0;
}

struct simfs *simfs_clone(const struct simfs *sim)
{
	struct simfs *copy = simfs_new_in(sim->pool);
	struct simfs_node **nodes =
		calloc(sim->next_number + 1, sizeof(*nodes));
	const struct simfs_node *node;
	int r = copy == NULL || nodes == NULL ? -ENOMEM : 0;

	if (r != 0)
		goto out;
	copy->next_number = sim->next_number;
	TAILQ_FOREACH (node, &sim->nodes, link) {
		struct simfs_node *n = simfs_node_copy(node);
		if (n == NULL) {
			r = -ENOMEM;
			break;
		}
		n->refs = 1; /* until the names are there */
		nodes[node->number] = n;
		TAILQ_INSERT_TAIL(&copy->nodes, n, link);
	}
	if (r == 0)
		r = clone_names(copy, &copy->now, &sim->now, nodes);
	if (r == 0)
		r = clone_names(copy, &copy->disk, &sim->disk, nodes);
	if (r == 0)
		r = clone_changes(copy, sim, nodes);
	for (uint64_t i = 0; i < sim->next_number; i++)
		if (nodes[i] != NULL)
			simfs_unref(copy, nodes[i]);
out:
	free(nodes);
	if (r == 0)
		return copy;
	simfs_free(copy);
	return NULL;
}

uint64_t simfs_digest(const struct simfs *sim)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < sim->now.n; i++) {
		const struct simfs_name *name = &sim->now.v[i];
		uint64_t h = XXH3_64bits(name->path, strlen(name->path));

		/* Added up, as the order of names means nothing. */
		sum += XXH3_64bits_withSeed(name->node->data, name->node->size,
					    h + name->node->is_dir);
	}
	return sum;
}

int simfs_damage(struct simfs *sim, const char *name, uint64_t off,
		 unsigned char xor_with)
{
	char *path = simfs_path_normal(name);
	struct simfs_node *node;

	if (path == NULL)
		return -ENOMEM;
	node = simfs_names_find(&sim->now, path);
	free(path);
	if (node == NULL)
		return -ENOENT;
	if (off >= node->size)
		return -EINVAL;
	node->data[off] = (char)((unsigned char)node->data[off] ^ xor_with);
	for (size_t i = 0; i < node->npast; i++) {
		struct simfs_sector *s = &node->past[i];
		for (unsigned v = 0;
		     s->number == off / SIMFS_SECTOR && v < s->nold; v++)
			s->old[(size_t)v * SIMFS_SECTOR + off % SIMFS_SECTOR] ^=
				xor_with;
	}
	return 0;
}

/*
 * command.c - finding commands; see command.h.
 *
 * The lookup is a table of hash values of lower-case names, made once; a name
 * that is asked for is folded to lower case in a register's width of steps.
 */
#include "proto/command.h"

#include <ctype.h>
#include <endian.h>
#include <stdlib.h>

#define NAME_MAX_LEN 16 /* longer than any name in the table */
#define SLOTS 512	/* a power of two, several times the commands */

/* A name in lower case, padded with NUL. */
struct name {
	uint64_t first, last;
};

struct command_lookup {
	struct {
		struct name name;
		const struct command *command;
	} slots[SLOTS];
};

/* Sets bit 5 of every byte that is an upper-case letter. */
static uint64_t fold8(uint64_t v)
{
	uint64_t high = v & 0x8080808080808080u;
	uint64_t low = v & ~0x8080808080808080u;
	uint64_t from_a = low + 0x3f3f3f3f3f3f3f3fu;  /* >= 'A': bit 7 */
	uint64_t above_z = low + 0x2525252525252525u; /* > 'Z': bit 7 */
	uint64_t upper = (from_a & ~above_z & 0x8080808080808080u) & ~high;

	return v | upper >> 2;
}

/* 1 to 8 bytes as a number, padded with NUL, without a call to copy them: the
 * loads may overlap. */
static inline uint64_t load_padded(const char *p, size_t n)
{
	uint32_t low, high;

	if (n < 4)
		return (uint64_t)(unsigned char)p[0] |
		       (uint64_t)(unsigned char)p[n / 2] << n / 2 * 8 |
		       (uint64_t)(unsigned char)p[n - 1] << (n - 1) * 8;
	memcpy(&low, p, sizeof(low));
	memcpy(&high, p + n - sizeof(high), sizeof(high));
	return le32toh(low) | (uint64_t)le32toh(high) << (n - 4) * 8;
}

/* All NUL: no command has such a name. */
static inline struct name fold_name(struct slice name)
{
	struct name folded = {0, 0};

	/* NUL at the end would look like the padding. */
	if (name.len == 0 || name.len > NAME_MAX_LEN ||
	    name.data[name.len - 1] == '\0')
		return folded;
	folded.first =
		fold8(load_padded(name.data, name.len < 8 ? name.len : 8));
	if (name.len > 8)
		folded.last = fold8(load_padded(name.data + 8, name.len - 8));
	return folded;
}

static inline size_t slot_of(struct name name)
{
	return ((name.first ^ name.last * 31) * 0x9e3779b97f4a7c15u) >> 55 &
	       (SLOTS - 1);
}

struct command_lookup *command_lookup_new(void)
{
	struct command_lookup *lookup = calloc(1, sizeof(*lookup));

	if (lookup == NULL)
		return NULL;
	for (const struct command *c = command_table; c->name != NULL; c++) {
		struct name name = fold_name(slice_str(c->name));
		size_t at;

		if (name.first == 0)
			continue;
		at = slot_of(name);
		while (lookup->slots[at].command != NULL)
			at = (at + 1) % SLOTS;
		lookup->slots[at].name = name;
		lookup->slots[at].command = c;
	}
	return lookup;
}

void command_lookup_free(struct command_lookup *lookup)
{
	free(lookup);
}

const struct command *command_find(const struct command_lookup *lookup,
				   struct slice name)
{
	struct name wanted = fold_name(name);
	size_t at = slot_of(wanted);

	for (; lookup->slots[at].command != NULL; at = (at + 1) % SLOTS)
		if (lookup->slots[at].name.first == wanted.first &&
		    lookup->slots[at].name.last == wanted.last)
			return lookup->slots[at].command;
	return NULL;
}

const char *command_sub_name(const struct command *sub)
{
	return strchr(sub->name, '|') + 1;
}

const struct command *command_find_sub(const struct command *command,
				       struct slice name)
{
	for (const struct command *s = command->subcommands;
	     s != NULL && s->name != NULL; s++)
		if (word_is(name, command_sub_name(s)))
			return s;
	return NULL;
}

bool command_takes(const struct command *command, size_t argc)
{
	if (command->arity >= 0)
		return argc == (size_t)command->arity;
	return argc >= (size_t)-command->arity;
}

size_t command_count(void)
{
	size_t n = 0;

	while (command_table[n].name != NULL)
		n++;
	return n;
}

bool command_keys(const struct command *command, size_t argc, size_t *first,
		  size_t *last, size_t *step)
{
	if (command->first_key == 0 || argc < 2)
		return false;
	*first = (size_t)command->first_key;
	*last = command->last_key >= 0 ? (size_t)command->last_key
				       : argc - (size_t)-command->last_key;
	*step = (size_t)command->key_step;
	if (*last >= argc)
		*last = argc - 1;
	return true;
}

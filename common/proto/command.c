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

struct command_lookup {
	struct {
		uint64_t word[2]; /* the name, padded with NUL */
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
static uint64_t load_padded(const char *p, size_t n)
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

static bool fold_name(struct slice name, uint64_t word[2])
{
	/* NUL at the end would look like the padding. */
	if (name.len == 0 || name.len > NAME_MAX_LEN ||
	    name.data[name.len - 1] == '\0')
		return false;
	word[0] = fold8(load_padded(name.data, name.len < 8 ? name.len : 8));
	word[1] = name.len <= 8
			  ? 0
			  : fold8(load_padded(name.data + 8, name.len - 8));
	return true;
}

static size_t slot_of(const uint64_t word[2])
{
	return ((word[0] ^ word[1] * 31) * 0x9e3779b97f4a7c15u) >> 55 &
	       (SLOTS - 1);
}

struct command_lookup *command_lookup_new(void)
{
	struct command_lookup *lookup = calloc(1, sizeof(*lookup));

	if (lookup == NULL)
		return NULL;
	for (const struct command *c = command_table; c->name != NULL; c++) {
		uint64_t word[2];
		size_t at;

		if (!fold_name(slice_str(c->name), word))
			continue;
		at = slot_of(word);
		while (lookup->slots[at].command != NULL)
			at = (at + 1) % SLOTS;
		lookup->slots[at].word[0] = word[0];
		lookup->slots[at].word[1] = word[1];
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
	uint64_t word[2];
	size_t at;

	if (!fold_name(name, word))
		return NULL;
	for (at = slot_of(word); lookup->slots[at].command != NULL;
	     at = (at + 1) % SLOTS)
		if (lookup->slots[at].word[0] == word[0] &&
		    lookup->slots[at].word[1] == word[1])
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

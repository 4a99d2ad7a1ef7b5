/*
 * command_table.c - prints the table of commands as kv-protocol(7) has it, in
 * mdoc, from the table that the server uses. t/redis/page puts it there.
 */
#include "proto/command.h"

#include <ctype.h>

/* A name in capitals, with a blank for the bar of a subcommand. */
static void print_name(const char *name, size_t len)
{
	for (size_t i = 0; i < len; i++)
		putchar(name[i] == '|' ? ' ' : toupper((unsigned char)name[i]));
}

static void print_row(const struct command *c)
{
	printf(".It ");
	print_name(c->name, strlen(c->name));
	if (c->partial == NULL)
		printf(" Ta full Ta \\&\n");
	else
		printf(" Ta partial Ta %s\n", c->partial);
}

static void print_absent_subcommands(const struct command *c)
{
	const char *at = c->absent;

	if (at == NULL)
		return;
	while (*at != '\0') {
		size_t len = strcspn(at, " ");

		printf(".It ");
		print_name(c->name, strlen(c->name));
		putchar(' ');
		print_name(at, len);
		printf(" Ta absent Ta \\&\n");
		at += len + (at[len] == ' ');
	}
}

#define WIDTH 72 /* of a line of the page's source */

static void print_group(const struct absent_group *g)
{
	const char *at = g->names;
	size_t column = 0;

	printf(".It %s\n", g->group);
	while (*at != '\0') {
		size_t len = strcspn(at, " ");

		if (column != 0)
			putchar(column + len > WIDTH ? '\n' : ' ');
		column = column + len > WIDTH ? 0 : column;
		print_name(at, len);
		column += len + 1;
		at += len + (at[len] == ' ');
	}
	putchar('\n');
}

int main(void)
{
	printf(".Bl -column \"CONFIG RESETSTAT\" \"partial\" \"what\"\n");
	for (const struct command *c = command_table; c->name != NULL; c++) {
		if (c->run != NULL)
			print_row(c);
		for (const struct command *s = c->subcommands;
		     s != NULL && s->name != NULL; s++)
			print_row(s);
		print_absent_subcommands(c);
	}
	printf(".El\n.Pp\nAbsent altogether:\n.Bl -tag -width "
	       "\"sorted_set\"\n");
	for (const struct absent_group *g = absent_groups; g->group != NULL;
	     g++)
		print_group(g);
	printf(".El\n");
	return fflush(stdout) != 0;
}

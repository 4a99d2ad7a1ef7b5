/*
 * cmd_command.c - COMMAND: the table of commands, told to clients.
 */
#include "proto/glob.h"
#include "proto/resp_conn.h"

/* A name for each bit of `bits` that has one. */
struct bit_name {
	unsigned bit;
	const char *name;
};

static const struct bit_name flag_names[] = {
	{CMD_WRITE, "write"},	    {CMD_READ, "readonly"},
	{CMD_GROWS, "denyoom"},	    {CMD_ADMIN, "admin"},
	{CMD_NOSCRIPT, "noscript"}, {CMD_LOADING, "loading"},
	{CMD_STALE, "stale"},	    {CMD_SKIP_SLOWLOG, "skip_slowlog"},
	{CMD_FAST, "fast"},	    {CMD_NO_AUTH, "no_auth"},
	{CMD_BUSY, "allow_busy"},   {0, NULL},
};

/* Categories of access, as bits: what flags and group amount to. */
enum {
	CAT_KEYSPACE = 1 << 0,
	CAT_READ = 1 << 1,
	CAT_WRITE = 1 << 2,
	CAT_STRING = 1 << 3,
	CAT_ADMIN = 1 << 4,
	CAT_FAST = 1 << 5,
	CAT_SLOW = 1 << 6,
	CAT_DANGEROUS = 1 << 7,
	CAT_CONNECTION = 1 << 8,
	CAT_TRANSACTION = 1 << 9,
	CAT_SCRIPTING = 1 << 10,
};

static const struct bit_name category_names[] = {
	{CAT_KEYSPACE, "@keyspace"},
	{CAT_READ, "@read"},
	{CAT_WRITE, "@write"},
	{CAT_STRING, "@string"},
	{CAT_ADMIN, "@admin"},
	{CAT_FAST, "@fast"},
	{CAT_SLOW, "@slow"},
	{CAT_DANGEROUS, "@dangerous"},
	{CAT_CONNECTION, "@connection"},
	{CAT_TRANSACTION, "@transaction"},
	{CAT_SCRIPTING, "@scripting"},
	{0, NULL},
};

static unsigned categories(const struct command *cmd)
{
	unsigned bits = cmd->flags & CMD_FAST ? CAT_FAST : CAT_SLOW;

	if (cmd->run == NULL) /* its subcommands say more */
		return bits;
	if (cmd->flags & CMD_READ)
		bits |= CAT_READ;
	if (cmd->flags & CMD_WRITE)
		bits |= CAT_WRITE;
	if (cmd->flags & CMD_ADMIN)
		bits |= CAT_ADMIN | CAT_DANGEROUS;
	if (cmd->flags & CMD_CAT_ADMIN)
		bits |= CAT_ADMIN;
	if (cmd->flags & CMD_DANGEROUS)
		bits |= CAT_DANGEROUS;
	if (cmd->flags & CMD_KEYSPACE)
		bits |= CAT_KEYSPACE;
	if (strcmp(cmd->group, "string") == 0)
		bits |= CAT_STRING;
	if (cmd->flags & CMD_CONNECTION)
		bits |= CAT_CONNECTION;
	if (strcmp(cmd->group, "transactions") == 0)
		bits |= CAT_TRANSACTION;
	if (strcmp(cmd->group, "scripting") == 0)
		bits |= CAT_SCRIPTING;
	return bits;
}

static void write_bits(struct call *c, const struct bit_name *names,
		       unsigned bits)
{
	size_t n = 0;

	for (const struct bit_name *b = names; b->name != NULL; b++)
		n += (bits & b->bit) != 0;
	resp_set(c->out, n, c->resp3);
	for (const struct bit_name *b = names; b->name != NULL; b++)
		if (bits & b->bit)
			resp_status(c->out, b->name);
}

/* The part of the list in front of `stop`; moves *list behind it. */
static struct slice next_part(const char **list, char stop)
{
	size_t len = strcspn(*list, (char[]){stop, '\0'});
	struct slice part = slice_of(*list, len);

	*list += len + ((*list)[len] == stop);
	return part;
}

static size_t count_parts(const char *list, char stop)
{
	size_t n = 0;

	while (*list != '\0') {
		next_part(&list, stop);
		n++;
	}
	return n;
}

static void write_status_slice(struct buf *out, struct slice text)
{
	buf_append_char(out, '+');
	buf_append_slice(out, text);
	buf_append(out, "\r\n", 2);
}

static void write_words(struct call *c, struct slice list)
{
	size_t n = list.len != 0;

	for (size_t i = 0; i < list.len; i++)
		n += list.data[i] == ' ';
	resp_set(c->out, n, c->resp3);
	for (size_t at = 0; at < list.len;) {
		const char *blank = memchr(list.data + at, ' ', list.len - at);
		size_t end =
			blank != NULL ? (size_t)(blank - list.data) : list.len;

		write_status_slice(c->out, slice_of(list.data + at, end - at));
		at = end + 1;
	}
}

/* Where the keys stand: from word `index` on, to word `last` behind it. */
static void write_key_spec(struct call *c, struct slice flags, int index,
			   int last, int step)
{
	struct buf *out = c->out;

	resp_map(out, 3, c->resp3);
	resp_bulk_str(out, "flags");
	write_words(c, flags);
	resp_bulk_str(out, "begin_search");
	resp_map(out, 2, c->resp3);
	resp_bulk_str(out, "type");
	resp_bulk_str(out, "index");
	resp_bulk_str(out, "spec");
	resp_map(out, 1, c->resp3);
	resp_bulk_str(out, "index");
	resp_integer(out, index);
	resp_bulk_str(out, "find_keys");
	resp_map(out, 2, c->resp3);
	resp_bulk_str(out, "type");
	resp_bulk_str(out, "range");
	resp_bulk_str(out, "spec");
	resp_map(out, 3, c->resp3);
	resp_bulk_str(out, "lastkey");
	resp_integer(out, last);
	resp_bulk_str(out, "keystep");
	resp_integer(out, step);
	resp_bulk_str(out, "limit");
	resp_integer(out, 0);
}

static void write_key_specs(struct call *c, const struct command *cmd)
{
	const char *list = cmd->key_flags;
	size_t n = count_parts(list, '|');
	int index = cmd->first_key;

	resp_set(c->out, n, c->resp3);
	if (n == 1) {
		write_key_spec(c, slice_str(list), index,
			       cmd->last_key < 0 ? cmd->last_key
						 : cmd->last_key - index,
			       cmd->key_step);
		return;
	}
	while (*list != '\0')
		write_key_spec(c, next_part(&list, '|'), index++, 0, 1);
}

static void write_info(struct call *c, const struct command *cmd)
{
	struct buf *out = c->out;
	const char *tips = cmd->tips;
	size_t n = 0;

	resp_array(out, 10);
	resp_bulk_str(out, cmd->name);
	resp_integer(out, cmd->arity);
	write_bits(c, flag_names, cmd->run != NULL ? cmd->flags : 0);
	resp_integer(out, cmd->first_key);
	resp_integer(out, cmd->last_key);
	resp_integer(out, cmd->key_step);
	write_bits(c, category_names, categories(cmd));
	resp_set(out, count_parts(tips, ' '), c->resp3);
	while (*tips != '\0')
		resp_bulk(out, next_part(&tips, ' '));
	write_key_specs(c, cmd);
	for (const struct command *s = cmd->subcommands;
	     s != NULL && s->name != NULL; s++)
		n++;
	resp_array(out, n);
	for (size_t i = 0; i < n; i++)
		write_info(c, &cmd->subcommands[i]);
}

/* "get", or "config|get". */
static const struct command *find(struct call *c, struct slice name)
{
	const char *bar = memchr(name.data, '|', name.len);
	const struct command_lookup *lookup = c->conn->shared->lookup;
	const struct command *cmd;
	size_t len;

	if (bar == NULL)
		return command_find(lookup, name);
	len = (size_t)(bar - name.data);
	cmd = command_find(lookup, slice_of(name.data, len));
	return cmd == NULL
		       ? NULL
		       : command_find_sub(
				 cmd, slice_of(bar + 1, name.len - len - 1));
}

void cmd_command(struct call *c)
{
	resp_array(c->out, command_count());
	for (const struct command *cmd = command_table; cmd->name != NULL;
	     cmd++)
		write_info(c, cmd);
}

void cmd_command_info(struct call *c)
{
	if (c->argc == 2) {
		cmd_command(c);
		return;
	}
	resp_array(c->out, c->argc - 2);
	for (size_t i = 2; i < c->argc; i++) {
		const struct command *cmd = find(c, c->argv[i]);

		if (cmd != NULL)
			write_info(c, cmd);
		else
			call_null(c);
	}
}

void cmd_command_count(struct call *c)
{
	resp_integer(c->out, (int64_t)command_count());
}

static void write_docs(struct call *c, const struct command *cmd)
{
	struct buf *out = c->out;
	size_t n = 0;

	for (const struct command *s = cmd->subcommands;
	     s != NULL && s->name != NULL; s++)
		n++;
	resp_bulk_str(out, cmd->name);
	resp_map(out, 3 + (n != 0), c->resp3);
	resp_bulk_str(out, "summary");
	resp_bulk_str(out, cmd->summary);
	resp_bulk_str(out, "since");
	resp_bulk_str(out, cmd->since);
	resp_bulk_str(out, "group");
	resp_bulk_str(out, cmd->group);
	if (n == 0)
		return;
	resp_bulk_str(out, "subcommands");
	resp_map(out, n, c->resp3);
	for (size_t i = 0; i < n; i++)
		write_docs(c, &cmd->subcommands[i]);
}

void cmd_command_docs(struct call *c)
{
	size_t n = 0;

	if (c->argc == 2) {
		resp_map(c->out, command_count(), c->resp3);
		for (const struct command *cmd = command_table;
		     cmd->name != NULL; cmd++)
			write_docs(c, cmd);
		return;
	}
	for (size_t i = 2; i < c->argc; i++)
		n += find(c, c->argv[i]) != NULL;
	resp_map(c->out, n, c->resp3);
	for (size_t i = 2; i < c->argc; i++) {
		const struct command *cmd = find(c, c->argv[i]);

		if (cmd != NULL)
			write_docs(c, cmd);
	}
}

/* Which commands COMMAND LIST is asked for. */
struct selection {
	struct slice pattern, category;
	bool has_pattern, has_category, none;
};

static bool is_selected(const struct selection *s, const struct command *cmd)
{
	if (s->none)
		return false;
	if (s->has_pattern)
		return glob_match(s->pattern, slice_str(cmd->name), true);
	if (!s->has_category)
		return true;
	for (const struct bit_name *b = category_names; b->name != NULL; b++)
		if (word_is(s->category, b->name + 1))
			return (categories(cmd) & b->bit) != 0;
	return false;
}

/* Appends the names of those selected; returns how many. */
static size_t list_names(struct buf *out, const struct selection *s,
			 const struct command *table)
{
	size_t n = 0;

	for (const struct command *cmd = table;
	     cmd != NULL && cmd->name != NULL; cmd++) {
		if (is_selected(s, cmd)) {
			resp_bulk_str(out, cmd->name);
			n++;
		}
		if (s->has_pattern || s->has_category)
			n += list_names(out, s, cmd->subcommands);
	}
	return n;
}

void cmd_command_list(struct call *c)
{
	struct selection s = {0};
	struct buf names = {0};
	size_t n;

	if (c->argc == 5 && word_is(c->argv[2], "filterby")) {
		s.has_pattern = word_is(c->argv[3], "pattern");
		s.has_category = word_is(c->argv[3], "aclcat");
		s.none = word_is(c->argv[3], "module");
		s.pattern = s.category = c->argv[4];
	}
	if (c->argc != 2 && !s.has_pattern && !s.has_category && !s.none) {
		call_syntax_error(c);
		return;
	}
	n = list_names(&names, &s, command_table);
	if (c->argc == 2)
		resp_set(c->out, n, c->resp3);
	else
		resp_array(c->out, n);
	buf_append_slice(c->out, buf_slice(&names));
	c->out->failed |= buf_failed(&names);
	buf_release(&names);
}

void cmd_command_getkeys(struct call *c)
{
	const struct slice *argv = c->argv + 2;
	size_t argc = c->argc - 2, first, last, step;
	const struct command *cmd =
		command_find(c->conn->shared->lookup, argv[0]);

	if (cmd != NULL && cmd->subcommands != NULL && argc > 1)
		cmd = command_find_sub(cmd, argv[1]);
	if (cmd == NULL) {
		resp_error(c->out, "ERR Invalid command specified");
	} else if (cmd->first_key == 0) {
		resp_error(c->out, "ERR The command has no key arguments");
	} else if (!command_takes(cmd, argc) ||
		   !command_keys(cmd, argc, &first, &last, &step)) {
		resp_error(c->out, "ERR Invalid number of arguments specified "
				   "for command");
	} else {
		resp_array(c->out, (last - first) / step + 1);
		for (size_t i = first; i <= last; i += step)
			resp_bulk(c->out, argv[i]);
	}
}

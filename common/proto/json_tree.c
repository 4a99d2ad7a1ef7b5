/*
 * json_tree.c - see json_tree.h.
 *
 * cJSON's allocator is one setting for the process, while servers, clients and
 * tests parse on several threads, each into an arena of its own. So the hooks
 * look at a variable of the thread: set during a parse it names the bump to
 * take from, and freeing does nothing; else they are malloc() and free().
 */
#include "proto/json_tree.h"

#include "base/err.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

static _Thread_local struct bump *parsing_into;

static void *hook_malloc(size_t size)
{
	if (parsing_into == NULL)
		return malloc(size);
	return bump_alloc(parsing_into, size, 8);
}

static void hook_free(void *p)
{
	if (parsing_into == NULL)
		free(p);
}

static void install_hooks(void)
{
	cJSON_Hooks hooks = {.malloc_fn = hook_malloc, .free_fn = hook_free};

	cJSON_InitHooks(&hooks);
}

void json_tree_install(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, install_hooks);
}

int json_no_memory(void)
{
	return err_set(KV_ENOMEM, "out of memory while reading a line");
}

int json_refuse(const struct json_place *place, int code, const char *fmt, ...)
{
	char text[ERR_TEXT_MAX];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (place->list == NULL)
		return err_set(code, "%s", text);
	return err_set(code, "%s[%zu]: %s", place->list, place->index, text);
}

/* The text has been scanned, so only memory can be lacking. */
static int parse_into(struct bump *b, const char *text, size_t len,
		      const char **end, const cJSON **root)
{
	parsing_into = b;
	*root = cJSON_ParseWithLengthOpts(text, len, end, false);
	parsing_into = NULL;
	return *root ? 0 : json_no_memory();
}

/* The line with nothing between the list's brackets. */
static int without_list(struct json_arena *a, struct slice line,
			struct slice list, struct slice *out)
{
	size_t before = (size_t)(list.data - line.data);
	size_t after = line.len - before - list.len;
	char *text = bump_alloc(&a->keep, before + after, 1);

	if (text == NULL)
		return json_no_memory();
	memcpy(text, line.data, before);
	memcpy(text + before, list.data + list.len, after);
	*out = slice_of(text, before + after);
	return 0;
}

int json_tree_parse(struct json_arena *a, struct slice line,
		    unsigned max_values, struct json_scan *scan,
		    const cJSON **root)
{
	const char *end;
	int code;

	bump_empty(&a->keep);
	bump_empty(&a->scratch);
	code = json_scan(line, max_values, scan);
	if (code == 0 && scan->list.len != 0)
		code = without_list(a, line, scan->list, &line);
	if (code != 0)
		return code;
	return parse_into(&a->keep, line.data, line.len, &end, root);
}

void json_list_init(struct json_list *l, struct json_arena *a,
		    const struct json_scan *scan, const char *name)
{
	*l = (struct json_list){
		.arena = a,
		.at = scan->list.data,
		.left = scan->list_count,
		.place = {.list = name, .index = (size_t)-1},
	};
	l->end = l->left != 0 ? l->at + scan->list.len : l->at;
}

int json_list_next(struct json_list *l, const cJSON **member)
{
	const char *end;
	int code;

	*member = NULL;
	if (l->left == 0)
		return 0;
	bump_empty(&l->arena->scratch);
	code = parse_into(&l->arena->scratch, l->at, (size_t)(l->end - l->at),
			  &end, member);
	if (code != 0)
		return code;
	while (end < l->end && *end != ',') /* blank space */
		end++;
	l->at = end < l->end ? end + 1 : end;
	l->left--;
	l->place.index++;
	return 0;
}

int json_keep(struct json_arena *a, const char *text, size_t len,
	      struct slice *out)
{
	char *copy = bump_alloc(&a->keep, len, 1);

	if (copy == NULL)
		return json_no_memory();
	if (len != 0)
		memcpy(copy, text, len);
	*out = slice_of(copy, len);
	return 0;
}

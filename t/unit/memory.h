/*
 * memory.h - memory that runs out when a test says so.
 *
 * The linker leads every call of the functions in MEMORY_WRAPPED (Makefile) to
 * the ones here (ld --wrap), the library's calls as well as the test's, so the
 * code under test is the very code that is installed. A step is a call that
 * takes memory; of the ordered index it is one that might.
 *
 *	memory_fail(3, false);		the third step from now fails
 *	...
 *	if (memory_restore()) ...	whether one did; none fails any more
 */
#ifndef UNIT_MEMORY_H
#define UNIT_MEMORY_H

#include "store/index_node.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

static struct {
	unsigned long in; /* steps until one fails; 0: none will */
	bool sticky;	  /* that one and all after it */
	bool failed;
	long held; /* blocks that were taken and not given back */
} memory;

static void memory_fail(unsigned long nth, bool sticky)
{
	memory.in = nth;
	memory.sticky = sticky;
	memory.failed = false;
}

static bool memory_restore(void)
{
	bool failed = memory.failed;

	memory.in = 0;
	memory.failed = false;
	return failed;
}

static bool memory_fails(void)
{
	if (memory.in == 0 || memory.in-- > 1)
		return false;
	memory.in = memory.sticky;
	memory.failed = true;
	errno = ENOMEM;
	return true;
}

static void *memory_took(void *p)
{
	memory.held += p != NULL;
	return p;
}

/* What a call was given from here on has a name of the linker's. */
#define WRAPPED(type, name, ...)         \
	type __real_##name(__VA_ARGS__); \
	type __wrap_##name(__VA_ARGS__); \
	type __wrap_##name(__VA_ARGS__)

WRAPPED(void *, malloc, size_t size)
{
	return memory_fails() ? NULL : memory_took(__real_malloc(size));
}

WRAPPED(void *, calloc, size_t n, size_t size)
{
	return memory_fails() ? NULL : memory_took(__real_calloc(n, size));
}

WRAPPED(void *, realloc, void *old, size_t size)
{
	void *p = memory_fails() ? NULL : __real_realloc(old, size);

	return old == NULL ? memory_took(p) : p;
}

WRAPPED(void *, reallocarray, void *old, size_t n, size_t size)
{
	void *p = memory_fails() ? NULL : __real_reallocarray(old, n, size);

	return old == NULL ? memory_took(p) : p;
}

WRAPPED(char *, strdup, const char *s)
{
	return memory_fails() ? NULL : memory_took(__real_strdup(s));
}

WRAPPED(char *, strndup, const char *s, size_t n)
{
	return memory_fails() ? NULL : memory_took(__real_strndup(s, n));
}

static int memory_print(char **out, const char *fmt, va_list ap)
{
	int n = memory_fails() ? -1 : vasprintf(out, fmt, ap);

	memory.held += n >= 0;
	return n;
}

__attribute__((format(printf, 2, 3)))
WRAPPED(int, asprintf, char **out, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = memory_print(out, fmt, ap);
	va_end(ap);
	return n;
}

/* What asprintf() is called under _FORTIFY_SOURCE. */
__attribute__((format(printf, 3, 4)))
WRAPPED(int, __asprintf_chk, char **out, int flag, const char *fmt, ...)
{
	va_list ap;
	int n;

	(void)flag;
	va_start(ap, fmt);
	n = memory_print(out, fmt, ap);
	va_end(ap);
	return n;
}

WRAPPED(void *, mmap, void *at, size_t len, int prot, int flags, int fd,
	off_t off)
{
	return memory_fails() ? MAP_FAILED
			      : __real_mmap(at, len, prot, flags, fd, off);
}

WRAPPED(bool, pool_reserve, struct pool *pool, size_t nodes)
{
	return !memory_fails() && __real_pool_reserve(pool, nodes);
}

WRAPPED(void, free, void *p)
{
	memory.held -= p != NULL;
	__real_free(p);
}

#endif

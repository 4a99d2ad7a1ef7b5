/*
 * test.h - the whole harness of the unit tests: each program holds a list of
 * named tests, prints TAP, and exits 1 if one failed. A failed CHECK names its
 * line and ends the test that it stands in.
 *
 *	static void a_missing_key_is_not_found(void) { CHECK(...); }
 *	TEST_MAIN(T(a_missing_key_is_not_found), T(...))
 *
 * With arguments, only the tests whose names contain one of them run.
 */
#ifndef UNIT_TEST_H
#define UNIT_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

struct test {
	const char *name;
	void (*run)(void);
};

static jmp_buf test_failed;

__attribute__((noreturn, format(printf, 3, 4))) static inline void test_fail(
	const char *file, int line, const char *fmt, ...)
{
	va_list ap;

	printf("# %s:%d: ", file, line);
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	printf("\n");
	longjmp(test_failed, 1);
}

#define CHECK(condition)                                                 \
	do {                                                             \
		if (!(condition))                                        \
			test_fail(__FILE__, __LINE__, "%s", #condition); \
	} while (0)

#define CHECK_INT(actual, expected)                                           \
	do {                                                                  \
		long long test_a = (long long)(actual);                       \
		long long test_e = (long long)(expected);                     \
		if (test_a != test_e)                                         \
			test_fail(__FILE__, __LINE__, "%s is %lld, not %lld", \
				  #actual, test_a, test_e);                   \
	} while (0)

#define CHECK_STR(actual, expected)                                            \
	do {                                                                   \
		const char *test_a = (actual);                                 \
		const char *test_e = (expected);                               \
		if (strcmp(test_a, test_e) != 0)                               \
			test_fail(__FILE__, __LINE__,                          \
				  "%s is \"%s\", not \"%s\"", #actual, test_a, \
				  test_e);                                     \
	} while (0)

static bool test_wanted(const char *name, int argc, char **argv)
{
	if (argc < 2)
		return true;
	for (int i = 1; i < argc; i++)
		if (strstr(name, argv[i]) != NULL)
			return true;
	return false;
}

static int test_main(const struct test *tests, int n, int argc, char **argv)
{
	volatile int failed = 0, number = 0;

	setvbuf(stdout, NULL, _IOLBF, 0);
	for (volatile int i = 0; i < n; i++) {
		if (!test_wanted(tests[i].name, argc, argv))
			continue;
		number++;
		if (setjmp(test_failed) == 0) {
			tests[i].run();
			printf("ok %d %s\n", number, tests[i].name);
		} else {
			failed++;
			printf("not ok %d %s\n", number, tests[i].name);
		}
	}
	printf("1..%d\n", number);
	return failed != 0;
}

#define T(function)                 \
	{                           \
#function, function \
	}

#define TEST_MAIN(...)                                                         \
	int main(int argc, char **argv)                                        \
	{                                                                      \
		static const struct test tests[] = {__VA_ARGS__};              \
		return test_main(tests, (int)(sizeof(tests) / sizeof(*tests)), \
				 argc, argv);                                  \
	}

#endif

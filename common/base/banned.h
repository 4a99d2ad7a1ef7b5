/*
 * banned.h - functions that this tree does without. The compiler reads it
 * ahead of every source (-include), so using one of them is an error.
 *
 * The system's own headers may name them, so those come first.
 */
#ifndef BASE_BANNED_H
#define BASE_BANNED_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* Where the C library defines one as a macro, the macro goes. */
#undef sprintf
#undef vsprintf

/* They do not know where the destination ends: memcpy, strlcpy, snprintf. */
#pragma GCC poison strcpy stpcpy strcat sprintf vsprintf gets

/* They cut and pad without a word, and may leave no NUL: strlcpy. */
#pragma GCC poison strncpy strncat

/* They take "12x" and overflow for a number: strtonum. */
#pragma GCC poison atoi atol atoll atof

/* They keep state that threads share. */
#pragma GCC poison strtok asctime ctime gmtime localtime

#endif

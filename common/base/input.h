/*
 * input.h - input read to its end.
 */
#ifndef BASE_INPUT_H
#define BASE_INPUT_H

#include "base/buf.h"

#include <stdint.h>

/* Appends what fd still holds, but stops once *b holds more than max bytes:
 * the caller sees that it is too much. `name` is for messages. 0 or a code. */
int input_read_all(int fd, const char *name, size_t max, struct buf *b);

/* How much of a regular file is left to read; 0 for all else. */
uint64_t input_bytes_left(int fd);

#endif

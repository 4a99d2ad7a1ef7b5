/*
 * import.h - an import's directory, for the files of store/ only; store_log.h
 * is the outside.
 */
#ifndef STORE_IMPORT_H
#define STORE_IMPORT_H

#include "base/fs.h"

#define IMPORT_DIR "incoming"
#define IMPORT_MARKER "kv.switch"

/* "DIR/name", or "DIR/incoming/name"; NULL: out of memory. */
char *import_path(const char *dir, const char *name);

/* Removes an import that was never put in place, or makes the place for one.
 * 0 or -errno. */
MUST_CHECK int import_clear(struct fs *fs, const char *dir);

/* Completes a switch that was begun, after a crash. */
MUST_CHECK int import_resume(struct fs *fs, const char *dir);

#endif

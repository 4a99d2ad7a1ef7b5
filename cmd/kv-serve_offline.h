/*
 * kv-serve_offline.h - what kv-serve does to a store that is not served. Both
 * print and return the exit status.
 */
#ifndef CMD_KV_SERVE_OFFLINE_H
#define CMD_KV_SERVE_OFFLINE_H

int offline_check(const char *dir);
int offline_salvage(const char *dir, const char *to);

#endif

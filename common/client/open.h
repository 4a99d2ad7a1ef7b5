/*
 * open.h - chooses and opens the transport that a struct kv_options names.
 */
#ifndef CLIENT_OPEN_H
#define CLIENT_OPEN_H

#include "client/transport.h"
#include "kv.h"

/* In the order: address, dir (through its server, else in this process),
 * $KV_ADDR, 127.0.0.1:65432. Errors as in transport.h and store.h. */
int open_transport(struct transport **out, const struct kv_options *o);

/* Where the server is that *o names, as text for address_list_parse(), to be
 * freed; NULL if o->dir is a directory that no server holds. KV_EUSAGE,
 * KV_ENOMEM or as embedded_find_server(). */
int open_find_server(const struct kv_options *o, char **address);

/* The timeout of one call, the default applied. */
unsigned open_timeout_ms(const struct kv_options *o);

#endif

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

/* The timeout of one call, the default applied. */
unsigned open_timeout_ms(const struct kv_options *o);

#endif

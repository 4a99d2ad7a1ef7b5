/*
 * gate.h - one at a time: whoever is inside owns the store, and with it all
 * that the event loops of a server have in common.
 *
 * A loop goes in once for all requests that one read has brought, and never
 * waits for the disk, the network or another gate inside. A server with one
 * loop has nobody to keep out: its gate costs a branch.
 *
 * Threads: any. It is not recursive.
 */
#ifndef SERVE_GATE_H
#define SERVE_GATE_H

#include <pthread.h>
#include <stdbool.h>

struct gate {
	pthread_mutex_t lock;
	bool open; /* nobody is kept out */
};

/* `open`: only one thread will ever come. */
void gate_init(struct gate *gate, bool open);
void gate_release(struct gate *gate);

static inline void gate_enter(struct gate *gate)
{
	if (!gate->open)
		pthread_mutex_lock(&gate->lock);
}

static inline void gate_leave(struct gate *gate)
{
	if (!gate->open)
		pthread_mutex_unlock(&gate->lock);
}

#endif

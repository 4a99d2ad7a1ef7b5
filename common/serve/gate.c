/*
 * gate.c - see gate.h. What is done inside takes microseconds, less than
 * sleeping and being woken: so the lock is one that tries a while first.
 */
#include "serve/gate.h"

void gate_init(struct gate *gate, bool open)
{
	pthread_mutexattr_t kind;

	gate->open = open;
	pthread_mutexattr_init(&kind);
	pthread_mutexattr_settype(&kind, PTHREAD_MUTEX_ADAPTIVE_NP);
	pthread_mutex_init(&gate->lock, &kind);
	pthread_mutexattr_destroy(&kind);
}

void gate_release(struct gate *gate)
{
	pthread_mutex_destroy(&gate->lock);
}

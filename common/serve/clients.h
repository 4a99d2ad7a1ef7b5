/*
 * clients.h - what commands may ask about the server that they run in and about
 * its connections.
 */
#ifndef SERVE_CLIENTS_H
#define SERVE_CLIENTS_H

struct hub;

/* Lets the commands that come through the hub ask it. */
void clients_init(struct hub *hub);

#endif

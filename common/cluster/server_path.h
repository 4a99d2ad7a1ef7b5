/*
 * server_path.h - where the kv-serve is that belongs to this program.
 */
#ifndef CLUSTER_SERVER_PATH_H
#define CLUSTER_SERVER_PATH_H

/* The one beside this program, else the one on the path; to be freed.
 * KV_EUNAVAILABLE: there is none. */
int server_path(char **path);

#endif

/*
 * machine.h - what a measurement was taken on: without it a number says
 * nothing.
 */
#ifndef BENCH_MACHINE_H
#define BENCH_MACHINE_H

#include <stddef.h>

#define MACHINE_TEXT_MAX 128

struct machine {
	char cpu[MACHINE_TEXT_MAX];    /* its model */
	unsigned cpus;		       /* that this process may run on */
	char kernel[MACHINE_TEXT_MAX]; /* "Linux 6.1.0-18-amd64 x86_64" */
};

void machine_read(struct machine *m);

/* The type of the file system that `path` is on, as mount(8) calls it, and
 * its device: "ext4 on /dev/vda1". "unknown" if it cannot be found out. */
void machine_file_system(const char *path, char *to, size_t size);

#endif

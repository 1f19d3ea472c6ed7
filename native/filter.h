/* System call filters. */
#pragma once
#include "setup.h"

#include <linux/filter.h>

/* Bytes of a compiled filter. */
#define FILTER_LIMIT (BPF_MAXINSNS * sizeof(struct sock_filter))

/* Into setup->filter, from the compiled file or from linux.seccomp; while the host's files are there. */
void filter_load(struct setup *);

/* The very last step before execve. */
void filter_install(struct setup *);

/* An OCI seccomp object as a program for the kernel. `program->filter` is malloc'ed. -1 with `why`. */
int filter_compile(const json_t *seccomp, struct sock_fprog *program, unsigned int *flags,
		   struct failure *why);

/* `tspod-runtime seccomp`: a seccomp object on stdin, the compiled filter on stdout. */
int seccomp_main(int argc, char **argv);

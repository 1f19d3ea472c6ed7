/* A procfs for our own writes: sysctls and attributes of this process. */
#pragma once
#include "setup.h"

/* Opens it, before the container's mounts are made or joined. */
void procfs_open(struct setup *, bool private_copy);

/* Writes a file below it; -1 with errno. ENOENT as usual; EXDEV if something is mounted over it. */
int procfs_write(const struct setup *, const char *path, const char *text);

/* `--runtime crun`: another OCI runtime makes the container; what is around it stays ours. */
#pragma once
#include "setup.h"

/* A process in the container's user namespace, with the root file system mounted in a mount namespace of its own: runs
 * the runtime's `create`, reports the container's pid, waits for the start, runs its `start`, and ends. */
noreturn void foreign_agent(struct setup *);

/* OCI hooks: programs of the host (or, for startContainer, of the container), run with the container's state. */
#pragma once
#include "config.h"

/* There are hooks that run before pivot_root: the child waits for them. */
bool hooks_before_pivot(const struct hook_plan *);

/* Runs each in turn with a clean environment and the state on its standard input. pid 0: no process. */
int hooks_run(const struct hook_list *, const struct launch_plan *, pid_t pid, const char *status,
	      struct failure *why);

/* The state of a container as the OCI runtime specification has it; free() it. */
char *oci_state_json(const struct launch_plan *, pid_t pid, const char *status);

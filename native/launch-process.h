/* From one process two: the monitor, and the client in the caller's place. */
#pragma once
#include "config.h"
#include "launch-options.h"

/* Node and others leave their marks on what they turn into: signals, their mask, the descriptors' limit
 * (TSPOD_RLIMIT_NOFILE=soft:hard says what it was). */
void launch_normalize_process(void);

/* Forks the monitor of one of the two plans, and is its client, or (with a connection of the caller's) returns. */
int launch_monitor(const struct launch_plan *, const struct exec_plan *,
		   const struct launch_options *);

/* `onError` of the file of a plan that was refused; NULL if there is none. Lets go of the container's lock. */
char *const *plan_on_error(const char *path);

/* A failure before there is a monitor: to the caller's connection, or as the client reports one. */
int launch_report(const struct launch_options *, const struct failure *);

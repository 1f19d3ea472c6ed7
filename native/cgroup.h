/* The container's cgroup (version 2): made by systemd as a delegated scope, or directly below a writable one.
 * Nothing here exits: these functions serve the monitor too, and return -1 with what went wrong. */
#pragma once
#include "config.h"

/* Makes the cgroup, moves `pid` into it and writes the limits. `path` becomes its absolute folder, or "" where
 * there is none: manager `disabled`, or it could not be made and nothing in the plan is required (a warning then). */
int cgroup_create(const struct cgroup_plan *, pid_t pid, char path[4096],
		  void (*warn)(void *arg, const struct failure *), void *arg, struct failure *);

/* Moves one more process in; by systemd where writing is not allowed. `bus` is its socket, or NULL: the session's. */
int cgroup_enter(const char *path, pid_t pid, const char *bus, struct failure *);

/* Removes the cgroup and those below it, once no process is left; waits up to `timeout_ms` for that. */
int cgroup_remove(const char *path, int timeout_ms);

/* SIGKILL to every process in it and below. */
int cgroup_kill(const char *path);

/* Freezes or thaws all processes and waits until that is so: -1 with ETIMEDOUT after `timeout_ms`. */
int cgroup_freeze(const char *path, bool frozen, int timeout_ms);

/* Whether somebody has asked for it to stand still. */
bool cgroup_is_frozen(const char *path);

/* Whether the kernel killed something in it for want of memory: memory.events, oom_kill. False if unknown. */
bool cgroup_oom_killed(const char *path);

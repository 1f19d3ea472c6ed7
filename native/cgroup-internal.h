/* Between the cgroup files. */
#pragma once
#include "cgroup.h"

#define CGROUP_ROOT "/sys/fs/cgroup"

/* The folder of an absolute path below CGROUP_ROOT, which must be cgroup v2; every component is opened without
 * following links. With `make`, what is missing is made, and the controllers that `plan` needs are handed down. */
int cgroup_open(const char *path, const struct cgroup_plan *make);

/* Hands down what the plan's files need (and what statistics need) to the children of `dir_fd`, as far as possible. */
void cgroup_delegate(int dir_fd, const struct cgroup_plan *);

/* /proc/PID/cgroup's version 2 line, as an absolute folder. */
int cgroup_of_process(pid_t pid, char path[4096]);

/* cgroup-systemd.c: the scope with `pid` in it. `path` becomes its folder. */
int systemd_scope(const struct cgroup_plan *, pid_t pid, char path[4096], struct failure *);
int systemd_attach(const char *bus, const char *unit, const char *subcgroup, pid_t pid,
		   struct failure *);

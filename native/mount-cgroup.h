/* /sys/fs/cgroup of a container. */
#pragma once
#include "mount.h"

bool mount_is_cgroup(const struct mount_plan *);

/* Before pivot_root: what the host has. */
void cgroup_prepare(const struct mount_plan *, struct mount_source *);

/* When its turn comes: the process is in its cgroup, and in a cgroup namespace of its own if one was asked for. */
void cgroup_tree(struct setup *, const struct mount_plan *, struct mount_source *);

/* Makes the cgroup namespace, after the move into the cgroup. */
void cgroup_namespace(struct setup *);

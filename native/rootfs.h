/* The container's root file system. */
#pragma once
#include "setup.h"

/* Mounts it, detached: nothing sees it until it is attached. */
int rootfs_open(struct setup *);

/* Makes setup->root_tree the root and lets go of the host's tree. */
void rootfs_enter(struct setup *);

/* linux.rootfsPropagation and root.readonly: last, when nothing more is to be made in it. */
void rootfs_finish(const struct setup *);

/* New file systems: proc, sysfs, tmpfs, devpts, overlay … */
#pragma once
#include "mount.h"

/* A bind, or an overlay, which is made of folders of the user's. */
bool mount_is_of_host_files(const struct mount_plan *);

/* Makes it, detached. */
void mount_make_new(const struct setup *, const struct mount_plan *, struct mount_source *);

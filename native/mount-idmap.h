/* Mounts with shifted ids (mount_setattr(2), MOUNT_ATTR_IDMAP). */
#pragma once
#include "setup.h"

/* Shifts the ids of a detached tree by the mount's uidMappings and gidMappings, or by the container's own. */
void mount_idmap(const struct setup *, int tree, const struct mount_plan *);

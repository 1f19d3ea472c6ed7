/* Binds: folders and files of the host. */
#pragma once
#include "mount.h"

/* Opens the source, and gives it its attributes. */
void mount_prepare_bind(const struct setup *, const struct mount_plan *, struct mount_source *);

/* To the container's root, where that is not ours. */
void mount_give_new_volume(const struct userns_plan *, const struct mount_plan *, int tree);

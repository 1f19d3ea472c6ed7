/* Which namespaces a clone makes and which are joined. */
#pragma once
#include "setup.h"

#include <stdint.h>

/* CLONE_NEW… of the namespaces that config.json wants new, without the user namespace. */
uint64_t namespaces_new_flags(const struct oci_config *);

/* The container's process can be cloned straight into its namespaces. */
bool namespaces_direct(const struct launch_plan *);

/* The cgroup namespace is made after the move into the cgroup, which is then its root. */
bool namespaces_cgroup_later(const struct launch_plan *);

/* The intermediate process starts in its own user and mount namespace (to mount the root file system there). */
uint64_t namespaces_intermediate_flags(const struct launch_plan *);

/* The user namespace whose maps the parent writes is the intermediate process's, not the container's. */
bool namespaces_map_intermediate(const struct launch_plan *);

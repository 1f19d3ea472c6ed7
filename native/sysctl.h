/* linux.sysctl: only what belongs to a namespace of the container's own. */
#pragma once
#include "setup.h"

void sysctls_apply(struct setup *);

/* False with a sentence in `why`: the name is not of a namespace that the container has, or is no name at all. */
bool sysctl_allowed(const struct oci_config *, const char *name, const char *value, char why[160]);

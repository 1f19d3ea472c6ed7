/* A launch plan out of what the OCI command line has: a bundle and options. */
#pragma once
#include "config.h"
#include "oci-state.h"

int oci_plan_complete(struct launch_plan *, const struct oci_options *, struct failure *);

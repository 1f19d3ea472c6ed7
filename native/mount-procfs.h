/* What may be mounted where processes look for procfs. */
#pragma once
#include "mount.h"

/* Refuses a mount that would have processes, or ourselves, take something else for procfs (CVE-2019-16884). `target`
 * is where it is to be attached, `tree` what. */
void refuse_over_procfs(const struct mount_plan *, int target, int tree);

/* config.json as a runtime needs it that knows nothing of launch.json. */
#pragma once
#include "setup.h"

#include <limits.h>

struct foreign_paths {
	char bundle[PATH_MAX], state[PATH_MAX], log[PATH_MAX], pid[PATH_MAX], console[PATH_MAX];
};

/* Writes RUNDIR/foreign/config.json: the mounted root, no user namespace but the nested one, the resolved user. */
void foreign_write_bundle(const struct setup *, struct foreign_paths *);

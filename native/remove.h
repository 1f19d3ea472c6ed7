/* `--rm`: what goes away after the end. */
#pragma once
#include "config.h"

/* Lets go of names first, then moves folders out of sight, then empties them. Goes on after a failure; returns -1
 * with the first one in `why`. */
int remove_container(const struct launch_plan *, struct failure *why);

/* Whether a container is started again, and when. */
#pragma once
#include "config.h"

bool restart_is_wanted(enum restart_name, int maximum, unsigned restarts, int exit_code,
		       bool stopped_by_user);

/* Grows from a tenth of a second to a minute while the runs before were short. */
uint64_t restart_delay_milliseconds(unsigned short_runs);

/* A run of this length begins the delays anew. */
#define RESTART_LONG_RUN_MILLISECONDS 10000

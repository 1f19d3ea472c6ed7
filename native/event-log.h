/* Lines of events.jsonl (src/engine/events/types.ts), written by the monitor as by every other command: with one
 * write(2) to a file opened for appending. */
#pragma once
#include "config.h"

/* Adds a line about a container; `name` is NULL where the plan's fields have it. `more` has members of this event alone
 * (or is NULL), its reference is taken. Returns -1 with errno; 0 if the plan wants no events. */
int event_log_add(const struct events_plan *, const char *id, const char *name, const char *status,
		  json_t *more);

/* The same about a volume. */
int event_log_add_volume(const struct events_plan *, const char *name, const char *status);

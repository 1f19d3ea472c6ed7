/* The parts of a plan that are about a container that runs: its health checks and its events. */
#pragma once
#include "config.h"

void decode_healthcheck(struct healthcheck_plan *, const json_t *plan, struct decoder *);
void decode_events(struct events_plan *, const json_t *plan, struct decoder *);

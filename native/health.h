/* Whether what runs in the container does what it should: checks at their times, what follows from them, and
 * health.json. */
#pragma once
#include "health-check.h"

struct session;

enum health_status { HEALTH_STARTING, HEALTHY, UNHEALTHY };

struct health {
	const struct healthcheck_plan *plan; /* NULL: no checks */
	struct timer next;
	struct check check;
	enum health_status status;
	bool started_up, announced; /* the startup check has passed; systemd has been told */
	unsigned failing_streak, startup_successes;
	uint64_t began; /* CLOCK_BOOTTIME, milliseconds */
	char check_began[40];
	json_t *log;
};

void health_init(struct health *);

/* A run of the container begins: what was known of the last is forgotten. */
void health_begin(struct session *);

/* It is over. */
void health_end(struct session *);

/* Other checks from now on, unless they are the same. */
void health_replan(struct session *, const struct launch_plan *before);

/* Checks now, unless a check runs already. False: there is nothing to check. */
bool health_check_now(struct session *);

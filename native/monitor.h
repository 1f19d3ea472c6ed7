/* The monitor: stays as the parent of what it has started. */
#pragma once
#include "config.h"

struct session;

struct monitor_options {
	int connection_fd; /* frames go here */
	bool detach;	   /* the launcher waits for the start and no longer */
	bool input, output;
	bool flow; /* the launcher counts its unconsumed input */
	bool create_only;
	unsigned short rows, columns; /* of the launcher's terminal; 0: unknown */
};

/* Watches a container, or the process of an exec session whose plan lies at `exec_path`, until its end. */
int monitor_run(const struct launch_plan *, const struct exec_plan *, const char *exec_path,
		const struct monitor_options *);

/* It runs: what was needed only to get there is let go of. */
void monitor_settle(struct session *);

/* slirp4netns and pasta: started beside the container's setup, alive as long as the container. */
#pragma once
#include "config.h"

struct network_helper {
	pid_t pid; /* 0: none */
	int ready_fd, exit_fd, error_fd;
};

/* Starts the plan's helper for the namespaces of `pid`, if it has one. */
int network_start(const struct network_plan *, pid_t pid, struct network_helper *,
		  struct failure *);

/* Waits until it is ready, then sends the API requests, each answered before the next. */
int network_finish(const struct network_plan *, struct network_helper *, struct failure *);

/* Ends and reaps it. */
void network_stop(struct network_helper *);

/* In the container's network namespace: brings `lo` up. */
void network_loopback(void);

/* slirp4netns and pasta: started beside the container's setup, alive as long as the container. */
#pragma once
#include "config.h"

struct network_helper {
	pid_t pid;	/* 0: none */
	pid_t stand_in; /* until the helper is ready; 0: none */
	int ready_fd, exit_fd, error_fd;
};

/* Whether the helper gets the network namespace as a descriptor. Into a pid namespace with others in it the container's
 * process comes closed to everybody (namespaces.c), and so are its files in /proc. */
bool network_by_descriptor(const struct launch_plan *);

/* Starts the plan's helper, if it has one, for the namespaces of `pid`, or for `namespace_fd` if that is >= 0. */
int network_start(const struct network_plan *, pid_t pid, int namespace_fd, struct network_helper *,
		  struct failure *);

/* Ends the process that stood in for the container's, if there is one. */
void network_dismiss(struct network_helper *);

/* Waits until it is ready, then sends the API requests, each answered before the next. */
int network_finish(const struct network_plan *, struct network_helper *, struct failure *);

/* Ends and reaps it. */
void network_stop(struct network_helper *);

/* In the container's network namespace: brings `lo` up. */
void network_loopback(void);
